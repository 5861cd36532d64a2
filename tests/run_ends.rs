//! How a run ends, and what it leaves: Terminate beside other actions, what a concurrent loop answers, a lease that ran
//! out before it was given back.

mod support;

use serde_json::{Value, json};
use support::engine::check;

fn item() -> Value {
    json!({ "m": { "kind": "item", "fields": { "C": 0 } } })
}

fn rules(flow: &Value) -> Vec<&str> {
    let all = flow["findings"].as_array().into_iter().flatten();
    all.filter_map(|f| f["rule"].as_str()).collect()
}

/// Whichever branch is written first: none, one or both of the writes have happened when the run is ended.
#[test]
fn terminate_can_come_at_any_time() {
    let end = json!([{ "name": "End", "terminate": "Failed" }]);
    let writes = json!([
        { "name": "One", "update": "m", "set": { "C": 1 } },
        { "name": "Two", "update": "m", "set": { "C": 2 } },
    ]);
    for branches in [json!([end, writes]), json!([writes, end])] {
        let model = json!({ "flowrace": 1, "state": item(), "flow": [{ "name": "P", "parallel": branches }] });
        for reduction in ["none", "symmetry", "all"] {
            let flow = check(&model, reduction);
            assert_eq!(flow["outcomes"]["m.C"]["values"], json!([0, 1, 2]), "{reduction}");
        }
    }
}

/// A watchdog that ends the run may come too late.
#[test]
fn terminate_hides_no_race() {
    let model = json!({ "flowrace": 1, "state": item(), "flows": { "p": { "runs": 2, "do": [
        { "name": "P", "parallel": [
            [{ "name": "Look", "compose": 1 }, { "name": "End", "terminate": "Cancelled" }],
            [{ "name": "Get", "get": "m" },
             { "name": "Put", "update": "m", "set": { "C": "@add(outputs('Get')?['C'], 1)" } }],
        ] } ] } } });
    let flow = check(&model, "all");
    assert_eq!(rules(&flow), ["lost-update"]);
    assert_eq!(flow["outcomes"]["m.C"]["values"], json!([0, 1, 2]));
}

/// In index order, however many at a time.
#[test]
fn a_concurrent_loop_answers_with_what_its_iterations_said() {
    for concurrency in [1, 2, 3] {
        let model = json!({ "flowrace": 1, "state": item(), "flow": [
            { "forEach": "order", "items": 3, "concurrency": concurrency, "do": [
                { "name": "One", "compose": "@mul(items('order'), 10)" },
                { "name": "If", "if": "@equals(items('order'), 2)", "then": [{ "name": "Bad", "compose": "@div(1, 0)" }] },
            ] },
            { "name": "Put", "update": "m", "set": { "C": "@{outputs('One')}" }, "runAfter": { "order": ["Succeeded", "Failed"] } },
        ] });
        let flow = check(&model, "all");
        assert_eq!(
            flow["outcomes"]["m.C"]["values"],
            json!(["[10,20,30]"]),
            "{concurrency} at a time"
        );
    }
}

/// Nobody else wants it: the id of a lease that ran out is still good (semantics §8).
#[test]
fn a_lease_that_ran_out_can_be_given_back() {
    let model = json!({ "flowrace": 1,
        "state": { "b": { "kind": "blob" }, "m": { "kind": "item", "fields": { "C": 0 } } },
        "takes": [0, 60],
        "flow": [
            { "name": "Lock", "acquireLease": "b", "seconds": 15 },
            { "name": "Get", "get": "m" },
            { "name": "Unlock", "releaseLease": "b" },
            { "name": "Put", "update": "m", "set": { "C": 1 } },
        ] });
    let flow = check(&model, "all");
    assert_eq!((rules(&flow), &flow["outcomes"]["m.C"]["values"]), (vec![], &json!([1])));
}

