//! Random small models: the engine says what brute force over the definition says, and each reduction what plain search says.

mod support;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::engine::check;
use support::generate::models;
use support::naive::{explore, normalise};

/// Larger models are passed over: brute force has to stay quick.
const STATES: usize = 3_000;

fn config() -> ProptestConfig {
    let cases = std::env::var("FLOWRACE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    ProptestConfig {
        cases,
        max_global_rejects: cases * 4,
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/reduction.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_says_what_brute_force_says(model in models()) {
        let Some(naive) = explore(&model, STATES) else { return Err(TestCaseError::reject("large")) };
        let flow = check(&model, "all");
        let text = pretty(&model);
        prop_assert_eq!(&flow["exhaustive"], &json!(true), "{}", text);
        prop_assert_eq!(outcomes(&flow), naive.outcomes.clone(), "outcomes of {}", text);
        // A poll of a cell that nobody changes is refused by nobody's doing: the second opinion lets it be left all the
        // same, the engine does not (design.md §6, "because of a sibling").
        if !text.contains("Poll_") {
            prop_assert_eq!(flow["level"].as_str().unwrap_or(""), naive.level(), "level of {}\n{:#?}", text, naive);
        }
        prop_assert_eq!(rules(&flow).contains("stuck"), naive.stuck, "stuck in {}", text);
        prop_assert_eq!(rules(&flow).contains("invariant"), naive.finally_violated, "finally of {}", text);
        if flow["level"] == "not-serial" {
            prop_assert!(!rules(&flow).is_empty(), "no monitor explains the outcomes of {}", text);
        }
    }

    #[test]
    fn reductions_say_what_plain_search_says(model in models()) {
        prop_assume!(explore(&model, STATES).is_some());
        let [none, symmetry, all] = ["none", "symmetry", "all"].map(|reduction| check(&model, reduction));
        let text = pretty(&model);
        for (name, reduced) in [("symmetry", &symmetry), ("all", &all)] {
            prop_assert_eq!(outcomes(reduced), outcomes(&none), "outcomes under {} of {}", name, text);
            prop_assert_eq!(findings(reduced), findings(&none), "findings under {} in {}", name, text);
            for key in ["verdict", "level"] {
                prop_assert_eq!(&reduced[key], &none[key], "{} under {} of {}", key, name, text);
            }
        }
        let states = [&none, &symmetry, &all].map(|flow| flow["stats"]["states"].as_u64());
        prop_assert!(states.is_sorted_by(|more, fewer| more >= fewer), "states {:?} of {}", states, text);
    }
}

fn pretty(model: &Value) -> String {
    serde_json::to_string_pretty(model).expect("a value is text")
}

fn outcomes(flow: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let values = |cell: &Value| {
        cell["values"].as_array().into_iter().flatten().map(|v| normalise(v).to_string()).collect()
    };
    flow["outcomes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(cell, outcome)| (cell.clone(), values(outcome)))
        .collect()
}

fn rules(flow: &Value) -> BTreeSet<String> {
    flow["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|f| f["rule"].as_str())
        .map(str::to_owned)
        .collect()
}

fn findings(flow: &Value) -> BTreeSet<String> {
    let key = |f: &Value| json!([f["rule"], f["severity"], f["cell"], f["actions"]]).to_string();
    flow["findings"].as_array().into_iter().flatten().map(key).collect()
}
