//! Random schedules, for what is out of reach of a search. Proves nothing, but says what it earned.
//!
//! Each schedule is a function of the seed and its own number alone, so any number of threads finds the same. A step is
//! looked up where its like was taken before; outcomes are told apart by the numbers of their contents.

mod bound;
mod random;
mod spots;
mod strategy;

use super::ending::{Joint, judge_end, judge_stuck, outcome};
use super::engine::{Engine, Move, State};
use super::layout::Place;
use super::limits::Stop;
use super::table::Memo;
use super::witness::Schedule;
use crate::model::program::Program;
use crate::property::judge::Violation;
pub use bound::Bound;
use random::Random;
use spots::{Chosen, Spots};
use std::collections::BTreeMap;
use std::sync::Arc;
pub use strategy::Strategy;
use strategy::{Plan, Priorities, count};

/// Schedules that the threads share out at a time, in the end and at first; between two rounds it can be stopped.
const ROUND: u64 = 4096;
const FIRST_ROUND: u64 = 16;
/// Random schedules that show how long a schedule gets.
const PROBES: u64 = 64;
/// Steps after which there are enough of those.
const PROBED: u64 = 4096;
/// Longer schedules are cut: something in them goes round in circles.
const LONGEST: u32 = 100_000;
/// Numbers in an engine's tables after which it starts anew.
const FULL: u32 = 4_000_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuzz {
    /// How schedules are chosen.
    pub strategy: Strategy,
    /// Of all schedules.
    pub seed: u64,
    /// How many.
    pub schedules: u64,
    /// For PCT: schedules of depth 1 to this one are tried in turn.
    pub depth: u32,
    /// Only where the search had to stop.
    pub after_limits: bool,
    /// Whether steps are looked up; what is found is the same without.
    pub look_up: bool,
}

impl Default for Fuzz {
    fn default() -> Self {
        Self {
            strategy: Strategy::Pct,
            seed: 1,
            schedules: 10_000,
            depth: 3,
            after_limits: false,
            look_up: true,
        }
    }
}

/// What the schedules showed.
#[derive(Debug, Default)]
pub struct Fuzzed {
    /// Rules that fired, and the first schedule in which they did.
    pub violations: BTreeMap<Violation, u64>,
    /// Outcomes, and how many schedules ended in each.
    pub outcomes: BTreeMap<Joint, u64>,
    /// Schedules tried.
    pub schedules: u64,
    /// Steps taken in all.
    pub steps: u64,
    /// Steps of the longest schedule, and those PCT drew its changes from.
    pub longest: u32,
    /// Steps that PCT drew its changes from.
    pub drawn: u32,
    /// The most processes met in one schedule.
    pub processes: u32,
    /// Something beside the order was drawn too: a fault, an unknown condition, one of several steps of one process.
    pub chance: bool,
    /// An Until without a counter failed otherwise than by a refusal: the counts are needed.
    pub uncounted: bool,
}

/// Tries schedules until enough were tried or somebody says stop.
pub fn fuzz(program: &Program, asked: &Fuzz, threads: usize, stop: &dyn Stop) -> Fuzzed {
    let plan = Plan::new(program);
    let probing = Fuzz { strategy: Strategy::Random, seed: !asked.seed, ..*asked };
    let mut probe = Worker::new(program, &plan, probing, 0);
    for schedule in 0..PROBES {
        if probe.found.steps < PROBED {
            probe.run(schedule, None);
        }
    }
    let drawn = probe.found.longest;
    let threads = threads.max(1);
    let worker = |_| Worker::new(program, &plan, *asked, drawn);
    let mut workers: Vec<Worker<'_>> = (0..threads).map(worker).collect();
    let mut done = 0;
    while done < asked.schedules && stop.stopped().is_none() {
        let end = (done + done.clamp(FIRST_ROUND, ROUND)).min(asked.schedules);
        let share = (end - done).div_ceil(threads as u64).max(1);
        std::thread::scope(|scope| {
            for (worker, from) in workers
                .iter_mut()
                .zip((done..end).step_by(usize::try_from(share).unwrap_or(usize::MAX)))
            {
                scope.spawn(move || {
                    (from..(from + share).min(end)).for_each(|s| worker.run(s, None));
                });
            }
        });
        done = end;
        let steps = workers.iter().map(|w| w.found.steps).sum();
        stop.progress(done, steps, asked.schedules - done);
    }
    let mut found = Fuzzed { schedules: done, drawn, ..Fuzzed::default() };
    for worker in workers {
        found.add(worker.close());
    }
    found
}

