//! Faults by hand: what two and three steps can come to when calls go wrong (semantics §6), counted on paper first.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::engine::check;
use support::naive::explore;
use support::seen::{counts, model, numbers, outcomes, pretty, rules};

/// Each fault but the last loses the answer of an attempt that took effect, and each attempt but the first needs a
/// retry: from 0 to 1 + min(retries, faults) rows. So commits never exceed attempts.
#[test]
fn commits_never_exceed_attempts() {
    for retries in 0..=3_usize {
        for faults in 0..=4_usize {
            let create = json!([{ "name": "Create", "create": "t", "row": { "k": 1 },
                "retry": { "count": retries, "interval": 5 } }]);
            let flow = check(&model(faults as u64, &create), "all");
            let most = 1 + retries.min(faults);
            let least = usize::from(faults == 0);
            assert_eq!(
                counts(&flow),
                (least..=most).collect(),
                "{retries} retries, {faults} faults"
            );
            let twice = rules(&flow).contains("retry-duplicate");
            assert_eq!(twice, most > 1, "{retries} retries, {faults} faults");
        }
    }
}

/// Two steps, one fault: nothing (the read fails), 5 (the write fails), 6 (it is written, answered or not).
#[test]
fn a_blind_write_after_a_read_by_hand() {
    let steps = json!([{ "name": "Get", "get": "m" },
        { "name": "Set", "update": "m", "set": { "N": "@add(outputs('Get')?['N'], 1)" } }]);
    let flow = check(&model(1, &steps), "all");
    assert_eq!(numbers(&flow, "m.N"), BTreeSet::from([5, 6]));
    assert_eq!((&flow["level"], &flow["verdict"]), (&json!("deterministic"), &json!("safe")));
}

/// Semantics §6: 409 and 412 are not retried; the repeated call is refused, the action has failed, and whoever runs
/// after *has failed* runs although the write was applied.
#[test]
fn an_etag_write_that_was_applied_has_failed() {
    let steps = json!([{ "name": "Get", "get": "m" },
        { "name": "Set", "update": "m", "ifMatch": "@outputs('Get')?['etag']", "set": { "N": 6 },
          "retry": { "count": 3, "interval": 5 } },
        { "name": "Mark", "update": "m", "set": { "Failed": "@outputs('Set')?['statusCode']" },
          "runAfter": { "Set": ["Failed"] } }]);
    let model = model(1, &steps);
    let flow = check(&model, "all");
    // Get: none. Failed: 504 at 5. Lost: 412 at 6. Unanswered: 504 at 6. Mark itself may fail.
    let joint: BTreeSet<String> = flow["outcomes"]["m.Failed"]["values"]
        .as_array()
        .expect("observed")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(joint, ["412", "504", "null"].map(str::to_owned).into());
    assert!(rules(&flow).is_empty(), "{:?}", rules(&flow));
    assert!(explore(&model, 4_000).expect("small").outcomes["m.Failed"].len() == 3);
}

/// What the first attempt read of a variable is what a later attempt sends.
#[test]
fn a_repeated_call_sends_what_the_first_one_sent() {
    let mut model = model(
        1,
        &json!([{ "parallel": [
        [{ "name": "Write", "update": "m", "set": { "N": "@variables('v')" }, "retry": { "count": 1, "interval": 5 } }],
        [{ "setVariable": "v", "value": 1 }, { "update": "m", "set": { "Done": "@variables('v')" },
           "retry": { "type": "none" } }]] }]),
    );
    model["state"]["v"] = json!({ "kind": "variable", "value": 0 });
    model["finally"] =
        json!(["@or(equals(state('m')?['N'], 5), lessOrEquals(state('m')?['N'], 1))"]);
    let flow = check(&model, "all");
    assert_eq!(numbers(&flow, "m.N"), BTreeSet::from([0, 1, 5]));
    let naive = explore(&model, 100_000).expect("small");
    assert_eq!(outcomes(&flow), naive.outcomes);
}

