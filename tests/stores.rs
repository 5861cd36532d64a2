//! One semantics over two stores: the engine, which numbers, packs and looks up, against whole states in persistent maps.

mod support;

use flowrace::explore::engine::{Engine, Move, State};
use flowrace::explore::whole::{Stepper, Whole};
use flowrace::model::ids::ResourceId;
use flowrace::model::program::Program;
use flowrace::property::judge::Violation;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::engine::program;
use support::generate::models;

/// Steps of one walk; a schedule of the random models has fewer.
const STEPS: usize = 60;

/// The program with both stores on it.
struct Pair<'p> {
    program: &'p Program,
    engine: Engine<'p>,
    stepper: Stepper<'p>,
}

impl<'p> Pair<'p> {
    fn new(program: &'p Program, symmetry: bool) -> Self {
        Self { program, engine: Engine::new(program, symmetry), stepper: Stepper::new(program) }
    }

    fn assert_same(&self, packed: &State, whole: &Whole) {
        assert_eq!(**self.engine.world(packed), whole.world);
        for run in 0..self.engine.layout.runs() {
            let flow = self.engine.layout.flow(run);
            for (index, resource) in self.program.resources.iter().enumerate() {
                if resource.owner.is_none_or(|owner| owner == flow) {
                    let id = ResourceId(u32::try_from(index).expect("few"));
                    let kept = &**self.engine.content(packed, id, run);
                    assert_eq!(kept, self.stepper.content(whole, id, run), "{}", resource.name);
                }
            }
        }
        for unit in self.engine.layout.units() {
            let free = packed[self.engine.layout.place(unit)] == 0;
            let block = (!free).then(|| &**self.engine.block(packed, unit));
            assert_eq!(block, self.stepper.block(whole, unit), "{unit:?}");
        }
        assert_eq!(self.moves(packed), self.stepper.moves(whole).into_iter().collect());
    }

    fn moves(&self, packed: &State) -> BTreeSet<Move> {
        self.engine.moves(packed, true).into_iter().collect()
    }

    /// Takes a step in both and compares all that it can lead to.
    fn take(&mut self, packed: &State, whole: &Whole, chosen: Move) -> Vec<(State, Whole)> {
        let left = self.engine.take(packed, chosen);
        let right = self.stepper.take(whole, chosen);
        assert_eq!(left.len(), right.len(), "results of {chosen:?}");
        let mut both = Vec::new();
        for (left, right) in left.into_iter().zip(right) {
            assert_eq!(*left.events, right.events, "events of {chosen:?}");
            let fired: BTreeSet<Violation> =
                left.fired.iter().map(|&v| (**self.engine.violations.get(v)).clone()).collect();
            assert_eq!(fired, right.fired.into_iter().collect(), "rules fired by {chosen:?}");
            self.assert_same(&left.state, &right.state);
            both.push((left.state, right.state));
        }
        both
    }

    /// Goes where the numbers say; every walk on the same engine, so that it looks up what earlier ones computed.
    fn walk(&mut self, choices: &[u16]) {
        let (packed, whole) = (self.engine.initial(), self.stepper.initial());
        assert_eq!(packed.len(), whole.len());
        let first = usize::from(choices[0]) % packed.len();
        let mut at = (packed[first].clone(), whole[first].clone());
        self.assert_same(&at.0, &at.1);
        for &choice in choices {
            let moves: Vec<Move> = self.moves(&at.0).into_iter().collect();
            if moves.is_empty() {
                return;
            }
            let chosen = moves[usize::from(choice) % moves.len()];
            let next = self.take(&at.0, &at.1, chosen);
            if let Some(next) = next.into_iter().nth(usize::from(choice >> 15)) {
                at = next;
            }
        }
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("FLOWRACE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(250);
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/stores.txt",
        ))),
        ..ProptestConfig::default()
    }
}

fn walks() -> impl Strategy<Value = Vec<Vec<u16>>> {
    prop::collection::vec(prop::collection::vec(any::<u16>(), STEPS), 20)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_walks(model in models(), faults in 0..3u32, walks in walks(), symmetry in any::<bool>()) {
        if let Some(program) = program(&model, faults) {
            let mut pair = Pair::new(&program, symmetry);
            walks.iter().for_each(|choices| pair.walk(choices));
        }
    }
}

/// A generator of choices for the models that are not random.
fn dice(seed: &mut u64) -> u16 {
    // Knuth's MMIX constants; the upper bits are the good ones.
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u16::try_from(*seed >> 48).expect("sixteen bits are left")
}

/// Every model of the gallery: leases, SQL, nested loops, several flows, faults.
#[test]
fn the_gallery() {
    let mut todo = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("models")];
    let (mut seed, mut walked) = (1, 0);
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(
                std::fs::read_dir(&path).expect("readable").map(|e| e.expect("an entry").path()),
            );
            todo.sort();
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let Ok(model) = serde_json::from_str::<Value>(&text) else { continue };
        if model.get("flowrace").is_none() || model.get("import").is_some() {
            continue;
        }
        for faults in 0..2 {
            let Some(program) = program(&model, faults) else { continue };
            let mut pair = Pair::new(&program, true);
            for _ in 0..4 {
                let choices: Vec<u16> = (0..4 * STEPS).map(|_| dice(&mut seed)).collect();
                pair.walk(&choices);
            }
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked} programs");
}
