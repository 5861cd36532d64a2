//! Random small models: the engine says what brute force over the definition says, and each reduction what plain search says.

mod support;

use proptest::prelude::*;
use serde_json::json;
use support::cases::cases;
use support::engine::check;
use support::generate::models;
use support::naive::explore;
use support::seen::{findings, outcomes, pretty, rules};

/// Larger models are passed over: brute force has to stay quick.
const STATES: usize = 3_000;

proptest! {
    #![proptest_config(cases("proptest-regressions/reduction.txt", 500))]

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
