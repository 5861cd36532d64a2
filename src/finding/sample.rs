//! A report made by hand, for the tests of the formats.

use crate::definition::location::Location;
use crate::finding::{
    Across, Assumption, Finding, FlowReport, Level, Outcome, Outlined, Report, Scope, Severity,
    Stats, Touch, TouchKind, TraceStep, Verdict, Witness,
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
        asides: Vec::new(),
        outline: outline(),
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
            column16: 7,
            width16: 20,
        },
        designer: "order > Update item".into(),
        witness: Some(Witness { steps, ..witness(2) }),
        twin: Some(twin()),
        always: false,
        swap: Some("let order[2] finish Update_item before order[1] runs Get_item".into()),
    }
}

/// One iteration after the other.
fn twin() -> Witness {
    let steps = vec![
        step(1, "Get_item", "reads 5", 5),
        step(1, "Update_item", "writes 6", 6),
        step(2, "Get_item", "reads 6", 6),
        step(2, "Update_item", "writes 7", 7),
    ];
    Witness { steps, ..witness(1) }
}

fn witness(switches: u64) -> Witness {
    let start = BTreeMap::from([(CELL.into(), Value::Int(5))]);
    Witness { switches, start, ..Witness::default() }
}

/// A step of iteration `n` after which the counter says `count`.
pub(crate) fn step(n: u64, action: &str, effect: &str, count: i64) -> TraceStep {
    let kind = if effect.starts_with("writes") { TouchKind::Writes } else { TouchKind::Reads };
    TraceStep {
        process: format!("order[{n}]"),
        action: action.into(),
        effect: effect.into(),
        cells: BTreeMap::from([(CELL.into(), Value::Int(count))]),
        touches: vec![Touch { cell: CELL.into(), kind, after: Value::Int(count) }],
        wrong: None,
    }
}

/// The loop with its two actions.
fn outline() -> Vec<Outlined> {
    let at = |line: u32, pointer: &str| Location {
        path: "models/naive-counter.json".into(),
        pointer: pointer.into(),
        line,
        column: 7,
        column16: 7,
        width16: 20,
    };
    let action = |name: &str, kind: &str, line: u32, pointer: &str| Outlined {
        name: name.into(),
        kind: kind.into(),
        detail: "metrics".into(),
        inside: Some(0),
        side: String::new(),
        after: vec![],
        at: at(line, pointer),
    };
    let mut list = vec![
        action("order", "Apply to each", 6, "/flow/0"),
        action("Get_item", "get", 7, "/flow/0/do/0"),
        action("Update_item", "update", 8, "/flow/0/do/1"),
    ];
    list[0].detail = "2 items, 2 at once".into();
    list[0].inside = None;
    list[2].after = vec![("Get_item".into(), vec![])];
    list
}
