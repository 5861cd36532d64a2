//! The second opinion itself, against models small enough to work out by hand.

#![allow(
    clippy::redundant_closure_for_method_calls,
    clippy::redundant_closure,
    reason = "as its author wrote it"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::naive::{Answer, explore};

fn all(model: &Value) -> Answer {
    explore(model, 1_000_000).expect("small")
}

/// A model over an item `m` with `N`: 5, a variable `v`: 0, a list variable `l` and a keyed table `t`.
fn model(flow: &Value) -> Value {
    json!({ "flowrace": 1, "flow": flow, "state": {
        "m": { "kind": "item", "fields": { "N": 5 } },
        "v": { "kind": "variable", "value": 0 },
        "l": { "kind": "variable", "value": [] },
        "b": { "kind": "blob", "value": "" },
        "t": { "kind": "table", "key": ["k"], "rows": [] } } })
}

fn values(answer: &Answer, cell: &str) -> Vec<Value> {
    let mut values: Vec<Value> =
        answer.outcomes[cell].iter().map(|v| serde_json::from_str(v).expect("JSON")).collect();
    values.sort_by_key(|v| v.as_i64());
    values
}

fn level(answer: &Answer) -> &'static str {
    match answer.joint.len() {
        1 => "deterministic",
        _ if answer.joint.is_subset(&answer.serial) => "order-dependent",
        _ => "not-serial",
    }
}

fn each(items: u64, concurrency: u64, body: &Value) -> Value {
    json!([{ "forEach": "order", "items": items, "concurrency": concurrency, "do": body }])
}

fn increment() -> Value {
    json!([{ "name": "Get", "get": "m" },
        { "name": "Update", "update": "m", "set": { "N": "@add(outputs('Get')?['N'], 1)" } }])
}

fn etag_loop(limit: u64) -> Value {
    json!([{ "until": "@equals(outputs('Update')?['statusCode'], 200)", "limit": limit, "do": [
        { "name": "Get", "get": "m" },
        { "name": "Update", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
          "set": { "N": "@add(outputs('Get')?['N'], 1)" } } ] }])
}

/// 3, 12, 59, 330, 2027 by the closed form; one more, since the start of the loop is a step here.
#[test]
fn counter_has_the_states_counted_by_hand() {
    for (n, states) in [(1, 3), (2, 12), (3, 59), (4, 330), (5, 2027)] {
        let answer = all(&model(&each(n, 50, &increment())));
        assert_eq!(answer.states, states + 1, "{n} items");
        assert_eq!(values(&answer, "m.N"), (6..=5 + n).map(Value::from).collect::<Vec<_>>());
        assert_eq!(answer.serial.len(), 1);
        assert_eq!(level(&answer), if n == 1 { "deterministic" } else { "not-serial" });
        assert!(!answer.stuck);
    }
}

#[test]
fn a_window_gives_the_same_range_and_no_concurrency_only_the_last() {
    assert_eq!(
        values(&all(&model(&each(4, 2, &increment()))), "m.N"),
        [6, 7, 8, 9].map(Value::from)
    );
    let mut serial = model(&each(4, 2, &increment()));
    serial["flow"][0].as_object_mut().expect("a step").remove("concurrency");
    assert_eq!(values(&all(&serial), "m.N"), [Value::from(9)]);
}

#[test]
fn a_nested_loop_is_serial_within_an_iteration_and_races_with_others() {
    let inner = json!([{ "forEach": "line", "items": 2, "concurrency": 50, "do": increment() }]);
    assert_eq!(values(&all(&model(&inner)), "m.N"), [6, 7].map(Value::from));
    assert_eq!(values(&all(&model(&each(1, 50, &inner))), "m.N"), [Value::from(7)]);
    assert_eq!(values(&all(&model(&each(2, 50, &inner))), "m.N"), [7, 8, 9].map(Value::from));
}

#[test]
fn etag_loop_counts_everything_with_enough_attempts() {
    for n in 1..=3 {
        let answer = all(&model(&each(n, 50, &etag_loop(n))));
        assert_eq!(values(&answer, "m.N"), [Value::from(5 + n)]);
        assert_eq!(level(&answer), "deterministic");
    }
    assert_eq!(values(&all(&model(&each(3, 50, &etag_loop(2)))), "m.N"), [7, 8].map(Value::from));
    assert_eq!(values(&all(&model(&each(3, 2, &etag_loop(2)))), "m.N"), [7, 8].map(Value::from));
}

#[test]
fn blind_writes_depend_on_the_order_alone() {
    let flow = json!([{ "parallel": [[{ "update": "m", "set": { "N": 1 } }], [{ "setVariable": "v", "value": 1 }, { "update": "m", "set": { "N": 2 } }]] }]);
    let answer = all(&model(&flow));
    assert_eq!(values(&answer, "m.N"), [1, 2].map(Value::from));
    assert_eq!(level(&answer), "order-dependent");
}

