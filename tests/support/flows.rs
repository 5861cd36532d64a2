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

/// As [`on_request`], one run at a time.
pub(crate) fn one_run() -> Json {
    json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}})
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

/// A call of a connector.
pub(crate) fn call(connector: &str, operation: &str, parameters: &Json) -> Json {
    let host = json!({"apiId": format!("/providers/Microsoft.PowerApps/apis/shared_{connector}"),
        "connectionName": connector, "operationId": operation});
    json!({"type": "OpenApiConnection", "inputs": {"host": host, "parameters": parameters}})
}

/// An operation on one row of that list, with the columns that it sets.
pub(crate) fn row(operation: &str, id: &str, columns: &Json) -> Json {
    let mut parameters = json!({"id": id});
    for (column, value) in columns.as_object().expect("columns are an object") {
        parameters[format!("item/{column}")] = value.clone();
    }
    orders(operation, &parameters)
}

/// An operation of SharePoint's connector on the list Orders.
pub(crate) fn orders(operation: &str, parameters: &Json) -> Json {
    let mut all = parameters.clone();
    all["dataset"] = json!("https://x.sharepoint.com/sites/s");
    if all.get("table").is_none() {
        all["table"] = json!("Orders");
    }
    call("sharepointonline", operation, &all)
}

/// A request that SharePoint's connector sends to the same site.
pub(crate) fn rest(method: &str, uri: &str, headers: &Json, body: &Json) -> Json {
    let parameters = json!({"dataset": "https://x.sharepoint.com/sites/s", "parameters/method": method,
        "parameters/uri": uri, "parameters/headers": headers, "parameters/body": body});
    call("sharepointonline", "HttpRequest", &parameters)
}

/// A request that goes to anybody.
pub(crate) fn http(method: &str, uri: &str, body: &Json) -> Json {
    json!({"type": "Http", "inputs": {"method": method, "uri": uri, "body": body}})
}

/// A native query of SQL with one value.
pub(crate) fn native(text: &str, value: &str) -> Json {
    let parameters = json!({"server": "s.example.com", "database": "shop", "query/query": text, "query/actualParameters/p": value});
    call("sql", "ExecutePassThroughNativeQuery_V2", &parameters)
}

/// A condition that two expressions are equal, after an action.
pub(crate) fn when(left: &str, right: &Json, actions: &Json, name: &str) -> Json {
    after(json!({"type": "If", "expression": {"equals": [left, right]}, "actions": actions}), name)
}

/// First one, then the other.
pub(crate) fn then(first: impl Into<Json>, second: Json) -> Json {
    json!({"First": first.into(), "Second": after(second, "First")})
}

/// The rules that two runs of a flow break.
pub(crate) fn broken(name: &str, flow: &Json) -> Vec<&'static str> {
    checked(name, &on_request(), flow).findings.iter().map(|f| f.rule).collect()
}

/// `(rule, severity, across)` of each finding.
pub(crate) fn told(flow: &FlowReport) -> Vec<(&str, Severity, Option<Across>)> {
    flow.findings.iter().map(|f| (f.rule, f.severity, f.across)).collect()
}
