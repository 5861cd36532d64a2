//! Tables with a fixed hash, never iterated: what is stored once, and what is computed once.

use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    foldhash::fast::FixedState::with_seed(7).hash_one(value)
}

/// Each content once; the number of a content is its place in order of discovery.
#[derive(Debug)]
pub struct Interner<T> {
    items: Vec<Arc<T>>,
    table: HashTable<u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { items: Vec::new(), table: HashTable::new() }
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