/// The schedule of a number, as choices, up to where the wanted violation fires.
pub fn schedule(program: &Program, asked: &Fuzz, drawn: u32, number: u64) -> Schedule {
    let plan = Plan::new(program);
    let mut worker = Worker::new(program, &plan, *asked, drawn);
    let mut told = Schedule::default();
    worker.run(number, Some(&mut told));
    told
}

impl Fuzzed {
    fn add(&mut self, other: Self) {
        for (violation, schedule) in other.violations {
            let first = self.violations.entry(violation).or_insert(schedule);
            *first = schedule.min(*first);
        }
        for (outcome, times) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += times;
        }
        self.steps += other.steps;
        self.longest = self.longest.max(other.longest);
        self.processes = self.processes.max(other.processes);
        self.chance |= other.chance;
        self.uncounted |= other.uncounted;
    }
}

/// What looking up came to.
enum Quick {
    /// This step was taken.
    Took(Move),
    /// There is none.
    Over,
    /// It has to be taken by the engine: this one of all moves, if that was drawn already.
    Chose(Option<usize>),
}

/// One thread: an engine, and what it found.
struct Worker<'p> {
    program: &'p Program,
    plan: &'p Plan,
    asked: Fuzz,
    drawn: u32,
    engine: Engine<'p>,
    initial: Arc<Vec<State>>,
    /// Places whose numbers tell how a schedule ended.
    telling: Vec<usize>,
    /// By these numbers: which of `ends`.
    ends: Memo<Vec<u32>, usize>,
    counted: Vec<(State, u64)>,
    /// Violations of the engine that are known already.
    known: usize,
    found: Fuzzed,
    priorities: Priorities,
    /// Where steps are looked up.
    spots: Option<Spots>,
    /// The process that PCT chose last.
    leader: Option<usize>,
    open: Vec<Move>,
    state: State,
    next: State,
    key: Vec<u32>,
}

impl<'p> Worker<'p> {
    fn new(program: &'p Program, plan: &'p Plan, asked: Fuzz, drawn: u32) -> Self {
        let mut engine = Engine::new(program, false);
        let initial = engine.initial();
        let places = engine.layout.places.iter().enumerate();
        // Priorities of moves are drawn by the moves themselves.
        let by_step = asked.look_up && asked.strategy != Strategy::Pos;
        let spots = Spots::new(&engine).filter(|_| by_step);
        let tells = |p: &Place| matches!(p, Place::World | Place::Resource(_));
        let telling = places.filter(|(_, p)| tells(p)).map(|(at, _)| at).collect();
        Self {
            program,
            plan,
            asked,
            drawn,
            engine,
            initial,
            telling,
            ends: Memo::default(),
            counted: Vec::new(),
            known: 0,
            found: Fuzzed::default(),
            priorities: Priorities::default(),
            spots,
            leader: None,
            open: Vec::new(),
            state: State::new(),
            next: State::new(),
            key: Vec::new(),
        }
    }

    /// Runs the schedule of this number to its end.
    fn run(&mut self, number: u64, mut told: Option<&mut Schedule>) {
        let mut random = Random::new(self.asked.seed, number);
        let depth = self.asked.depth.max(1);
        let depth = 1 + u32::try_from(number % u64::from(depth)).unwrap_or_default();
        self.priorities.begin(self.plan, &mut random, depth, self.drawn);
        let start = random.below(count(self.initial.len()).max(1)) as usize;
        self.found.chance |= self.initial.len() > 1;
        let Some(initial) = self.initial.get(start) else { return };
        self.state.clone_from(initial);
        if let Some(told) = told.as_deref_mut() {
            told.start = start;
        }
        self.leader = None;
        if let Some(spots) = &mut self.spots {
            spots.refresh(&self.engine, &self.state);
        }
        let mut steps = 0;
        while steps < LONGEST && self.step(steps, &mut random, told.as_deref_mut()) {
            steps += 1;
        }
        self.found.steps += u64::from(steps);
        self.found.longest = self.found.longest.max(steps);
        self.found.processes = self.found.processes.max(count(self.priorities.processes()));
        self.end(number, steps);
    }

    /// Takes one step; whether there was one to take.
    fn step(&mut self, number: u32, random: &mut Random, told: Option<&mut Schedule>) -> bool {
        if self.engine.all_ended(&self.state) {
            return false;
        }
        let first = match self.look_up(number, random) {
            Quick::Took(chosen) => {
                if let Some(told) = told {
                    told.choices.push((chosen, 0));
                }
                return true;
            }
            Quick::Over => return false,
            Quick::Chose(at) => at,
        };
        let took = self.ask(number, random, told, first);
        if let Some(spots) = &mut self.spots {
            spots.refresh(&self.engine, &self.state);
        }
        took
    }

