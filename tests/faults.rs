//! Faults: random models against brute force that leaves nothing out, tables worked out by hand, and what a budget of 0
//! must not change.

mod support;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::engine::check;
use support::generate::models;
use support::naive::{explore, normalise};

/// Larger models are passed over: brute force has to stay quick.
const STATES: usize = 4_000;

fn config() -> ProptestConfig {
    let cases = std::env::var("FLOWRACE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    ProptestConfig {
        cases,
        max_global_rejects: cases * 8,
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/faults.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn faults_are_what_brute_force_says(model in models(), policies in any::<u64>(), budget in 1..=2_u64) {
        let model = with_faults(model, policies, budget);
        let Some(naive) = explore(&model, STATES) else { return Err(TestCaseError::reject("large")) };
        let flow = check(&model, "all");
        let text = pretty(&model);
        prop_assert_eq!(&flow["exhaustive"], &json!(true), "{}", text);
        prop_assert_eq!(outcomes(&flow), naive.outcomes.clone(), "outcomes of {}", text);
        if !text.contains("Poll_") {
            prop_assert_eq!(flow["level"].as_str().unwrap_or(""), naive.level(), "level of {}", text);
        }
        prop_assert_eq!(rules(&flow).contains("stuck"), naive.stuck, "stuck in {}", text);
        // A loop around the call can make it again, too; the second opinion looks at the platform's repeats alone.
        let found = rules(&flow).contains("retry-duplicate");
        prop_assert!(found || !naive.twice, "a repeat takes effect twice in {}", text);
        prop_assert!(!found || naive.twice || text.contains("\"until\""), "nothing takes effect twice in {}", text);
    }

    #[test]
    fn reductions_keep_what_faults_do(model in models(), policies in any::<u64>(), budget in 1..=2_u64) {
        let model = with_faults(model, policies, budget);
        prop_assume!(explore(&model, STATES).is_some());
        let [none, symmetry, all] = ["none", "symmetry", "all"].map(|reduction| check(&model, reduction));
        let text = pretty(&model);
        for (name, reduced) in [("symmetry", &symmetry), ("all", &all)] {
            prop_assert_eq!(outcomes(reduced), outcomes(&none), "outcomes under {} of {}", name, text);
            prop_assert_eq!(findings(reduced), findings(&none), "findings under {} in {}", name, text);
            prop_assert_eq!(&reduced["level"], &none["level"], "level under {} of {}", name, text);
        }
    }

    /// Whoever is alone cannot race: faults add no rule that is about somebody else.
    #[test]
    fn alone_nobody_races(model in models(), policies in any::<u64>(), budget in 1..=3_u64) {
        let mut model = model;
        prop_assume!(model.get("flow").is_some());
        prop_assume!(["parallel", "\"runAfter\":{}"].iter().all(|key| !model.to_string().contains(key)));
        model["flow"][0]["concurrency"] = json!(1);
        let before = rules(&check(&model, "all"));
        let about_faults = ["retry-duplicate", "partial-failure", "invariant", "stuck"];
        let found = rules(&check(&with_faults(model.clone(), policies, budget), "all"));
        let added: Vec<_> = found.difference(&before).filter(|r| !about_faults.contains(&r.as_str())).collect();
        prop_assert!(added.is_empty(), "{added:?} in {}", pretty(&with_faults(model, policies, budget)));
    }

    /// Retry policies and the budget's machinery must not show as long as nothing may go wrong.
    #[test]
    fn a_budget_of_0_changes_nothing(model in models(), policies in any::<u64>()) {
        let plain = check(&model, "all");
        let careful = check(&with_faults(model, policies, 0), "all");
        for key in ["verdict", "level", "stats", "outcomes"] {
            prop_assert_eq!(&plain[key], &careful[key], "{}", key);
        }
        prop_assert_eq!(findings(&plain), findings(&careful));
    }
}

/// The model with a budget and a retry policy at every call: none, one or two more attempts, or the default.
fn with_faults(mut model: Value, policies: u64, budget: u64) -> Value {
    let mut bits = policies;
    model["scope"]["faults"] = json!(budget);
    let mut lists: Vec<&mut Value> = vec![];
    let Some(root) = model.as_object_mut() else { unreachable!("a model is an object") };
    lists.extend(root.iter_mut().filter(|(k, _)| *k == "flow" || *k == "flows").map(|(_, v)| v));
    while let Some(value) = lists.pop() {
        match value {
            Value::Array(items) => lists.extend(items),
            Value::Object(step) => {
                let call = ["get", "list", "update", "create", "upsert", "delete", "send"];
                if call.iter().any(|kind| step.contains_key(*kind)) {
                    let policy = [
                        json!({ "type": "none" }),
                        json!({ "count": 1, "interval": 5 }),
                        json!({ "count": 2, "interval": 5, "type": "exponential" }),
                        json!({ "type": "default" }),
                    ];
                    step.insert("retry".to_owned(), policy[(bits % 4) as usize].clone());
                    bits = bits.rotate_right(2);
                }
                let nested = ["do", "then", "else", "parallel", "cases", "default"];
                lists.extend(
                    step.iter_mut()
                        .filter(|(k, v)| nested.contains(&k.as_str()) || v.get("do").is_some())
                        .map(|(_, v)| v),
                );
            }
            _ => {}
        }
    }
    model
}

fn pretty(model: &Value) -> String {
    serde_json::to_string_pretty(model).expect("a value is text")
}

fn outcomes(flow: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let values = |cell: &Value| {
        cell["values"].as_array().into_iter().flatten().map(|v| normalise(v).to_string()).collect()
    };
    let cells = flow["outcomes"].as_object().into_iter().flatten();
    cells.map(|(cell, outcome)| (cell.clone(), values(outcome))).collect()
}

fn rules(flow: &Value) -> BTreeSet<String> {
    let findings = flow["findings"].as_array().into_iter().flatten();
    findings.filter_map(|f| f["rule"].as_str()).map(str::to_owned).collect()
}

fn findings(flow: &Value) -> BTreeSet<String> {
    let key = |f: &Value| json!([f["rule"], f["severity"], f["cell"], f["actions"]]).to_string();
    flow["findings"].as_array().into_iter().flatten().map(key).collect()
}

/// A model over a table `t`, an item `m` with `N`: 5, and a budget.
fn model(budget: u64, flow: &Value) -> Value {
    json!({ "flowrace": 1, "name": "by hand", "scope": { "faults": budget }, "flow": flow, "state": {
        "m": { "kind": "item", "fields": { "N": 5 } },
        "t": { "kind": "table", "key": ["k"], "rows": [] } } })
}

/// How many rows `t` ends with.
fn counts(flow: &Value) -> BTreeSet<usize> {
    let values = flow["outcomes"]["t"]["values"].as_array().expect("observed");
    values.iter().map(|v| v.as_array().expect("rows").len()).collect()
}

fn numbers(flow: &Value, cell: &str) -> BTreeSet<i64> {
    let values = flow["outcomes"][cell]["values"].as_array().expect("observed");
    values.iter().map(|v| v.as_i64().expect("a number")).collect()
}

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
    assert!(explore(&model, STATES).expect("small").outcomes["m.Failed"].len() == 3);
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

/// A lock of 30 s around two calls of 0 to `each` s, taken by two orders; the acquire is answered within `answer` s.
fn locked(answer: u64, each: u64, budget: u64, retry: &Value) -> Value {
    let mut model = model(
        budget,
        &json!([{ "forEach": "order", "items": 2, "concurrency": 2, "do": [
        { "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, answer],
          "retry": { "count": 90, "interval": 60 } },
        { "name": "Fetch", "get": "m", "takes": [0, each], "retry": retry },
        { "name": "Store", "update": "m", "takes": [0, each], "retry": retry,
          "set": { "N": "@add(outputs('Fetch')?['N'], 1)" } },
        { "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 0],
          "retry": { "type": "none" }, "runAfter": { "Store": ["Succeeded", "Failed", "Skipped", "TimedOut"] } }] }]),
    );
    model["state"]["b"] = json!({ "kind": "blob" });
    model
}

/// The lease can run out exactly when answer, Fetch and Store can take its 30 s together; the printed bound is that one.
#[test]
fn the_largest_section_is_computed_and_is_the_largest() {
    let none = json!({ "type": "none" });
    for (answer, each, safe) in [
        (0, 14, true),
        (0, 15, false),
        (8, 10, true),
        (8, 11, false),
        (29, 0, true),
        (30, 0, false),
    ] {
        let flow = check(&locked(answer, each, 0, &none), "all");
        assert_eq!(rules(&flow).contains("lease-misuse"), !safe, "{answer} s and twice {each} s");
        assert_eq!(rules(&flow).contains("lost-update"), !safe, "{answer} s and twice {each} s");
        let note = flow["notes"].as_array().expect("a list").iter().find_map(Value::as_str);
        if each > 0 {
            let note = note.expect("a note");
            let says = format!(
                "the lease of b is safe while Fetch to Store takes under {} s; it can take {} s",
                30 - answer,
                2 * each
            );
            assert_eq!(note, says);
        }
    }
}

/// A retry waits while the lease runs on: what is safe without a fault is not with one.
#[test]
fn a_retry_can_outlast_the_lease() {
    let patient = json!({ "count": 1, "interval": 60 });
    let hasty = json!({ "count": 1, "interval": 5 });
    for (budget, retry, safe) in [(0, &patient, true), (1, &patient, false), (1, &hasty, true)] {
        let flow = check(&locked(0, 2, budget, retry), "all");
        assert_eq!(
            rules(&flow).contains("lease-misuse"),
            !safe,
            "{budget} faults, {retry}: {:?}",
            rules(&flow)
        );
    }
}

/// What a run holds runs on while its concurrent loop works, while it sends, and while it waits for others.
#[test]
fn the_clock_of_a_lease_runs_whatever_its_holder_does() {
    let section = |inside: Value| {
        let mut steps =
            vec![json!({ "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0] })];
        steps.extend(inside.as_array().expect("steps").clone());
        steps.push(json!({ "name": "Store", "update": "m", "set": { "N": 9 }, "takes": [0, 0] }));
        steps.push(json!({ "name": "Unlock", "releaseLease": "b", "takes": [0, 0] }));
        let mut model = model(0, &Value::Null);
        model.as_object_mut().expect("a model").remove("flow");
        model["flows"] = json!({ "one": { "do": steps, "runs": 2 }, "two": { "do": [
            { "name": "Open", "update": "m", "set": { "Open": 1 }, "takes": [0, 0] }] } });
        model["state"]["b"] = json!({ "kind": "blob" });
        model["state"]["v"] = json!({ "kind": "variable", "value": 0 });
        model["state"]["c"] = json!({ "kind": "item", "fields": { "N": 0 } });
        rules(&check(&model, "all")).contains("lease-misuse")
    };
    let each = |takes: u64| {
        json!([{ "forEach": "x", "items": 4, "concurrency": 2, "do": [
            { "name": "Touch", "update": "c", "set": { "N": 1 }, "takes": [0, takes] }] }])
    };
    // Four items, two at a time: 3/2 of one before the last can start, rounded up, then one.
    assert!(!section(each(11)));
    assert!(section(each(12)));
    assert!(section(json!([{ "send": "a mail", "takes": [0, 30] }])));
    assert!(!section(json!([{ "send": "a mail", "takes": [0, 29] }])));
    assert!(section(json!([{ "compose": "a Delay", "takes": [30, 30] }])));
    let wait = json!([{ "parallel": [[{ "wait": "@equals(variables('v'), 1)" }],
        [{ "setVariable": "v", "value": 1 }]] }]);
    assert!(section(wait));
}

/// Which bound would do is said, and is the least: with it nobody gives up, with one fewer somebody does.
#[test]
fn the_bound_that_would_do_is_the_least() {
    let retry = |items: u64, limit: u64| {
        let body = json!([{ "name": "Until", "until": "@equals(outputs('Set')?['statusCode'], 200)", "limit": limit, "do": [
            { "name": "Get", "get": "m" },
            { "name": "Set", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
              "set": { "N": "@add(outputs('Get')?['N'], 1)" } }] }]);
        check(
            &model(0, &json!([{ "forEach": "o", "items": items, "concurrency": 50, "do": body }])),
            "all",
        )
    };
    for items in 2..=4 {
        for limit in 1..items {
            let flow = retry(items, limit);
            let message = flow["findings"][0]["message"].as_str().expect("a message").to_owned();
            assert!(
                message.ends_with(&format!("; {items} rounds would do, and no fewer")),
                "{message}"
            );
        }
        assert!(rules(&retry(items, items)).is_empty());
        assert!(rules(&retry(items, items - 1)).contains("retry-exhausted"));
    }
    let wait = |count: u64| {
        let mut model = locked(0, 4, 0, &json!({ "type": "none" }));
        model["flow"][0]["items"] = json!(3);
        model["flow"][0]["do"][0]["retry"] = json!({ "count": count, "interval": 5 });
        check(&model, "all")
    };
    // Two others hold it 8 s each; four attempts 5 s apart span 16 s, three do not.
    let short = wait(3);
    let messages: Vec<&str> = short["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|f| f["message"].as_str())
        .collect();
    assert!(
        messages.iter().any(|m| m.ends_with("; 4 attempts would do, and no fewer")),
        "{messages:?}"
    );
    assert!(!rules(&wait(4)).contains("retry-exhausted"));
}
