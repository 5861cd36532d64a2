//! The search against the plainest search there is: the engine's own moves, a queue and a set. States, transitions,
//! outcomes and violations must be the same, with any number of threads.

mod support;

use flowrace::explore::ending::{Joint, judge_end, judge_stuck, outcome};
use flowrace::explore::engine::{Engine, State};
use flowrace::explore::limits::{Config, Reduction, Unstopped};
use flowrace::explore::search::search;
use flowrace::model::program::Program;
use flowrace::property::judge::Violation;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use support::engine::program;
use support::generate::models;

/// What a search says: states, transitions, violations, outcomes.
type Answer = (u64, u64, BTreeSet<Violation>, BTreeSet<Joint>);

/// Everything, one by one; `None` if there is too much of it.
fn plain(program: &Program, symmetry: bool, most: usize) -> Option<Answer> {
    let mut engine = Engine::new(program, symmetry);
    let mut seen = BTreeSet::new();
    let mut todo = VecDeque::new();
    let (mut transitions, mut violations, mut outcomes) = (0, BTreeSet::new(), BTreeSet::new());
    let mut add = |engine: &Engine<'_>, mut state: State, todo: &mut VecDeque<State>| {
        engine.sort(&mut state);
        if seen.insert(state.clone()) {
            todo.push_back(state);
        }
        seen.len()
    };
    for state in engine.initial().iter() {
        add(&engine, state.clone(), &mut todo);
    }
    let mut states = todo.len();
    while let Some(state) = todo.pop_front() {
        if engine.all_ended(&state) {
            violations.extend(judge_end(&engine, &state));
            outcomes.insert(outcome(&engine, &state));
            continue;
        }
        let before = transitions;
        for chosen in engine.moves(&state, false) {
            for next in engine.take(&state, chosen) {
                transitions += 1;
                states = add(&engine, next.state, &mut todo);
            }
        }
        if transitions == before {
            violations.insert(judge_stuck(&engine, &state));
        }
        if states > most {
            return None;
        }
    }
    for id in 0..engine.violations.len() {
        let violation = engine.violations.get(u32::try_from(id).expect("few"));
        if !violation.weak {
            violations.insert((**violation).clone());
        }
    }
    Some((states as u64, transitions, violations, outcomes))
}

fn fast(program: &Program, reduction: Reduction, threads: usize) -> Answer {
    let mut engine = Engine::new(program, false);
    let config = Config { reduction, threads, ..Config::default() };
    let found = search(&mut engine, &config, &Unstopped);
    assert_eq!(found.stopped, None);
    (found.counts.states, found.counts.transitions, found.violations, found.outcomes)
}

fn assert_same(model: &Value, faults: u32, most: usize) -> bool {
    let Some(program) = program(model, faults) else { return true };
    for (reduction, symmetry) in [(Reduction::None, false), (Reduction::All, true)] {
        let Some(want) = plain(&program, symmetry, most) else { return false };
        for threads in [1, 3] {
            let got = fast(&program, reduction, threads);
            assert_eq!(got, want, "{reduction:?}, {threads} threads, {faults} faults: {model}");
        }
    }
    true
}

fn config() -> ProptestConfig {
    let cases = std::env::var("FLOWRACE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    ProptestConfig {
        cases,
        max_global_rejects: cases * 4,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/search.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_models(model in models(), faults in 0..2u32) {
        prop_assume!(assert_same(&model, faults, 1_500));
    }
}

/// Loops wide enough for several words a state and for several threads, with windows, two runs, and steps that many hear of.
#[test]
fn wide_models() {
    let counter = json!([
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ]);
    let etag = json!([{ "name": "Retry", "until": "@equals(outputs('Update_item')?['statusCode'], 200)", "do": [
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "ifMatch": "@outputs('Get_item')?['etag']",
          "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ] }]);
    let lease = json!([
        { "name": "Lock", "acquireLease": "b", "seconds": 60, "retry": { "count": 9, "interval": 9, "type": "fixed" } },
        { "name": "Get", "get": "b", "takes": [0, 120] },
        { "name": "Write", "write": "b", "value": "@add(outputs('Get')?['value'],1)", "takes": [0, 120] },
        { "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 120] } ]);
    for (items, concurrency, runs, body) in [
        (11, 50, 1, &counter),
        (12, 3, 1, &counter),
        (2, 2, 2, &counter),
        (10, 50, 1, &etag),
        (14, 4, 1, &etag),
        (3, 3, 2, &etag),
        (5, 5, 1, &lease),
        (6, 2, 1, &lease),
    ] {
        let model = json!({ "flowrace": 1, "name": "m", "scope": { "runs": runs },
            "state": { "m": { "kind": "item", "fields": { "N": 5 } }, "b": { "kind": "blob", "value": 0 } },
            "flow": [{ "forEach": "order", "items": items, "concurrency": concurrency, "do": body }] });
        let program = program(&model, 0).expect("a model");
        let want = plain(&program, true, usize::MAX).expect("no limit");
        for threads in [1, 3] {
            assert!(fast(&program, Reduction::All, threads) == want, "{threads} threads: {model}");
        }
    }
}
