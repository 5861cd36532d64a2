//! What a safe verdict of an export rests on: rows that are taken for different ones.

mod support;

use flowrace::finding::{FlowReport, Verdict};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, one_run, row, told};

/// Reads the row of this id and writes its count plus one.
fn count(name: &str, id: &str) -> Json {
    let (get, put) = (format!("Get{name}"), format!("Put{name}"));
    let value = format!("@add(body('{get}')?['Count'], 1)");
    let update = row("PatchItem", id, &json!({"Count": value}));
    json!({get.clone(): row("GetItem", id, &json!({})), put: after(update, &get)})
}

fn each(over: &str, actions: &Json) -> Json {
    json!({"type": "Foreach", "foreach": over, "actions": actions,
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}})
}

fn rests(flow: &FlowReport) -> Vec<(&str, &str, bool)> {
    assert_eq!(told(flow), []);
    assert_eq!(flow.verdict, Verdict::Safe);
    flow.assumptions.iter().map(|a| (&*a.id, &*a.value, a.flips)).collect()
}

#[test]
fn items_are_different_rows() {
    let id = "@items('Each')?['OrderId']";
    let flow = json!({"Each": each("@triggerBody()?['orders']", &count("", id))});
    let flow = checked("rests-items", &one_run(), &flow);
    assert_eq!(rests(&flow), [("item-rows", "different", true)]);
    // Rows that a store has listed are different whatever anybody assumes.
    let list = row("GetItems", "", &json!({}));
    let listed = each("@body('List')?['value']", &count("", "@items('Each')?['ID']"));
    let flow = json!({"List": list, "Each": after(listed, "List")});
    assert_eq!(rests(&checked("rests-listed", &one_run(), &flow)), []);
    // One after the other there is nothing to keep apart.
    let mut serial = json!({"Each": each("@triggerBody()?['orders']", &count("", id))});
    serial["Each"]["runtimeConfiguration"]["concurrency"]["repetitions"] = json!(1);
    assert_eq!(rests(&checked("rests-serial", &one_run(), &serial)), []);
}

#[test]
fn what_would_change_nothing_says_so() {
    let put = row("PatchItem", "@items('Each')?['OrderId']", &json!({"Status": "Done"}));
    let flow = json!({"Each": each("@triggerBody()?['orders']", &json!({"Put": put}))});
    let flow = checked("rests-equal", &one_run(), &flow);
    assert_eq!(rests(&flow), [("item-rows", "different", false)]);
}

#[test]
fn rows_of_different_names_are_different_rows() {
    let scope = |id: &str, name: &str| json!({"type": "Scope", "actions": count(name, id)});
    let flow = |one: &str, other: &str| json!({"A": scope(one, "1"), "B": scope(other, "2")});
    let named = flow("@triggerBody()?['from']", "@triggerBody()?['to']");
    let named = checked("rests-names", &one_run(), &named);
    assert_eq!(rests(&named), [("named-rows", "different", true)]);
    assert_eq!(rests(&checked("rests-constants", &one_run(), &flow("5", "6"))), []);
}