#[test]
fn variable_actions_are_atomic_and_appends_a_multiset() {
    let body = json!([{ "increment": "v", "by": 2 }, { "append": "l", "value": "@items('order')" }, { "decrement": "v" }]);
    let answer = all(&model(&each(3, 3, &body)));
    assert_eq!(answer.joint.len(), 1);
    assert_eq!(values(&answer, "v"), [Value::from(3)]);
    assert_eq!(values(&answer, "l"), [json!([1, 2, 3])]);
}

#[test]
fn check_then_create_duplicates_unless_the_key_is_unique() {
    let body = json!([{ "name": "List", "list": "t", "where": { "k": 1 } },
        { "if": "@empty(outputs('List')?['value'])", "then": [{ "create": "t", "row": { "k": 1, "by": 7 } }] }]);
    let mut flow = model(&each(2, 2, &body));
    let row = json!({ "by": 7, "k": 1 });
    let answer = all(&flow);
    assert_eq!(
        answer.outcomes["t"],
        BTreeSet::from([json!([row]).to_string(), json!([row, row]).to_string()])
    );
    assert_eq!(level(&answer), "not-serial");
    flow["state"]["t"]["unique"] = json!(true);
    assert_eq!(level(&all(&flow)), "deterministic");
}

#[test]
fn upsert_update_and_delete_of_rows() {
    let body = json!([{ "upsert": "t", "key": { "k": 1 }, "row": { "n": "@items('order')" } },
        { "name": "Set", "update": "t", "where": { "k": 2 }, "set": { "n": 9 } },
        { "increment": "v", "runAfter": { "Set": ["Failed"] } }]);
    let answer = all(&model(&each(2, 2, &body)));
    let rows = |n: u64| json!([{ "k": 1, "n": n }]).to_string();
    assert_eq!(answer.outcomes["t"], BTreeSet::from([rows(1), rows(2)]));
    assert_eq!(values(&answer, "v"), [Value::from(2)]); // no row has k 2: 404 both times
    let flow = json!([{ "create": "t", "row": { "k": 1 } }, { "name": "Delete", "delete": "t", "where": { "k": 1 } },
        { "delete": "t", "where": { "k": 1 } }, { "increment": "v" }]);
    let answer = all(&model(&flow));
    assert_eq!(answer.outcomes["t"], BTreeSet::from(["[]".to_owned()]));
    assert_eq!(values(&answer, "v"), [Value::from(0)]);
}

/// The leaf rule: a caught failure leaves the scope Succeeded, an uncaught one fails it, a skipped leaf takes the status before it.
#[test]
fn statuses_follow_the_leaf_rule() {
    let fails = json!({ "name": "Bad", "setVariable": "v", "value": "@add(null, 1)" });
    let after = |statuses: &[&str]| json!({ "S": statuses });
    let run = |body: Value, statuses: &[&str]| {
        let flow = json!([{ "scope": "S", "do": body }, { "update": "m", "set": { "N": 1 }, "runAfter": after(statuses) }]);
        all(&model(&flow)).outcomes["m.N"].contains("1")
    };
    let caught =
        json!([fails, { "name": "Handle", "increment": "v", "runAfter": { "Bad": ["Failed"] } }]);
    assert!(run(caught, &["Succeeded"]));
    assert!(run(json!([fails]), &["Failed"]));
    assert!(!run(json!([fails]), &["Succeeded", "Skipped"]));
    assert!(run(json!([fails, { "increment": "v" }]), &["Failed"])); // the leaf is Skipped after Failed
    let unused = json!([{ "name": "Good", "increment": "v" }, { "increment": "v", "runAfter": { "Good": ["Failed"] } }]);
    assert!(run(unused, &["Succeeded"]));
    let both = json!([fails, { "name": "Ok", "increment": "v", "runAfter": { "Bad": ["Succeeded"] } },
        { "increment": "v", "runAfter": { "Bad": ["Failed"] } }]);
    assert!(run(both, &["Failed"]));
    assert!(run(json!([]), &["Succeeded"]));
}

#[test]
fn run_after_branches_run_at_once_and_join() {
    let flow = json!([{ "name": "A", "get": "m", "runAfter": {} },
        { "name": "A2", "update": "m", "set": { "N": "@add(outputs('A')?['N'], 1)" } },
        { "name": "B", "get": "m", "runAfter": {} },
        { "name": "B2", "update": "m", "set": { "N": "@add(outputs('B')?['N'], 1)" } },
        { "setVariable": "v", "value": "@add(outputs('A')?['N'], outputs('B')?['N'])", "runAfter": { "A2": ["Succeeded"], "B2": ["Succeeded"] } }]);
    let answer = all(&model(&flow));
    assert_eq!(values(&answer, "m.N"), [6, 7].map(Value::from));
    assert_eq!(values(&answer, "v"), [10, 11].map(Value::from));
    assert_eq!(answer.serial.len(), 1);
}

