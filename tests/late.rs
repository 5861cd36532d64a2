//! Late effects by hand (semantics §6: a blind set *may overwrite a newer value late*): when they do harm, who is told, and
//! in which words. That all outcomes are there is held against brute force in `faults.rs` and `deliveries.rs`.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use support::engine::check;
use support::naive::explore;
use support::seen::{counts, model, numbers, outcomes, pretty, rules};

const REDUCTIONS: [&str; 3] = ["none", "symmetry", "all"];

fn set(name: &str, value: impl Into<Value>) -> Value {
    json!({ "name": name, "update": "m", "set": { "N": value.into() } })
}

/// The model with the assumption pinned.
fn never_late(mut model: Value) -> Value {
    model["assume"] = json!({ "variable-actions": "atomic", "late-effects": "never" });
    model
}

/// One after the other, and the first may come last: 5 (the first fails), 7, or 6 (the second fails, or is overwritten).
#[test]
fn a_blind_write_comes_after_the_next_one() {
    let model = model(1, &json!([set("First", 6), set("Second", 7)]));
    for reduction in REDUCTIONS {
        let flow = check(&model, reduction);
        assert_eq!(numbers(&flow, "m.N"), BTreeSet::from([5, 6, 7]));
        assert_eq!(outcomes(&flow), explore(&model, 4_000).expect("small").outcomes);
        let finding = &flow["findings"][0];
        assert_eq!(finding["rule"], "last-writer-wins", "{reduction}");
        assert_eq!(finding["actions"], json!(["First", "Second"]));
        assert_eq!(
            (&finding["severity"], &flow["level"]),
            (&json!("warning"), &json!("not-serial"))
        );
        assert_eq!(finding["assumptions"], json!(["late-effects"]));
    }
    let flow = check(&never_late(model), "all");
    assert_eq!((&flow["verdict"], &flow["level"]), (&json!("safe"), &json!("deterministic")));
}

/// The schedule in run-history words, each attempt by its number; and the twin, in which it arrives in time.
#[test]
fn a_late_write_is_told() {
    let flow = check(&model(1, &json!([set("First", 6), set("Second", 7)])), "all");
    let finding = &flow["findings"][0];
    let told = |of: &str| -> Vec<String> {
        let steps = finding[of]["steps"].as_array().expect("steps");
        let one = |s: &Value| format!("{} {}: {}", s["process"], s["action"], s["effect"]);
        steps.iter().map(|s| one(s).replace('"', "")).collect()
    };
    let lines = [
        "run[1] First: 504; the write arrives later",
        "run[1] First: retry 1 of 2: writes 6",
        "run[1] Second: writes 7",
        "network First: the late write of attempt 1 arrives: writes 6",
    ];
    assert_eq!(told("witness"), lines);
    assert_eq!(told("twin"), [lines[0], lines[1], lines[3], lines[2]]);
    assert_eq!(finding["witness"]["faults"], 1);
}

/// A counter that was read: what was counted meanwhile is lost. What is late is its own sender's, too: that the retry
/// writes the same again, or the next step another value of the same read, is no news.
#[test]
fn a_late_write_of_a_value_that_was_computed() {
    let get = |name: &str| json!({ "name": name, "get": "m" });
    let add = |name: &str, of: &str| set(name, format!("@add(outputs('{of}')?['N'], 1)"));
    let once = json!([get("Get"), add("First", "Get"), get("Again"), add("Second", "Again")]);
    let flow = check(&model(1, &once), "all");
    assert_eq!(rules(&flow), BTreeSet::from(["lost-update".to_owned()]));
    assert_eq!(flow["findings"][0]["actions"], json!(["Get", "First"]));
    for alone in [
        json!([get("Get"), add("First", "Get")]),
        json!([get("Get"), add("First", "Get"), add("Same", "Get")]),
    ] {
        let flow = check(&model(1, &alone), "all");
        assert!(rules(&flow).is_empty(), "{}", pretty(&alone));
    }
}

