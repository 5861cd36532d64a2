//! Content: what a resource holds, and what one access does to it. Pure functions of content and arguments.

use super::ids::NodeId;
use super::late::Late;
use super::value::{Standing, Token, TokenKind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rows of a resource and the state of its lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// By row number, in order of creation; a deleted row leaves a gap, so that numbers stay.
    pub rows: Vec<Option<Row>>,
    /// Blobs only.
    pub lease: Lease,
    /// How often the lease was taken; 0 where no id of it is kept in a store.
    pub leases: u32,
    /// Writes that are under way, in order.
    pub late: Vec<Late>,
}

/// How a store lays its answers out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// As design models have them.
    #[default]
    Plain,
    /// Over HTTP: a body and headers.
    Http,
    /// The SQL connector: result sets by name, `Table1` first.
    Sets,
    /// SQL built into Logic Apps: a list of result sets.
    Lists,
}

/// What becomes of a fetch in a store outside whose row is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Nobody minds: rows are taken to be there.
    #[default]
    Ignored,
    /// Somebody goes on all the same, and no row comes or goes: it is a status like another.
    Tolerated,
    /// It fails, and somebody does something else then.
    Minded,
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Column → value; a column never written is absent and reads as null.
    pub columns: BTreeMap<Arc<str>, Value>,
    /// Who wrote a tracked column last; the empty column stands for the row's existence.
    pub marks: BTreeMap<Arc<str>, WriteMark>,
    /// How often it was written; 0 where no etag of it is kept in a store.
    pub version: u32,
}

/// The last write of a tracked column. Names an action, never a block: blocks are interchangeable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteMark {
    /// The action that wrote it.
    pub node: NodeId,
    /// Whether it wrote without looking.
    pub blind: bool,
    /// The unordered blind write of another value that it replaced.
    pub contested: Option<NodeId>,
}

/// The lease of a blob (semantics §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lease {
    /// Nobody has it.
    #[default]
    Available,
    /// Somebody has it; `true` if it can run out.
    Held(bool),
    /// It ran out; its old holder can still renew or release it as long as nothing happened since.
    Expired,
    /// Somebody ended it; its old holder can still release it, and no more, as long as nothing happened since.
    Broken,
}

impl Content {
    /// From initial rows.
    pub fn new(rows: &[BTreeMap<Arc<str>, Value>]) -> Self {
        let row = |columns: &BTreeMap<Arc<str>, Value>| {
            Some(Row { columns: columns.clone(), ..Row::default() })
        };
        Self { rows: rows.iter().map(row).collect(), ..Self::default() }
    }
    /// The value of a column of the only row.
    pub fn single(&self, column: &str) -> Value {
        self.rows.first().and_then(Option::as_ref).map_or(Value::Null, |r| r.get(column))
    }
    /// The live rows with their numbers.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.rows.iter().enumerate().filter_map(|(i, r)| r.as_ref().map(|r| (i, r)))
    }
    /// Whether two contents say the same to a user: columns of live rows by number, the lease aside.
    pub fn same_data(&self, other: &Self) -> bool {
        let long = self.rows.len().max(other.rows.len());
        let at = |c: &Self, i: usize| c.rows.get(i).cloned().flatten().map(|r| r.columns);
        (0..long).all(|i| at(self, i) == at(other, i))
    }
}

impl Row {
    /// A column; null if never written.
    pub fn get(&self, column: &str) -> Value {
        self.columns.get(column).cloned().unwrap_or(Value::Null)
    }
    /// As an answer shows it: its columns and its etag.
    pub fn shown(&self, resource: u32, row: usize) -> BTreeMap<Arc<str>, Value> {
        let mut columns = self.columns.clone();
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let (kind, standing) = (TokenKind::Etag, Standing::Current);
        let token = Token { resource, row, kind, standing, version: None };
        columns.insert("etag".into(), Value::Token(token));
        columns
    }
}
