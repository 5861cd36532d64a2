//! SARIF 2.1.0 (OASIS, 2020) as GitHub code scanning takes it and as far as other viewers follow: the schedule is the
//! first code flow, one thread flow in execution order, since that is the only one that viewers show.

mod code_flow;
mod result;
#[cfg(test)]
mod tests;

use super::untrusted::{clean, elide};
use super::uri;
use crate::definition::location::Location;
use crate::finding::{FlowReport, Report, Severity, Verdict};
use crate::property::{Meta, RULES};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Results of one flow; GitHub keeps 5,000 of a run.
const MOST_RESULTS: usize = 100;

/// The whole report as one run. `root` is what paths are made relative to.
pub(super) fn report(report: &Report, root: Option<&str>) -> String {
    let mut seen: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut results = Vec::new();
    for flow in &report.flows {
        for finding in flow.findings.iter().take(MOST_RESULTS) {
            // Two findings of one file that are alike to us are told apart by their order.
            let nth = seen.entry((&flow.path, &finding.fingerprint)).or_default();
            *nth += 1;
            results.push(result::result(flow, finding, *nth, root));
        }
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver() },
            "automationDetails": { "id": "flowrace/" },
            "columnKind": "utf16CodeUnits",
            "invocations": [{
                "executionSuccessful": report.problems.is_empty(),
                "toolExecutionNotifications": notifications(report, root),
            }],
            "results": results,
        }],
    });
    super::json::write(&log)
}

fn driver() -> Json {
    json!({
        "name": "flowrace",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// A rule as `flowrace explain` tells it.
fn rule(meta: &Meta) -> Json {
    let classes = meta.standard.split([',', '/', ' ']).filter_map(|word| word.strip_prefix("CWE-"));
    let mut tags = vec!["concurrency".to_owned()];
    tags.extend(classes.map(|class| format!("external/cwe/cwe-{class}")));
    // A witness that runs is as sure as it gets; this one only says that nothing else explains an end.
    let precision = if meta.id == "unclassified" { "medium" } else { "very-high" };
    json!({
        "id": meta.id,
        "name": meta.title,
        "shortDescription": { "text": meta.title },
        "fullDescription": { "text": format!("{}.", upper(meta.summary)) },
        "help": {
            "text": format!("{}. {}. \"flowrace explain {}\" says more.", upper(meta.summary), upper(meta.help), meta.id),
            "markdown": meta.page,
        },
        "defaultConfiguration": { "level": "error" },
        "properties": { "precision": precision, "problem.severity": "error", "tags": tags },
    })
}

/// What could not be read or decided, so that the file alone shows that it is not the whole answer.
fn notifications(report: &Report, root: Option<&str>) -> Vec<Json> {
    let problems = report.problems.iter().map(|problem| {
        json!({
            "level": "error",
            "message": { "text": clean(&problem.message, false) },
            "locations": [location(&problem.at, root)],
        })
    });
    let open = |flow: &FlowReport| match &flow.verdict {
        Verdict::Inconclusive(reason) => Some(json!({
            "level": "warning",
            "message": { "text": clean(&format!("inconclusive: {reason}"), false) },
            "locations": [location(&Location { path: flow.path.clone(), ..Location::default() }, root)],
        })),
        Verdict::Safe | Verdict::Unsafe => None,
    };
    problems.chain(report.flows.iter().filter_map(open)).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A place. The end is exclusive; what is not known is left out.
fn location(at: &Location, root: Option<&str>) -> Json {
    let place = uri::place(&at.path, root);
    let uri = uri::uri(&place.file);
    let mut artifact = json!({ "uri": uri });
    if !uri.starts_with("file:") {
        artifact["uriBaseId"] = json!("%SRCROOT%");
    }
    let mut physical = json!({ "artifactLocation": artifact });
    // Inside a zip nobody can be sent to a line.
    if at.line > 0 && place.member.is_none() {
        physical["region"] = json!({
            "startLine": at.line,
            "startColumn": at.column16.max(1),
            "endLine": at.line,
            "endColumn": at.column16.max(1) + at.width16,
        });
    }
    let mut json = json!({ "physicalLocation": physical });
    let inside = match &place.member {
        Some(member) => format!("{member}#{}", at.pointer),
        None => at.pointer.clone(),
    };
    if !inside.is_empty() {
        json["logicalLocations"] = json!([{ "fullyQualifiedName": inside }]);
    }
    json
}

/// A place, and where the designer shows it.
fn placed(at: &Location, designer: &str, root: Option<&str>) -> Json {
    let mut json = location(at, root);
    if !designer.is_empty() {
        let name = designer.rsplit(" > ").next().unwrap_or(designer);
        let own = json!({ "name": plain(name), "decoratedName": plain(designer) });
        match json["logicalLocations"].as_array_mut() {
            Some(list) => list.push(own),
            None => json["logicalLocations"] = json!([own]),
        }
    }
    json
}

/// A stranger's words in a message: nothing hidden, no link, and no more than a reader takes in.
fn plain(text: &str) -> String {
    elide(&clean(text, false), 1000, false).replace("](", "] (")
}

fn upper(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}
