//! Retry policies and timeouts, row by row of semantics §6: what a policy comes to, what is repeated, and what it costs in
//! time. That effects happen twice is in `fault_tables.rs`, that triggers fire twice in `deliveries.rs`.

mod support;

use flowrace::check::{Config, Unstopped, check as check_files};
use flowrace::definition::ast::Platform;
use flowrace::definition::beside::Beside;
use flowrace::definition::parse;
use flowrace::model::program::{Node, Program};
use flowrace::platform::lower::lower;
use flowrace::platform::scenario::Scenario;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::engine::{check, writes_too_late};
use support::seen::{model, pretty, rules};

/// The one action of an export, compiled with a budget of one fault.
fn compiled(action: &Value, platform: Platform) -> Node {
    compiled_beside(action, platform, &Beside::default())
}

/// The same with what stands beside the definition.
fn compiled_beside(action: &Value, platform: Platform, beside: &Beside) -> Node {
    let mut action = action.clone();
    if action["type"].is_null() {
        action["type"] = json!("Http");
    }
    action["inputs"]["method"] = json!("POST");
    action["inputs"]["uri"] = json!("https://example.org/orders");
    let export = json!({ "definition": {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        "triggers": { "When": { "type": "Request" } }, "actions": { "Call": action } } });
    let import = |_: &str| unreachable!("no imports");
    let parsed = parse("flow.json", &export.to_string(), beside, &import).remove(0);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let scenario = Scenario { faults: 1, ..Scenario::new(platform) };
    let program: Program =
        lower(&parsed.definition.expect("a flow"), &scenario).expect("it compiles").program;
    program.nodes.into_iter().find(|n| &*n.name == "Call").expect("it is there")
}

/// Further attempts, and the longest wait before each.
fn policy(written: &Value, platform: Platform) -> (u32, Vec<u64>) {
    let call = compiled(&json!({ "inputs": { "retryPolicy": written } }), platform).call;
    (call.retries, call.waits)
}

const POWER: (u32, [u64; 2]) = (2, [300, 600]);
const LOGIC: (u32, [u64; 4]) = (4, [8, 15, 30, 45]);

/// Rows *where* (absent = default; may be a string expression), *types* (`default`), *LA default*, *PA default*.
#[test]
fn the_default_of_each_platform() {
    let expression = json!("@parameters('policy')");
    let default = json!({ "type": "Default", "count": 9, "interval": "PT5S" });
    for written in [Value::Null, expression, default, json!({})] {
        let given = if written.is_null() { json!({}) } else { json!({ "retryPolicy": written }) };
        let of = |platform| compiled(&json!({ "inputs": given }), platform).call;
        let (power, logic) = (of(Platform::PowerAutomate), of(Platform::LogicApps));
        assert_eq!((power.retries, power.waits), (POWER.0, POWER.1.to_vec()), "{written}");
        assert_eq!((logic.retries, logic.waits), (LOGIC.0, LOGIC.1.to_vec()), "{written}");
    }
}

/// Rows *types*, *count range / interval*, *exponential delay n*: what is written counts on both platforms alike.
#[test]
fn policies_as_they_are_written() {
    let check = |written: Value, retries: u32, waits: &[u64]| {
        for platform in [Platform::PowerAutomate, Platform::LogicApps] {
            assert_eq!(policy(&written, platform), (retries, waits.to_vec()), "{written}");
        }
    };
    check(json!({ "type": "none" }), 0, &[]);
    check(json!({ "type": "None", "count": 4 }), 0, &[]);
    check(json!("none"), 0, &[]);
    check(json!({ "type": "fixed", "count": 3, "interval": "PT20S" }), 3, &[20]);
    check(json!({ "type": "Fixed", "count": "3", "interval": "PT1M30S" }), 3, &[90]);
    check(json!({ "type": "fixed", "count": 91, "interval": "P2D" }), 90, &[86_400]);
    let exponential = |least: &str, most: &str| {
        json!({ "type": "exponential", "count": 4, "interval": "PT10S",
            "minimumInterval": least, "maximumInterval": most })
    };
    check(json!({ "type": "exponential", "count": 4, "interval": "PT10S" }), 4, &[10, 20, 40, 80]);
    check(exponential("PT5S", "PT30S"), 4, &[10, 20, 30, 30]);
    check(exponential("PT15S", "PT1H"), 4, &[15, 20, 40, 80]);
    check(exponential("P2D", "P3D"), 4, &[86_400; 4]);
    // In the wild it also stands beside the inputs.
    let beside = json!({ "retryPolicy": { "type": "none" }, "inputs": {} });
    assert_eq!(compiled(&beside, Platform::LogicApps).call.retries, 0);
}

