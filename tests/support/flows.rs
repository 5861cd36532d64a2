//! Small exports, written in Rust.

use flowrace::finding::{Across, FlowReport, Severity};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Answers what the checker says of a flow with this trigger and these actions.
pub(crate) fn checked(name: &str, trigger: &Json, actions: &Json) -> FlowReport {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exports");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join(format!("{name}.json"));
    let flow = json!({"definition": {"triggers": {"t": trigger}, "actions": actions}});
    std::fs::write(&file, flow.to_string()).expect("the flow can be written");
    let mut report = flowrace::flow(&file).check();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.remove(0)
}

pub(crate) fn on_request() -> Json {
    json!({"type": "Request", "kind": "Http"})
}

pub(crate) fn after(mut action: Json, name: &str) -> Json {
    action["runAfter"] = json!({name: ["Succeeded"]});
    action
}

pub(crate) fn set(variable: &str, value: &str) -> Json {
    json!({"type": "SetVariable", "inputs": {"name": variable, "value": value}})
}

pub(crate) fn init(variable: &str, kind: &str, value: &str) -> Json {
    json!({"type": "InitializeVariable", "inputs": {"variables": [{"name": variable, "type": kind, "value": value}]}})
}

/// A call of SharePoint's REST address of one item.
pub(crate) fn item(method: &str, headers: &Json, body: &Json) -> Json {
    json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "connectionName": "shared_sharepointonline", "operationId": "HttpRequest"},
        "parameters": {"dataset": "https://x.sharepoint.com", "parameters/method": method,
            "parameters/uri": "_api/web/lists/getByTitle('Pages')/items(@{triggerBody()?['id']})",
            "parameters/headers": headers, "parameters/body": body}}})
}

/// `(rule, severity, across)` of each finding.
pub(crate) fn told(flow: &FlowReport) -> Vec<(&str, Severity, Option<Across>)> {
    flow.findings.iter().map(|f| (f.rule, f.severity, f.across)).collect()
}
