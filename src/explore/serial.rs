//! Serial outcomes: those of the schedules in which no process is interrupted by a sibling, at every level of nesting.
//! A process that cannot go on, or whose poll was refused, may be left and resumed (design.md §6).

use super::ending::{Joint, outcome};
use super::engine::{Engine, Move, State};
use super::limits::Stop;
use super::path::{Level, Path, left, path_at};
use crate::model::fault::Fault;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::transition::Round;
use std::collections::BTreeSet;

/// Where a serial schedule stands: the state and who went last.
type Node = (State, Path, bool);

/// An outcome of a choice that has no serial schedule is not held against it.
pub fn is_serial(outcome: &Joint, serial: &BTreeSet<Joint>) -> bool {
    serial.contains(outcome) || !serial.iter().any(|s| s.0 == outcome.0)
}

/// All serial outcomes, or `None` if there are too many schedules to list: more than `most` states.
pub fn serial(engine: &mut Engine<'_>, most: usize, stop: &dyn Stop) -> Option<BTreeSet<Joint>> {
    let mut outcomes = BTreeSet::new();
    let mut seen: BTreeSet<Node> = BTreeSet::new();
    let mut todo: Vec<Node> =
        engine.initial().iter().map(|s| (s.clone(), Vec::new(), true)).collect();
    while let Some((state, last, free)) = todo.pop() {
        if seen.len() > most || stop.stopped().is_some() {
            return None;
        }
        if engine.all_ended(&state) {
            outcomes.insert(outcome(engine, &state));
            continue;
        }
        for (who, next, polled) in steps(engine, &state, &last, free) {
            let key = canonical(engine, next, who, polled);
            if seen.insert(key.clone()) {
                todo.push(key);
            }
        }
    }
    Some(outcomes)
}

/// The moves that do not interrupt anybody.
fn steps(
    engine: &mut Engine<'_>,
    state: &State,
    last: &Path,
    free: bool,
) -> Vec<(Path, State, bool)> {
    let mut enabled = Vec::new();
    for chosen in engine.moves(state, true) {
        // Time passing is nobody's interruption, but a serial schedule has no need of it unless it is stuck.
        let who = path_at(engine, state, chosen);
        for next in engine.take(state, chosen) {
            let polled =
                next.events.iter().any(|e| e.round == Some(Round::Again) || e.refused == Some(409));
            // A run that is only woken has not begun: the one after the other may be either.
            let (left, polled) = if wakes(chosen) || matches!(chosen, Move::Arrives(..)) {
                (last.clone(), free)
            } else {
                (left(who.clone(), &next), polled)
            };
            enabled.push((chosen, who.clone(), left, next.state, polled));
        }
    }
    // What is under way belongs to its call: it arrives before anything else happens than another attempt.
    let under_way: BTreeSet<NodeId> =
        engine.under_way(state).filter_map(|(r, at)| sender(engine, state, r, at)).collect();
    if !under_way.is_empty() {
        let again = |m: Move| match m {
            Move::Step(unit, node) | Move::Fault(unit, node, _) => {
                let slot = engine.program.node(node).slot as usize;
                under_way.contains(&node) && engine.block(state, unit).nodes[slot].count > 0
            }
            Move::Arrives(..) => true,
            Move::Expire(..) => false,
        };
        enabled.retain(|(m, who, ..)| again(*m) && (who == last || who.is_empty()));
    }
    let steps_left = enabled.iter().any(|(m, ..)| matches!(m, Move::Step(..)));
    if steps_left {
        enabled.retain(|(m, ..)| !matches!(m, Move::Expire(..)));
    }
    let all: Vec<Path> = enabled.iter().map(|(_, p, ..)| p.clone()).collect();
    enabled.retain(|(m, who, ..)| {
        free || matches!(m, Move::Arrives(..)) || wakes(*m) || !interrupts(last, who, &all)
    });
    enabled.into_iter().map(|(_, _, left, next, polled)| (left, next, polled)).collect()
}

/// The action that sent what is under way.
fn sender(engine: &Engine<'_>, state: &State, resource: ResourceId, at: u32) -> Option<NodeId> {
    engine.content(state, resource, 0).late.get(at as usize).map(|late| late.node)
}

fn wakes(chosen: Move) -> bool {
    matches!(chosen, Move::Fault(_, _, Fault::Redelivered))
}

/// Whether going on with `who` leaves the process of `last` in the middle although it could go on.
fn interrupts(last: &Path, who: &Path, enabled: &[Path]) -> bool {
    let common = last.iter().zip(who).take_while(|(a, b)| a == b).count();
    if common >= last.len() || common >= who.len() {
        return false;
    }
    let process = &last[..=common];
    enabled.iter().any(|p| p.starts_with(process))
}

fn canonical(engine: &Engine<'_>, mut state: State, mut who: Path, polled: bool) -> Node {
    if engine.symmetry {
        let run = who.iter().find_map(|l| if let Level::Run(r) = l { Some(*r) } else { None });
        let slot = who.iter().find_map(|l| if let Level::Slot(s) = l { Some(*s) } else { None });
        let mark = run.map(|run| super::layout::Unit { run, slot: slot.unwrap_or(0) });
        let mark = engine.layout.canonical(&mut state, mark);
        for level in &mut who {
            match (level, mark) {
                (Level::Run(r), Some(m)) => *r = m.run,
                (Level::Slot(s), Some(m)) => *s = m.slot,
                (Level::Run(_) | Level::Slot(_) | Level::Branch(..) | Level::Nth(..), _) => {}
            }
        }
    }
    (state, who, polled)
}
