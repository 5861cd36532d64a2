//! Every schedule, breadth first: which rules fire, and which outcomes there are.
//!
//! A layer is taken in chunks. Expanding a chunk only looks up what the engine has learned, so threads share it;
//! inserting goes shard by shard, each in the order of the chunk; what is not learned yet is learned afterwards, one
//! state after the other. So the same states get the same places whatever the number of threads (how a chunk is cut
//! among them changes nothing).

use super::ending::{Joint, judge_end, judge_stuck, outcome};
use super::engine::{Engine, STARTS, State};
use super::expand::{Batch, Expander, Plan};
use super::limits::{Config, Counts, Reduction, Stop, StopCause};
use super::packed::{Format, Packed, Words};
use super::parallel::share;
use super::visited::{SHARDS, Visited, size};
use crate::property::judge::Violation;
use std::collections::{BTreeSet, VecDeque};

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
pub fn search(engine: &mut Engine<'_>, limits: &Config, stop: &dyn Stop) -> Found {
    engine.symmetry = limits.reduction != Reduction::None;
    let most = limits.max_states.map_or(STARTS, |n| usize::try_from(n).unwrap_or(STARTS));
    engine.most_starts = most.min(STARTS);
    let initial = engine.initial().to_vec();
    if let Some(state) = initial.first() {
        dive(engine, state);
    }
    let work = Work::<Words<1>> {
        format: Format::new(&[]),
        seen: Visited::default(),
        layer: Vec::new(),
        next: 0,
        batches: Vec::new(),
        late: VecDeque::new(),
        loose: initial,
    };
    let plan = Plan::new(engine);
    let mut search = Search { engine, plan, limits, stop, found: Found::default(), explored: 0 };
    search.run(work);
    let mut found = search.found;
    if engine.more_starts() && found.stopped.is_none() {
        let most = engine.most_starts;
        found.stopped =
            Some(format!("unknown conditions can be answered in more than {most} ways"));
    }
    found
}

/// Runs one schedule to its end, so that most components are known, and fields wide enough, before there are many states.
fn dive(engine: &mut Engine<'_>, start: &State) {
    let mut state = start.clone();
    let mut next = State::new();
    for _ in 0..DIVE {
        engine.sort(&mut state);
        engine.learn(&state);
        let moves = engine.moves(&state, false);
        if !moves.into_iter().any(|chosen| engine.take_into(&state, chosen, &mut next)) {
            return;
        }
        std::mem::swap(&mut state, &mut next);
    }
}

/// The states of a search, packed.
struct Work<P> {
    format: Format,
    seen: Visited<P>,
    /// The layer that is expanded, and the first state of it that is not yet.
    layer: Vec<P>,
    next: usize,
    /// Room for successors.
    batches: Vec<Batch<P>>,
    /// States to be expanded by the engine itself.
    late: VecDeque<State>,
    /// Successors not yet packed.
    loose: Vec<State>,
}

impl<P: Packed> Work<P> {
    /// The same states in other bits.
    fn convert<Q: Packed>(self, format: Format, convert: impl Fn(&P) -> Q) -> Work<Q> {
        let mut seen = Visited::<Q>::default();
        let mut fresh = Vec::new();
        for mut shard in self.seen.shards {
            fresh.extend(std::mem::take(&mut shard.fresh).iter().map(&convert));
            for state in shard.into_states() {
                seen.insert(&convert(&state));
            }
        }
        seen.shards.iter_mut().for_each(|shard| shard.fresh.clear());
        for state in fresh {
            let shard = super::visited::shard(&state);
            seen.shards[shard].fresh.push(state);
        }
        let layer = self.layer[self.next..].iter().map(&convert).collect();
        let (late, loose) = (self.late, self.loose);
        Work { format, seen, layer, next: 0, batches: Vec::new(), late, loose }
    }

    fn bytes(&self) -> u64 {
        let words = self.format.words;
        let waiting: usize = self.batches.iter().flat_map(|b| &b.buckets).map(Vec::len).sum();
        self.seen.bytes(words) + size::<P>(words) * (self.layer.capacity() + waiting) as u64
    }

