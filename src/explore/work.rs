//! What a search has to do: the states it has seen, and those that it has not expanded.

use super::engine::State;
use super::expand::Batch;
use super::packed::{Format, Packed};
use super::visited::{SHARDS, Visited, size};
use std::collections::VecDeque;

/// The states of a search, packed.
#[derive(Debug)]
pub struct Work<P> {
    /// How they are packed.
    pub format: Format,
    /// All of them.
    pub seen: Visited<P>,
    /// The layer that is expanded.
    pub layer: Vec<P>,
    /// The first state of it that is not yet.
    pub next: usize,
    /// Room for successors.
    pub batches: Vec<Batch<P>>,
    /// States to be expanded by the engine itself.
    pub late: VecDeque<State>,
    /// Successors not yet packed.
    pub loose: Vec<State>,
}

impl<P: Packed> Work<P> {
    /// No states.
    pub fn new(format: Format) -> Self {
        let (seen, layer, batches) = (Visited::default(), Vec::new(), Vec::new());
        Self { format, seen, layer, next: 0, batches, late: VecDeque::new(), loose: Vec::new() }
    }

    /// The same states in other bits.
    pub fn convert<Q: Packed>(self, format: Format, convert: impl Fn(&P) -> Q) -> Work<Q> {
        let mut seen = Visited::<Q>::default();
        let mut fresh = Vec::new();
        for (at, mut shard) in self.seen.shards.into_iter().enumerate() {
            fresh.extend(std::mem::take(&mut shard.fresh).iter().map(&convert));
            if self.format.prints {
                seen.shards[at].take_prints(&mut shard);
            }
            for state in shard.into_states() {
                seen.insert(&convert(&state), &format);
            }
        }
        seen.shards.iter_mut().for_each(|shard| shard.fresh.clear());
        for state in fresh {
            seen.shards[format.shard(&state, SHARDS)].fresh.push(state);
        }
        let layer = self.layer[self.next..].iter().map(&convert).collect();
        let (late, loose) = (self.late, self.loose);
        Work { format, seen, layer, next: 0, batches: Vec::new(), late, loose }
    }

    /// Bytes in use.
    pub fn bytes(&self) -> u64 {
        let words = self.format.words;
        let waiting: usize = self.batches.iter().flat_map(|b| &b.buckets).map(Vec::len).sum();
        self.seen.bytes(words) + size::<P>(words) * (self.layer.capacity() + waiting) as u64
    }

    /// The next layer, if there is one.
    pub fn descend(&mut self) -> bool {
        self.next = 0;
        self.layer = Vec::with_capacity(self.seen.shards.iter().map(|s| s.fresh.len()).sum());
        for shard in &mut self.seen.shards {
            self.layer.append(&mut std::mem::take(&mut shard.fresh));
        }
        !self.layer.is_empty()
    }
}

/// The same bits in more words.
pub fn widen<P: Packed>(packed: &P) -> P::Wider {
    let words = packed.words();
    let mut wider = P::Wider::zero(words.len());
    wider.words_mut()[..words.len()].copy_from_slice(words);
    wider
}
