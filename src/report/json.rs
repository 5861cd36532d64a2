//! For programs: `flowrace.report/1`. Lines and columns are 1-based, columns in characters. The keys are a
//! contract; new ones may come, none goes.

use super::untrusted::is_unprintable;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::finding::show;
use crate::finding::{
    Across, Finding, FlowReport, Outcome, Report, Stats, TraceStep, Verdict, Witness,
};
use crate::model::value::Value;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of the format.
const SCHEMA: &str = "flowrace.report/1";

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let json = json!({
        "schema": SCHEMA,
        "tool": { "name": "flowrace", "version": env!("CARGO_PKG_VERSION") },
        "flows": report.flows.iter().map(flow).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
    });
    write(&json)
}

/// A document for files and logs: pretty, and nothing in it that anything but a JSON parser acts on.
pub(super) fn write(json: &Json) -> String {
    let mut text = inert(&serde_json::to_string_pretty(json).expect("JSON values can be written"));
    text.push('\n');
    text
}

/// The same document with everything escaped that a terminal or a build server would act on; all of it can only
/// stand inside texts, where the escape means the same.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut last = ' ';
    for c in json.chars() {
        let obeyed = (c == '#' && last == '#') || (is_unprintable(c) && c != '\n');
        if obeyed {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
        last = c;
    }
    out
}

fn flow(flow: &FlowReport) -> Json {
    let assumptions = flow.assumptions.iter();
    let assumptions =
        assumptions.map(|a| json!({ "id": a.id, "value": a.value, "flips": a.flips }));
    let outcomes = flow.outcomes.iter().map(|(cell, o)| (cell.clone(), outcome(o)));
    let mut json = json!({
        "path": flow.path,
        "flow": flow.flow,
        "platform": flow.platform,
        "verdict": flow.verdict.id(),
        "level": flow.level.id(),
        "exhaustive": flow.exhaustive,
        "any_number": flow.any_number,
        "scope": { "items": flow.scope.items, "runs": flow.scope.runs, "faults": flow.scope.faults },
        "stats": stats(&flow.stats),
        "outcomes": outcomes.collect::<Map<_, _>>(),
        "assumptions": assumptions.collect::<Vec<_>>(),
        "unknown": flow.unknown,
        "findings": flow.findings.iter().map(finding).collect::<Vec<_>>(),
        "notes": flow.notes,
    });
    if let Verdict::Inconclusive(reason) = &flow.verdict {
        json["reason"] = json!(reason);
    }
    json
}

fn stats(stats: &Stats) -> Json {
    let Stats { states, nodes, transitions, seconds } = stats;
    let mut json = json!({ "states": states, "nodes": nodes, "transitions": transitions });
    if let Some(seconds) = seconds {
        json["seconds"] = json!(seconds);
    }
    json
}

fn outcome(outcome: &Outcome) -> Json {
    let all = |values: &[Value]| values.iter().map(value).collect::<Vec<_>>();
    json!({ "values": all(&outcome.values), "serial": all(&outcome.serial), "complete": outcome.complete })
}

fn finding(finding: &Finding) -> Json {
    let mut json = json!({
        "rule": finding.rule,
        "severity": finding.severity.id(),
        "cell": finding.cell,
        "actions": finding.actions,
        "across": finding.across.map(Across::id),
        "message": finding.message,
        "assumptions": finding.assumptions,
        "fingerprint": finding.fingerprint,
        "location": location(&finding.location),
        "witness": finding.witness.as_ref().map(witness),
        "twin": finding.twin.as_ref().map(witness),
    });
    if !finding.designer.is_empty() {
        json["location"]["designer_path"] = json!(finding.designer);
    }
    if let Some(swap) = &finding.swap {
        json["swap"] = json!(swap);
    }
    json
}

/// What is not known is left out.
fn location(at: &Location) -> Json {
    let mut json = json!({ "path": at.path });
    if at.line > 0 || !at.pointer.is_empty() {
        json["pointer"] = json!(at.pointer);
    }
    if at.line > 0 {
        json["line"] = json!(at.line);
        json["column"] = json!(at.column);
    }
    json
}

fn problem(problem: &Problem) -> Json {
    let mut json = location(&problem.at);
    json["message"] = json!(problem.message);
    json
}

