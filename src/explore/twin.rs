//! The schedule beside a witness that goes well: the same data in another order, the nearest there is.

use super::ending::{Joint, judge_end, outcome};
use super::engine::{Engine, State, Successor};
use super::limits::DEFAULT_MEMORY;
use super::path::{Path, path};
use super::serial::is_serial;
use super::witness::{Choice, Schedule, fired_in, reached, replay, same_finding};
use crate::model::choice::answered;
use crate::model::fault::is_fault;
use crate::model::transition::World;
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet};

/// What was found out about the orders in which something does not go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The nearest one.
    Found(Schedule),
    /// There is none as long as what nobody knows is answered in the same way.
    Never,
    /// None was found, and not every order was looked at.
    Unknown,
}

/// The longest stretch of a schedule that is rearranged: its last steps.
const LONG: usize = 40;
/// Rearrangements that are tried, the nearest first.
const TRIES: usize = 400;
/// States looked at for a schedule that goes well at all.
const PATIENCE: usize = 2_000;
/// Dead ends of one rearrangement after which the next is tried.
const DEAD_ENDS: usize = 8;
/// Bytes of an engine's tables from which on nothing is tried any more.
const FULL: u64 = DEFAULT_MEMORY / 2;

/// The nearest schedule that goes well with the same data: the same steps with one stretch of one process moved elsewhere,
/// else any. What is wrong only because no serial order ends like it goes well if one does.
pub fn twin(
    engine: &mut Engine<'_>,
    schedule: &Schedule,
    wrong: &Violation,
    serial: Option<&BTreeSet<Joint>>,
) -> Twin {
    let starts = engine.initial();
    let (Some(steps), Some(start)) = (replay(engine, schedule), starts.get(schedule.start)) else {
        return Twin::Unknown;
    };
    let end = steps.last().map_or(start, |(_, next)| &next.state);
    let data = Data { answers: (**engine.world(end)).clone(), fits: BTreeMap::new() };
    let mut search = Search { engine, wrong, serial, data, left: PATIENCE };
    search.rearranged(schedule, &steps).map_or_else(|| search.anywhere(&starts), Twin::Found)
}

/// What nobody knows, as a schedule has answered it.
struct Data {
    answers: World,
    /// By the number of the choices made: whether they can be those of the schedule.
    fits: BTreeMap<u32, bool>,
}

impl Data {
    /// Whether the choices made so far can be made together with those of the schedule. What goes wrong is no data.
    fn fit(&mut self, engine: &Engine<'_>, state: &State) -> bool {
        let answers = &self.answers;
        *self.fits.entry(state[0]).or_insert_with(|| {
            let mut all = answers.clone();
            let made = engine.world(state).iter().filter(|(question, _)| !is_fault(question));
            made.into_iter().all(|(question, answer)| {
                if let Some(known) = all.get(question) {
                    return known == answer;
                }
                let mut worlds = answered(&all, question).into_iter();
                worlds.find(|w| w.get(question) == Some(answer)).map(|w| all = w).is_some()
            })
        })
    }
}

/// A state that was looked at, and from where it was reached; the first are those in which everything may begin.
struct Visit {
    state: State,
    from: Option<(usize, Choice)>,
}

struct Search<'s, 'p> {
    engine: &'s mut Engine<'p>,
    wrong: &'s Violation,
    serial: Option<&'s BTreeSet<Joint>>,
    data: Data,
    /// States that may still be looked at.
    left: usize,
}

impl Search<'_, '_> {
    /// The nearest rearrangement that goes well.
    fn rearranged(
        &mut self,
        schedule: &Schedule,
        steps: &[(State, Successor)],
    ) -> Option<Schedule> {
        let choices = &schedule.choices;
        let paths: Vec<Path> = choices.iter().map(|&(m, _)| path(self.engine, m)).collect();
        for moved in rearrangements(choices, &paths).into_iter().take(TRIES) {
            if self.engine.bytes() > FULL {
                return None;
            }
            // What comes before is as it was.
            let same = moved.iter().zip(choices).take_while(|(a, b)| a == b).count();
            let Some((state, _)) = steps.get(same) else { continue };
            let (before, state) = (&steps[..same], state.clone());
            if let Some(after) = self.goes_well(before, state, &moved[same..]) {
                return Some(schedule.with([&choices[..same], &after].concat()));
            }
        }
        None
    }

