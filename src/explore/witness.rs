//! The schedule that proves a finding: the least by faults, then by switches, then by steps (design.md §7).

use super::ending::{judge_end, judge_stuck};
use super::engine::{Engine, Move, State, Successor};
use super::layout::Unit;
use super::limits::Stop;
use super::path::{Level, Path, last_path, path};
use crate::model::transition::{Event, Round};
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet};

/// A chosen move, and which of its results if an unknown condition was asked.
pub type Choice = (Move, usize);

/// A schedule: in which of the states in which everything may begin, and what was chosen from there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schedule {
    /// Which of [`Engine::initial`].
    pub start: usize,
    /// Step after step.
    pub choices: Vec<Choice>,
}

impl Schedule {
    /// Other choices from the same start.
    #[must_use]
    pub fn with(&self, choices: Vec<Choice>) -> Self {
        Self { start: self.start, choices }
    }
}

/// What makes two violations the same finding: rule, cell, pair of actions.
pub fn same_finding(a: &Violation, b: &Violation) -> bool {
    a.rule == b.rule && a.resource == b.resource && a.column == b.column && a.actions == b.actions
}

struct Node {
    state: State,
    last: Path,
    from: Option<(usize, Choice)>,
    fired: Vec<Violation>,
}

impl Node {
    fn start(state: &State) -> Self {
        Self { state: state.clone(), last: Vec::new(), from: None, fired: Vec::new() }
    }
}

/// The least schedules for the wanted violations.
pub fn witnesses(
    engine: &mut Engine<'_>,
    wanted: &BTreeSet<Violation>,
    cap: usize,
    stop: &dyn Stop,
) -> Vec<(Violation, Schedule)> {
    let mut left: Vec<Violation> = wanted.iter().cloned().collect();
    let mut found = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    let mut queue: BTreeMap<(u32, u32, u32, u32, usize), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    if left.is_empty() {
        return found;
    }
    for (start, state) in engine.initial().iter().enumerate() {
        queue.insert((0, 0, 0, 0, start), start);
        nodes.push(Node::start(state));
    }
    while let Some(((faults, late, switches, depth, _), at)) = queue.pop_first() {
        if left.is_empty() || nodes.len() > cap || stop.stopped().is_some() {
            break;
        }
        let (state, last) = (nodes[at].state.clone(), nodes[at].last.clone());
        if !seen.insert(key(engine, &state, &last)) && nodes[at].fired.is_empty() {
            continue;
        }
        let mut fired = std::mem::take(&mut nodes[at].fired);
        let ended = engine.all_ended(&state);
        if ended {
            fired.extend(judge_end(engine, &state));
        }
        let mut any = false;
        let mut children = Vec::new();
        if !ended {
            for chosen in engine.moves(&state, true) {
                let who = path(engine, chosen);
                for (index, next) in engine.take(&state, chosen).into_iter().enumerate() {
                    // Nothing has to go wrong, so a fault is no way on.
                    any |= !chosen.is_fault();
                    let switch = u32::from(!last.is_empty() && who != last);
                    let left = last_path(engine, &next);
                    children.push((switch, left, (chosen, index), next));
                }
            }
            if !any {
                fired.push(judge_stuck(engine, &state));
            }
        }
        for violation in &fired {
            if let Some(position) = left.iter().position(|v| same_finding(v, violation)) {
                left.remove(position);
                found.push((violation.clone(), reached(at, |at| nodes[at].from)));
            }
        }
        for (switch, who, choice, next) in children {
            let fired = fired_in(engine, &next);
            let id = nodes.len();
            nodes.push(Node { state: next.state, last: who, from: Some((at, choice)), fired });
            let fault = u32::from(choice.0.is_fault());
            // Where an effect need not be late, it is not.
            let later = u32::from(matches!(choice.0, Move::Fault(_, _, f) if f.arrives_later()));
            let cost = (faults + fault, late + later, switches + switch, depth + 1, id);
            queue.insert(cost, id);
        }
    }
    found
}

/// The violations that fired in a step.
pub fn fired_in(engine: &Engine<'_>, next: &Successor) -> Vec<Violation> {
    next.fired.iter().map(|&id| (**engine.violations.get(id)).clone()).collect()
}

/// How a node was reached, by where each one came from; the first are the states in which everything may begin.
pub(super) fn reached(mut at: usize, from: impl Fn(usize) -> Option<(usize, Choice)>) -> Schedule {
    let mut choices = Vec::new();
    while let Some((parent, choice)) = from(at) {
        choices.push(choice);
        at = parent;
    }
    choices.reverse();
    Schedule { start: at, choices }
}

/// Alike states with the same process last are one.
fn key(engine: &Engine<'_>, state: &State, last: &Path) -> (State, Path) {
    let mut state = state.clone();
    let mut last = last.clone();
    if engine.symmetry {
        let run = last.iter().find_map(|l| if let Level::Run(r) = l { Some(*r) } else { None });
        let slot = last.iter().find_map(|l| if let Level::Slot(s) = l { Some(*s) } else { None });
        let mark = run.map(|run| Unit { run, slot: slot.unwrap_or(0) });
        let mark = engine.layout.canonical(&mut state, mark);
        for level in &mut last {
            match (level, mark) {
                (Level::Run(r), Some(m)) => *r = m.run,
                (Level::Slot(s), Some(m)) => *s = m.slot,
                _ => {}
            }
        }
    }
    (state, last)
}

/// An exhausted retry is a finding of its own.
pub fn gave_up(events: &[Event]) -> bool {
    events.iter().any(|e| e.round == Some(Round::GivenUp) || e.exhausted)
}

/// Runs a schedule; `None` if a move of it is not enabled.
pub fn replay(engine: &mut Engine<'_>, schedule: &Schedule) -> Option<Vec<(State, Successor)>> {
    let mut state = engine.initial().get(schedule.start)?.clone();
    let mut steps = Vec::new();
    for &(chosen, index) in &schedule.choices {
        if !engine.moves(&state, true).contains(&chosen) {
            return None;
        }
        let next = engine.take(&state, chosen).into_iter().nth(index)?;
        steps.push((state, next.clone()));
        state = next.state;
    }
    Some(steps)
}
