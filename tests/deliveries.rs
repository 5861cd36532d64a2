//! One event, two runs (semantics §4.3, *duplicates at the trigger*): what takes effect twice then, by hand, and random
//! models against brute force.

mod support;

use flowrace::check::{Config, Reduction, Unstopped, check_definition, check_text};
use flowrace::definition::ast::Trigger;
use flowrace::definition::beside::Beside;
use flowrace::definition::parse;
use flowrace::finding::Report;
use flowrace::report::to_json;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::cases::cases;
use support::engine::check;
use support::generate::models;
use support::naive::explore;
use support::seen::{counts, firm, model, outcomes, pretty, rules};

/// Larger models are passed over: brute force has to stay quick.
const STATES: usize = 2_000;

/// The model, and that its trigger delivers at least once. Retries are off, so that nothing else is made twice.
fn twice(budget: u64, flow: &Value) -> Value {
    let mut model = model(budget, flow);
    model["assume"] = json!({ "variable-actions": "atomic", "trigger-delivery": "at-least-once" });
    model
}

fn once(mut step: Value) -> Value {
    step["name"] = json!("Step");
    step["retry"] = json!({ "type": "none" });
    step
}

/// §4.3, *duplicates at the trigger*: each event starts one more run at most, and each costs a fault.
#[test]
fn a_second_run_costs_a_fault() {
    let create = json!([once(json!({ "create": "t", "row": { "k": 1 } }))]);
    for (runs, budget, most) in [(1, 0, 1), (1, 1, 2), (1, 3, 2), (2, 1, 3), (2, 2, 4), (2, 4, 4)] {
        let mut model = twice(budget, &create);
        model["scope"]["runs"] = json!(runs);
        let flow = check(&model, "all");
        assert_eq!(counts(&flow).last(), Some(&most), "{runs} runs, {budget} faults");
        assert_eq!(flow["scope"]["runs"], runs);
        assert_eq!(rules(&flow).contains("retry-duplicate"), budget > 0, "{runs}, {budget}");
    }
}

/// Without the assumption, or without a budget, nothing is different.
#[test]
fn nothing_is_delivered_twice_unless_it_is_assumed() {
    let create = json!([once(json!({ "create": "t", "row": { "k": 1 } }))]);
    let plain = check(&model(1, &create), "all");
    assert!(rules(&plain).is_empty() && counts(&plain) == BTreeSet::from([0, 1]));
    for key in ["verdict", "level", "stats", "outcomes", "findings"] {
        let (with, without) = (twice(0, &create), model(0, &create));
        assert_eq!(check(&with, "all")[key], check(&without, "all")[key], "{key}");
    }
}

/// Semantics §6, last paragraph, for a second run: which operations may happen twice.
#[test]
fn which_operations_take_effect_twice() {
    for (step, doubled) in [
        (json!({ "upsert": "t", "key": { "k": 1 }, "row": { "n": 1 } }), false),
        (json!({ "update": "m", "set": { "N": 7 } }), false),
        (json!({ "delete": "t", "where": { "k": 1 } }), false),
        (json!({ "sql": "UPDATE t SET n = 7 WHERE k = 1" }), false),
        (json!({ "create": "t", "row": { "k": 1 } }), true),
        (json!({ "sql": "UPDATE t SET n = n + 1 WHERE k = 1" }), true),
        (json!({ "send": "a mail" }), true),
    ] {
        let mut model = twice(1, &json!([once(step)]));
        model["state"]["t"]["rows"] = json!([{ "k": 1, "n": 0 }, { "k": 2, "n": 0 }]);
        let found = rules(&check(&model, "all")).contains("retry-duplicate");
        assert_eq!(found, doubled, "{}", pretty(&model));
    }
    let mut unique = twice(1, &json!([once(json!({ "create": "t", "row": { "k": 1 } }))]));
    unique["state"]["t"]["unique"] = json!(true);
    assert!(rules(&check(&unique, "all")).is_empty());
}

/// §13 story 27: an insert that the store refuses the second time keeps the rest from happening twice; a look first
/// does not.
#[test]
fn claim_first() {
    let steps = |claim: Value| json!([claim, { "name": "Mail", "send": "an invoice", "retry": { "type": "none" } }]);
    let mut claimed = twice(1, &steps(once(json!({ "create": "t", "row": { "k": 1 } }))));
    claimed["state"]["t"]["unique"] = json!(true);
    assert!(rules(&check(&claimed, "all")).is_empty());
    let looked = json!([{ "name": "Look", "list": "t", "where": { "k": 1 } },
        { "name": "If_new", "if": "@equals(length(outputs('Look')?['value']), 0)", "then":
            steps(once(json!({ "create": "t", "row": { "k": 1 } }))) }]);
    let found = rules(&check(&twice(1, &looked), "all"));
    assert!(found.contains("retry-duplicate") && found.contains("duplicate-create"), "{found:?}");
}

