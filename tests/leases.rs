//! Leases and time by hand (semantics §8): when a lock holds, and which bound would make it hold.

mod support;

use serde_json::{Value, json};
use support::engine::check;
use support::seen::{model, rules};

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

/// A retry waits while the lease runs on, after a 429 as long as it is asked to: what is safe without a fault is not with
/// one.
#[test]
fn a_retry_can_outlast_the_lease() {
    let patient = json!({ "count": 1, "interval": 60 });
    let hasty = json!({ "count": 1, "interval": 5 });
    let never = json!({ "type": "none" });
    for (budget, retry, safe) in [
        (0, &patient, true),
        (1, &patient, false),
        (0, &hasty, true),
        (1, &hasty, false),
        (1, &never, true),
    ] {
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

/// A renewed lease lasts its seconds anew (semantics §8, *renew: clock reset*), and no longer.
#[test]
fn renewing_starts_the_clock_again() {
    for (second, safe) in [(29, true), (30, false)] {
        let steps = json!([{ "forEach": "o", "items": 2, "concurrency": 2, "do": [
            { "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0], "retry": { "count": 90, "interval": 60 } },
            { "name": "First", "compose": "", "takes": [0, 29] },
            { "name": "Renew", "renewLease": "b", "takes": [0, 0] },
            { "name": "Second", "compose": "", "takes": [0, second] },
            { "name": "Store", "update": "m", "set": { "N": 6 }, "takes": [0, 0] },
            { "name": "Unlock", "releaseLease": "b", "takes": [0, 0] }] }]);
        let mut model = model(0, &steps);
        model["state"]["b"] = json!({ "kind": "blob" });
        let found = rules(&check(&model, "all"));
        assert_eq!(!found.contains("lease-misuse"), safe, "{second} s after it");
    }
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
