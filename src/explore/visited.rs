//! The set of states seen: exact, open addressing, no allocation per state, in shards that threads share out among
//! themselves.
//!
//! A shard is an array of packed states, in blocks; the place of a state is its hash scaled to the array, then the next free one.
//! Insertion goes in groups: first every place of the group is touched, so that the memory answers for all of them
//! at once, then each is looked at. (The processor overlaps independent loads; an explicit prefetch would be unsafe code.)

use super::packed::Packed;

/// How many shards there are; a power of two.
pub const SHARDS: usize = 64;
const GROUP: usize = 16;
/// States in a block. Blocks are of one size, so that what one shard gives back when it grows fits the next: arrays of
/// many sizes would leave gaps in the memory that no count of ours would see.
const BLOCK: usize = 1 << 10;

/// All shards.
#[derive(Debug)]
pub struct Visited<P> {
    /// By the low bits of the hash.
    pub shards: Vec<Shard<P>>,
}

/// The states whose hash ends alike.
#[derive(Debug)]
pub struct Shard<P> {
    blocks: Vec<Box<[P]>>,
    capacity: usize,
    len: usize,
    /// Those that were new since they were last fetched, in order of insertion.
    pub fresh: Vec<P>,
}

impl<P> Default for Shard<P> {
    fn default() -> Self {
        Self { blocks: Vec::new(), capacity: 0, len: 0, fresh: Vec::new() }
    }
}

impl<P: Packed> Default for Visited<P> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }
}

/// The shard of a state.
#[expect(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
pub fn shard<P: Packed>(state: &P) -> usize {
    state.hash() as usize % SHARDS
}

impl<P: Packed> Visited<P> {
    /// How many states there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| s.len).sum()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes in use, by capacity; a state of `words` words.
    pub fn bytes(&self, words: usize) -> u64 {
        self.shards.iter().map(|s| s.bytes(words)).sum()
    }
    /// Adds one state; whether it is new.
    pub fn insert(&mut self, state: &P) -> bool {
        self.shards[shard(state)].insert(state)
    }
}

impl<P: Packed> Shard<P> {
    fn bytes(&self, words: usize) -> u64 {
        size::<P>(words) * (self.capacity + self.fresh.capacity()) as u64
    }

    /// The home of a hash: the hash as a fraction, scaled (Lemire 2019), so that any capacity will do.
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.capacity as u128) >> 64) as usize
    }

    #[inline]
    /// The place of a state, or the free one where it belongs.
    fn place(&self, state: &P, hash: u64) -> usize {
        let mut at = self.home(hash);
        while self.slot(at).is_taken() && self.slot(at) != state {
            at += 1;
            if at == self.capacity {
                at = 0;
            }
        }
        at
    }

    #[inline]
    fn slot(&self, at: usize) -> &P {
        &self.blocks[at / BLOCK][at % BLOCK]
    }

    /// Room for one more: at most three quarters are ever taken.
    fn reserve(&mut self) {
        if (self.len + 1) * 4 <= self.capacity * 3 {
            return;
        }
        let more = (self.capacity + self.capacity / 3).max(16);
        self.capacity = if more < BLOCK { more } else { more.next_multiple_of(BLOCK) };
        let block = self.capacity.min(BLOCK);
        let blocks = (0..self.capacity / block).map(|_| vec![P::default(); block].into()).collect();
        for state in std::mem::replace(&mut self.blocks, blocks).into_iter().flatten() {
            if state.is_taken() {
                self.put(state.hash(), state);
            }
        }
    }

    /// Puts a state into its place.
    fn put(&mut self, hash: u64, state: P) {
        let at = self.place(&state, hash);
        self.blocks[at / BLOCK][at % BLOCK] = state;
    }

    /// Adds one state; whether it is new.
    pub fn insert(&mut self, state: &P) -> bool {
        self.reserve();
        self.insert_at(state, state.hash())
    }

    fn insert_at(&mut self, state: &P, hash: u64) -> bool {
        let at = self.place(state, hash);
        if self.slot(at).is_taken() {
            return false;
        }
        self.blocks[at / BLOCK][at % BLOCK] = state.clone();
        self.fresh.push(state.clone());
        self.len += 1;
        true
    }

    /// Adds many states.
    pub fn insert_all(&mut self, states: &[P]) {
        for group in states.chunks(GROUP) {
            // Room is made one by one, so that the size depends on nothing but the sequence of states.
            self.reserve();
            let mut hashes = [0; GROUP];
            let mut taken = false;
            for (hash, state) in hashes.iter_mut().zip(group) {
                *hash = state.hash();
                taken ^= self.slot(self.home(*hash)).is_taken();
            }
            std::hint::black_box(taken);
            for (&hash, state) in hashes.iter().zip(group) {
                self.reserve();
                self.insert_at(state, hash);
            }
        }
    }

    /// Takes the states out, in no order that means anything.
    pub fn into_states(self) -> impl Iterator<Item = P> {
        self.blocks.into_iter().flatten().filter(Packed::is_taken)
    }
}

/// Bytes that a state of `words` words takes.
pub fn size<P: Packed>(words: usize) -> u64 {
    let beside = if P::WORDS == usize::MAX { words * 8 } else { 0 };
    (size_of::<P>() + beside) as u64
}

#[cfg(test)]
mod tests {
    use super::super::packed::Words;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_holds_what_an_ordered_set_holds() {
        let mut visited = Visited::<Words<2>>::default();
        let mut plain = BTreeSet::new();
        for i in 0u64..20_000 {
            let n = i * i % 7_919;
            let mut state = Words::zero(2);
            state.put(0, 1, 1);
            state.put(40, 50, n);
            assert_eq!(visited.insert(&state), plain.insert(n));
            visited.shards[shard(&state)].insert_all(&[state, state]);
        }
        assert_eq!(visited.len(), plain.len());
        let fresh: BTreeSet<u64> =
            visited.shards.iter().flat_map(|s| &s.fresh).map(|p| p.bits(40, 50)).collect();
        assert_eq!(fresh, plain);
        let kept: Vec<u64> = visited
            .shards
            .into_iter()
            .flat_map(Shard::into_states)
            .map(|p| p.bits(40, 50))
            .collect();
        assert_eq!((kept.len(), kept.into_iter().collect()), (plain.len(), plain));
    }
}
