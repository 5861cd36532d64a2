//! The same models for other checkers. Each run prints what it looked at as JSON.

use stateright::{Checker, Model, Property};

/// Runs one peer.
pub fn run(peer: &str, model: &str, items: u64, slots: u64) {
    let race = Race { kind: Kind::of(model), items, slots };
    let (states, transitions) = match peer {
        "stateright" => explored(&race.checker().spawn_dfs().join()),
        "stateright-symmetry" => explored(&race.checker().symmetry_fn(sorted).spawn_dfs().join()),
        "loom" => (loom(items), 0),
        "shuttle-random" => (shuttle(items, false), 0),
        "shuttle-pct" => (shuttle(items, true), 0),
        other => panic!("no peer {other}"),
    };
    println!("{}", serde_json::json!({ "states": states, "transitions": transitions }));
}

fn explored<M: Model>(checker: &impl Checker<M>) -> (u64, u64) {
    (checker.unique_state_count() as u64, checker.state_count() as u64)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Counter,
    Etag,
    Create,
    Atomic,
}

impl Kind {
    fn of(model: &str) -> Self {
        match model {
            "M1" | "M8" => Self::Counter,
            "M2" | "M8e" => Self::Etag,
            "M3" => Self::Create,
            "M5" => Self::Atomic,
            other => panic!("no model {other}"),
        }
    }
}

/// Items processed by so many slots.
#[derive(Clone)]
struct Race {
    kind: Kind,
    items: u64,
    slots: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Slot {
    Ready,
    Read(u16),
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    value: u16,
    left: u16,
    slots: [Slot; 100],
}

fn sorted(state: &State) -> State {
    let mut state = state.clone();
    state.slots.sort_unstable();
    state
}

impl Model for Race {
    type State = State;
    type Action = usize;

    fn init_states(&self) -> Vec<State> {
        let small = |n: u64| u16::try_from(n).expect("a small number");
        let busy = self.slots.min(self.items);
        let mut slots = [Slot::Done; 100];
        slots[..usize::try_from(busy).expect("few")].fill(Slot::Ready);
        vec![State { value: 0, left: small(self.items - busy), slots }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<usize>) {
        let busy = |&i: &usize| state.slots[i] != Slot::Done;
        actions.extend((0..state.slots.len()).filter(busy));
    }

    fn next_state(&self, last: &State, slot: usize) -> Option<State> {
        let mut state = last.clone();
        let read = Slot::Read(state.value);
        let (next, value) = match (self.kind, state.slots[slot]) {
            (_, Slot::Done) => return None,
            (Kind::Atomic, _) => (Slot::Done, state.value + 1),
            (Kind::Create, Slot::Ready) if state.value > 0 => (Slot::Done, state.value),
            (_, Slot::Ready) => (read, state.value),
            (Kind::Create, Slot::Read(_)) => (Slot::Done, state.value + 1),
            (Kind::Counter, Slot::Read(seen)) => (Slot::Done, seen + 1),
            (Kind::Etag, Slot::Read(seen)) if seen == state.value => (Slot::Done, seen + 1),
            (Kind::Etag, Slot::Read(_)) => (Slot::Ready, state.value),
        };
        state.value = value;
        state.slots[slot] = next;
        if next == Slot::Done && state.left > 0 {
            state.left -= 1;
            state.slots[slot] = Slot::Ready;
        }
        Some(state)
    }

    /// Holds everywhere, so that everything is visited.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("in range", |model: &Self, state: &State| {
            u64::from(state.value) <= model.items
        })]
    }
}

/// How many executions the racing counter has.
fn loom(items: u64) -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static RUNS: AtomicU64 = AtomicU64::new(0);
    loom::model(move || {
        RUNS.fetch_add(1, Ordering::Relaxed);
        let cell = loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let threads: Vec<_> = (0..items)
            .map(|_| {
                let cell = loom::sync::Arc::clone(&cell);
                loom::thread::spawn(move || {
                    let read = cell.load(Ordering::SeqCst);
                    cell.store(read + 1, Ordering::SeqCst);
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().expect("no panic"));
    });
    RUNS.load(Ordering::Relaxed)
}

/// So many random schedules of the racing counter.
fn shuttle(items: u64, pct: bool) -> u64 {
    use shuttle::sync::atomic::{AtomicUsize, Ordering};
    const SCHEDULES: usize = 100_000;
    let race = move || {
        let cell = std::sync::Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..items)
            .map(|_| {
                let cell = std::sync::Arc::clone(&cell);
                shuttle::thread::spawn(move || {
                    let read = cell.load(Ordering::SeqCst);
                    cell.store(read + 1, Ordering::SeqCst);
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().expect("no panic"));
    };
    if pct {
        shuttle::check_pct(race, SCHEDULES, 3);
    } else {
        shuttle::check_random(race, SCHEDULES);
    }
    SCHEDULES as u64
}
