//! Conditions that were read before, and that one process turns while another's effect hangs on them: an export says
//! what the same flow says with its cells described.

mod support;

use flowrace::finding::{Across, FlowReport, Severity, Verdict};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use support::flows::{after, checked, http, init, one_run, orders, set, told, when};

const STALE: (&str, Severity, Option<Across>) =
    ("stale-guard", Severity::Error, Some(Across::Branches));

/// The flow again, with its cells described.
fn described(name: &str, state: &Json) -> FlowReport {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exports");
    let file = folder.join(format!("{name}.model.json"));
    let model = json!({"flowrace": 1, "import": format!("{name}.json"), "scope": {"runs": 1}, "state": state});
    std::fs::write(&file, model.to_string()).expect("the model can be written");
    let mut report = flowrace::flow(&file).check();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.remove(0)
}

fn rules(flow: &FlowReport) -> Vec<&str> {
    flow.findings.iter().map(|f| f.rule).collect()
}

fn patch(list: &str, columns: &Json) -> Json {
    let mut parameters = json!({"table": list, "id": 1});
    for (column, value) in columns.as_object().expect("columns are an object") {
        parameters[format!("item/{column}")] = value.clone();
    }
    orders("PatchItem", &parameters)
}

/// A row is read, and what follows hangs on its status.
fn if_open(name: &str, actions: &Json) -> FlowReport {
    let get = orders("GetItem", &json!({"table": "Claims", "id": 1}));
    let open = when("@outputs('Get')?['body/Status']", &json!("Open"), actions, "Get");
    let flow = checked(name, &one_run(), &json!({"Get": get, "If": open}));
    let state = json!({"Claims": {"kind": "item", "fields": {"Status": "Open"}},
        "Payments": {"kind": "item", "fields": {"Paid": "no"}}});
    assert_eq!(rules(&flow), rules(&described(name, &state)), "{name}: {flow:?}");
    flow
}

fn pay() -> Json {
    patch("Payments", &json!({"Paid": "yes"}))
}

fn status(value: &str) -> Json {
    patch("Claims", &json!({"Status": value}))
}

#[test]
fn a_row_that_another_branch_closes_is_a_stale_guard() {
    let racy = if_open("guards-close", &json!({"Pay": pay(), "Close": status("Closed")}));
    assert_eq!(told(&racy), [STALE]);
    let back =
        json!({"Pay": pay(), "Close": status("Closed"), "Open": after(status("Open"), "Close")});
    assert_eq!(told(&if_open("guards-aba", &back)), [STALE]);
}

#[test]
fn a_condition_that_nobody_can_turn_in_between_holds() {
    let first = json!({"Pay": pay(), "Close": after(status("Closed"), "Pay")});
    assert_eq!(told(&if_open("guards-in-turn", &first)), []);
    let same = json!({"Pay": pay(), "Open": status("Open")});
    assert_eq!(told(&if_open("guards-same", &same)), []);
    let other = json!({"Pay": pay(), "Note": patch("Claims", &json!({"Note": "paid"}))});
    assert_eq!(told(&if_open("guards-column", &other)), []);
}

/// A variable is asked, and what follows hangs on it.
fn if_one(name: &str, actions: &Json) -> FlowReport {
    let one = when("@variables('v')", &json!("1"), actions, "W");
    let w = json!({"type": "InitializeVariable", "inputs": {"variables": [{"name": "w", "type": "integer", "value": 0}]}});
    let flow = json!({"V": init("v", "string", "1"), "W": after(w, "V"), "If": one});
    let flow = checked(name, &one_run(), &flow);
    let variable = json!({"kind": "variable", "value": ""});
    let state = json!({"v": variable, "w": variable});
    assert_eq!(rules(&flow), rules(&described(name, &state)), "{name}: {flow:?}");
    flow
}

#[test]
fn a_variable_that_another_branch_sets_is_a_stale_guard() {
    let racy = json!({"Act": set("w", "1"), "Close": set("v", "2")});
    assert_eq!(told(&if_one("guards-variable", &racy)), [STALE]);
    let first = json!({"Act": set("w", "1"), "Close": after(set("v", "2"), "Act")});
    assert_eq!(told(&if_one("guards-variable-in-turn", &first)), []);
    let same = json!({"Act": set("w", "1"), "Close": set("v", "1")});
    assert_eq!(told(&if_one("guards-variable-same", &same)), []);
    let add = json!({"type": "IncrementVariable", "inputs": {"name": "w", "value": 1}});
    let racy = json!({"Act": add, "Close": set("v", "2")});
    assert_eq!(told(&if_one("guards-variable-added", &racy)), [STALE]);
}

#[test]
fn the_thirteenth_effect_counts_too() {
    let mut actions = json!({"Close": status("Closed")});
    for n in 0..13 {
        let name = format!("Note{n}");
        let note = patch(&format!("List{n}"), &json!({"Seen": "yes"}));
        actions[&name] = if n == 0 { note } else { after(note, &format!("Note{}", n - 1)) };
    }
    actions["Close"] = after(status("Closed"), "Note11");
    let get = orders("GetItem", &json!({"table": "Claims", "id": 1}));
    let open = when("@outputs('Get')?['body/Status']", &json!("Open"), &actions, "Get");
    let flow = checked("guards-thirteen", &one_run(), &json!({"Get": get, "If": open}));
    assert_eq!(told(&flow), [STALE]);
}

/// One branch sets `v` to the one and then to the other; another copies it to `w`. What the flow says once both are
/// described.
fn copied(name: &str, second: &str, more: &Json) -> FlowReport {
    let copy = after(set("w", "@variables('v')"), "W");
    let mut flow = json!({"V": init("v", "string", "0"), "W": after(init("w", "string", "0"), "V"),
        "One": after(set("v", "1"), "W"), "Two": after(set("v", second), "One"), "Copy": copy});
    for (action, what) in more.as_object().expect("actions are an object") {
        flow[action] = what.clone();
    }
    // By itself, what variables say in the end is nobody's business.
    assert_eq!(told(&checked(name, &one_run(), &flow)), []);
    let variable = json!({"kind": "variable", "value": ""});
    described(name, &json!({"v": variable, "w": variable}))
}

#[test]
fn an_outcome_of_no_order_is_a_finding_where_nothing_is_unknown() {
    let flow = copied("guards-halfway", "2", &json!({}));
    assert_eq!(rules(&flow), ["unclassified"]);
    assert_eq!(flow.verdict, Verdict::Unsafe);
    // A call whose answer nobody looks at brings no data.
    let call = http("POST", "https://x.example.com", &json!("done"));
    let call = json!({"Tell": after(call, "Copy")});
    assert_eq!(rules(&copied("guards-halfway-told", "2", &call)), ["unclassified"]);
}

#[test]
fn it_is_none_where_every_order_ends_like_that_or_unknown_data_decides() {
    assert_eq!(
        told(&copied("guards-halfway-same", "0", &json!({"One": after(set("v", "0"), "W")}))),
        []
    );
    assert_eq!(told(&copied("guards-halfway-unknown", "@triggerBody()?['x']", &json!({}))), []);
}
