//! A report made by hand, for the tests of the formats.

use crate::definition::location::Location;
use crate::finding::{
    Across, Assumption, Finding, FlowReport, Level, Outcome, Report, Scope, Severity, Stats,
    TraceStep, Verdict, Witness,
};
use crate::model::value::Value;
use std::collections::BTreeMap;

const CELL: &str = "metrics.ProcessedCount";

/// One racy counter.
pub(crate) fn report() -> Report {
    Report { flows: vec![unsafe_flow()], problems: vec![] }
}

/// The naive counter with two items.
pub(crate) fn unsafe_flow() -> FlowReport {
    let values = vec![Value::Int(6), Value::Int(7)];
    let outcome = Outcome { values, serial: vec![Value::Int(7)], complete: true };
    FlowReport {
        path: "models/naive-counter.json".into(),
        flow: "Naive counter".into(),
        platform: "power-automate",
        verdict: Verdict::Unsafe,
        level: Level::NotSerial,
        exhaustive: true,
        any_number: false,
        scope: Scope { items: BTreeMap::from([("order".into(), 2)]), runs: 1, faults: 0 },
        stats: Stats { states: 8, nodes: 9, transitions: 10, seconds: Some(0.5) },
        outcomes: BTreeMap::from([(CELL.into(), outcome)]),
        assumptions: vec![],
        unknown: vec![],
        findings: vec![finding()],
        notes: vec![],
        unmet: None,
    }
}

/// The same flow, repaired.
pub(crate) fn safe_flow() -> FlowReport {
    let assumption =
        Assumption { id: "variable-actions".into(), value: "atomic".into(), flips: false };
    let outcome =
        Outcome { values: vec![Value::Int(7)], serial: vec![Value::Int(7)], complete: true };
    FlowReport {
        verdict: Verdict::Safe,
        level: Level::Deterministic,
        outcomes: BTreeMap::from([(CELL.into(), outcome)]),
        assumptions: vec![assumption],
        unknown: vec!["operation shared_foo/Bar".into()],
        findings: vec![],
        ..unsafe_flow()
    }
}

/// A lost update.
pub(crate) fn finding() -> Finding {
    let wrong = "computed from 5; the item already said 6, so it should have written 7";
    let mut steps = vec![
        step(1, "Get_item", "reads 5", 5),
        step(2, "Get_item", "reads 5", 5),
        step(2, "Update_item", "writes 6", 6),
        step(1, "Update_item", "writes 6", 6),
    ];
    steps[3].wrong = Some(wrong.into());
    Finding {
        rule: "lost-update",
        severity: Severity::Error,
        cell: CELL.into(),
        actions: vec!["Get_item".into(), "Update_item".into()],
        across: Some(Across::Iterations),
        message: "Update_item overwrites an update it never saw".into(),
        assumptions: vec![],
        fingerprint: "0123456789abcdef".into(),
        location: Location {
            path: "models/naive-counter.json".into(),
            pointer: "/flow/0/do/1".into(),
            line: 8,
            column: 7,
        },
        witness: Some(Witness { faults: 0, switches: 2, steps }),
        twin: Some(Witness::default()),
        swap: Some("let order[2] finish Update_item before order[1] runs Get_item".into()),
    }
}

/// A step of iteration `n` after which the counter says `count`.
pub(crate) fn step(n: u64, action: &str, effect: &str, count: i64) -> TraceStep {
    TraceStep {
        process: format!("order[{n}]"),
        action: action.into(),
        effect: effect.into(),
        cells: BTreeMap::from([(CELL.into(), Value::Int(count))]),
        wrong: None,
    }
}