fn witness(witness: &Witness) -> Json {
    json!({
        "faults": witness.faults,
        "switches": witness.switches,
        "steps": witness.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &TraceStep) -> Json {
    let mut json = json!({
        "process": step.process,
        "action": step.action,
        "effect": step.effect,
        "cells": cells(&step.cells),
    });
    if let Some(wrong) = &step.wrong {
        json["wrong"] = json!(wrong);
    }
    json
}

fn cells(cells: &BTreeMap<String, Value>) -> Map<String, Json> {
    cells.iter().map(|(name, v)| (name.clone(), value(v))).collect()
}

/// What JSON has no word for is text.
fn value(of: &Value) -> Json {
    match of {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(n) => json!(n),
        Value::Float(f) if f.0.is_finite() => json!(f.0),
        Value::Float(f) => json!(f.0.to_string()),
        Value::String(s) => json!(**s),
        Value::Array(items) => items.iter().map(value).collect(),
        Value::Object(fields) => Json::Object(
            fields.iter().map(|(key, field)| (key.to_string(), value(field))).collect(),
        ),
        Value::Token(t) => json!(show::token(t.kind)),
        Value::Term(t) => json!(show::term(t)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    fn parsed(of: &Report) -> Json {
        serde_json::from_str(&report(of)).unwrap()
    }

    fn keys(json: &Json) -> Vec<&str> {
        json.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_contract_keys_stand() {
        let json = parsed(&sample::report());
        assert_eq!(json["schema"], "flowrace.report/1");
        let flow = &json["flows"][0];
        let contract = "path flow platform verdict level exhaustive any_number scope stats outcomes assumptions \
                        unknown findings notes";
        assert_eq!(keys(flow).join(" "), contract);
        assert_eq!(keys(&flow["stats"]), ["states", "nodes", "transitions", "seconds"]);
        let contract = "rule severity cell actions across message assumptions fingerprint location witness twin swap";
        assert_eq!(keys(&flow["findings"][0]).join(" "), contract);
        let finding = &flow["findings"][0];
        assert_eq!(finding["witness"]["steps"][3]["cells"]["metrics.ProcessedCount"], 6);
        assert_eq!(finding["location"]["designer_path"], "order > Update item");
        assert_eq!(
            flow["outcomes"]["metrics.ProcessedCount"],
            json!({"values": [6, 7], "serial": [7], "complete": true})
        );
    }

    #[test]
    fn what_is_not_there_is_null_or_absent() {
        let mut flow = sample::unsafe_flow();
        flow.stats.seconds = None;
        flow.verdict = Verdict::Inconclusive("stopped at --max-states".into());
        flow.findings[0] =
            Finding { witness: None, twin: None, across: None, ..flow.findings[0].clone() };
        flow.findings[0].designer.clear();
        flow.findings[0].location = Location { path: "a.zip".into(), ..Location::default() };
        let json = parsed(&Report { flows: vec![flow], problems: vec![] });
        let flow = &json["flows"][0];
        assert_eq!(flow["reason"], "stopped at --max-states");
        assert!(flow["stats"].get("seconds").is_none());
        let finding = &flow["findings"][0];
        assert_eq!(
            (&finding["witness"], &finding["twin"], &finding["across"]),
            (&Json::Null, &Json::Null, &Json::Null)
        );
        assert_eq!(finding["location"], json!({"path": "a.zip"}));
    }

    #[test]
    fn hostile_names_are_inert_and_unchanged() {
        let name = "##vso[task.complete]\u{1b}[2J\u{202e}\u{e0041}\n::error::";
        let mut flow = sample::unsafe_flow();
        flow.flow = name.into();
        let report = Report { flows: vec![flow], problems: vec![] };
        let text = super::report(&report);
        assert!(!text.contains("##") && !text.contains(|c| is_unprintable(c) && c != '\n'));
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")));
        assert_eq!(parsed(&report)["flows"][0]["flow"], name);
    }

    #[test]
    fn unknown_values_are_text() {
        assert_eq!(value(&Value::term("utcNow", vec![])), json!("‹utcNow()›"));
        assert_eq!(value(&Value::array(vec![Value::Int(1), Value::text("a")])), json!([1, "a"]));
    }
}