    /// The step as it can be looked up.
    fn look_up(&mut self, number: u32, random: &mut Random) -> Quick {
        let Some(spots) = &mut self.spots else { return Quick::Chose(None) };
        if spots.total == 0 {
            return Quick::Over;
        }
        let strategy = self.asked.strategy;
        let process = |engine: &Engine<'_>, spots: &Spots, chosen: Chosen| {
            self.plan.at(spots.list[chosen.spot].place, Spots::node(engine, chosen))
        };
        loop {
            let leads = |c: &Chosen| self.leader == Some(process(&self.engine, spots, *c));
            let chosen = if strategy != Strategy::Pct {
                spots.nth(random.below(spots.total))
            } else if let Some(chosen) = spots.only().filter(leads) {
                // It had the highest priority, it is the same process, and nobody else has changed.
                chosen
            } else {
                let all = spots.all().map(|c| (c.at, process(&self.engine, spots, c)));
                spots.nth(self.priorities.highest(all, random))
            };
            let step = Move::Step(spots.list[chosen.spot].unit, Spots::node(&self.engine, chosen));
            if !spots.take(&mut self.engine, &self.state, chosen, &mut self.next) {
                self.leader = None;
                return Quick::Chose(Some(chosen.at as usize));
            }
            if strategy == Strategy::Pct && self.priorities.drops(self.plan, step, number) {
                self.leader = None;
                continue;
            }
            self.leader = Some(process(&self.engine, spots, chosen));
            spots.took(&self.engine, chosen, &self.state, &self.next);
            std::mem::swap(&mut self.state, &mut self.next);
            return Quick::Took(step);
        }
    }

    /// The step as the engine takes it, from the first choice if that has been made.
    fn ask(
        &mut self,
        number: u32,
        random: &mut Random,
        told: Option<&mut Schedule>,
        mut first: Option<usize>,
    ) -> bool {
        self.engine.moves_into(&self.state, true, &mut self.open);
        let strategy = self.asked.strategy;
        while !self.open.is_empty() {
            let at = first
                .take()
                .unwrap_or_else(|| self.priorities.choose(strategy, self.plan, &self.open, random));
            let chosen = self.open[at];
            let mut index = 0;
            if !self.engine.take_into(&self.state, chosen, &mut self.next) {
                let mut results = self.engine.take(&self.state, chosen);
                if results.is_empty() {
                    self.open.remove(at);
                    continue;
                }
                self.found.chance |= results.len() > 1;
                index = random.below(count(results.len())) as usize;
                self.next = results.swap_remove(index).state;
            }
            if strategy == Strategy::Pct && self.priorities.drops(self.plan, chosen, number) {
                continue;
            }
            self.priorities.took(strategy, self.plan, chosen);
            if let Some(told) = told {
                told.choices.push((chosen, index));
            }
            std::mem::swap(&mut self.state, &mut self.next);
            return true;
        }
        false
    }

    /// Counts how a schedule ended, and notes which rules fired for the first time.
    fn end(&mut self, number: u64, steps: u32) {
        let mut fired = Vec::new();
        if self.engine.all_ended(&self.state) {
            self.key.clear();
            self.key.extend(self.telling.iter().map(|&at| self.state[at]));
            if let Some(&end) = self.ends.get(&self.key) {
                self.counted[end].1 += 1;
            } else {
                fired = judge_end(&self.engine, &self.state);
                let end = self.counted.len();
                self.ends.entry(self.key.clone(), || end);
                self.counted.push((self.state.clone(), 1));
            }
        } else if steps < LONGEST && self.engine.beyond.is_none() {
            fired.push(judge_stuck(&self.engine, &self.state));
        }
        for id in self.known..self.engine.violations.len() {
            fired.push((**self.engine.violations.get(count(id))).clone());
        }
        self.known = self.engine.violations.len();
        for violation in fired.into_iter().filter(|v| !v.weak) {
            let first = self.found.violations.entry(violation).or_insert(number);
            *first = number.min(*first);
        }
        if number.is_multiple_of(64) && self.engine.sizes().into_iter().any(|n| n > FULL) {
            let fresh = Self::new(self.program, self.plan, self.asked, self.drawn);
            self.found = std::mem::replace(self, fresh).close();
        }
    }

    /// What was found.
    fn close(mut self) -> Fuzzed {
        for (state, times) in &self.counted {
            *self.found.outcomes.entry(outcome(&self.engine, state)).or_default() += times;
        }
        self.found.chance |= self.priorities.chance;
        self.found.uncounted |= self.engine.uncounted_violation;
        self.found
    }
}
