//! The table of states seen: bit-packed, compared in full, never iterated by hash.
//!
//! Each field is as wide as its component's numbers need so far; when a table outgrows its field, everything is
//! packed again, which happens a logarithmic number of times.

use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

/// States by number, in order of discovery.
#[derive(Debug, Default)]
pub struct Visited {
    widths: Vec<u32>,
    stride: usize,
    arena: Vec<u64>,
    table: HashTable<u32>,
    scratch: Vec<u64>,
    count: usize,
}

fn hash(words: &[u64]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(11).build_hasher();
    for &word in words {
        hasher.write_u64(word);
    }
    hasher.finish()
}

impl Visited {
    /// Room for states with so many components; `sizes` says how many numbers each has.
    pub fn new(sizes: &[u32]) -> Self {
        let mut visited = Self::default();
        visited.fit(sizes);
        visited
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.count
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// Bytes in use, by capacity.
    pub fn bytes(&self) -> u64 {
        (self.arena.capacity() * 8 + self.table.capacity() * 5) as u64
    }
    /// Words a state takes.
    pub fn stride(&self) -> usize {
        self.stride
    }

    fn fit(&mut self, sizes: &[u32]) {
        self.widths = sizes.iter().map(|&s| 32 - s.leading_zeros()).collect();
        let mut used = 0;
        let mut words = 0;
        for &w in &self.widths {
            if used + w > 64 || words == 0 {
                words += 1;
                used = 0;
            }
            used += w;
        }
        self.stride = words.max(1);
    }

    fn pack(&self, state: &[u32], out: &mut Vec<u64>) {
        out.clear();
        let mut word = 0u64;
        let mut used = 0;
        for (&value, &width) in state.iter().zip(&self.widths) {
            if used + width > 64 {
                out.push(word);
                word = 0;
                used = 0;
            }
            word |= u64::from(value) << used;
            used += width;
        }
        out.push(word);
        out.resize(self.stride, 0);
    }

    /// The components of a state.
    pub fn get(&self, index: usize, out: &mut Vec<u32>) {
        out.clear();
        let words = &self.arena[index * self.stride..(index + 1) * self.stride];
        let mut at = 0;
        let mut used = 0;
        for &width in &self.widths {
            if used + width > 64 {
                at += 1;
                used = 0;
            }
            let mask = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            let value = if width == 0 { 0 } else { (words[at] >> used) & mask };
            out.push(u32::try_from(value).expect("internal error: a field wider than 32 bits"));
            used += width;
        }
    }

    /// Adds a state; whether it is new.
    pub fn insert(&mut self, state: &[u32], sizes: impl FnOnce() -> Vec<u32>) -> bool {
        let fits = state.iter().zip(&self.widths).all(|(&v, &w)| w == 32 || v >> w == 0);
        if !fits {
            self.repack(&sizes());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pack(state, &mut scratch);
        let (stride, arena) = (self.stride, &self.arena);
        let at = |&i: &u32| &arena[i as usize * stride..(i as usize + 1) * stride];
        let h = hash(&scratch);
        let new = self.table.find(h, |i| at(i) == scratch.as_slice()).is_none();
        if new {
            let index = u32::try_from(self.count).expect("internal error: more than 2^32 states");
            self.table.insert_unique(h, index, |i| hash(at(i)));
            self.arena.extend_from_slice(&scratch);
            self.count += 1;
        }
        self.scratch = scratch;
        new
    }

    fn repack(&mut self, sizes: &[u32]) {
        let mut wider = Self::new(sizes);
        let mut state = Vec::new();
        let mut packed = Vec::new();
        wider.arena.reserve(self.count * wider.stride);
        for index in 0..self.count {
            self.get(index, &mut state);
            wider.pack(&state, &mut packed);
            wider.arena.extend_from_slice(&packed);
        }
        let (stride, arena) = (wider.stride, &wider.arena);
        let at = |i: u32| &arena[i as usize * stride..(i as usize + 1) * stride];
        wider.table.reserve(self.count, |&i| hash(at(i)));
        for index in 0..self.count {
            let index = u32::try_from(index).expect("internal error: more than 2^32 states");
            wider.table.insert_unique(hash(at(index)), index, |&i| hash(at(i)));
        }
        wider.count = self.count;
        *self = wider;
    }
}
