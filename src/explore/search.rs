//! Every schedule, breadth first: which rules fire, and which outcomes there are.
//!
//! A layer is taken in chunks. Expanding a chunk only looks up what the engine has learned, so threads share it;
//! inserting goes shard by shard, each in the order of the chunk; what is not learned yet is learned afterwards, one
//! state after the other. So the same states get the same places whatever the number of threads (how a chunk is cut
//! among them changes nothing).

use super::checkpoint::{FIRST, Keeper, Lesson, read_head, read_work, write_head, write_work};
use super::ending::{Joint, is_decided, judge_end, judge_stuck, outcome};
use super::engine::{Engine, STARTS, State};
use super::expand::{Batch, Expander, Plan};
use super::limits::{Config, Counts, Reduction, Stop, StopCause};
use super::packed::{Format, Packed, Words};
use super::parallel::share;
use super::table::hash;
use super::visited::{SHARDS, size};
use super::work::{Work, widen};
use crate::model::patience::Beyond;
use crate::property::judge::Violation;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// The most states expanded before limits are looked at.
const CHUNK: u64 = 1 << 15;
/// Fewer states are not worth a second thread.
const ENOUGH: usize = 1 << 9;
/// Steps of the dive.
const DIVE: usize = 2_000;

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
pub fn search<'p>(engine: &mut Engine<'p>, limits: &Config, stop: &'p dyn Stop) -> Found {
    engine.symmetry = limits.reduction != Reduction::None;
    engine.ask(stop, limits.max_memory);
    let most = limits.max_states.map_or(STARTS, |n| usize::try_from(n).unwrap_or(STARTS));
    engine.most_starts = most.min(STARTS);
    let initial = engine.initial().to_vec();
    if let Some(state) = initial.first() {
        dive(engine, state, limits, stop);
    }
    let work = Work::<Words<1>> { loose: initial, ..Work::new(Format::new(&[])) };
    let plan = Plan::new(engine);
    let keeper = stop.keeper().filter(|_| limits.kept);
    // Where not all starts are listed, the numbers depend on how many are.
    let starts = engine.more_starts().then_some(engine.most_starts);
    let judge = &engine.judge;
    let what = (engine.program, &judge.guarded, limits.reduction, limits.fingerprints, starts);
    let what = |keeper| (keeper, hash(&format!("{what:?}")));
    let kept = keeper.map(what);
    let found = Found::default();
    let mut search = Search {
        kept,
        lessons: Vec::new(),
        due: FIRST,
        engine,
        plan,
        limits,
        stop,
        found,
        explored: 0,
    };
    let saved = search.kept.and_then(|(keeper, what)| keeper.load(what));
    if saved.is_none_or(|mut saved| search.resume(&mut *saved).is_err()) {
        search.run(work);
    }
    let mut found = search.found;
    if engine.more_starts() && found.stopped.is_none() {
        let most = engine.most_starts;
        found.stopped =
            Some(format!("unknown conditions can be answered in more than {most} ways"));
    }
    engine.complete = found.stopped.is_none();
    found
}

/// Runs one schedule to its end, so that most components are known, and fields wide enough, before there are many states.
fn dive(engine: &mut Engine<'_>, start: &State, limits: &Config, stop: &dyn Stop) {
    let mut state = start.clone();
    let mut next = State::new();
    for _ in 0..DIVE {
        if stop.stopped().is_some() || engine.bytes() > limits.max_memory / 4 {
            return;
        }
        engine.sort(&mut state);
        engine.learn(&state);
        let moves = engine.moves(&state, false);
        if !moves.into_iter().any(|chosen| engine.take_into(&state, chosen, &mut next)) {
            return;
        }
        std::mem::swap(&mut state, &mut next);
    }
}

/// What to do next.
enum Next {
    More,
    /// Some component has more numbers than its field can hold.
    Outgrown,
    Done,
}

struct Search<'s, 'p> {
    engine: &'s mut Engine<'p>,
    plan: Plan,
    limits: &'s Config,
    stop: &'s dyn Stop,
    found: Found,
    explored: usize,
    /// Where checkpoints are kept, and under which number.
    kept: Option<(&'s dyn Keeper, u64)>,
    /// What the engine has to be told again by whoever goes on from a checkpoint.
    lessons: Vec<Lesson>,
    /// States expanded when the next checkpoint is due.
    due: usize,
}

impl Search<'_, '_> {
    /// Goes on from a checkpoint.
    fn resume(&mut self, saved: &mut dyn Read) -> io::Result<()> {
        let (explored, transitions, lessons, format) = read_head(saved)?;
        for lesson in lessons {
            match &lesson {
                Lesson::Learned(state) => {
                    self.engine.learn(state);
                    self.note(lesson);
                }
                Lesson::Taken(state) => _ = self.take_all(state),
                Lesson::Ended(state) => self.ended(state),
            }
        }
        let work = Work::<Words<1>>::new(format);
        self.resume_in(work, saved, (explored, transitions))
    }