/// Outcomes are compared within the same faults: a fault that decides an outcome is not taken for a race.
#[test]
fn a_fault_is_not_mistaken_for_a_race() {
    let body = json!([{ "name": "Create", "create": "t", "row": { "k": "@items('order')" }, "retry": { "type": "none" } }]);
    let flow = json!([{ "forEach": "order", "items": ["a", "b"], "concurrency": 2, "do": body }]);
    for reduction in ["none", "symmetry", "all"] {
        let flow = check(&model(1, &flow), reduction);
        assert_eq!(counts(&flow), BTreeSet::from([1, 2]));
        assert_eq!(flow["level"], "deterministic", "{reduction}");
        assert_eq!(flow["verdict"], "safe", "{reduction}");
    }
}

/// Semantics §6, last paragraph: upsert by a fixed key, blind set and unique key are silent, create, append to the store
/// and send are not. Whether a policy repeats at all decides as well.
#[test]
fn which_operations_may_happen_twice() {
    let upsert = json!({ "upsert": "t", "key": { "k": 1 }, "row": { "n": 1 } });
    let set = json!({ "update": "m", "set": { "N": 7 } });
    let delete = json!({ "delete": "t", "where": { "k": 1 } });
    let create = json!({ "create": "t", "row": { "k": 1 } });
    let add = json!({ "sql": "UPDATE t SET n = n + 1 WHERE k = 1" });
    let put = json!({ "sql": "UPDATE t SET n = 7 WHERE k = 1" });
    let send = json!({ "send": "a mail" });
    for (step, twice) in [
        (upsert, false),
        (set, false),
        (delete, false),
        (put, false),
        (create, true),
        (add, true),
        (send, true),
    ] {
        for (policy, retried) in
            [(json!({ "type": "none" }), false), (json!({ "count": 1 }), true), (Value::Null, true)]
        {
            let mut step = step.clone();
            step["name"] = json!("Step");
            if !policy.is_null() {
                step["retry"] = policy;
            }
            let mut model = model(1, &json!([step]));
            model["state"]["t"]["rows"] = json!([{ "k": 1, "n": 0 }, { "k": 2, "n": 0 }]);
            let found = rules(&check(&model, "all")).contains("retry-duplicate");
            assert_eq!(found, twice && retried, "{}", pretty(&model));
        }
    }
    let mut unique = model(1, &json!([{ "create": "t", "row": { "k": 1 } }]));
    unique["state"]["t"]["unique"] = json!(true);
    assert!(rules(&check(&unique, "all")).is_empty());
}

/// Semantics §3.5: a run can be cancelled between any two steps; nothing is taken back. Only where it is asked for.
#[test]
fn a_cancelled_run_leaves_what_it_did() {
    let steps = json!([{ "create": "t", "row": { "k": 1 }, "retry": { "type": "none" } },
        { "create": "t", "row": { "k": 2 }, "retry": { "type": "none" } },
        { "update": "m", "set": { "N": 6 } }]);
    let mut model = model(1, &steps);
    model["finally"] =
        json!(["@not(and(equals(length(state('t')), 2), equals(state('m')?['N'], 5)))"]);
    model["assume"] = json!({ "variable-actions": "atomic", "run-cancellation": "on" });
    assert!(rules(&check(&model, "all")).contains("invariant"));
}

/// The witness is least by faults first: three switches without a fault go before one step with one.
#[test]
fn the_smallest_set_of_faults_is_shown() {
    let body = json!([{ "name": "Get", "get": "m" },
        { "name": "Set", "update": "m", "set": { "N": "@add(outputs('Get')?['N'], 1)" } }]);
    let flow = check(
        &model(2, &json!([{ "forEach": "o", "items": 2, "concurrency": 2, "do": body }])),
        "all",
    );
    let finding = &flow["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["witness"]["faults"]),
        (&json!("lost-update"), &json!(0))
    );
    let create = json!([{ "create": "t", "row": { "k": 1 }, "retry": { "count": 4 } }]);
    let flow = check(&model(3, &create), "all");
    let witness = &flow["findings"][0]["witness"];
    assert_eq!(witness["faults"], 1);
    assert_eq!(witness["steps"][0]["effect"], "504 after the row was written (creates 1)");
    assert_eq!(witness["steps"][1]["effect"], "retry 1 of 4: 201: creates 1");
}