    /// The next layer, if there is one.
    fn descend(&mut self) -> bool {
        self.next = 0;
        self.layer = Vec::with_capacity(self.seen.shards.iter().map(|s| s.fresh.len()).sum());
        for shard in &mut self.seen.shards {
            self.layer.append(&mut std::mem::take(&mut shard.fresh));
        }
        !self.layer.is_empty()
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
}

impl Search<'_, '_> {
    fn run<P: Packed>(&mut self, mut work: Work<P>) {
        loop {
            match self.advance(&mut work) {
                Next::More => {}
                Next::Done => return self.finish(work.seen.len()),
                Next::Outgrown => {
                    let format = Format::new(&self.engine.sizes());
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
                work.seen.insert(&work.format.pack(&state));
            }
            return Next::More;
        }
        if let Some(state) = work.late.pop_front() {
            return self.late(work, state);
        }
        if self.must_stop(work) || (work.next == work.layer.len() && !work.descend()) {
            return Next::Done;
        }
        self.chunk(work);
        Next::More
    }

    /// How many states to expand at once: the fewer, the nearer a limit is.
    fn most<P: Packed>(&self, seen: usize, words: usize) -> usize {
        let left = self.limits.max_states.map_or(u64::MAX, |max| max.saturating_sub(seen as u64));
        let degree = self.found.counts.transitions / (self.explored as u64).max(1) + 1;
        let room = self.limits.max_memory / 32 / (degree * size::<P>(words));
        let most = (seen as u64 / 4).clamp(64, CHUNK).min(left / 16).min(room).max(1);
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
            batches.iter().for_each(|batch| shard.insert_all(&batch.buckets[at]));
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
        self.found.violations.extend(judge_end(self.engine, state));
        self.found.outcomes.insert(outcome(self.engine, state));
    }

    /// Expands a state about which something had to be learned.
    fn late<P: Packed>(&mut self, work: &mut Work<P>, state: State) -> Next {
        if self.known(work, &state) {
            return Next::More;
        }
        self.engine.learn(&state);
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
            shard.insert_all(bucket);
        }
        self.found.counts.transitions += batch.transitions;
        known
    }

    /// Expands a state by taking each of its moves.
    fn step_by_step<P: Packed>(&mut self, work: &mut Work<P>, state: &State) {
        let before = self.found.counts.transitions;
        for chosen in self.engine.moves(state, false) {
            let next = self.engine.take(state, chosen);
            self.found.counts.transitions += next.len() as u64;
            work.loose.extend(next.into_iter().map(|successor| successor.state));
        }
        if before == self.found.counts.transitions && self.engine.too_many.is_none() {
            self.found.violations.insert(judge_stuck(self.engine, state));
        }
    }

    /// Whether going on would be of no use.
    fn spoilt(&mut self) -> bool {
        if self.engine.uncounted_violation {
            self.found.stopped =
                Some("an Until without a counter failed otherwise than by a refusal".to_owned());
        }
        if let Some(items) = self.engine.too_many {
            self.found.stopped =
                Some(format!("a loop over {items} items is too long to be listed; try --items 3"));
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
        self.spoilt()
    }

    fn finish(&mut self, states: usize) {
        self.found.counts.states = states as u64;
        self.found.counts.nodes = states as u64;
        for id in 0..self.engine.violations.len() {
            let violation = self.engine.violations.get(u32::try_from(id).unwrap_or(u32::MAX));
            if !violation.weak {
                self.found.violations.insert((**violation).clone());
            }
        }
    }
}

/// The same bits in more words.
fn widen<P: Packed>(packed: &P) -> P::Wider {
    let words = packed.words();
    let mut wider = P::Wider::zero(words.len());
    wider.words_mut()[..words.len()].copy_from_slice(words);
    wider
}

fn because(cause: StopCause, states: usize, done: usize) -> String {
    let what = match cause {
        StopCause::Timeout => "--timeout",
        StopCause::Interrupt => "interrupt",
    };
    format!("stopped by {what}: {states} states met, {done} of them explored")
}