    fn resume_in<P: Packed>(
        &mut self,
        mut work: Work<P>,
        saved: &mut dyn Read,
        (explored, transitions): (usize, u64),
    ) -> io::Result<()> {
        if work.format.words > P::WORDS {
            let work = Work::<P::Wider>::new(work.format);
            return self.resume_in(work, saved, (explored, transitions));
        }
        read_work(saved, &mut work)?;
        self.explored = explored;
        self.found.counts.transitions = transitions;
        self.due = explored + (explored / 4).max(FIRST);
        self.run(work);
        Ok(())
    }

    /// Writes a checkpoint, if anybody keeps them.
    fn keep<P: Packed>(&mut self, work: &Work<P>) {
        let Some((keeper, what)) = self.kept else { return };
        let done = (self.explored, self.found.counts.transitions);
        keeper.save(what, &mut |out| {
            write_head(out, done, &self.lessons, &work.format)?;
            write_work(out, work)
        });
        self.due = self.explored + (self.explored / 4).max(FIRST);
    }

    fn note(&mut self, lesson: Lesson) {
        if self.kept.is_some() && self.lessons.last() != Some(&lesson) {
            self.lessons.push(lesson);
        }
    }

    fn run<P: Packed>(&mut self, mut work: Work<P>) {
        loop {
            match self.advance(&mut work) {
                Next::More => {}
                Next::Done => return self.finish(&work),
                Next::Outgrown => {
                    let prints = self.limits.fingerprints;
                    let format = work.format.grown(&self.engine.sizes(), work.seen.len());
                    let format = format.printed(prints);
                    if format.words > P::WORDS {
                        let same = work.format.clone();
                        return self.run(work.convert(same, widen::<P>));
                    }
                    let old = work.format.clone();
                    let new = format.clone();
                    work = work.convert(format, |packed| {
                        let mut state = State::new();
                        old.unpack(packed, &mut state);
                        new.pack(&state)
                    });
                }
            }
        }
    }

    fn advance<P: Packed>(&mut self, work: &mut Work<P>) -> Next {
        if !work.format.holds(&self.engine.sizes()) {
            return Next::Outgrown;
        }
        if !work.loose.is_empty() {
            for mut state in std::mem::take(&mut work.loose) {
                self.engine.sort(&mut state);
                work.seen.insert(&work.format.pack(&state), &work.format);
            }
            return Next::More;
        }
        if !work.late.is_empty() && self.must_stop(work) {
            return Next::Done;
        }
        if let Some(state) = work.late.pop_front() {
            return self.late(work, state);
        }
        if self.must_stop(work) || (work.next == work.layer.len() && !work.descend()) {
            return Next::Done;
        }
        self.chunk(work);
        if self.explored >= self.due {
            self.keep(work);
        }
        Next::More
    }

    /// How many states to expand at once: the fewer, the nearer a limit is.
    fn most<P: Packed>(&self, seen: usize, words: usize) -> usize {
        let left = self.limits.max_states.map_or(u64::MAX, |max| max.saturating_sub(seen as u64));
        let degree = self.found.counts.transitions / (self.explored as u64).max(1) + 1;
        let room = self.limits.max_memory / 32 / (degree * size::<P>(words));
        let most = (seen as u64 / 4).clamp(64, CHUNK).min(left / degree.max(16)).min(room).max(1);
        usize::try_from(most).unwrap_or(1)
    }

    /// Expands some states and keeps their successors.
    fn chunk<P: Packed>(&mut self, work: &mut Work<P>) {
        let most = self.most::<P>(work.seen.len(), work.format.words);
        let to = work.layer.len().min(work.next + most);
        let states = &work.layer[work.next..to];
        let threads = if states.len() < ENOUGH { 1 } else { self.limits.threads.clamp(1, SHARDS) };
        let pieces = if threads == 1 { 1 } else { threads * 4 };
        work.batches.resize_with(pieces, Batch::default);
        work.batches.iter_mut().for_each(Batch::clear);
        let (engine, plan, format) = (&*self.engine, &self.plan, &work.format);
        let cut = work.batches.iter_mut().zip(states.chunks(states.len().div_ceil(pieces)));
        share(threads, cut, |(batch, states)| {
            let mut expander = Expander::new(engine, format, plan);
            states.iter().for_each(|state| _ = expander.expand(state, batch));
        });
        let batches = &work.batches;
        share(threads, work.seen.shards.iter_mut().enumerate(), |(at, shard)| {
            batches.iter().for_each(|batch| shard.insert_all(&batch.buckets[at], format));
        });
        self.explored += to - work.next;
        work.next = to;
        let mut state = State::new();
        for batch in &work.batches {
            self.found.counts.transitions += batch.transitions;
            for ended in &batch.ended {
                work.format.unpack(ended, &mut state);
                self.ended(&state);
            }
            for late in &batch.late {
                work.format.unpack(late, &mut state);
                work.late.push_back(state.clone());
            }
        }
    }

