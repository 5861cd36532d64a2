//! Patience: how long a process may go on by itself. Local steps are taken at once, and there can be any number of
//! them: a loop over a billion items, texts that double. Whoever takes a step says when to give up.

use super::block::Block;
use super::expression::Failure;
use super::transition::Machine;
use super::value::Value;
use std::fmt;

/// Parts of the largest value, each 32 bytes at most: more than the platforms' largest message (100 MB, semantics §11).
pub const LARGEST: usize = 4 << 20;

/// Work after which the caller is asked: a local step, or a part of a value.
const ASKED: u64 = 1 << 14;

/// Why a step was not taken to its end: not because of the flow, but because it would be too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// A loop over so many items.
    Items(u64),
    /// A value of more than [`LARGEST`] parts.
    Value,
    /// The caller's patience was at its end.
    Work,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(n) => {
                write!(f, "a loop over {n} items is too long to be listed; try --items 3")
            }
            Self::Value => f.write_str("a value is larger than any message may be"),
            Self::Work => f.write_str("stopped at --max-memory within one step"),
        }
    }
}

/// Whether to give up after so much for one step, with the block as it is now.
pub type Patience<'a> = &'a dyn Fn(Spent, &Block) -> bool;

/// What one step has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Local steps and parts of values.
    pub work: u64,
    /// Events and changes that are kept for others.
    pub told: usize,
}

/// Who has no clock takes this much.
pub fn fixed(spent: Spent, _: &Block) -> bool {
    spent.work > 1 << 22
}

/// Who follows a schedule that was found takes what it takes.
pub fn endless(_: Spent, _: &Block) -> bool {
    false
}

/// What a step has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    spent: Spent,
    next: u64,
    /// Why it is not gone on with.
    pub beyond: Option<Beyond>,
}

impl Effort {
    /// Counts; asks now and then.
    pub fn spend(&mut self, work: u64, told: usize, patience: Patience<'_>, block: &Block) {
        self.spent = Spent { work: self.spent.work + work, told };
        if self.spent.work >= self.next {
            self.next = self.spent.work + ASKED;
            if self.spent.work > ASKED && patience(self.spent, block) {
                self.beyond.get_or_insert(Beyond::Work);
            }
        }
    }
}

impl Machine<'_> {
    /// Counts what the step costs.
    pub(super) fn spend(&mut self, work: u64) {
        let told = self.events.len() + self.changes.len();
        self.effort.spend(work, told, self.patience, &self.block);
    }
}

/// Bytes of the longest text: the platforms' largest message.
const LONGEST: usize = 100 << 20;

/// The platforms take no longer texts, so that one which doubles at every step ends too. Asked before a text is
/// built where it can be much longer than what it is built from.
pub fn fits(bytes: usize) -> Result<(), Failure> {
    if bytes > LONGEST {
        return Err(Failure("the text is longer than the platform takes (100 MB)".into()));
    }
    Ok(())
}

/// The parts of a value, as if nothing were shared, up to [`LARGEST`] and a little more.
pub fn parts(value: &Value) -> usize {
    fn count(value: &Value, so_far: usize) -> usize {
        if so_far > LARGEST {
            return so_far;
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Token(_) => {
                so_far + 1
            }
            Value::String(text) => so_far + 1 + text.len() / 32,
            Value::Array(items) => items.iter().fold(so_far + 1, |n, item| count(item, n)),
            Value::Object(object) => {
                object.iter().fold(so_far + 1, |n, (key, item)| count(item, n + 1 + key.len() / 32))
            }
            Value::Term(term) => so_far.saturating_add(term.parts()),
        }
    }
    count(value, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_counts_as_often_as_it_stands() {
        let mut list = Value::Int(1);
        for _ in 0..200 {
            list = Value::array(vec![list.clone(), list]);
        }
        assert!(parts(&list) > LARGEST);
        let mut term = Value::term("body", vec![]);
        for _ in 0..200 {
            term = Value::term("concat", vec![term.clone(), term]);
        }
        assert!(parts(&term) > LARGEST);
        assert_eq!(parts(&Value::array(vec![Value::Int(1), Value::text("ab")])), 3);
    }

    #[test]
    fn the_caller_is_asked_now_and_then_and_no_more_after_its_end() {
        let asked = std::cell::Cell::new(0);
        let patience = |spent: Spent, _: &Block| {
            asked.set(asked.get() + 1);
            spent.work > 10 * ASKED
        };
        let mut effort = Effort::default();
        let mut steps = 0;
        while effort.beyond.is_none() {
            effort.spend(1, 0, &patience, &Block::default());
            steps += 1;
        }
        assert_eq!(effort.beyond, Some(Beyond::Work));
        assert!((10 * ASKED..12 * ASKED).contains(&steps), "{steps}");
        assert!(asked.get() < 13, "{}", asked.get());
    }
}
