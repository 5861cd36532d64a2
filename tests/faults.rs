//! Faults: random models against brute force that leaves nothing out, and what a budget of 0 must not change.

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::cases::cases;
use support::engine::check;
use support::generate::models;
use support::naive::explore;
use support::seen::{findings, firm, outcomes, pretty, rules};

/// Larger models are passed over: brute force has to stay quick.
const STATES: usize = 4_000;

proptest! {
    #![proptest_config(cases("proptest-regressions/faults.txt", 60))]

    #[test]
    fn faults_are_what_brute_force_says(model in models(), policies in any::<u64>(), budget in 1..=2_u64) {
        let model = with_faults(model, policies, budget);
        let Some(naive) = explore(&model, STATES) else { return Err(TestCaseError::reject("large")) };
        let flow = check(&model, "all");
        let text = pretty(&model);
        prop_assert_eq!(&flow["exhaustive"], &json!(true), "{}", text);
        prop_assert_eq!(outcomes(&flow), naive.outcomes.clone(), "outcomes of {}", text);
        // Which of several alike iterations a fault struck is no other choice of faults; brute force counts it as one, which
        // shows where some start only when others have ended.
        let looped = &model["flow"][0];
        let window = looped["items"].as_u64() > looped["concurrency"].as_u64();
        if !text.contains("Poll_") && !window {
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
            prop_assert_eq!(firm(reduced), firm(&none), "findings under {} in {}", name, text);
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
        let mut model = with_faults(model, policies, budget);
        // With its own late calls it does.
        model["assume"] = json!({ "variable-actions": "atomic", "late-effects": "never" });
        let found = rules(&check(&model, "all"));
        let added: Vec<_> = found.difference(&before).filter(|r| !about_faults.contains(&r.as_str())).collect();
        prop_assert!(added.is_empty(), "{added:?} in {}", pretty(&model));
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