    fn ended(&mut self, state: &State) {
        let known = (self.found.violations.len(), self.found.outcomes.len());
        self.found.violations.extend(judge_end(self.engine, state));
        self.found.outcomes.insert(outcome(self.engine, state));
        if known != (self.found.violations.len(), self.found.outcomes.len()) {
            self.note(Lesson::Ended(state.clone()));
        }
    }

    /// Expands a state about which something had to be learned.
    fn late<P: Packed>(&mut self, work: &mut Work<P>, state: State) -> Next {
        if self.known(work, &state) {
            return Next::More;
        }
        self.engine.learn(&state);
        self.note(Lesson::Learned(state.clone()));
        if !work.format.holds(&self.engine.sizes()) {
            work.late.push_front(state);
        } else if !self.known(work, &state) {
            self.step_by_step(work, &state);
        }
        if self.spoilt() { Next::Done } else { Next::More }
    }

    /// Expands a state from what has been learned; whether that was enough.
    fn known<P: Packed>(&mut self, work: &mut Work<P>, state: &State) -> bool {
        let mut batch = Batch::default();
        let packed = work.format.pack::<P>(state);
        let known =
            Expander::new(self.engine, &work.format, &self.plan).expand(&packed, &mut batch);
        for (shard, bucket) in work.seen.shards.iter_mut().zip(&batch.buckets) {
            shard.insert_all(bucket, &work.format);
        }
        self.found.counts.transitions += batch.transitions;
        known
    }

    /// Expands a state by taking each of its moves.
    fn step_by_step<P: Packed>(&mut self, work: &mut Work<P>, state: &State) {
        let next = self.take_all(state);
        self.found.counts.transitions += next.len() as u64;
        work.loose.extend(next);
    }

    fn take_all(&mut self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        let mut goes_on = false;
        for chosen in self.engine.moves(state, false) {
            let before = next.len();
            next.extend(self.engine.lead_to(state, chosen));
            // Nothing has to go wrong, so a fault is no way on.
            goes_on |= next.len() > before && !chosen.is_fault();
        }
        if !goes_on && self.engine.beyond.is_none() {
            self.found.violations.insert(judge_stuck(self.engine, state));
        }
        self.note(Lesson::Taken(state.clone()));
        next
    }

    /// Whether going on would be of no use.
    fn spoilt(&mut self) -> bool {
        if self.engine.uncounted_violation {
            self.found.stopped =
                Some("an Until without a counter failed otherwise than by a refusal".to_owned());
        }
        if let Some(beyond) = self.engine.beyond {
            self.found.stopped = Some(match (beyond, self.stop.stopped()) {
                (Beyond::Work, Some(cause)) => because(cause, 0, self.explored),
                (beyond, _) => beyond.to_string(),
            });
        }
        self.found.stopped.is_some()
    }

    fn must_stop<P: Packed>(&mut self, work: &Work<P>) -> bool {
        let states = work.seen.len();
        let waiting = work.layer.len() - work.next;
        self.stop.progress(states as u64, self.found.counts.transitions, waiting as u64);
        if self.limits.max_states.is_some_and(|max| states as u64 > max) {
            self.found.stopped = Some(format!("stopped at --max-states after {states} states"));
        } else if work.bytes() + self.engine.bytes() > self.limits.max_memory {
            self.found.stopped = Some(format!("stopped at --max-memory after {states} states"));
        } else if let Some(cause) = self.stop.stopped() {
            self.found.stopped = Some(because(cause, states, self.explored));
        }
        if self.found.stopped.is_some() {
            self.keep(work);
        }
        self.spoilt()
    }

    fn finish<P: Packed>(&mut self, work: &Work<P>) {
        let states = work.seen.len();
        if let (Some((keeper, what)), None) = (self.kept, &self.found.stopped) {
            keeper.complete(what);
        }
        self.found.counts.prints = work.seen.prints() as u64;
        self.found.counts.states = states as u64;
        self.found.counts.nodes = states as u64;
        for id in 0..self.engine.violations.len() {
            let violation = self.engine.violations.get(u32::try_from(id).unwrap_or(u32::MAX));
            if !violation.weak {
                self.found.violations.insert((**violation).clone());
            }
        }
        if self.found.stopped.is_none() {
            let (program, all) = (self.engine.program, &self.found.outcomes);
            self.found.violations.retain(|v| !is_decided(program, v, all));
        }
    }
}

fn because(cause: StopCause, states: usize, done: usize) -> String {
    let what = match cause {
        StopCause::Timeout => "--timeout",
        StopCause::Interrupt => "interrupt",
    };
    format!("stopped by {what}: {states} states met, {done} of them explored")
}