#[test]
fn a_wait_blocks_and_may_be_stuck() {
    let wait = |target: u64| {
        json!([{ "parallel": [[{ "wait": format!("@equals(variables('v'), {target})") }, { "update": "m", "set": { "N": 1 } }],
            [{ "setVariable": "v", "value": 1 }, { "setVariable": "v", "value": 2 }]] }])
    };
    let answer = all(&model(&wait(1)));
    assert!(answer.stuck); // the moment may be missed
    assert_eq!(values(&answer, "m.N"), [Value::from(1)]);
    assert!(!all(&model(&wait(2))).stuck);
    let answer = all(&model(&wait(3)));
    assert!(answer.stuck && answer.joint.is_empty());
}

#[test]
fn a_serial_schedule_may_leave_who_cannot_go_on_or_was_refused() {
    let poll = json!([{ "until": "@equals(outputs('Read')?['value'], 1)", "limit": 2, "do": [{ "name": "Read", "get": "v" }] },
        { "update": "m", "set": { "N": "@outputs('Read')?['value']" } }]);
    let answer = all(&model(
        &json!([{ "parallel": [poll, [{ "get": "m" }, { "setVariable": "v", "value": 1 }]] }]),
    ));
    assert_eq!(values(&answer, "m.N"), [0, 1].map(Value::from));
    assert_eq!(level(&answer), "order-dependent"); // 0: the first branch alone, its limit reached
}

#[test]
fn a_lease_lock_makes_the_counter_safe() {
    let mut body = json!([{ "name": "Lock", "acquireLease": "b", "seconds": -1, "retry": { "count": 90, "interval": 60 } }]);
    let list = body.as_array_mut().expect("a list");
    list.extend(increment().as_array().expect("a list").clone());
    list.push(json!({ "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']" }));
    let answer = all(&model(&each(3, 3, &body)));
    assert_eq!(values(&answer, "m.N"), [Value::from(8)]);
    assert!(!answer.stuck);
    body.as_array_mut().expect("a list").pop();
    assert!(all(&model(&each(2, 2, &body))).stuck);
    body[0].as_object_mut().expect("a step").remove("retry"); // 409: the iteration gives up
    assert_eq!(values(&all(&model(&each(2, 2, &body))), "m.N"), [Value::from(6)]);
}

#[test]
fn outputs_after_a_loop_are_arrays_in_index_order() {
    let flow = json!([{ "forEach": "order", "items": ["a", "b"], "concurrency": 2, "do": [
        { "name": "C", "compose": "@{items('order')}-@{item()}" }] },
        { "setVariable": "v", "value": "@concat(outputs('C')?[0], outputs('C')[1], length(body('C')))" }]);
    assert_eq!(values(&all(&model(&flow)), "v"), [json!("a-ab-b2")]);
}

#[test]
fn runs_have_their_own_variables_and_finally_is_judged_at_the_end() {
    let body = json!([{ "increment": "v" }, { "name": "Get", "get": "m" },
        { "update": "m", "set": { "N": "@add(outputs('Get')?['N'], variables('v'))" } }]);
    let mut two = model(&Value::Null);
    two["flows"] = json!({ "one": { "do": body, "runs": 2 } });
    two["finally"] = json!(["@equals(state('m')?['N'], 7)"]);
    let answer = all(&two);
    assert_eq!(values(&answer, "m.N"), [6, 7].map(Value::from));
    assert!(!answer.outcomes.contains_key("v") && answer.finally_violated);
    two["finally"] = json!(["@not(greater(state('m')?['N'], 7))"]);
    assert!(!all(&two).finally_violated);
}

#[test]
fn terminate_stops_the_other_branch() {
    let flow = json!([{ "parallel": [[{ "terminate": "Succeeded" }], [{ "increment": "v" }, { "increment": "v" }]] }, { "increment": "v" }]);
    assert_eq!(values(&all(&model(&flow)), "v"), [0, 1, 2].map(Value::from));
}

#[test]
fn switch_if_and_until_choose() {
    let flow = json!([{ "switch": "@concat('a', 'b')", "cases": { "ab": [{ "increment": "v", "by": 10 }] }, "default": [{ "increment": "v" }] },
        { "if": "@and(not(equals(1, 2)), or(false, less(1, 2)))", "then": [], "else": [{ "increment": "v" }] },
        { "until": "@greater(variables('v'), 12)", "limit": 9, "do": [{ "increment": "v" }] },
        { "until": "@false", "limit": 2, "do": [{ "increment": "v", "by": 100 }] },
        { "update": "m", "set": { "N": "@if(true, coalesce(null, first(createArray(variables('v')))), add(null, 1))" } }]);
    assert_eq!(values(&all(&model(&flow)), "m.N"), [Value::from(213)]);
}