/// Row *request timeout*: 120 s unless the action has a limit of its own.
#[test]
fn how_long_a_request_may_take() {
    for (limit, seconds) in [
        (Value::Null, 120),
        (json!({ "timeout": "PT10S" }), 10),
        (json!({ "timeout": "PT1H" }), 3_600),
    ] {
        let mut action = json!({ "inputs": {} });
        if !limit.is_null() {
            action["limit"] = limit.clone();
        }
        assert_eq!(compiled(&action, Platform::LogicApps).takes, seconds, "{limit}");
    }
}

/// Rows *LA-S host settings* and *request timeout*: what a Standard project says in `host.json`, or that it says nothing,
/// counts for calls that say nothing themselves.
#[test]
fn what_a_standard_project_says() {
    let call = |kind: &str, action: &Value, settings: &[(&str, &str)]| {
        let mut action = action.clone();
        action["type"] = json!(kind);
        let key = |(k, v): &(&str, &str)| (format!("Runtime.Backend.{k}"), (*v).to_owned());
        let host = Some(settings.iter().map(key).collect());
        let beside = Beside { host, ..Beside::default() };
        let node = compiled_beside(&action, Platform::LogicApps, &beside);
        (node.call.retries, node.call.waits, node.takes)
    };
    let plain = json!({ "inputs": {} });
    assert_eq!(call("Http", &plain, &[]), (4, vec![7, 14, 28, 56], 225));
    for kind in ["Function", "ApiConnection"] {
        assert_eq!(call(kind, &plain, &[]), (4, vec![7, 14, 28, 56], 120));
        let own = format!("{kind}Operation.DefaultRetryCount");
        assert_eq!(
            call(kind, &plain, &[(&own, "1"), ("HttpOperation.DefaultRetryCount", "3")]).0,
            1
        );
    }
    let asked = json!({ "inputs": { "retryPolicy": { "type": "default" } } });
    assert_eq!(call("Http", &asked, &[]), (4, vec![7, 14, 28, 56], 225));
    // At least 5 s, at most an hour.
    assert_eq!(
        call("Http", &plain, &[("HttpOperation.DefaultRetryInterval", "00:00:01")]).1,
        [5, 5, 5, 8]
    );
    let long = [("HttpOperation.DefaultRetryInterval", "00:20:00")];
    assert_eq!(call("Http", &plain, &long).1, [1_200, 2_400, 3_600, 3_600]);
    let said = [
        ("HttpOperation.DefaultRetryCount", "2"),
        ("HttpOperation.DefaultRetryInterval", "00:00:30"),
        ("HttpOperation.DefaultRetryMaximumInterval", "00:00:40"),
        ("HttpOperation.RequestTimeout", "00:01:30"),
    ];
    assert_eq!(call("http", &plain, &said), (2, vec![30, 40], 90));
    let least = [("HttpOperation.DefaultRetryMinimumInterval", "1.00:00:00")];
    assert_eq!(call("Http", &plain, &least).1, vec![86_400; 4]);
    let others = [("ApiConnectionOperation.DefaultRetryCount", "0"), ("HttpOperation.Other", "x")];
    assert_eq!(call("Http", &plain, &others).0, 4);
    let own = json!({ "inputs": { "retryPolicy": { "type": "fixed", "count": 1, "interval": "PT9S" } },
        "limit": { "timeout": "PT10S" } });
    assert_eq!(call("Http", &own, &said), (1, vec![9], 10));
}

/// The same from the files of a project: without retries one lost answer makes nothing twice.
#[test]
fn a_project_that_repeats_nothing() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a_project_that_repeats_nothing");
    let flow = root.join("Orders").join("workflow.json");
    fs::create_dir_all(root.join("Orders")).expect("a folder");
    let call = json!({ "type": "Http", "inputs": { "method": "POST", "uri": "https://example.org/orders" } });
    let trigger =
        json!({ "type": "Recurrence", "recurrence": { "frequency": "Day", "interval": 1 } });
    let text = json!({ "kind": "Stateful", "definition": { "triggers": { "When": trigger }, "actions": { "Call": call } } });
    fs::write(&flow, text.to_string()).expect("written");
    for (count, twice) in [("4", true), ("0", false)] {
        let host = json!({ "version": "2.0", "extensions": { "workflow": { "settings": {
            "Runtime.Backend.HttpOperation.DefaultRetryCount": count } } } });
        fs::write(root.join("host.json"), host.to_string()).expect("written");
        let report = check_files(std::slice::from_ref(&flow), &Config::default(), &Unstopped);
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let notes = report.flows[0].notes.join("; ");
        assert_eq!(notes.contains("Call can take effect twice"), twice, "{count}: {notes}");
    }
}

