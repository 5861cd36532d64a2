//! Runs a schedule that is kept by names on a flow as it is now. What the schedule does not mention runs as it comes:
//! at once if the next step waits for it, else at the end.

use crate::explore::ending::{judge_end, judge_stuck};
use crate::explore::engine::{Engine, Move, State, Successor};
use crate::explore::layout::Unit;
use crate::explore::witness::fired_in;
use crate::finding::schedule::question;
use crate::finding::trace::{cell_name, number, told_step};
use crate::finding::witness_file::{FileStep, WitnessFile};
use crate::model::fault::Fault;
use crate::model::program::{Node, Program, Resource};
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet};

/// Longer schedules are given up: something in them goes round in circles.
const MOST_STEPS: usize = 20_000;

/// A move that can be taken now, by its names.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) process: String,
    pub(super) action: String,
    pub(super) fault: Option<Fault>,
    next: Successor,
}

impl Candidate {
    fn is(&self, step: &FileStep) -> bool {
        self.process == step.process && self.action == step.action && self.fault == step.fault
    }

    /// Whether it happens without being asked for: no fault does, and no lease runs out.
    fn by_itself(&self) -> bool {
        matches!(self.next.chosen, Move::Step(..) | Move::Expire(None, _) | Move::Arrives(..))
    }
}

/// What came of following the schedule.
pub(super) enum Followed {
    /// The anomaly is there.
    Wrong(Violation),
    /// All steps ran, but for these, which the flow leaves out now.
    Ran(Vec<usize>),
    /// This step comes to its turn, but only after steps it was to be before.
    RuledOut(usize),
    /// This step cannot run, and these could.
    Lost(usize, Vec<Candidate>),
}

/// Where the run stands.
#[derive(Clone)]
pub(super) struct Guide<'f> {
    file: &'f WitnessFile,
    /// Of all actions of the flow.
    names: &'f BTreeSet<String>,
    /// By loop.
    items: &'f BTreeMap<String, u64>,
    state: State,
    indices: BTreeMap<Unit, u32>,
    done: Vec<bool>,
    left_out: Vec<usize>,
    /// Processes met.
    met: BTreeSet<String>,
    /// What was stepped into without getting on: nothing is done twice from the same state.
    seen: BTreeSet<(State, usize)>,
    pub(super) taken: Vec<(State, Successor)>,
    /// How many of the last ones are by processes that the schedule does not mention.
    strangers: usize,
}

impl<'f> Guide<'f> {
    pub(super) fn new(
        engine: &Engine<'_>,
        file: &'f WitnessFile,
        state: State,
        (names, items): (&'f BTreeSet<String>, &'f BTreeMap<String, u64>),
    ) -> Self {
        let mut indices = BTreeMap::new();
        number(engine, None, &state, None, &mut indices);
        Self {
            file,
            names,
            items,
            state,
            indices,
            done: vec![false; file.steps.len()],
            left_out: Vec::new(),
            met: BTreeSet::new(),
            seen: BTreeSet::new(),
            taken: Vec::new(),
            strangers: 0,
        }
    }

    /// Follows the schedule to its end, and the flow to its own.
    pub(super) fn follow(&mut self, engine: &mut Engine<'_>) -> Followed {
        while let Some(next) = self.done.iter().position(|done| !done) {
            let candidates = self.candidates(engine);
            let FileStep { process, action, .. } = &self.file.steps[next];
            if !named(engine.program, self.names, action) || missing(self.items, process).is_some()
            {
                return Followed::Lost(next, candidates);
            }
            let here = |n: &Node| *n.name == **action;
            let outside = self.names.contains(action) && !engine.program.nodes.iter().any(here);
            if outside || self.taken.is_empty() && engine.all_ended(&self.state) {
                // It cannot matter to the cell, or nothing meets anything else any more.
                self.done[next] = true;
                self.left_out.push(next);
                continue;
            }
            if let Some((chosen, step)) = self.choose(&candidates, next) {
                if let Some(violation) = self.take(engine, candidates[chosen].clone(), step) {
                    return Followed::Wrong(violation);
                }
                continue;
            }
            if self.another_of(next, &candidates) {
                return Followed::Lost(next, candidates);
            }
            let mut free = self.clone();
            let ended = free.run_free(engine, Some(&self.file.steps[next]));
            match ended {
                Free::Wrong(violation) => {
                    *self = free;
                    return Followed::Wrong(violation);
                }
                Free::Reached => return Followed::RuledOut(next),
                Free::Ended if free.met.contains(&self.file.steps[next].process) => {
                    self.done[next] = true;
                    self.left_out.push(next);
                }
                Free::Ended => return Followed::Lost(next, candidates),
            }
        }
        match self.run_free(engine, None) {
            Free::Wrong(violation) => Followed::Wrong(violation),
            Free::Reached | Free::Ended => Followed::Ran(self.left_out.clone()),
        }
    }

