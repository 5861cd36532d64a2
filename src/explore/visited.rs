//! The set of states seen: exact, open addressing, no allocation per state, in shards that threads share out among
//! themselves.
//!
//! If fingerprints are asked for, a shard keeps these instead of states.
//!
//! A shard is an array of packed states, in blocks; the place of a state is its hash scaled to the array, then the next free one.
//! Insertion goes in groups: first every place of the group is touched, so that the memory answers for all of them
//! at once, then each is looked at. (The processor overlaps independent loads; an explicit prefetch would be unsafe code.)

use super::packed::{Format, Packed, Print};

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
    exact: Table<P>,
    prints: Table<Print>,
    /// Those that were new since they were last fetched, in order of insertion.
    pub fresh: Vec<P>,
}

/// An array of states.
#[derive(Debug)]
struct Table<P> {
    blocks: Vec<Box<[P]>>,
    capacity: usize,
    len: usize,
}

impl<P> Default for Table<P> {
    fn default() -> Self {
        Self { blocks: Vec::new(), capacity: 0, len: 0 }
    }
}

impl<P> Default for Shard<P> {
    fn default() -> Self {
        Self { exact: Table::default(), prints: Table::default(), fresh: Vec::new() }
    }
}

impl<P: Packed> Default for Visited<P> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }
}

impl<P: Packed> Visited<P> {
    /// How many states there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| s.exact.len + s.prints.len).sum()
    }
    /// How many of them are kept as fingerprints.
    pub fn prints(&self) -> usize {
        self.shards.iter().map(|s| s.prints.len).sum()
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
    pub fn insert(&mut self, state: &P, format: &Format) -> bool {
        self.shards[format.shard(state, SHARDS)].insert(state, format)
    }
}

impl<P: Packed> Shard<P> {
    fn bytes(&self, words: usize) -> u64 {
        size::<P>(words) * (self.exact.capacity + self.fresh.capacity()) as u64
            + size::<Print>(0) * self.prints.capacity as u64
    }

    /// Adds one state; whether it is new.
    pub fn insert(&mut self, state: &P, format: &Format) -> bool {
        let new = if format.prints {
            self.prints.insert(&format.print(state))
        } else {
            self.exact.insert(state)
        };
        if new {
            self.fresh.push(state.clone());
        }
        new
    }

    /// Adds many states.
    pub fn insert_all(&mut self, states: &[P], format: &Format) {
        if format.prints {
            states.iter().for_each(|state| _ = self.insert(state, format));
        } else {
            self.exact.insert_all(states, &mut self.fresh);
        }
    }

    /// Takes the states out, in no order that means anything.
    pub fn into_states(self) -> impl Iterator<Item = P> {
        self.exact.blocks.into_iter().flatten().filter(Packed::is_taken)
    }

    /// How many there are: states, fingerprints.
    pub fn counts(&self) -> (usize, usize) {
        (self.exact.len, self.prints.len)
    }

    /// The states, in no order that means anything.
    pub fn states(&self) -> impl Iterator<Item = &P> {
        self.exact.blocks.iter().flatten().filter(|state| state.is_taken())
    }

    /// The fingerprints, in no order that means anything.
    pub fn prints(&self) -> impl Iterator<Item = &Print> {
        self.prints.blocks.iter().flatten().filter(|print| print.is_taken())
    }

    /// Adds a fingerprint of this shard.
    pub fn insert_print(&mut self, print: Print) {
        self.prints.insert(&print);
    }

    /// Takes over the fingerprints of the same shard under another format: they stay what they are.
    pub fn take_prints<Q>(&mut self, other: &mut Shard<Q>) {
        self.prints = std::mem::take(&mut other.prints);
    }
}

impl<P: Packed> Table<P> {
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

    fn insert(&mut self, state: &P) -> bool {
        self.reserve();
        self.insert_at(state, state.hash())
    }

    #[inline]
    fn insert_at(&mut self, state: &P, hash: u64) -> bool {
        let at = self.place(state, hash);
        if self.slot(at).is_taken() {
            return false;
        }
        self.blocks[at / BLOCK][at % BLOCK] = state.clone();
        self.len += 1;
        true
    }

    /// Adds many states; those that were new are added to the list.
    fn insert_all(&mut self, states: &[P], fresh: &mut Vec<P>) {
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
                if self.insert_at(state, hash) {
                    fresh.push(state.clone());
                }
            }
        }
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

    /// Against an ordered set, exactly or by fingerprints; four components of 50 bits, one of which varies.
    fn holds_what_an_ordered_set_holds(prints: bool) {
        let format = Format::new(&[1 << 20, 1 << 31, 1 << 31, 1 << 31, 1 << 31]).printed(prints);
        assert_eq!(format.prints, prints);
        let mut visited = Visited::<Words<3>>::default();
        let mut plain = BTreeSet::new();
        for i in 0u32..20_000 {
            let n = i.wrapping_mul(i) % 7_919;
            let state: Words<3> = format.pack(&[n, 1, 1 + n, 3, 4]);
            assert_eq!(visited.insert(&state, &format), plain.insert(n));
            visited.shards[format.shard(&state, SHARDS)].insert_all(&[state, state], &format);
        }
        assert_eq!(visited.len(), plain.len());
        assert_eq!(visited.prints(), if prints { plain.len() } else { 0 });
        let number = |state: &Words<3>| u32::try_from(state.bits(1, 20)).unwrap();
        let fresh = visited.shards.iter().flat_map(|s| &s.fresh).map(number);
        assert_eq!(fresh.collect::<BTreeSet<u32>>(), plain);
        let states = visited.shards.into_iter().flat_map(Shard::into_states);
        let kept: Vec<u32> = states.map(|p| number(&p)).collect();
        if prints {
            assert!(kept.is_empty());
        } else {
            assert_eq!((kept.len(), kept.into_iter().collect()), (plain.len(), plain));
        }
    }

    #[test]
    fn exact() {
        holds_what_an_ordered_set_holds(false);
    }

    #[test]
    fn by_fingerprints() {
        holds_what_an_ordered_set_holds(true);
    }

    #[test]
    fn a_fingerprint_stays_when_fields_become_wider() {
        let (narrow, wide) = (Format::new(&[9; 60]), Format::new(&[9_000; 60]));
        let states = (0u32..500).map(|n| (0..60).map(|at| (n * (at + 7)) % 9).collect());
        let states: BTreeSet<Vec<u32>> = states.collect();
        let mut seen = BTreeSet::new();
        for state in &states {
            let print = narrow.print(&narrow.pack::<Words<4>>(state));
            assert_eq!(print, wide.print(&wide.pack::<Words<16>>(state)));
            seen.insert(print.words().to_vec());
        }
        assert_eq!(seen.len(), states.len());
    }
}
