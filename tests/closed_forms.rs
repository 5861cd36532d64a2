//! Known answers: counts and outcomes that can be worked out on paper, for every N up to a bound.

mod support;

use serde_json::{Value, json};
use support::engine::{REAL, check};

fn racing(items: u64, concurrency: u64, body: &Value) -> Value {
    json!({ "flowrace": 1, "name": "counter", "state": { "m": { "kind": "item", "fields": { "N": 5 } } },
        "flow": [{ "forEach": "order", "items": items, "concurrency": concurrency, "do": body }] })
}

/// Get item, then Update item: two steps.
fn counter(items: u64, concurrency: u64) -> Value {
    racing(
        items,
        concurrency,
        &json!([
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ]),
    )
}

/// The same with If-Match, repeated until it is accepted.
fn etag_loop(items: u64, concurrency: u64, limit: Option<u64>) -> Value {
    let mut until = json!({ "name": "Retry", "until": "@equals(outputs('Update_item')?['statusCode'], 200)", "do": [
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "ifMatch": "@outputs('Get_item')?['etag']",
          "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ] });
    if let Some(limit) = limit {
        until["limit"] = json!(limit);
    }
    racing(items, concurrency, &json!([until]))
}

fn values(flow: &Value) -> Vec<u64> {
    let values = flow["outcomes"]["m.N"]["values"].as_array().expect("an observed cell");
    values.iter().map(|v| v.as_u64().expect("a count")).collect()
}

fn rules(flow: &Value) -> Vec<&str> {
    let mut rules: Vec<_> = flow["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|f| f["rule"].as_str())
        .collect();
    rules.dedup();
    rules
}

fn assert_states(flow: &Value, states: u64, what: &str) {
    assert!(
        !REAL || flow["stats"]["states"] == states,
        "{what}: {} states, not {states}",
        flow["stats"]["states"]
    );
}

/// (N + 2) · 2^(N − 1) states of the cell and the processes, of which each is counted up to a permutation.
#[test]
fn counter_under_symmetry() {
    for (n, states) in (1..).zip([3, 8, 20, 48, 112, 256, 576, 1280]) {
        assert_eq!(states, (n + 2) << (n - 1));
        if !REAL && n > 5 {
            break;
        }
        let flow = check(&counter(n, 50), "symmetry");
        assert_states(&flow, states, &format!("{n} items"));
        assert_eq!(values(&flow), (6..=5 + n).collect::<Vec<_>>(), "{n} items");
        assert_eq!(flow["outcomes"]["m.N"]["complete"], true);
        assert_eq!(flow["level"], if n == 1 { "deterministic" } else { "not-serial" });
        assert_eq!(flow["verdict"], if n == 1 { "safe" } else { "unsafe" });
        assert_eq!(rules(&flow), if n == 1 { vec![] } else { vec!["lost-update"] });
        let all = check(&counter(n, 50), "all");
        assert!(
            all["stats"]["states"].as_u64() <= flow["stats"]["states"].as_u64(),
            "{n} items under all"
        );
        assert_eq!(
            (values(&all), rules(&all)),
            (values(&flow), rules(&flow)),
            "{n} items under all"
        );
    }
}

#[test]
fn counter_without_reductions() {
    for (n, states) in (1..).zip([3, 12, 59, 330, 2027]) {
        let flow = check(&counter(n, 50), "none");
        assert_states(&flow, states, &format!("{n} items"));
        assert_eq!(values(&flow), (6..=5 + n).collect::<Vec<_>>(), "{n} items");
    }
}

/// One slow iteration may hold an old value while all others pass it by, so a window of two loses as much.
#[test]
fn a_window_of_two_has_the_same_range() {
    let n = if REAL { 6 } else { 4 };
    for reduction in ["symmetry", "all"] {
        assert_eq!(
            values(&check(&counter(n, 2), reduction)),
            (6..=5 + n).collect::<Vec<_>>(),
            "{reduction}"
        );
    }
}

/// Nobody has read, or read and is still fresh, or is stale, or is done.
#[test]
fn etag_loop_under_symmetry() {
    for n in 1..=6 {
        if !REAL && n > 3 {
            break;
        }
        let flow = check(&etag_loop(n, 50, None), "symmetry");
        assert_states(&flow, (2 << n) - 1, &format!("{n} items"));
        assert_eq!(values(&flow), [5 + n], "{n} items");
        assert_eq!(
            (&flow["level"], &flow["verdict"]),
            (&json!("deterministic"), &json!("safe")),
            "{n} items"
        );
        assert!(rules(&flow).is_empty(), "{n} items: {:?}", rules(&flow));
    }
}

/// A lost attempt uses up another's success, so N items need N attempts, and no fewer will do; with a window of two as well.
#[test]
fn etag_loop_needs_as_many_attempts_as_items() {
    for n in 2..=if REAL { 5 } else { 3 } {
        for concurrency in [2, 50] {
            let enough = check(&etag_loop(n, concurrency, Some(n)), "all");
            assert_eq!(
                values(&enough),
                [5 + n],
                "{n} items, {n} attempts, {concurrency} at a time"
            );
            assert_eq!(
                enough["verdict"], "safe",
                "{n} items, {n} attempts, {concurrency} at a time"
            );
            let few = check(&etag_loop(n, concurrency, Some(n - 1)), "all");
            assert!(
                values(&few)[0] < 5 + n,
                "{n} items, {} attempts, {concurrency} at a time",
                n - 1
            );
            assert_eq!(
                few["verdict"],
                "unsafe",
                "{n} items, {} attempts, {concurrency} at a time",
                n - 1
            );
            assert!(!REAL || rules(&few) == ["retry-exhausted"], "{n} items: {:?}", rules(&few));
        }
    }
}
