//! Block: the state of one process that is concurrent with others: a run, or an iteration of a concurrent loop.
//!
//! Nothing outside a block names a block; so blocks of one class can change places, and symmetry is sorting.

use super::content::Content;
use super::group::Undo;
use super::ids::{NodeId, ResourceId};
use super::program::Status;
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The item, if the body looks at it.
    pub item: Value,
    /// The index, if it can be told from outside.
    pub index: u32,
    /// By [`super::program::Node::slot`].
    pub nodes: Vec<NodeState>,
    /// What monitors and tokens remember.
    pub marks: BTreeMap<Mark, Memory>,
    /// How it ended.
    pub ended: Option<Status>,
}

/// Where an action stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeState {
    /// How far it got.
    pub phase: Phase,
    /// Its output, as far as anybody still reads it.
    pub output: Value,
    /// Rounds or iterations ended.
    pub count: u32,
    /// Items of a loop under way.
    pub items: Value,
    /// Iterations started, of a concurrent loop.
    pub started: u32,
    /// Until: the last round was refused because of another process. Loop: an iteration failed.
    pub flag: bool,
}

/// How far an action got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Its predecessors have not all ended.
    #[default]
    Waiting,
    /// About to take this step; for a container: about to be decided.
    Ready(u8),
    /// A container whose children run.
    Running,
    /// Ended.
    Done(Status),
}

/// What a block remembers beside its control.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// I wrote this column last.
    Last(ResourceId, u32, Arc<str>),
    /// An iteration of mine, ended since, wrote this column last.
    ChildLast(ResourceId, u32, Arc<str>),
    /// An unordered process replaced what I wrote at this node; the value is mine.
    Bled(ResourceId, NodeId),
    /// What the resource would hold had I not changed it since I read it at the first node. The second is the first to
    /// have changed it: branches of one process are strangers to each other, so each has a base of its own.
    Base(NodeId, NodeId),
    /// The same, had the iterations of a loop under way not changed it, of which the second node is one's: to each other
    /// they are strangers, and when all have ended what they did is my own.
    BaseAround(NodeId, NodeId),
    /// I hold the lease; the value is the longest time since I got it.
    Holds(ResourceId),
    /// I held the lease, it ran out, I have not given it back.
    Lost(ResourceId),
    /// I wrote this row, and how often it had been written then.
    Version(ResourceId, u32),
    /// My call at this node took effect and its answer was lost: what it wrote.
    Applied(NodeId),
    /// A call of mine at this node may arrive late at the resource: what it was sent with.
    Late(ResourceId, NodeId),
    /// A fault struck inside this Until: in this round (set) or in an earlier one (a value).
    Disturbed(NodeId),
    /// What an all-or-nothing group of mine did to this cell.
    Undo(NodeId, ResourceId, u32, Arc<str>),
    /// A member of the group sent something, which nobody can take back.
    Sent(NodeId, NodeId),
    /// The group has ended and an effect of it is missing.
    Broken(NodeId),
    /// An effect of the group was taken back.
    Undone(NodeId),
    /// The group of an earlier iteration left this behind: a cell, and who changed it.
    Left(NodeId, Option<ResourceId>, Arc<str>, NodeId),
}

/// What a mark remembers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Memory {
    /// That it is so.
    Set,
    /// A value.
    Value(Value),
    /// The content of a resource.
    Content(Arc<Content>),
    /// Seconds, and the seconds at which it can run out (`None`: never).
    Clock(u64, Option<u64>),
    /// What was done to a cell.
    Undo(Arc<Undo>),
}