/// The second run looks again. A counter has counted one event twice; a copy of what somebody else keeps has not, it is
/// only newer.
#[test]
fn a_newer_value_is_no_second_effect() {
    let flow = |set: &str| json!([{ "name": "Get", "get": "m" }, { "name": "Set", "update": "m", "set": { set: "@add(outputs('Get')?['N'], 1)" } }]);
    let check_with_other = |flow: Value| {
        let mut model = twice(1, &json!([]));
        model.as_object_mut().expect("an object").remove("flow");
        model["flows"] = json!({ "main": { "do": flow }, "other": { "do":
            [{ "name": "Other", "update": "m", "set": { "N": 9 }, "retry": { "type": "none" } }] } });
        check(&model, "all")
    };
    let doubled = |flow: &Value| {
        let findings = flow["findings"].as_array().expect("findings").clone();
        findings.iter().any(|f| f["rule"] == "retry-duplicate" && f["cell"] != "m.N")
    };
    assert!(rules(&check(&twice(1, &flow("N")), "all")).contains("retry-duplicate"));
    let copied = json!([{ "name": "Get", "get": "m" },
        { "name": "Set", "upsert": "t", "key": { "k": 1 }, "row": { "n": "@outputs('Get')?['N']" } }]);
    assert!(!doubled(&check_with_other(copied)));
}

/// Each iteration of the second run is the same operation as that of the first, and no other's.
#[test]
fn iterations_are_told_apart_by_their_items() {
    let each = |row: Value, concurrency: u64| {
        json!([{ "forEach": "o", "items": [1, 2], "concurrency": concurrency, "do": [once(json!({ "upsert": "t",
            "key": { "k": 1 }, "row": row }))] }])
    };
    for concurrency in [1, 2] {
        let same = each(json!({ "n": 1 }), concurrency);
        let own = json!([{ "forEach": "o", "items": [1, 2], "concurrency": concurrency, "do": [
            once(json!({ "create": "t", "row": { "k": "@items('o')" } }))] }]);
        assert!(!rules(&check(&twice(1, &same), "all")).contains("retry-duplicate"));
        assert!(rules(&check(&twice(1, &own), "all")).contains("retry-duplicate"));
    }
}

/// The lane table and the JSON have it as a step of its own, in the words of the run history.
#[test]
fn it_is_a_step_of_its_own() {
    let flow = check(&twice(1, &json!([once(json!({ "create": "t", "row": { "k": 1 } }))])), "all");
    let finding = flow["findings"].as_array().expect("findings").iter();
    let finding = finding.into_iter().find(|f| f["rule"] == "retry-duplicate").expect("found");
    assert_eq!(
        finding["message"],
        "Step can take effect twice: the trigger can fire twice for one event"
    );
    let witness = &finding["witness"];
    let told =
        |s: &Value| format!("{} {}: {}", s["process"], s["action"], s["effect"]).replace('"', "");
    let steps: Vec<String> = witness["steps"].as_array().expect("steps").iter().map(told).collect();
    assert_eq!(witness["faults"], 1);
    assert!(
        steps.contains(&"run[2] trigger: fires again for the same event".to_owned()),
        "{steps:?}"
    );
}

/// Whoever could only be helped by something going wrong waits for ever: nothing has to go wrong.
#[test]
fn nobody_is_helped_by_a_fault_that_need_not_come() {
    let steps = json!([{ "name": "Never", "wait": "@equals(variables('v'), 1)" }]);
    for (assumption, value) in [("run-cancellation", "on"), ("trigger-delivery", "at-least-once")] {
        let mut model = model(1, &steps);
        model["state"]["v"] = json!({ "kind": "variable", "value": 0 });
        model["assume"] = json!({ "variable-actions": "atomic", assumption: value });
        for reduction in ["none", "symmetry", "all"] {
            assert!(rules(&check(&model, reduction)).contains("stuck"), "{assumption} {reduction}");
        }
    }
}

/// §4.3, rows *control on* and `SingleInstance`: where one run at a time is let in, the second comes after the first, and
/// a look before the create is enough. The limit must not keep it from coming at all.
#[test]
fn one_after_the_other_where_the_trigger_says_so() {
    let looked = |condition: &str| {
        json!([{ "name": "Look", "list": "t", "where": { "k": 1 } },
            { "name": "If_new", "if": condition, "then": [once(json!({ "create": "t", "row": { "k": 1 } }))] }])
    };
    let if_new = looked("@equals(length(outputs('Look')?['value']), 0)");
    let always = looked("@equals(1, 1)");
    for (flow, runs, doubled) in [
        (&if_new, None, true),
        (&if_new, Some(2), true),
        (&if_new, Some(1), false),
        (&always, Some(1), true),
    ] {
        for reduction in [Reduction::None, Reduction::All] {
            let config = Config { reduction, ..Config::default() };
            let flow = limited(&twice(1, flow), runs, &config);
            assert_eq!(rules(&flow).contains("retry-duplicate"), doubled, "{runs:?} {reduction:?}");
            assert_eq!(counts(&flow).contains(&2), doubled, "{runs:?} {reduction:?}");
        }
    }
}