/// A lease of 30 s around one call that can go wrong and a write if it ended so: whether the write can come too late.
fn too_late(policy: &Value, budget: u64, first: &Value, ended: &[&str]) -> bool {
    let never = json!({ "type": "none" });
    let mut first = first.clone();
    first["name"] = json!("First");
    first["takes"] = json!([0, 0]);
    first["retry"] = policy.clone();
    let model = model(
        budget,
        &json!([
        { "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0], "retry": never },
        first,
        { "name": "Write", "update": "m", "set": { "N": 6 }, "takes": [0, 0], "retry": never,
          "runAfter": { "First": ended } },
        { "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 0],
          "retry": never, "runAfter": { "Write": ["Succeeded", "Failed"] } }]),
    );
    writes_too_late(model)
}

/// Rows *types*, *exponential delay n*: the wait before an attempt counts towards the lease, and no other wait does. A
/// budget of one buys all waits of a call that fails for good. Row *Retry-After*: or one that is as long as it likes.
#[test]
fn waits_take_time() {
    let fixed = |count: u64, interval: u64| json!({ "type": "fixed", "count": count, "interval": interval });
    let growing =
        |interval: u64| json!({ "type": "exponential", "count": 2, "interval": interval });
    let none = json!({ "type": "none" });
    for (policy, misused) in [
        (none, false),
        (fixed(1, 29), false),
        (fixed(1, 30), true),
        (fixed(2, 14), false),
        (fixed(2, 15), true),
        (growing(9), false),
        (growing(10), true),
    ] {
        let get = json!({ "get": "m" });
        assert_eq!(too_late(&policy, 1, &get, &["Failed"]), misused, "{policy}");
        let repeated = policy["type"] != "none";
        assert_eq!(too_late(&policy, 1, &get, &["Succeeded"]), repeated, "{policy}");
        assert!(!too_late(&policy, 0, &get, &["Succeeded", "Failed"]), "{policy}");
    }
}

/// Row *retried outcomes*: 409 and 412 are answers. A refused call has no further attempts to make, whatever its policy.
#[test]
fn a_refusal_is_not_repeated() {
    let taken = json!({ "create": "t", "row": { "k": 1 } });
    let stale = json!({ "update": "m", "ifMatch": "@outputs('Get')?['etag']", "set": { "N": 7 } });
    for (step, code) in [(taken, 409), (stale, 412)] {
        let flow = |policy: Value| {
            let never = json!({ "type": "none" });
            let mut step = step.clone();
            step["name"] = json!("Step");
            step["retry"] = policy;
            let mut model = model(
                1,
                &json!([{ "name": "Get", "get": "m", "retry": never },
                { "name": "Touch", "update": "m", "set": { "N": 6 }, "retry": never }, step,
                { "name": "Note", "update": "m", "set": { "Code": "@outputs('Step')?['statusCode']" }, "retry": never,
                  "runAfter": { "Step": ["Succeeded", "Failed"] } }]),
            );
            model["state"]["t"]["rows"] = json!([{ "k": 1 }]);
            model["state"]["t"]["unique"] = json!(true);
            // What is under way has not been refused yet.
            model["assume"] = json!({ "variable-actions": "atomic", "late-effects": "never" });
            check(&model, "none")
        };
        let (once, often) =
            (flow(json!({ "type": "none" })), flow(json!({ "count": 4, "interval": 5 })));
        let codes = once["outcomes"]["m.Code"]["values"].as_array().expect("observed");
        assert!(codes.contains(&json!(code)), "{codes:?}");
        for key in ["outcomes", "stats", "findings"] {
            assert_eq!(once[key], often[key], "{code}: {key}");
        }
    }
}

/// Rows *retried outcomes* and *retry history*: 429 and 504 are repeated as often as the policy says, each attempt is told
/// by its number, and the action has one status in the end.
#[test]
fn an_attempt_is_told_by_its_number() {
    let never = json!({ "type": "none" });
    let create = json!({ "name": "Create", "create": "t", "row": { "k": 1 }, "retry": { "count": 2, "interval": 5 } });
    let failed = json!({ "name": "Failed", "update": "m", "set": { "N": 9 }, "retry": never,
        "runAfter": { "Create": ["Failed"] } });
    let mut model = model(2, &json!([create, failed]));
    // Two faults are spent on the answers of two attempts; the third is answered, and nothing runs after a failure.
    model["finally"] =
        json!(["@not(and(equals(length(state('t')), 3), equals(state('m')?['N'], 9)))"]);
    let flow = check(&model, "all");
    assert!(!rules(&flow).contains("invariant"), "{}", pretty(&model));
    model["finally"] = json!(["@less(length(state('t')), 3)"]);
    let flow = check(&model, "all");
    let findings = flow["findings"].as_array().expect("findings");
    let three = findings.iter().find(|f| f["rule"] == "invariant").expect("three rows");
    let steps = three["witness"]["steps"].as_array().expect("steps");
    let told: Vec<&str> = steps.iter().filter_map(|s| s["effect"].as_str()).collect();
    assert!(told[0].starts_with("504 after the row was written"), "{told:?}");
    assert!(told[1].starts_with("retry 1 of 2: 504 after the row was written"), "{told:?}");
    assert!(told[2].starts_with("retry 2 of 2: 201"), "{told:?}");
}
