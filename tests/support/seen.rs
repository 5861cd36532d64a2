//! What a report says, as sets that can be compared.

use super::cells::normalise;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn pretty(model: &Value) -> String {
    serde_json::to_string_pretty(model).expect("a value is text")
}

pub(crate) fn outcomes(flow: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let values = |cell: &Value| {
        cell["values"].as_array().into_iter().flatten().map(|v| normalise(v).to_string()).collect()
    };
    let cells = flow["outcomes"].as_object().into_iter().flatten();
    cells.map(|(cell, outcome)| (cell.clone(), values(outcome))).collect()
}

pub(crate) fn rules(flow: &Value) -> BTreeSet<String> {
    let findings = flow["findings"].as_array().into_iter().flatten();
    findings.filter_map(|f| f["rule"].as_str()).map(str::to_owned).collect()
}

pub(crate) fn findings(flow: &Value) -> BTreeSet<String> {
    let key = |f: &Value| json!([f["rule"], f["severity"], f["cell"], f["actions"]]).to_string();
    flow["findings"].as_array().into_iter().flatten().map(key).collect()
}

/// How many rows `t` ends with.
pub(crate) fn counts(flow: &Value) -> BTreeSet<usize> {
    let values = flow["outcomes"]["t"]["values"].as_array().expect("observed");
    values.iter().map(|v| v.as_array().expect("rows").len()).collect()
}

pub(crate) fn numbers(flow: &Value, cell: &str) -> BTreeSet<i64> {
    let values = flow["outcomes"][cell]["values"].as_array().expect("observed");
    values.iter().map(|v| v.as_i64().expect("a number")).collect()
}

/// A model over a table `t`, an item `m` with `N`: 5, and a budget.
pub(crate) fn model(budget: u64, flow: &Value) -> Value {
    json!({ "flowrace": 1, "name": "by hand", "scope": { "faults": budget }, "flow": flow, "state": {
        "m": { "kind": "item", "fields": { "N": 5 } },
        "t": { "kind": "table", "key": ["k"], "rows": [] } } })
}

/// The findings. What stands for an outcome of no serial order is told by the schedule that was met first: where one is
/// unclassified, the same outcome may be a step on a stale value by another schedule of it.
pub(crate) fn firm(flow: &Value) -> BTreeSet<String> {
    let mut all = findings(flow);
    if rules(flow).contains("unclassified") {
        all.retain(|finding| !finding.contains("stale-guard"));
    }
    all
}
