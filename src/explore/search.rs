//! Every schedule, breadth first: which rules fire, and which outcomes there are.

use super::ending::{Joint, judge_end, judge_stuck, outcome};
use super::engine::{Engine, Move, State};
use super::limits::{Config, Counts, Reduction, Stop, StopCause};
use super::visited::Visited;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    /// Rules that fired.
    pub violations: BTreeSet<Violation>,
    /// All outcomes.
    pub outcomes: BTreeSet<Joint>,
    /// How much was looked at.
    pub counts: Counts,
    /// Why it stopped early.
    pub stopped: Option<String>,
}

/// Explores everything within the limits.
pub fn search(engine: &mut Engine<'_>, limits: &Config, stop: &dyn Stop) -> Found {
    engine.symmetry = limits.reduction != Reduction::None;
    let mut found = Found::default();
    let initial = engine.initial();
    let mut visited = Visited::new(&engine.sizes());
    for mut state in initial {
        add(engine, &mut visited, &mut state);
    }
    let mut state = State::new();
    let mut room = Room::default();
    let mut index = 0;
    while index < visited.len() {
        if let Some(reason) = limit(engine, &visited, limits) {
            found.stopped = Some(reason);
            break;
        }
        if index % 1024 == 0 {
            stop.progress(
                visited.len() as u64,
                found.counts.transitions,
                (visited.len() - index) as u64,
            );
            if let Some(cause) = stop.stopped() {
                found.stopped = Some(because(cause, visited.len(), index));
                break;
            }
        }
        visited.get(index, &mut state);
        index += 1;
        expand(engine, &mut visited, &state, &mut found, &mut room);
        if engine.uncounted_violation {
            found.stopped =
                Some("an Until without a counter failed otherwise than by a refusal".to_owned());
            break;
        }
    }
    if let Some(items) = engine.too_many {
        found.stopped =
            Some(format!("a loop over {items} items is too long to be listed; try --items 3"));
    }
    found.counts.states = visited.len() as u64;
    found.counts.nodes = visited.len() as u64;
    for id in 0..engine.violations.len() {
        let violation = engine.violations.get(u32::try_from(id).unwrap_or(u32::MAX));
        if !violation.weak {
            found.violations.insert((**violation).clone());
        }
    }
    found
}

/// Buffers that are used again for every state.
#[derive(Default)]
struct Room {
    moves: Vec<Move>,
    next: State,
}

fn add(engine: &Engine<'_>, visited: &mut Visited, state: &mut State) {
    if engine.symmetry {
        engine.layout.canonical(state, None);
    }
    visited.insert(state, || engine.sizes());
}

fn expand(
    engine: &mut Engine<'_>,
    visited: &mut Visited,
    state: &State,
    found: &mut Found,
    room: &mut Room,
) {
    if engine.all_ended(state) {
        found.violations.extend(judge_end(engine, state));
        found.outcomes.insert(outcome(engine, state));
        return;
    }
    let mut any = false;
    engine.moves_into(state, false, &mut room.moves);
    for index in 0..room.moves.len() {
        let chosen = room.moves[index];
        if engine.take_into(state, chosen, &mut room.next) {
            any = true;
            found.counts.transitions += 1;
            add(engine, visited, &mut room.next);
            continue;
        }
        for mut next in engine.take(state, chosen) {
            any = true;
            found.counts.transitions += 1;
            add(engine, visited, &mut next.state);
        }
    }
    if !any && engine.too_many.is_none() {
        found.violations.insert(judge_stuck(engine, state));
    }
}

fn limit(engine: &Engine<'_>, visited: &Visited, limits: &Config) -> Option<String> {
    let states = visited.len() as u64;
    if limits.max_states.is_some_and(|max| states > max) {
        return Some(format!("stopped at --max-states after {states} states"));
    }
    if visited.bytes() > limits.max_memory {
        return Some(format!("stopped at --max-memory after {states} states"));
    }
    engine
        .too_many
        .map(|items| format!("a loop over {items} items is too long to be listed; try --items 3"))
}

fn because(cause: StopCause, states: usize, done: usize) -> String {
    let what = match cause {
        StopCause::Timeout => "--timeout",
        StopCause::Interrupt => "interrupt",
    };
    format!("stopped by {what}: {states} states met, {done} of them explored")
}
