//! One finding as a result.

use super::super::race::{self, Race};
use super::super::{lanes, words};
use super::{code_flow, level, location, placed, plain, upper};
use crate::definition::location::Location;
use crate::finding::{Finding, FlowReport, outline};
use crate::property;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

pub(super) fn result(flow: &FlowReport, finding: &Finding, nth: u64, root: Option<&str>) -> Json {
    let related = related(flow, finding);
    let mut json = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": message(flow, finding, &related) },
        "locations": [placed(&finding.location, &finding.designer, root)],
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:{nth}", finding.fingerprint),
            "flowrace/v1": finding.fingerprint,
        },
    });
    if let Some(index) = property::RULES.iter().position(|rule| rule.id == finding.rule) {
        json["ruleIndex"] = json!(index);
    }
    if let Some(witness) = finding.witness.as_ref().filter(|witness| !witness.steps.is_empty()) {
        json["codeFlows"] = json!(code_flow::code_flows(flow, finding, witness, root));
    }
    if !related.is_empty() {
        let numbered = related.iter().enumerate().map(|(n, (at, what))| {
            let mut json = location(at, root);
            json["id"] = json!(n + 1);
            json["message"] = json!({ "text": plain(what) });
            json
        });
        json["relatedLocations"] = numbered.collect();
    }
    json
}

/// The first sentence is the title; below it the schedule, for viewers that show no code flows.
fn message(flow: &FlowReport, finding: &Finding, related: &[(Location, String)]) -> String {
    let mut text = format!("{}.", upper(&plain(&finding.message)));
    if let Some(witness) = &finding.witness {
        text.push_str("\n\n");
        text.push_str(&plain_lines(&lanes::plain(&finding.cell, witness)));
        if let Some(swap) = &finding.swap {
            let _ = write!(text, "\nOne swap makes it right: {}.\n", plain(swap));
        }
    }
    if let Some(outcome) = flow.outcomes.get(&finding.cell) {
        let said = words::outcome(&finding.cell, outcome, flow);
        let _ = write!(text, "\n{}.\n", upper(&plain(&said)));
    }
    let help = finding.help();
    if !help.is_empty() {
        let _ = write!(text, "\nHelp: {help}.");
    }
    if !related.is_empty() {
        let links = related.iter().enumerate();
        let links: Vec<String> =
            links.map(|(n, (_, what))| format!("[{}]({})", link(what), n + 1)).collect();
        let _ = write!(text, "\n\nSee {}.", words::join(&links, "and"));
    }
    text
}

fn plain_lines(text: &str) -> String {
    text.lines().flat_map(|line| [plain(line), "\n".to_owned()]).collect()
}

/// Inside of a link's brackets, brackets are escaped (SARIF §3.11.6).
fn link(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// The look, the other write, and the loop that makes them meet.
fn related(flow: &FlowReport, finding: &Finding) -> Vec<(Location, String)> {
    let mut related: Vec<(Location, String)> = Vec::new();
    let mut add = |at: Option<&Location>, what: String| {
        if let Some(at) = at.filter(|at| at.line > 0)
            && !related.iter().any(|(other, _)| other == at)
        {
            related.push((at.clone(), what));
        }
    };
    if let Some(witness) = &finding.witness {
        let Race { look, rival, .. } = race::race(finding, witness);
        for (step, role) in [(look, "where it looked"), (rival, "the other write")] {
            if let Some(step) = step.map(|at| &witness.steps[at]) {
                let at = race::place(&flow.outline, &step.action);
                add(at, format!("{}: {role}", step.action));
            }
        }
    }
    let mut entry = finding.actions.last().and_then(|name| outline::named(&flow.outline, name));
    while let Some(inner) = entry {
        if inner.kind == "Apply to each" {
            add(Some(&inner.at), format!("{}: the loop, {}", inner.name, inner.detail));
        }
        entry = inner.inside.and_then(|at| flow.outline.get(at));
    }
    related
}