    /// Whether its process now comes to another step of the schedule first.
    fn another_of(&self, next: usize, candidates: &[Candidate]) -> bool {
        let process = &self.file.steps[next].process;
        candidates.iter().any(|c| c.process == *process && self.mentioned(c))
    }

    /// The move to take, and which step of the schedule it is.
    fn choose(&mut self, candidates: &[Candidate], next: usize) -> Option<(usize, Option<usize>)> {
        let find = |step: &FileStep| candidates.iter().position(|c| c.is(step));
        if let Some(at) = find(&self.file.steps[next]) {
            return Some((at, Some(next)));
        }
        let process = self.file.steps[next].process.clone();
        let related = |c: &Candidate| {
            c.process == process
                || process.starts_with(&c.process)
                || c.process.starts_with(&process)
        };
        if let Some(at) = self.unmentioned(candidates, related) {
            return Some((at, None));
        }
        let known: BTreeSet<&str> = self.file.steps.iter().map(|s| s.process.as_str()).collect();
        if let Some(at) = self.unmentioned(candidates, |c| known.contains(c.process.as_str())) {
            return Some((at, None));
        }
        for step in next + 1..self.done.len() {
            if self.ready(step)
                && let Some(at) = find(&self.file.steps[step])
            {
                return Some((at, Some(step)));
            }
        }
        self.unmentioned(candidates, |c| !known.contains(c.process.as_str())).map(|at| (at, None))
    }

    /// Whether everything that must come before a step is done.
    fn ready(&self, step: usize) -> bool {
        let FileStep { process, after, .. } = &self.file.steps[step];
        let before = (0..step).filter(|&s| self.file.steps[s].process == *process);
        !self.done[step] && before.chain(after.iter().copied()).all(|s| self.done[s])
    }

    /// Whether a step still to be done is this one's.
    fn mentioned(&self, candidate: &Candidate) -> bool {
        let open = self.file.steps.iter().zip(&self.done).filter(|(_, done)| !**done);
        open.into_iter().any(|(s, _)| candidate.is(s))
    }

    fn unmentioned(
        &mut self,
        candidates: &[Candidate],
        wanted: impl Fn(&Candidate) -> bool,
    ) -> Option<usize> {
        let done = self.done.iter().filter(|d| **d).count();
        let at = candidates.iter().position(|c| {
            c.by_itself()
                && wanted(c)
                && !self.mentioned(c)
                && !self.seen.contains(&(c.next.state.clone(), done))
        })?;
        self.seen.insert((candidates[at].next.state.clone(), done));
        Some(at)
    }