/// The report on the model as if a trigger that lets so many runs in had started it.
fn limited(model: &Value, runs: Option<u64>, config: &Config) -> Value {
    let import = |_: &str| unreachable!("no imports");
    let parsed = parse("model.json", &model.to_string(), &Beside::default(), &import).remove(0);
    let mut definition = parsed.definition.expect("a model");
    let (name, kind, operation) = ("When".to_owned(), "Request".to_owned(), String::new());
    let trigger =
        Trigger { name, kind, operation, every: None, repeats: true, ids: Vec::new(), runs };
    definition.flows[0].trigger = Some(trigger);
    let flow = check_definition(&definition, config, &Unstopped).expect("it compiles");
    to_json(&Report { flows: vec![flow], ..Report::default() })["flows"][0].clone()
}

/// §4.3, *duplicates at the trigger*: what polls, listens or is called may fire twice; a clock and a person do not.
#[test]
fn which_triggers_fire_twice() {
    let export = |trigger: &Value| {
        let definition = json!({ "definition": {
            "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
            "triggers": { "When": trigger },
            "actions": {
                "Get": { "type": "ApiConnection", "inputs": { "host": { "connection": { "name": "@parameters('$connections')['sharepointonline']['connectionId']" } },
                    "method": "get", "path": "/datasets/@{encodeURIComponent(encodeURIComponent('https://x.sharepoint.com/s'))}/tables/@{encodeURIComponent(encodeURIComponent('one'))}/items/1" }, "runAfter": {} },
                "Post": { "type": "ApiConnection", "inputs": { "host": { "connection": { "name": "@parameters('$connections')['sharepointonline']['connectionId']" } },
                    "method": "post", "path": "/datasets/@{encodeURIComponent(encodeURIComponent('https://x.sharepoint.com/s'))}/tables/@{encodeURIComponent(encodeURIComponent('two'))}/items", "body": { "Title": "x" } }, "runAfter": { "Get": ["Succeeded"] } }
            } } });
        let report = check_text("flow.json", &definition.to_string(), &Config::default());
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        to_json(&report)["flows"][0]["notes"].to_string()
    };
    let twice = "Post can take effect twice if its answer gets lost or the trigger fires twice for one event";
    let polling = json!({ "type": "ApiConnection", "recurrence": { "frequency": "Minute", "interval": 3 }, "inputs": {} });
    let mut single = polling.clone();
    single["operationOptions"] = json!("SingleInstance");
    for trigger in &[
        polling,
        single,
        json!({ "type": "Request", "kind": "Http" }),
        json!({ "type": "ApiConnectionWebhook" }),
    ] {
        assert!(export(trigger).contains(twice), "{trigger}: {}", export(trigger));
    }
    for trigger in &[
        json!({ "type": "Recurrence", "recurrence": { "frequency": "Minute", "interval": 3 } }),
        json!({ "type": "Request", "kind": "Button" }),
        json!({ "type": "Request", "kind": "PowerAppV2" }),
    ] {
        assert!(!export(trigger).contains("fires twice"), "{trigger}: {}", export(trigger));
    }
}

proptest! {
    #![proptest_config(cases("proptest-regressions/deliveries.txt", 30))]

    #[test]
    fn a_second_delivery_is_what_brute_force_says(model in models(), budget in 1..=2_u64) {
        let model = delivered(model, budget);
        let Some(naive) = explore(&model, STATES) else { return Err(TestCaseError::reject("large")) };
        let flow = check(&model, "all");
        let text = pretty(&model);
        prop_assert_eq!(&flow["exhaustive"], &json!(true), "{}", text);
        for (cell, values) in outcomes(&flow) {
            prop_assert_eq!(Some(&values), naive.outcomes.get(&cell), "{} of {}", cell, text);
        }
        if !text.contains("Poll_") {
            prop_assert_eq!(flow["level"].as_str().unwrap_or(""), naive.level(), "level of {}", text);
        }
        prop_assert_eq!(rules(&flow).contains("stuck"), naive.stuck, "stuck in {}", text);
    }

    #[test]
    fn reductions_keep_it(model in models(), budget in 1..=2_u64) {
        let model = delivered(model, budget);
        prop_assume!(explore(&model, STATES).is_some());
        let [none, symmetry, all] = ["none", "symmetry", "all"].map(|reduction| check(&model, reduction));
        let text = pretty(&model);
        for (name, reduced) in [("symmetry", &symmetry), ("all", &all)] {
            prop_assert_eq!(outcomes(reduced), outcomes(&none), "outcomes under {} of {}", name, text);
            prop_assert_eq!(firm(reduced), firm(&none), "findings under {} in {}", name, text);
            prop_assert_eq!(&reduced["level"], &none["level"], "level under {} of {}", name, text);
        }
    }
}

/// The model with a budget, and a trigger that delivers at least once.
fn delivered(mut model: Value, budget: u64) -> Value {
    model["scope"]["faults"] = json!(budget);
    model["assume"] = json!({ "variable-actions": "atomic", "trigger-delivery": "at-least-once" });
    model
}