/// Which operations: what looks at what it finds does nobody any harm late, and what nobody touches afterwards is as if it
/// had come at once.
#[test]
fn which_operations_come_late() {
    let then = json!({ "name": "Then", "sql": "UPDATE t SET n = 8 WHERE k = 1", "retry": { "type": "none" } });
    let etag = "@first(outputs('Look')?['value'])?['etag']";
    for (step, late) in [
        (json!({ "update": "t", "where": { "k": 1 }, "set": { "n": 7 } }), true),
        (json!({ "update": "t", "where": { "k": 1 }, "set": { "n": 7 }, "ifMatch": "*" }), true),
        (json!({ "update": "t", "where": { "k": 1 }, "set": { "n": 7 }, "ifMatch": etag }), false),
        (json!({ "upsert": "t", "key": { "k": 1 }, "row": { "n": 7 } }), true),
        (json!({ "delete": "t", "where": { "k": 1 } }), true),
        (json!({ "sql": "UPDATE t SET n = 7 WHERE k = 1" }), true),
        (json!({ "sql": "UPDATE t SET n = n + 1 WHERE k = 1" }), false),
        (json!({ "send": "a mail" }), false),
    ] {
        let mut step = step;
        step["name"] = json!("Step");
        let look = json!({ "name": "Look", "list": "t", "where": { "k": 1 }, "retry": { "type": "none" } });
        let told = |steps: Value| {
            let mut model = model(1, &steps);
            model["state"]["t"]["rows"] = json!([{ "k": 1, "n": 0 }]);
            let found = check(&model, "none")["stats"]["states"].as_u64();
            found.zip(check(&never_late(model), "none")["stats"]["states"].as_u64())
        };
        let (with, without) = told(json!([look, step, then])).expect("counted");
        assert_eq!(with > without, late, "{step}");
        // Without anybody after it, only a repeated delete can tell: it finds nothing if the first was there before it.
        let (with, without) = told(json!([look, step])).expect("counted");
        assert_eq!(with > without, step.get("delete").is_some(), "last: {step}");
    }
}

/// Whoever was not answered and makes the row by another action has made it twice; whoever asks the store to keep the
/// key apart has not.
#[test]
fn a_late_create() {
    let create = |name: &str| json!({ "name": name, "create": "t", "row": { "k": 1 }, "retry": { "type": "none" } });
    let look = json!({ "name": "Look", "list": "t", "where": { "k": 1 }, "retry": { "type": "none" }, "runAfter": { "Create": ["Failed"] } });
    let again = json!({ "name": "If", "if": "@empty(outputs('Look')?['value'])", "then": [create("Again")] });
    let mut twice = model(1, &json!([create("Create"), look, again]));
    twice["state"]["t"]["key"] = json!(["k"]);
    let flow = check(&twice, "all");
    assert_eq!(counts(&flow), BTreeSet::from([0, 1, 2]));
    assert!(rules(&flow).contains("duplicate-create"), "{:?}", rules(&flow));
    assert_eq!(counts(&check(&never_late(twice.clone()), "all")), BTreeSet::from([0, 1]));
    twice["state"]["t"]["unique"] = json!(true);
    let flow = check(&twice, "all");
    assert_eq!((counts(&flow), rules(&flow)), (BTreeSet::from([0, 1]), BTreeSet::new()));
}

/// It arrives however late: after its run has ended, over what the next run wrote.
#[test]
fn it_outlives_its_run() {
    let mut model = model(1, &json!([]));
    let never = json!({ "type": "none" });
    model.as_object_mut().expect("an object").remove("flow");
    model["state"]["done"] = json!({ "kind": "item", "fields": { "Is": 0 } });
    let done = json!({ "name": "Done", "update": "done", "set": { "Is": 1 }, "retry": never,
        "runAfter": { "One": ["Succeeded", "Failed"] } });
    let look = json!({ "name": "Look", "get": "done", "retry": never });
    let two = json!({ "name": "If", "if": "@equals(outputs('Look')?['Is'], 1)", "then": [set("Two", 7)] });
    model["flows"] =
        json!({ "first": { "do": [set("One", 6), done] }, "second": { "do": [look, two] } });
    model["finally"] =
        json!(["@not(and(equals(state('m')?['N'], 6), equals(state('m')?['Two'], 1)))"]);
    model["flows"]["second"]["do"][1]["then"][0]["set"]["Two"] = json!(1);
    for reduction in REDUCTIONS {
        let flow = check(&model, reduction);
        assert!(rules(&flow).contains("invariant"), "{reduction}");
    }
    assert!(explore(&model, 10_000).expect("small").finally_violated);
}

/// Nothing else than another attempt comes before it arrives in a serial order, so that a unique key that lets the retry
/// in is none that a race let in.
#[test]
fn an_attempt_that_is_overtaken_by_its_retry_is_serial() {
    let create =
        json!({ "name": "Create", "create": "t", "row": { "k": 1 }, "retry": { "count": 1 } });
    let mut model = model(
        1,
        &json!([create, set("Mark", 6),
        { "name": "List", "list": "t", "where": { "k": 1 } }]),
    );
    model["state"]["t"]["unique"] = json!(true);
    let flow = check(&model, "all");
    assert_eq!(flow["level"], "order-dependent");
    assert!(rules(&flow).is_empty(), "{:?}", rules(&flow));
    model["flow"].as_array_mut().expect("a list").truncate(2);
    assert_eq!(check(&model, "all")["level"], "order-dependent");
    assert_eq!(explore(&model, 4_000).expect("small").level(), "order-dependent");
}

