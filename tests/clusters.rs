//! Cells that do not interact are explored apart: that says what one model for all says.

mod support;

use flowrace::check::Config;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use support::cases::cases;
use support::engine::checked;
use support::generate::models;
use support::naive::explore;

/// Rules that may be there only to explain outcomes which all cells together show.
const LAST_RESORTS: [&str; 4] =
    ["unclassified", "retry-exhausted", "stale-guard", "iteration-bleed"];

fn apart(model: &Value) -> Value {
    checked(model, &Config { together: 0, ..Config::default() })
}

fn together(model: &Value) -> Value {
    checked(model, &Config { together: u64::MAX, ..Config::default() })
}

fn is_apart(flow: &Value) -> bool {
    flow["notes"].to_string().contains("parts that cannot notice each other")
}

/// All findings; without `resorts` only those of which no part can be without.
fn findings(flow: &Value, resorts: bool) -> BTreeSet<String> {
    let all = flow["findings"].as_array().into_iter().flatten();
    all.filter(|f| resorts || !LAST_RESORTS.iter().any(|r| f["rule"] == *r))
        .map(|f| json!([f["rule"], f["severity"], f["cell"], f["actions"]]).to_string())
        .collect()
}

#[test]
fn parts_say_what_the_whole_says() {
    let config = cases("proptest-regressions/clusters.txt", 300);
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let split = Cell::new(0);
    let result = runner.run(&models(), |model| {
        prop_assume!(explore(&model, 3_000).is_some());
        let (parts, whole) = (apart(&model), together(&model));
        let text = serde_json::to_string_pretty(&model).expect("a value is text");
        split.set(split.get() + u32::from(is_apart(&parts)));
        prop_assert!(!is_apart(&whole), "{}", text);
        for (cell, outcome) in whole["outcomes"].as_object().expect("cells") {
            let here = &parts["outcomes"][cell];
            prop_assert_eq!(&here["values"], &outcome["values"], "{} of {}", cell, text);
            prop_assert_eq!(&here["complete"], &outcome["complete"], "{} of {}", cell, text);
        }
        // Where each outcome is that of a serial order, nobody looked for last resorts.
        let resorts = parts["level"] == whole["level"] && whole["level"] != "not-serial";
        prop_assert_eq!(findings(&parts, resorts), findings(&whole, resorts), "{}", text);
        if LAST_RESORTS.iter().all(|r| !whole["findings"].to_string().contains(r)) {
            prop_assert_eq!(&parts["verdict"], &whole["verdict"], "{}", text);
        }
        prop_assert_eq!(&parts["exhaustive"], &whole["exhaustive"], "{}", text);
        let rank = |flow: &Value| {
            let levels = ["deterministic", "order-dependent", "not-serial"];
            levels.iter().position(|l| flow["level"] == *l)
        };
        prop_assert!(rank(&parts) <= rank(&whole), "level of {}", text);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(split.get() > cases / 50, "only {} models fell apart", split.get());
}

/// As many pairs of branches, each pair on an item of its own.
fn pairs(count: usize) -> Value {
    let mut model = json!({ "flowrace": 1, "state": {}, "flow": [] });
    let mut branches = Vec::new();
    for pair in 0..count {
        let item = format!("m{pair}");
        model["state"][&item] = json!({ "kind": "item", "fields": { "A": 0 } });
        for one in ["a", "b"] {
            let get = format!("Get_{pair}_{one}");
            let sum = format!("@add(body('{get}')?['A'], 1)");
            branches.push(json!([
                { "name": get, "get": item },
                { "name": format!("Update_{pair}_{one}"), "update": item, "set": { "A": sum } },
            ]));
        }
    }
    model["flow"] = json!([{ "name": "All", "parallel": branches }]);
    model
}

#[test]
fn many_pairs_cost_their_sum() {
    let flow = checked(&pairs(10), &Config::default());
    assert!(is_apart(&flow), "{}", flow["notes"]);
    // 12^10 states together.
    assert_eq!(flow["stats"]["states"], json!(120));
    assert_eq!(flow["exhaustive"], json!(true));
    assert_eq!(flow["findings"].as_array().map(Vec::len), Some(20));
    assert_eq!(flow["level"], "not-serial");
    assert_eq!(
        flow["outcomes"]["m7.A"],
        json!({ "values": [1, 2], "serial": [2], "complete": true })
    );
    // Few of them are one model, so that the level is exact.
    let flow = checked(&pairs(2), &Config::default());
    assert!(!is_apart(&flow));
    assert_eq!(flow["stats"]["states"], json!(144));
}

#[test]
fn what_interacts_stays_one() {
    let stays = |model: &Value| assert!(!is_apart(&apart(model)), "{model:#}");
    let mut model = pairs(2);
    assert!(is_apart(&apart(&model)));
    // An invariant over both.
    model["finally"] = json!(["@equals(state('m0')?['A'], state('m1')?['A'])"]);
    stays(&model);
    // Data.
    let mut model = pairs(2);
    model["flow"][0]["parallel"][0].as_array_mut().expect("branch").push(json!(
        { "name": "Copy", "update": "m1", "set": { "A": "@body('Get_0_a')?['A']" } }
    ));
    stays(&model);
    // A write that can be refused decides whether the next one happens.
    let mut model = pairs(2);
    model["flow"][0]["parallel"][0][1]["ifMatch"] = json!("@body('Get_0_a')?['etag']");
    model["flow"][0]["parallel"][0].as_array_mut().expect("branch").push(json!(
        { "name": "Then", "update": "m1", "set": { "A": 9 } }
    ));
    stays(&model);
    // A wait may keep everything from ending.
    let mut model = pairs(2);
    model["flow"][0]["parallel"][0].as_array_mut().expect("branch").push(json!(
        { "name": "Wait", "wait": "@equals(1, 1)" }
    ));
    stays(&model);
    // One action after the other, each sure to go well, is no bond.
    let mut model = pairs(2);
    model["flow"][0]["parallel"][0].as_array_mut().expect("branch").push(json!(
        { "name": "Then", "update": "m1", "set": { "A": 9 } }
    ));
    assert!(is_apart(&apart(&model)));
}

/// A mail that hangs on a condition belongs to the cell that the condition looks at.
#[test]
fn an_effect_goes_with_its_condition() {
    let mut model = pairs(10);
    let branches = model["flow"][0]["parallel"].as_array_mut().expect("branches");
    branches.push(json!([
        { "name": "Look", "get": "m0" },
        { "name": "If", "if": "@less(body('Look')?['A'], 1)", "then": [{ "name": "Mail", "send": "go" }] },
    ]));
    let flow = checked(&model, &Config::default());
    assert!(is_apart(&flow), "{}", flow["notes"]);
    let found = findings(&flow, true);
    assert!(found.iter().any(|f| f.contains("stale-guard") && f.contains("Mail")), "{found:?}");
}

/// So does what happens once a poll has been left.
#[test]
fn an_effect_goes_with_the_poll_before_it() {
    let variable = json!({ "kind": "variable", "value": 0 });
    let model = json!({
        "flowrace": 1, "state": { "w": variable, "f": variable }, "observe": ["w"],
        "flow": [{ "parallel": [
            [{ "setVariable": "f", "value": 1, "name": "Open" }, { "setVariable": "f", "value": 0, "name": "Close" }],
            [{ "until": "@equals(variables('f'), 1)", "name": "Poll", "limit": 2, "do": [{ "compose": 1 }] },
             { "setVariable": "w", "value": 2, "name": "Act" }]
        ] }]
    });
    let (apart, together) = (apart(&model), together(&model));
    assert!(!findings(&together, true).is_empty());
    assert_eq!(findings(&apart, true), findings(&together, true), "{apart:#}");
}
