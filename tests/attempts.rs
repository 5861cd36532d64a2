//! Semantics §6 fault by fault: what a single attempt that goes wrong answers, how long it takes, what it leaves behind,
//! and what the next one sends.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::engine::{check, writes_too_late};
use support::seen::{model, numbers, outcomes, pretty, rules};

fn never() -> Value {
    json!({ "type": "none" })
}

/// A lease of 30 s, a step that may go wrong, and a write that is only made if the step ended so: whether it can come when
/// the lease has run out. Nothing else takes time.
fn too_late(step: &Value, takes: u64, policy: &Value, ended: &str) -> bool {
    let mut step = step.clone();
    step["name"] = json!("Step");
    step["takes"] = json!([0, takes]);
    step["retry"] = policy.clone();
    // Two rows are there only if the step took effect twice.
    let twice = step.get("create").is_some();
    let look = json!({ "name": "Look", "list": "t", "where": { "k": 1 }, "takes": [0, 1], "retry": never(),
        "runAfter": { "Step": [ended] } });
    let write = json!({ "name": "Write", "update": "m", "set": { "N": 6 }, "takes": [0, 0], "retry": never() });
    let many = if twice { 1 } else { -1 };
    let when = format!("@greater(length(outputs('Look')?['value']), {many})");
    let model = model(
        1,
        &json!([{ "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0], "retry": never() }, step, look,
            { "name": "If", "if": when, "then": [write] },
            { "name": "Unlock", "releaseLease": "b", "takes": [0, 0], "retry": never(),
              "runAfter": { "If": ["Succeeded", "Failed", "Skipped", "TimedOut"] } }]),
    );
    writes_too_late(model)
}

/// Rows *Retry-After*, *retried outcomes*, *request timeout*: an attempt that goes wrong can take as long as one that does
/// not, and so can each of the waits after it; only the wait that a 429 asks for has no bound.
#[test]
fn each_fault_takes_its_own_time() {
    let fixed = |count: u64, interval: u64| json!({ "type": "fixed", "count": count, "interval": interval });
    let get = json!({ "get": "m" });
    let create = json!({ "create": "t", "row": { "k": 1 } });
    for (step, takes, policy, ended, late) in [
        // 429, the wait that it asks for, the next attempt.
        (&get, 0, never(), "Succeeded", false),
        (&get, 0, fixed(1, 5), "Succeeded", true),
        // After an effect whose answer was lost the policy's wait.
        (&create, 0, fixed(1, 28), "Succeeded", false),
        (&create, 0, fixed(1, 29), "Succeeded", true),
        (&create, 9, fixed(1, 10), "Succeeded", false),
        (&create, 9, fixed(1, 11), "Succeeded", true),
        // No attempt gets through: all of them, and all waits.
        (&get, 9, fixed(1, 10), "Failed", false),
        (&get, 9, fixed(1, 11), "Failed", true),
        (&get, 28, never(), "Failed", false),
        (&get, 29, never(), "Failed", true),
        // Its own time limit ends the action, whatever its policy.
        (&get, 28, fixed(9, 60), "TimedOut", false),
        (&get, 29, never(), "TimedOut", true),
    ] {
        let found = too_late(step, takes, &policy, ended);
        assert_eq!(found, late, "{step} of {takes} s, {policy}, {ended}");
    }
}

/// Row *retried outcomes* and *ambiguous outcome*: which codes there are. Nobody can tell a 504 before the effect from one
/// after it, or from one whose effect is still to come.
#[test]
fn what_each_fault_answers() {
    let note = json!({ "name": "Note", "update": "m", "set": { "Code": "@outputs('Set')?['statusCode']", "N": 0 },
        "retry": never(), "runAfter": { "Set": ["Failed", "TimedOut"] } });
    let set = json!({ "name": "Set", "update": "m", "set": { "N": 6 }, "retry": never() });
    let mut model = model(1, &json!([set, note]));
    model["state"]["m"]["fields"]["Code"] = json!(200);
    assert_eq!(numbers(&check(&model, "all"), "m.Code"), BTreeSet::from([200, 408, 504]));
    // The note sets 0: only what arrives after it can leave 6.
    for code in [408, 504] {
        let left =
            format!("@not(and(equals(state('m')?['N'], 6), equals(state('m')?['Code'], {code})))");
        model["finally"] = json!([left]);
        assert!(rules(&check(&model, "all")).contains("invariant"), "{code}, and arrives later");
    }
}

/// *Ambiguous outcome*: the action has failed, or timed out, and its effect is there, or it is not.
#[test]
fn it_may_have_taken_effect_all_the_same() {
    let create = json!({ "name": "Create", "create": "t", "row": { "k": 1 }, "retry": never() });
    let note = json!({ "name": "Note", "update": "m", "set": { "N": "@outputs('Create')?['statusCode']" }, "retry": never(),
        "runAfter": { "Create": ["Failed", "TimedOut"] } });
    for code in [504, 408] {
        for rows in [0, 1] {
            let mut model = model(1, &json!([create, note]));
            model["assume"] = json!({ "variable-actions": "atomic", "late-effects": "never" });
            let there = format!(
                "@not(and(equals(length(state('t')), {rows}), equals(state('m')?['N'], {code})))"
            );
            model["finally"] = json!([there]);
            let found = rules(&check(&model, "all"));
            assert!(found.contains("invariant"), "{code} with {rows} rows: {}", pretty(&model));
        }
    }
}

/// Row *Retry-After*: a 429 is shown as such, and its repetition by number.
#[test]
fn a_throttled_call_is_told() {
    let lock = json!({ "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0], "retry": never() });
    let get = json!({ "name": "Get", "get": "m", "takes": [0, 0], "retry": { "type": "fixed", "count": 1, "interval": 30 } });
    let write = json!({ "name": "Write", "update": "m", "set": { "N": 6 }, "takes": [0, 0], "retry": never() });
    let mut model = model(1, &json!([lock, get, write]));
    model["state"]["b"] = json!({ "kind": "blob" });
    let flow = check(&model, "all");
    let findings = flow["findings"].as_array().expect("findings");
    let misused = |f: &&Value| f["rule"] == "lease-misuse" && f["cell"] == "m.N";
    let steps = findings.iter().find(misused).expect("misused")["witness"]["steps"].clone();
    let told: Vec<&str> =
        steps.as_array().expect("steps").iter().filter_map(|s| s["effect"].as_str()).collect();
    assert!(told[1].starts_with("429") && told[2].starts_with("retry 1 of 1: "), "{told:?}");
}

/// Inputs are evaluated once: a repeated create makes what the first one made, though the variable has changed since.
#[test]
fn the_next_attempt_sends_the_same() {
    let mut model = model(
        1,
        &json!([{ "parallel": [
        [{ "name": "Create", "create": "t", "row": { "k": "@variables('v')" }, "retry": { "count": 1, "interval": 5 } }],
        [{ "setVariable": "v", "value": 1 }]] }]),
    );
    model["state"]["v"] = json!({ "kind": "variable", "value": 0 });
    let twice = |a: u64, b: u64| format!("[{{\"k\":{a}}},{{\"k\":{b}}}]");
    let found = outcomes(&check(&model, "all"))["t"].clone();
    assert!(found.contains(&twice(0, 0)) && found.contains(&twice(1, 1)), "{found:?}");
    assert!(!found.contains(&twice(0, 1)) && !found.contains(&twice(1, 0)), "{found:?}");
}

/// Row *Retry-After*: so does one that was throttled. The run has seen what it was before, and has set the variable.
#[test]
fn a_throttled_call_sends_the_same() {
    let copy = json!({ "name": "Copy", "update": "m", "set": { "Saw": "@outputs('Get')?['N']" }, "retry": never() });
    let mut model = model(
        1,
        &json!([{ "parallel": [
        [{ "name": "Write", "update": "m", "set": { "N": "@variables('v')" }, "retry": { "count": 1, "interval": 5 } }],
        [{ "setVariable": "v", "value": 1 }, { "name": "Get", "get": "m", "retry": never() }, copy]] }]),
    );
    model["state"]["v"] = json!({ "kind": "variable", "value": 0 });
    model["assume"] = json!({ "variable-actions": "atomic", "late-effects": "never" });
    model["finally"] =
        json!(["@not(and(equals(state('m')?['N'], 0), equals(state('m')?['Saw'], 5)))"]);
    assert!(rules(&check(&model, "all")).contains("invariant"));
    model["scope"]["faults"] = json!(0);
    assert!(!rules(&check(&model, "all")).contains("invariant"));
}

/// §8, *release must also run*: a release that no answer comes to leaves a finite lease to its end, and one without end to
/// nobody.
#[test]
fn a_release_that_goes_wrong() {
    let leaks = |seconds: i64, ended: &str| {
        let note = json!({ "name": "Note", "update": "m", "set": { "N": 6 }, "retry": never(), "takes": [0, 0],
            "runAfter": { "Unlock": [ended] } });
        let mut model = model(
            1,
            &json!([{ "name": "Lock", "acquireLease": "b", "seconds": seconds, "takes": [0, 0], "retry": never() },
                { "name": "Unlock", "releaseLease": "b", "takes": [0, 0], "retry": never() }, note]),
        );
        model["state"]["b"] = json!({ "kind": "blob" });
        let flow = check(&model, "all");
        assert!(numbers(&flow, "m.N").contains(&6), "it can go wrong");
        rules(&flow).contains("lease-misuse")
    };
    for ended in ["Failed", "TimedOut"] {
        assert!(!leaks(30, ended), "{ended}");
        assert!(leaks(-1, ended), "{ended}");
    }
}