    /// Everything that can happen now.
    fn candidates(&mut self, engine: &mut Engine<'_>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for chosen in engine.moves(&self.state, true) {
            let results = engine.take(&self.state, chosen);
            let Some(next) = self.answered(engine, results) else { continue };
            let told = told_step(engine, &self.state, &next, &Violation::default(), &self.indices);
            let fault = match chosen {
                Move::Fault(_, _, fault) => Some(fault),
                Move::Step(..) | Move::Expire(..) | Move::Arrives(..) => None,
            };
            candidates.push(Candidate { process: told.process, action: told.action, fault, next });
        }
        self.met.extend(candidates.iter().map(|c| c.process.clone()));
        candidates
    }

    /// Of several results, the one in which unknown conditions are as the schedule has them.
    fn answered(&self, engine: &Engine<'_>, results: Vec<Successor>) -> Option<Successor> {
        let agrees = |next: &Successor| agrees(engine, self.file, &next.state);
        let best = results.iter().position(agrees).unwrap_or(0);
        results.into_iter().nth(best)
    }

    /// Takes a move; the anomaly if that is what it does.
    fn take(
        &mut self,
        engine: &mut Engine<'_>,
        candidate: Candidate,
        step: Option<usize>,
    ) -> Option<Violation> {
        let Candidate { process, next, .. } = candidate;
        let known = self.file.steps.iter().any(|s| s.process == process);
        self.strangers = if known { 0 } else { self.strangers + 1 };
        number(engine, Some(&self.state), &next.state, next.ended_unit(), &mut self.indices);
        let before = std::mem::replace(&mut self.state, next.state.clone());
        let fired = fired_in(engine, &next);
        self.taken.push((before, next));
        if let Some(step) = step {
            self.done[step] = true;
        }
        fired.into_iter().find(|v| !v.weak && is_it(engine, self.file, v))
    }

    /// Runs on in the simplest order: whoever went last goes on, else the first that can.
    fn run_free(&mut self, engine: &mut Engine<'_>, until: Option<&FileStep>) -> Free {
        let mut last = String::new();
        while self.taken.len() < MOST_STEPS {
            if engine.all_ended(&self.state) {
                let judged = judge_end(engine, &self.state);
                let found = judged.into_iter().find(|v| is_it(engine, self.file, v));
                return found.map_or(Free::Ended, Free::Wrong);
            }
            let candidates = self.candidates(engine);
            let reached = |c: &Candidate| until.is_some_and(|s| c.is(s));
            if candidates.iter().any(reached) {
                return Free::Reached;
            }
            if !candidates.iter().any(Candidate::by_itself) {
                let stuck = judge_stuck(engine, &self.state);
                return if is_it(engine, self.file, &stuck) {
                    Free::Wrong(stuck)
                } else {
                    Free::Ended
                };
            }
            let fresh = |c: &Candidate| {
                c.by_itself() && !self.seen.contains(&(c.next.state.clone(), usize::MAX))
            };
            let wanted = until.map_or(last.as_str(), |s| s.process.as_str());
            let Some(chosen) = candidates
                .iter()
                .find(|c| c.process == wanted && fresh(c))
                .or_else(|| candidates.iter().find(|c| c.process == last && fresh(c)))
                .or_else(|| candidates.iter().find(|c| fresh(c)))
            else {
                return Free::Ended;
            };
            self.seen.insert((chosen.next.state.clone(), usize::MAX));
            last.clone_from(&chosen.process);
            if let Some(violation) = self.take(engine, chosen.clone(), None) {
                return Free::Wrong(violation);
            }
        }
        Free::Ended
    }

    /// Forgets what processes that the schedule does not mention did after it.
    pub(super) fn drop_strangers(&mut self) {
        let strangers = self.strangers;
        self.taken.truncate(self.taken.len() - strangers);
    }

    /// The state reached.
    pub(super) fn state(&self) -> &State {
        &self.state
    }
}

/// How a run without a schedule ends.
enum Free {
    Wrong(Violation),
    Reached,
    Ended,
}

/// Whether the flow has something of that name: an action, or a lease that can run out.
pub(super) fn named(program: &Program, names: &BTreeSet<String>, action: &str) -> bool {
    let lease = |r: &Resource| action.strip_prefix("lease of ") == Some(&*r.name);
    names.contains(action)
        || ["run", "trigger"].contains(&action)
        || program.resources.iter().any(lease)
}

/// The loop that has no iteration of that number, and how many it has.
pub(super) fn missing<'i>(
    items: &'i BTreeMap<String, u64>,
    process: &str,
) -> Option<(&'i String, &'i u64)> {
    let number = |name: &str, part: &str| {
        part.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.parse::<u64>().ok()
    };
    items.iter().find(|(name, items)| {
        process.split('/').filter_map(|part| number(name, part)).any(|n| n > **items)
    })
}

/// Whether a state's choices are those of the schedule, as far as it has any.
pub(super) fn agrees(engine: &Engine<'_>, file: &WitnessFile, state: &State) -> bool {
    let world = engine.world(state);
    world.iter().all(|(q, a)| {
        file.answers.get(&question(engine.program, q)).is_none_or(|wanted| wanted == a)
    })
}

/// Whether a violation is the finding of the file: same rule, same cell, and an action in common if it has any.
pub(super) fn is_it(engine: &Engine<'_>, file: &WitnessFile, violation: &Violation) -> bool {
    let program = engine.program;
    let column = violation.column.as_deref();
    let cell = violation.resource.map_or(String::new(), |r| cell_name(program, r, column));
    let shared =
        |&n: &crate::model::ids::NodeId| file.actions.iter().any(|a| **a == *program.node(n).name);
    // What nothing explains is put down to a cell that depends on what is observed now.
    let anywhere = violation.rule == "unclassified";
    violation.rule == file.rule
        && (anywhere || cell == file.cell)
        && (file.actions.is_empty()
            || violation.actions.is_empty()
            || violation.actions.iter().any(shared))
}
