//! Weight: bytes of what the tables hold, so that `--max-memory` counts them. Counted from the data itself, never from
//! the process, so that a limit stops every machine at the same place. What two values share is counted twice.

use crate::model::block::{Block, Memory};
use crate::model::content::{Content, Row};
use crate::model::transition::{Change, Event, World};
use crate::model::value::Value;
use crate::property::judge::Violation;

/// A map's entry costs about half as much again as its key and value: nodes are not full.
const ENTRY: usize = 24;
/// The counts of an `Arc`, and what the allocator keeps.
pub const SHARED: usize = 32;

/// Something that owns memory.
pub trait Weigh {
    /// Bytes on the heap, about.
    fn weight(&self) -> usize;
}

impl Weigh for Value {
    fn weight(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Token(_) => 0,
            Self::String(text) => SHARED + text.len(),
            Self::Array(items) => SHARED + items.iter().map(each).sum::<usize>(),
            Self::Object(object) => {
                SHARED + object.values().map(|v| each(v) + 16 + ENTRY).sum::<usize>()
            }
            Self::Term(_) => SHARED + 2 * size_of::<Self>(),
        }
    }
}

fn each<T: Weigh>(item: &T) -> usize {
    size_of::<T>() + item.weight()
}

impl Weigh for Row {
    fn weight(&self) -> usize {
        let columns: usize = self.columns.values().map(|v| each(v) + 16 + ENTRY).sum();
        columns + self.marks.len() * (48 + ENTRY)
    }
}

impl Weigh for Content {
    fn weight(&self) -> usize {
        let rows = self
            .rows
            .iter()
            .map(|row| size_of::<Option<Row>>() + row.as_ref().map_or(0, Row::weight));
        let late = self.late.iter().map(|late| {
            let newer = late.newer.len() * (24 + ENTRY);
            size_of_val(late) + late.sent.iter().map(each).sum::<usize>() + newer
        });
        rows.sum::<usize>() + late.sum::<usize>()
    }
}

impl Weigh for Block {
    fn weight(&self) -> usize {
        let nodes: usize =
            self.nodes.iter().map(|n| size_of_val(n) + n.output.weight() + n.items.weight()).sum();
        let memory = |memory: &Memory| match memory {
            Memory::Value(value) => value.weight(),
            Memory::Content(content) => SHARED + each(&**content),
            Memory::Undo(_) => SHARED + 2 * size_of::<Value>(),
            Memory::Set | Memory::Clock(..) => 0,
        };
        let marks: usize = self.marks.values().map(|m| 72 + ENTRY + memory(m)).sum();
        self.item.weight() + nodes + marks
    }
}

impl Weigh for World {
    fn weight(&self) -> usize {
        self.keys().map(|key| each(key) + ENTRY).sum()
    }
}

impl Weigh for Change {
    fn weight(&self) -> usize {
        self.wrote.len() * 24 + each(&*self.before) + each(&*self.after) + 2 * SHARED
    }
}

impl Weigh for Event {
    fn weight(&self) -> usize {
        let wrote: usize = self.wrote.iter().map(|w| size_of_val(w) + w.3.weight()).sum();
        self.output.weight() + wrote
    }
}

impl Weigh for Violation {
    fn weight(&self) -> usize {
        self.actions.len() * 4 + self.detail.len() + SHARED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_values_weigh_more() {
        let small = Value::array(vec![Value::Int(1); 3]);
        let large = Value::array(vec![Value::text("a long text"); 30]);
        assert_eq!(Value::Int(7).weight(), 0);
        assert!(small.weight() >= 3 * size_of::<Value>());
        assert!(large.weight() >= 30 * (size_of::<Value>() + "a long text".len()));
        let block = |n| Block {
            item: Value::Null,
            nodes: vec![crate::model::block::NodeState::default(); n],
            ..Block::default()
        };
        assert!(block(9).weight() >= 9 * size_of::<crate::model::block::NodeState>());
        assert!(block(9).weight() > block(2).weight());
    }
}
