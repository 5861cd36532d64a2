//! What a brute-force oracle by another hand found, made small: creates that do not commute, writes that turn a
//! condition read before them, serial orders of loops that go one at a time, sums that are read after a join.

mod support;

use serde_json::{Value, json};
use support::engine::check;

const REDUCTIONS: [&str; 3] = ["none", "symmetry", "all"];

fn rules(flow: &Value) -> Vec<&str> {
    let all = flow["findings"].as_array().into_iter().flatten();
    all.filter_map(|f| f["rule"].as_str()).collect()
}

fn numbers(pairs: &[(&str, i64)]) -> Value {
    pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), json!({ "kind": "variable", "value": v })))
        .collect()
}

/// Of two rows with one key the second is refused: which one it is, is open, whatever else their columns say.
#[test]
fn creates_of_one_unique_key_do_not_commute() {
    let model = |row: Value, items: Value| {
        json!({ "flowrace": 1,
            "state": { "t": { "kind": "table", "rows": [], "key": ["K"], "unique": true } },
            "flow": [{ "forEach": "o", "items": items, "concurrency": 2, "do": [{ "create": "t", "row": row }] }] })
    };
    for reduction in REDUCTIONS {
        for (items, one, two) in
            [(json!(2), json!(1), json!(2)), (json!(["a", "b"]), json!("a"), json!("b"))]
        {
            let same = model(json!({ "K": 1, "N": "@items('o')" }), items.clone());
            let values = check(&same, reduction)["outcomes"]["t"]["values"].clone();
            assert_eq!(
                values,
                json!([[{ "K": 1, "N": one }], [{ "K": 1, "N": two }]]),
                "{reduction}"
            );
            let apart = model(json!({ "K": "@items('o')", "N": 1 }), items);
            let values = check(&apart, reduction)["outcomes"]["t"]["values"].clone();
            assert_eq!(
                values,
                json!([[{ "K": one, "N": 1 }, { "K": two, "N": 1 }]]),
                "{reduction}"
            );
        }
    }
}

/// The condition is asked once, before both branches; an effect that it let through can still come too late.
#[test]
fn who_turns_a_condition_that_was_read_before_is_seen() {
    let model = |between: Value| {
        json!({ "flowrace": 1, "state": { "w": { "kind": "item", "fields": { "S": "open" } } }, "flow": [
            { "name": "G", "get": "w" },
            { "name": "If", "if": "@equals(outputs('G')?['S'], 'open')", "then": [{ "parallel": [
                [{ "name": "Mail", "send": "paid" }], between ] }] } ] })
    };
    let set = |value: &str| json!({ "update": "w", "set": { "S": value } });
    for reduction in REDUCTIONS {
        for (between, found) in [
            (json!([set("closed")]), &["stale-guard"][..]),
            (json!([set("closed"), set("open")]), &["stale-guard"]),
            (json!([set("open")]), &[]),
        ] {
            let flow = check(&model(between.clone()), reduction);
            assert_eq!(rules(&flow), found, "{reduction} {between}");
        }
    }
}

/// The first round of a loop is over before the second begins: who was last in it has been interrupted by nobody.
#[test]
fn rounds_of_a_loop_that_goes_one_at_a_time_are_serial() {
    for reduction in REDUCTIONS {
        let model = json!({ "flowrace": 1, "observe": ["log"],
            "state": { "v": { "kind": "variable", "value": 0 }, "log": { "kind": "variable", "value": [] } },
            "flow": [{ "forEach": "order", "items": 2, "concurrency": 1, "do": [{ "parallel": [
                [{ "append": "log", "value": "@variables('v')" }], [{ "increment": "v", "by": 3 }] ] }] }] });
        let flow = check(&model, reduction);
        let all = json!([[0, 3], [0, 6], [3, 3], [3, 6]]);
        assert_eq!(flow["outcomes"]["log"]["values"], all, "{reduction}");
        assert_eq!(flow["outcomes"]["log"]["serial"], all, "{reduction}");
        assert_eq!(
            (&flow["verdict"], &flow["level"]),
            (&json!("safe"), &json!("order-dependent")),
            "{reduction}"
        );
    }
}

/// A loop whose condition nobody else can turn does not wait for anybody: between two of its rounds it is in the middle.
#[test]
fn only_a_poll_may_be_left_between_two_rounds() {
    let model = |looped: Value| {
        json!({ "flowrace": 1, "state": numbers(&[("i", 0), ("v", 0), ("w", 0)]), "observe": ["w"],
            "flow": [{ "parallel": [[looped], [{ "name": "Copy", "setVariable": "w", "value": "@variables('v')" }]] }] })
    };
    let inc = |name: &str| json!({ "increment": name });
    for (looped, serial) in [
        (json!({ "forEach": "L", "items": 2, "concurrency": 1, "do": [inc("v")] }), json!([0, 2])),
        (json!({ "until": "@equals(1, 2)", "limit": 2, "do": [inc("v")] }), json!([0, 2])),
        (
            json!({ "until": "@equals(variables('i'), 2)", "limit": 5, "do": [inc("i"), inc("v")] }),
            json!([0, 2]),
        ),
        // It waits for the copy, so it may be left.
        (
            json!({ "until": "@equals(variables('w'), 1)", "limit": 2, "do": [inc("v")] }),
            json!([0, 1, 2]),
        ),
    ] {
        let flow = check(&model(looped.clone()), "all");
        assert_eq!(flow["outcomes"]["w"]["values"], json!([0, 1, 2]), "{looped}");
        assert_eq!(flow["outcomes"]["w"]["serial"], serial, "{looped}");
        let odd = serial == json!([0, 2]);
        assert_eq!(rules(&flow).contains(&"unclassified"), odd, "{looped}");
    }
}

/// What branches added is there when they have joined: the reader took nobody's value for another's.
#[test]
fn a_sum_read_after_the_join_has_not_bled() {
    let model = |one: Value, two: Value| {
        json!({ "flowrace": 1, "state": { "v": { "kind": "variable", "value": 0 }, "it": { "kind": "item", "fields": { "A": 0 } } },
            "flow": [{ "parallel": [[one], [two]] }, { "update": "it", "set": { "A": "@variables('v')" } }] })
    };
    let inc = || json!({ "increment": "v" });
    for reduction in REDUCTIONS {
        let flow = check(&model(inc(), inc()), reduction);
        assert_eq!(
            (&flow["verdict"], &flow["outcomes"]["it.A"]["values"]),
            (&json!("safe"), &json!([2])),
            "{reduction}"
        );
        // Where one of them sets it, the sum is not what either meant.
        let flow = check(&model(inc(), json!({ "setVariable": "v", "value": 5 })), reduction);
        assert_eq!(flow["verdict"], "unsafe", "{reduction}");
    }
}