/// A retry bound is out of reach only if it is with what faults add: one write that takes effect twice refuses two rounds.
#[test]
fn what_faults_add_uses_up_a_retry_bound() {
    let never = json!({ "type": "none" });
    let poll = json!({ "name": "Try", "limit": 2, "until": "@equals(outputs('Put')?['statusCode'], 200)", "do": [
        { "name": "Get", "get": "m", "retry": never },
        { "name": "Put", "update": "m", "ifMatch": "@outputs('Get')?['etag']", "retry": never,
          "set": { "N": "@add(outputs('Get')?['N'], 1)" } } ] });
    let other =
        json!({ "name": "Other", "update": "m", "set": { "Note": 1 }, "retry": { "count": 1 } });
    let mut both = model(1, &json!([{ "name": "Both", "parallel": [[poll], [other]] }]));
    for late in [true, false] {
        if !late {
            both = never_late(both);
        }
        let naive = explore(&both, 100_000).expect("small");
        for reduction in REDUCTIONS {
            let flow = check(&both, reduction);
            assert!(rules(&flow).contains("retry-exhausted"), "{reduction} {late}");
            assert_eq!(outcomes(&flow), naive.outcomes, "{reduction} {late}");
        }
    }
    both["scope"]["faults"] = json!(0);
    assert!(rules(&check(&both, "all")).is_empty());
}

/// What could come late and do harm, and is not tried so, is said: members of a group, which nobody could take back, and
/// what looks at the lease or the row that it finds. What asks for an etag has seen what it writes over.
#[test]
fn what_is_not_tried_is_said() {
    let never = json!({ "type": "none" });
    let notes = |steps: Value, late: bool| {
        let mut model = model(1, &steps);
        model["state"]["b"] = json!({ "kind": "blob", "value": 0 });
        model["state"]["t"]["rows"] = json!([{ "k": 1, "n": 0 }]);
        let model = if late { model } else { never_late(model) };
        let flow = check(&model, "all");
        let notes = flow["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        notes.filter(|n| n.starts_with("late")).map(str::to_owned).collect::<Vec<_>>()
    };
    let lock = json!({ "name": "Lock", "acquireLease": "b", "seconds": 60, "takes": [0, 0], "retry": never });
    let write = json!({ "name": "Write", "write": "b", "value": 1, "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 0],
        "retry": never });
    let count =
        json!({ "name": "Count", "sql": "UPDATE t SET n = n + 1 WHERE k = 1", "retry": never });
    let look = json!({ "name": "Look", "list": "t", "where": { "k": 1 }, "retry": never });
    let get = json!({ "name": "Get", "get": "m", "retry": never });
    let put = json!({ "name": "Put", "update": "m", "ifMatch": "@outputs('Get')?['etag']", "set": { "N": 6 }, "retry": never });
    let leased = json!([lock, write, { "name": "Unlock", "releaseLease": "b", "takes": [0, 0], "retry": never }]);
    assert_eq!(notes(leased.clone(), true), ["late effects of Lock and Write are not tried"]);
    assert_eq!(notes(leased, false), Vec::<String>::new());
    assert_eq!(notes(json!([count, look]), true), ["late effects of Count are not tried"]);
    assert_eq!(notes(json!([get, put, get_again()]), true), Vec::<String>::new());
    let group =
        json!([{ "scope": "Both", "do": [set("One", 6), set("Two", 7)], "allOrNothing": true }]);
    assert_eq!(notes(group, true), ["late effects of One are not tried"]);
}

/// The same of an export, where faults were asked for.
#[test]
fn what_is_not_tried_of_an_export_is_said() {
    let query = |text: &str| {
        let host = json!({ "apiId": "/providers/Microsoft.PowerApps/apis/shared_sql", "connectionName": "sql",
            "operationId": "ExecutePassThroughNativeQuery_V2" });
        json!({ "type": "OpenApiConnection", "inputs": { "host": host,
            "parameters": { "server": "s", "database": "d", "query/query": text } } })
    };
    let mut clear = query("UPDATE counters SET n = 0 WHERE id = 1");
    clear["runAfter"] = json!({ "Count": ["Succeeded"] });
    let actions =
        json!({ "Count": query("UPDATE counters SET n = n + 1 WHERE id = 1"), "Clear": clear });
    let trigger = json!({ "type": "HttpWebhook", "inputs": {} });
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("late-export.json");
    let text = json!({ "definition": { "triggers": { "t": trigger }, "actions": actions } });
    std::fs::write(&file, text.to_string()).expect("the flow can be written");
    for (faults, said) in [(1, true), (0, false)] {
        let report = flowrace::flow(&file).faults(faults).check();
        let notes = &report.flows[0].notes;
        let tried = notes.iter().any(|n| n == "late effects of Count are not tried");
        assert_eq!(tried, said, "{notes:?}");
    }
}

fn get_again() -> Value {
    json!({ "name": "Again", "get": "m", "retry": { "type": "none" } })
}
