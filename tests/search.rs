//! The search against the plainest search there is: the engine's own moves, a queue and a set. States, transitions,
//! outcomes and violations must be the same, with any number of threads, by fingerprints, and with any number of stops
//! at checkpoints on the way.

mod support;

use flowrace::explore::checkpoint::Keeper;
use flowrace::explore::ending::{Joint, is_decided, judge_end, judge_stuck, outcome};
use flowrace::explore::engine::{Engine, State};
use flowrace::explore::limits::{Config, Reduction, Stop, StopCause, Unstopped};
use flowrace::explore::search::search;
use flowrace::model::program::Program;
use flowrace::property::judge::Violation;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::io::{Cursor, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use support::cases::cases;
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
    violations.retain(|v| !is_decided(program, v, &outcomes));
    Some((states as u64, transitions, violations, outcomes))
}

fn fast(program: &Program, config: &Config) -> Answer {
    let mut engine = Engine::new(program, false);
    let found = search(&mut engine, config, &Unstopped);
    assert_eq!(found.stopped, None);
    (found.counts.states, found.counts.transitions, found.violations, found.outcomes)
}

/// Keeps the last checkpoint, and says whether it was ever used.
#[derive(Default)]
struct Memory {
    kept: Mutex<Option<(u64, Vec<u8>)>>,
    used: AtomicBool,
}

impl Stop for Memory {
    fn stopped(&self) -> Option<StopCause> {
        None
    }
    fn keeper(&self) -> Option<&dyn Keeper> {
        Some(self)
    }
}

impl Keeper for Memory {
    fn load(&self, search: u64) -> Option<Box<dyn Read + '_>> {
        let (of, kept) = self.kept.lock().expect("one thread").clone()?;
        assert_eq!(of, search, "a checkpoint of the same search");
        self.used.store(true, Ordering::Relaxed);
        Some(Box::new(Cursor::new(kept)))
    }
    fn save(&self, search: u64, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) {
        let mut kept = Vec::new();
        write(&mut kept).expect("memory takes everything");
        *self.kept.lock().expect("one thread") = Some((search, kept));
    }
    fn complete(&self, _: u64) {
        *self.kept.lock().expect("one thread") = None;
    }
}

/// The same search, stopped again and again, each time at a few states more.
fn in_pieces(program: &Program, config: &Config, first: u64) -> Answer {
    let memory = Memory::default();
    let mut most = first;
    loop {
        let mut engine = Engine::new(program, false);
        let config = Config { max_states: Some(most), ..config.clone() };
        let found = search(&mut engine, &config, &memory);
        if found.stopped.is_none() {
            assert!(
                memory.kept.lock().expect("one thread").is_none(),
                "nothing is kept at the end"
            );
            assert!(found.counts.states <= first || memory.used.load(Ordering::Relaxed));
            return (
                found.counts.states,
                found.counts.transitions,
                found.violations,
                found.outcomes,
            );
        }
        most = most * 2 + 3;
    }
}

fn assert_same(model: &Value, faults: u32, most: usize) -> bool {
    let Some(program) = program(model, faults) else { return true };
    for (reduction, symmetry) in [(Reduction::None, false), (Reduction::All, true)] {
        let Some(want) = plain(&program, symmetry, most) else { return false };
        for (threads, fingerprints) in [(1, false), (3, false), (1, true)] {
            let config = Config { reduction, threads, fingerprints, ..Config::default() };
            let got = fast(&program, &config);
            assert_eq!(got, want, "{config:?}, {faults} faults: {model}");
            if threads == 1 {
                let got = in_pieces(&program, &config, 5);
                assert_eq!(got, want, "in pieces: {config:?}, {faults} faults: {model}");
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(cases("proptest-regressions/search.txt", 60))]

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
        for (threads, fingerprints) in [(1, false), (3, false), (1, true), (3, true)] {
            let config = Config { threads, fingerprints, ..Config::default() };
            assert!(fast(&program, &config) == want, "{config:?}: {model}");
        }
        for (threads, fingerprints) in [(1, true), (3, false)] {
            let config = Config { threads, fingerprints, ..Config::default() };
            assert!(in_pieces(&program, &config, 900) == want, "in pieces: {config:?}: {model}");
        }
    }
}
