//! A retry bound that contention alone can use up: the schedule that does it, where there are too many items to list.
//!
//! One process is held before each of its conditional writes until another one has had its own accepted, round after
//! round. If without any bound nothing goes wrong (that is proved by counting), this is all that can, and the schedule
//! is run on the full instance like any other: what it shows is a finding, never more.

use super::finals::{end_of, serial_outcome};
use super::prove;
use crate::explore::ending::Joint;
use crate::explore::engine::{Engine, Move, State};
use crate::explore::layout::Unit;
use crate::explore::limits::Stop;
use crate::explore::ranking::{Optimistic, counted_loops, drop_all};
use crate::explore::witness::{Choice, Schedule};
use crate::model::ids::NodeId;
use crate::model::program::Program;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// Steps of a schedule at most.
const LONGEST: usize = 100_000;

/// What starving one process shows.
#[derive(Debug)]
pub struct Starved {
    /// What fired, with its schedule.
    pub told: Vec<(Violation, Schedule)>,
    /// How these schedules end.
    pub outcomes: BTreeSet<Joint>,
    /// How one after another ends, if there is only one such way.
    pub serial: Option<BTreeSet<Joint>>,
    /// Steps taken.
    pub steps: u64,
}

/// Bounds that are used up, if they are all that stands between the program and a proof.
pub fn starve(program: &Program, stop: &dyn Stop) -> Option<Starved> {
    let loops = counted_loops(program);
    if loops.is_empty() {
        return None;
    }
    let mut free = program.clone();
    drop_all(&mut free);
    if !prove(&free).is_ok_and(|proof| proof.suspicions.is_empty()) {
        return None;
    }
    let mut engine = Engine::new(program, false);
    let mut starved =
        Starved { told: Vec::new(), outcomes: BTreeSet::new(), serial: None, steps: 0 };
    for of in loops {
        let mut schedule = Course::new(&mut engine, of)?;
        let Some(violation) = schedule.run(&mut engine, stop) else { continue };
        starved.steps += schedule.choices.len() as u64;
        starved.outcomes.extend(end_of(&mut engine, &schedule.state));
        if !starved.told.iter().any(|(known, _)| *known == violation) {
            starved.told.push((violation, Schedule { start: 0, choices: schedule.choices }));
        }
    }
    let serial = serial_outcome(&mut engine);
    starved.outcomes.extend(serial.clone());
    starved.serial = serial.map(|one| BTreeSet::from([one]));
    (!starved.told.is_empty()).then_some(starved)
}

/// A schedule under way.
struct Course {
    state: State,
    choices: Vec<Choice>,
    victim: Unit,
    write: NodeId,
    /// Whoever gets in its way at the moment.
    rival: Option<Unit>,
}

impl Course {
    fn new(engine: &mut Engine<'_>, (until, _, write): Optimistic) -> Option<Self> {
        let class = engine.program.node(until).class;
        let victim = engine.layout.units().find(|&u| engine.layout.class(u) == class)?;
        let initial = engine.initial();
        let [state] = initial.as_slice() else { return None };
        Some(Self { state: state.clone(), choices: Vec::new(), victim, write, rival: None })
    }

    /// What fires when the bound is used up; `None` if that does not come about.
    fn run(&mut self, engine: &mut Engine<'_>, stop: &dyn Stop) -> Option<Violation> {
        let spent =
            |v: &Violation, write: NodeId| v.rule == "retry-exhausted" && v.actions == [write];
        while self.choices.len() < LONGEST && stop.stopped().is_none() {
            let mine = Self::offered(engine, &self.state, self.victim);
            let fired = if mine == [Move::Step(self.victim, self.write)] {
                self.disturb(engine)?;
                self.take(engine, mine[0])?
            } else if let Some(&step) = mine.first() {
                self.take(engine, step)?
            } else {
                // It has not started, or waits for its run.
                let others = engine.moves(&self.state, true);
                self.take(engine, *others.first()?)?
            };
            if let Some(violation) = fired.into_iter().find(|v| spent(v, self.write)) {
                return Some(violation);
            }
        }
        None
    }

    /// Somebody else goes on until the one that is held has heard of it.
    fn disturb(&mut self, engine: &mut Engine<'_>) -> Option<()> {
        let place = engine.layout.place(self.victim);
        let before = self.state[place];
        while self.state[place] == before {
            let moves = |u: &Unit| !Self::offered(engine, &self.state, *u).is_empty();
            let under_way = self.rival.filter(moves);
            let other = || engine.layout.units().find(|u| *u != self.victim && moves(u));
            let rival = under_way.or_else(other)?;
            let step = *Self::offered(engine, &self.state, rival).first()?;
            self.rival = Some(rival);
            self.take(engine, step)?;
            if self.choices.len() > LONGEST {
                return None;
            }
        }
        Some(())
    }

    fn offered(engine: &Engine<'_>, state: &State, unit: Unit) -> Vec<Move> {
        let of = |m: &Move| matches!(m, Move::Step(u, _) if *u == unit);
        engine.moves(state, true).into_iter().filter(of).collect()
    }

    /// Takes a step that has one result, and says what fired.
    fn take(&mut self, engine: &mut Engine<'_>, step: Move) -> Option<Vec<Violation>> {
        let mut next = engine.take(&self.state, step);
        let (Some(next), true) = (next.pop(), next.is_empty()) else { return None };
        self.state = next.state;
        self.choices.push((step, 0));
        Some(next.fired.iter().map(|&id| (**engine.violations.get(id)).clone()).collect())
    }
}