    /// What is chosen if these moves are made from here, and the whole goes well.
    fn goes_well(
        &mut self,
        before: &[(State, Successor)],
        mut state: State,
        choices: &[Choice],
    ) -> Option<Vec<Choice>> {
        let wrong = |engine: &Engine<'_>, next: &Successor| {
            !next.fired.is_empty() && fired_in(engine, next).iter().any(|v| !v.weak)
        };
        if before.iter().any(|(_, next)| wrong(self.engine, next)) {
            return None;
        }
        let mut made = Vec::new();
        for &(chosen, index) in choices {
            if !self.engine.moves(&state, true).contains(&chosen) {
                return None;
            }
            // What is asked may be asked elsewhere now: the answer is the same.
            let results = self.engine.take(&state, chosen).into_iter().enumerate();
            let mut fitting = results.filter(|(_, next)| self.data.fit(self.engine, &next.state));
            let first = fitting.next()?;
            let (index, next) = match fitting.find(|(at, _)| *at == index) {
                Some(same) if first.0 != index => same,
                _ => first,
            };
            if wrong(self.engine, &next) {
                return None;
            }
            made.push((chosen, index));
            state = next.state;
        }
        if self.engine.all_ended(&state) {
            let well = judge_end(self.engine, &state).is_empty() && self.ends_well(&state);
            return well.then_some(made);
        }
        let at_end = ["invariant", "last-writer-wins", "stuck"].contains(&self.wrong.rule);
        let may_end = !at_end && !self.wrong.weak;
        // What leads nowhere takes no more from the others.
        let open = may_end && matches!(self.onward(&[state], DEAD_ENDS), Twin::Found(_));
        open.then_some(made)
    }

    /// Any schedule in which this does not happen.
    fn anywhere(&mut self, starts: &[State]) -> Twin {
        self.left = PATIENCE;
        self.onward(starts, usize::MAX)
    }

    /// Goes on from these states. Depth first, so that a long flow does not have to be explored in full.
    fn onward(&mut self, starts: &[State], mut dead_ends: usize) -> Twin {
        // With no data to keep, alike processes stand for each other.
        let every = self.data.answers.keys().any(|question| !is_fault(question));
        let start = |state: &State| Visit { state: state.clone(), from: None };
        let mut visits: Vec<Visit> = starts.iter().map(start).collect();
        let mut todo: Vec<usize> = (0..visits.len()).rev().collect();
        let mut seen = BTreeSet::new();
        let mut all = !self.engine.more_starts() && (!self.wrong.weak || self.serial.is_some());
        while let Some(at) = todo.pop() {
            let state = visits[at].state.clone();
            if self.engine.bytes() > FULL || self.left == 0 {
                return Twin::Unknown;
            }
            self.left -= 1;
            let before = visits.len();
            let fits = self.data.fit(self.engine, &state);
            if fits && self.engine.all_ended(&state) {
                let ends = judge_end(self.engine, &state);
                if !ends.iter().any(|v| same_finding(v, self.wrong)) && self.ends_well(&state) {
                    return Twin::Found(reached(at, |at| visits[at].from));
                }
            }
            let moves = if fits { self.engine.moves(&state, every) } else { Vec::new() };
            for chosen in moves.into_iter().rev() {
                for (index, next) in self.engine.take(&state, chosen).into_iter().enumerate() {
                    let fired = fired_in(self.engine, &next);
                    if fired.iter().any(|v| same_finding(v, self.wrong))
                        || !seen.insert(next.state.clone())
                    {
                        continue;
                    }
                    todo.push(visits.len());
                    let from = Some((at, (chosen, index)));
                    visits.push(Visit { state: next.state, from });
                }
            }
            if visits.len() == before {
                let Some(left) = dead_ends.checked_sub(1) else { return Twin::Unknown };
                dead_ends = left;
            }
            all &= self.engine.beyond.is_none() && !self.engine.uncounted_violation;
        }
        if all { Twin::Never } else { Twin::Unknown }
    }

    /// Whether it ends as some order of one after another does: where no rule fires, two may still have made the same.
    fn ends_well(&self, state: &State) -> bool {
        let explained = |serial| is_serial(&outcome(self.engine, state), serial);
        self.serial.map_or(!self.wrong.weak, explained)
    }
}

/// Every way to move one stretch of one process, the nearest first.
fn rearrangements(choices: &[Choice], paths: &[Path]) -> Vec<Vec<Choice>> {
    let n = choices.len();
    let first = n.saturating_sub(LONG);
    let mut found: Vec<(usize, Vec<Choice>)> = Vec::new();
    for from in first..n {
        for to in from + 1..=n {
            if paths[to - 1] != paths[from] {
                break;
            }
            for at in (first..from).chain(to + 1..=n) {
                let (left, middle, right) = if at < from { (at, from, to) } else { (from, to, at) };
                let mut moved = choices.to_vec();
                moved[left..right].rotate_left(middle - left);
                let distance = if at > to { at - to } else { from - at };
                found.push((distance * (to - from), moved));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, moved)| moved).collect()
}