/// What an action says of itself, or two of each other, ends.
#[test]
fn actions_that_use_their_own_answers() {
    for (a, b) in [("B", "A"), ("A", "B")] {
        let model = json!({ "flowrace": 1, "state": item(), "flow": [
            { "name": "A", "compose": format!("@outputs('{a}')") },
            { "name": "B", "compose": format!("@outputs('{b}')") },
            { "forEach": "order", "items": 2, "concurrency": 2, "do": [
                { "name": "Get", "get": "m" },
                { "name": "Put", "update": "m", "set": { "C": "@outputs('B')" } },
            ] },
        ] });
        assert_eq!(check(&model, "all")["exhaustive"], json!(true));
    }
}

/// A case of the other type fails the switch, even after the case that fits; one of the right type does not.
#[test]
fn a_switch_does_not_compare_numbers_with_texts() {
    let put = |value: i64| json!([{ "update": "m", "set": { "C": value } }]);
    for (on, cases, left) in [
        ("@add(1, 0)", json!([1, 2]), 10),
        ("@add(1, 0)", json!([2, 3]), 30),
        ("@add(1, 0)", json!(["1", "2"]), 40),
        ("@add(1, 0)", json!([1, "2"]), 40),
        ("@string(1)", json!(["1", "2"]), 10),
        ("@string(1)", json!([1, 2]), 40),
    ] {
        let cases =
            json!([{ "case": cases[0], "do": put(10) }, { "case": cases[1], "do": put(20) }]);
        let model = json!({ "flowrace": 1, "state": item(), "flow": [
            { "name": "S", "switch": on, "cases": cases, "default": put(30) },
            { "update": "m", "set": { "C": 40 }, "runAfter": { "S": ["Failed"] } },
        ] });
        let flow = check(&model, "all");
        assert_eq!(flow["outcomes"]["m.C"]["values"], json!([left]), "{on} {cases}");
    }
}

/// Writes that somebody's waiting puts in order decide nothing, whatever else is chosen.
#[test]
fn who_waits_for_somebody_writes_after_them() {
    let first = |said: Value| json!([{ "name": "One", "update": "m", "set": { "C": 1 } }, said]);
    let say = json!({ "name": "Say", "setVariable": "done", "value": true });
    let wait = json!({ "name": "Wait", "wait": "@variables('done')" });
    let poll = json!({ "name": "Poll", "until": "@variables('done')", "limit": 2, "do": [{ "compose": 1 }] });
    let two = json!({ "name": "Two", "update": "m", "set": { "C": 2 } });
    for (said, before, found) in [
        (&say, Some(&wait), &[][..]),
        (&say, None, &["last-writer-wins"]),
        // Who says so too early, and who gives up, is in no order.
        (&json!({ "name": "No", "compose": 1 }), Some(&poll), &["last-writer-wins"]),
        (&say, Some(&poll), &["last-writer-wins"]),
    ] {
        let second: Vec<&Value> = before.into_iter().chain([&two]).collect();
        let model = json!({ "flowrace": 1,
            "state": { "m": { "kind": "item", "fields": { "C": 0 } }, "done": { "kind": "variable", "value": false } },
            "observe": ["m.C"],
            "flow": [{ "name": "P", "parallel": [first(said.clone()), second] }] });
        for reduction in ["none", "symmetry", "all"] {
            let flow = check(&model, reduction);
            assert_eq!(rules(&flow), found, "{reduction} {second:?}");
        }
    }
}

/// An outcome that no rule explains is put down to the cell in which it differs from every serial one.
#[test]
fn what_nothing_explains_names_the_cell_that_is_odd() {
    let model = include_str!("../models/unclassified/racy.json");
    let flow = check(&serde_json::from_str(model).expect("JSON"), "all");
    assert_eq!(rules(&flow), ["unclassified"]);
    assert_eq!(flow["findings"][0]["cell"], "dashboard", "{}", flow["findings"][0]);
}
