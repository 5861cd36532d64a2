//! Tables with a fixed hash, never iterated for what depends on the order: what is stored once, and what is computed once.

use super::packed::mix;
use super::weight::{SHARED, Weigh};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// A hash that is the same everywhere.
pub fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    foldhash::fast::FixedState::with_seed(7).hash_one(value)
}

/// Each content once; the number of a content is its place in order of discovery.
#[derive(Debug)]
pub struct Interner<T> {
    items: Vec<Arc<T>>,
    table: HashTable<u32>,
    weight: usize,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { items: Vec::new(), table: HashTable::new(), weight: 0 }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// The number of a content.
    pub fn intern(&mut self, value: T) -> u32 {
        let h = hash(&value);
        let items = &self.items;
        if let Some(&id) = self.table.find(h, |&id| *items[id as usize] == value) {
            return id;
        }
        let id =
            u32::try_from(self.items.len()).expect("internal error: more than 2^32 components");
        self.items.push(Arc::new(value));
        let items = &self.items;
        self.table.insert_unique(h, id, |&id| hash(&*items[id as usize]));
        id
    }
    /// The content of a number.
    pub fn get(&self, id: u32) -> &Arc<T> {
        &self.items[id as usize]
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: Hash + Eq + Weigh> Interner<T> {
    /// As [`Interner::intern`], with the content's weight counted.
    pub fn keep(&mut self, value: T) -> u32 {
        let before = self.items.len();
        let id = self.intern(value);
        if self.items.len() > before {
            self.weight += SHARED + size_of::<T>() + self.items[before].weight();
        }
        id
    }
    /// Bytes in use, of what was kept.
    pub fn bytes(&self) -> u64 {
        (self.weight + self.items.capacity() * 8 + self.table.capacity() * 5) as u64
    }
}

/// Results by key.
#[derive(Debug)]
pub struct Memo<K, V> {
    table: HashTable<(K, V)>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<K: Hash + Eq, V> Memo<K, V> {
    /// Bytes in use, without what the results own.
    pub fn bytes(&self) -> u64 {
        (self.table.capacity() * (size_of::<(K, V)>() + 1)) as u64
    }
    /// Forgets all results.
    pub fn clear(&mut self) {
        self.table.clear();
    }
    /// What is known for a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.table.find(hash(key), |(k, _)| k == key).map(|(_, v)| v)
    }
    /// The entry of a key, made if there is none.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let h = hash(&key);
        &mut self
            .table
            .entry(h, |(k, _)| *k == key, |(k, _)| hash(k))
            .or_insert_with(|| (key, make()))
            .into_mut()
            .1
    }
}

/// Numbers by four numbers: one array, open addressing, at most half full.
#[derive(Debug, Default)]
pub struct Quads {
    slots: Vec<([u32; 4], u32)>,
    len: usize,
}

/// No number.
pub const NONE: u32 = u32::MAX;

impl Quads {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
    fn place(&self, key: [u32; 4]) -> usize {
        let pair = |a: u32, b: u32| u64::from(a) << 32 | u64::from(b);
        let [a, b, c, d] = key;
        let mixed = mix(pair(a, b) ^ 0x9e37_79b9_7f4a_7c15, pair(c, d) ^ 0xe703_7ed1_a0b4_28db);
        let mask = self.slots.len() - 1;
        let mut at = mixed as usize & mask;
        while self.slots[at].1 != NONE && self.slots[at].0 != key {
            at = (at + 1) & mask;
        }
        at
    }

    /// The number of a key.
    pub fn get(&self, key: [u32; 4]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let value = self.slots[self.place(key)].1;
        (value != NONE).then_some(value)
    }

    /// Gives a key its number.
    pub fn set(&mut self, key: [u32; 4], value: u32) {
        assert!(value != NONE, "internal error: no number");
        if (self.len + 1) * 2 > self.slots.len() {
            let size = (self.slots.len() * 2).max(64);
            let old = std::mem::replace(&mut self.slots, vec![([0; 4], NONE); size]);
            for (key, value) in old.into_iter().filter(|(_, v)| *v != NONE) {
                let at = self.place(key);
                self.slots[at] = (key, value);
            }
        }
        let at = self.place(key);
        self.len += usize::from(self.slots[at].1 == NONE);
        self.slots[at] = (key, value);
    }

    /// All keys with their numbers, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = ([u32; 4], u32)> {
        self.slots.iter().copied().filter(|&(_, value)| value != NONE)
    }

    /// Bytes in use, by capacity.
    pub fn bytes(&self) -> u64 {
        (self.slots.capacity() * size_of::<([u32; 4], u32)>()) as u64
    }
}
