//! Program: what one process will do, indivisible step by step; compiled once, never changed.

use super::content::{Answers, Missing};
use super::expression::Expr;
pub use super::fault::Call;
pub use super::guard::Guard;
use super::ids::{ClassId, NodeId, ResourceId};
use super::order::Order;
use super::statement::{Columns as Selected, Order as SortKey};
pub use super::status::{Status, StatusSet};
use super::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A compiled scenario: flows, their actions as one tree, and the resources they share.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The flows that are started at once.
    pub flows: Vec<FlowPlan>,
    /// All actions of all flows.
    pub nodes: Vec<Node>,
    /// Variables, items, tables, blobs.
    pub resources: Vec<Resource>,
    /// One class a flow, one a concurrent loop.
    pub classes: Vec<Class>,
    /// Must hold when everything has ended: the expression and its text.
    pub finally: Vec<(Expr, String)>,
    /// Cells whose last writer is remembered, because a rule asks for it.
    pub tracked: BTreeSet<(ResourceId, Arc<str>)>,
    /// Variables of which a condition decides whether they are set, or to what.
    pub chosen: BTreeSet<ResourceId>,
    /// Resources of whose etags one may be kept in a store ([`super::version`]).
    pub kept: BTreeSet<ResourceId>,
    /// Untils whose condition another process can turn: to leave one between two rounds interrupts nobody.
    pub polls: BTreeSet<NodeId>,
    /// Observed cells, in report order.
    pub observed: Vec<Observed>,
    /// Whether an increment or append of a variable loads and stores in two steps.
    pub torn: bool,
    /// Which siblings run after which.
    pub order: Order,
    /// Which values that differ may be about the same.
    pub alias: super::identity::Alias,
    /// Rows that a query of an external store finds, if it finds any.
    pub unknown_rows: u64,
    /// Scopes whose effects belong together.
    pub groups: BTreeSet<NodeId>,
    /// How many faults may strike in one schedule.
    pub faults: u32,
    /// Where operations are written down that must not take effect twice for one event, if events can start two runs.
    pub ledger: Option<ResourceId>,
    /// Whether effects may come late, at the cost of a fault ([`super::late`]).
    pub late: bool,
    /// Whether a run may be cancelled between any two steps, at the cost of a fault.
    pub cancellable: bool,
}

/// One flow of the scenario.
#[derive(Clone, Debug)]
pub struct FlowPlan {
    /// Its name, used for its processes.
    pub name: Arc<str>,
    /// Runs, with those that start only if the trigger fires once more for an event.
    pub runs: u32,
    /// How many those are; the last ones.
    pub again: u32,
    /// Runs that the trigger lets overlap; `None`: any number.
    pub limit: Option<u32>,
    /// The root container.
    pub root: NodeId,
    /// The class of its runs.
    pub class: ClassId,
    /// Variables that each run has for itself.
    pub variables: Vec<ResourceId>,
    /// Classes of its concurrent loops.
    pub loops: Vec<ClassId>,
    /// Whether its runs get answers of their own from the world outside.
    pub told_apart: bool,
}

/// What is alike in all blocks of one kind: a run of a flow, or an iteration of a concurrent loop.
#[derive(Clone, Debug)]
pub struct Class {
    /// The nodes whose state lives in the block, outermost first.
    pub nodes: Vec<NodeId>,
    /// The group that ends when the process ends.
    pub root: NodeId,
    /// The loop whose iterations these are; `None` for runs.
    pub looped: Option<NodeId>,
    /// The class of the blocks around.
    pub parent: Option<ClassId>,
    /// Blocks at once: the window of the loop.
    pub window: u32,
    /// Whether the index of an iteration can be told from outside (the order of its outputs).
    pub indexed: bool,
    /// Whether the body looks at the item.
    pub uses_item: bool,
    /// Which flow it belongs to.
    pub flow: u32,
}

/// A cell whose final values are wanted.
#[derive(Clone, Debug)]
pub struct Observed {
    /// `metrics.ProcessedCount`, `customers`.
    pub name: String,
    /// Its resource.
    pub resource: ResourceId,
    /// Its column; `None`: the multiset of rows.
    pub column: Option<Arc<str>>,
}

/// One action, or a container, or a side of one.
#[derive(Clone, Debug)]
pub struct Node {
    /// As the maker wrote it; sides and bodies carry the name of their owner.
    pub name: Arc<str>,
    /// The container.
    pub parent: Option<NodeId>,
    /// What it does.
    pub kind: Kind,
    /// Predecessors among its siblings, with the statuses accepted.
    pub run_after: Vec<(NodeId, StatusSet)>,
    /// Contained nodes.
    pub children: Vec<NodeId>,
    /// Which class of block holds its state, and where.
    pub class: ClassId,
    /// Index in [`Class::nodes`].
    pub slot: u32,
    /// Which maximal chain of its container it stands in.
    pub chain: u32,
    /// Longest duration in seconds; 0 for what does not leave the flow.
    pub takes: u64,
    /// How the call is repeated and what can become of it; empty for what does not leave the flow.
    pub call: Call,
    /// The all-or-nothing groups whose effects its own are.
    pub groups: Vec<NodeId>,
    /// A lease acquire whose attempts can be used up before the other holders let go.
    pub exhaustible: bool,
    /// Whether it is written by the maker (sides and bodies are not).
    pub written: bool,
    /// Nodes of the same class that may still read its output.
    pub consumers: Vec<NodeId>,
    /// Properties of its output that anybody reads; `None`: all of it.
    pub used: Option<BTreeSet<Arc<str>>>,
    /// When its steps can be told apart by others.
    pub visibility: Visibility,
    /// Conditions its effect depends on.
    pub guards: Vec<Guard>,
    /// Columns it writes without having looked at them.
    pub blind: BTreeSet<Arc<str>>,
    /// Reads of the same resource whose answers later effects of the process still use after this write.
    pub keeps: Vec<NodeId>,
    /// For a loop: inner actions whose outputs are read outside, in index order.
    pub collected: Vec<NodeId>,
}

/// Whether another process can notice when a step happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Visibility {
    /// Never: it is run at once.
    Local,
    /// Always.
    Visible,
    /// Only if the selector has equal values for two items of the loop.
    Unless(Vec<(NodeId, Expr)>),
}

/// What a node does.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Runs its children by their `run_after`.
    Group,
    /// Runs its children side by side.
    Parallel,
    /// Children: then, else.
    If(Expr),
    /// Children: the cases, then default.
    Switch(Expr, Vec<Expr>),
    /// Child: the body.
    Loop {
        /// What it goes over.
        over: Over,
        /// Iterations at once; 1 keeps the body in the same block.
        degree: u32,
    },
    /// Child: the body.
    Until {
        /// Tested after the body.
        condition: Expr,
        /// Rounds at most.
        limit: u64,
        /// The round after which its time can be up, if that is before `limit`: then it may be left.
        early: Option<u64>,
        /// Whether the limit fails the loop.
        fail_at_limit: bool,
        /// Whether the number of the round is kept; `false` once it is shown that the limit is out of reach.
        counted: bool,
    },
    /// Ends the run.
    Terminate(Status),
    /// Indivisible steps, in order.
    Leaf(Vec<Step>),
}

/// What a loop goes over.
#[derive(Clone, Debug)]
pub enum Over {
    /// The values 1 to N.
    Count(u64),
    /// An array; unknown arrays have this many unknown items.
    Values(Expr, u64),
}

/// One indivisible step of an action.
#[derive(Clone, Debug)]
pub enum Step {
    /// The output is the value.
    Compute(Expr),
    /// Goes on when it holds.
    Wait(Expr),
    /// Reads or changes a resource.
    Access(ResourceId, Access),
    /// A side effect named by its text.
    Send(Expr),
    /// A call whose answer is unknown: a name for it, and what it depends on.
    Opaque {
        /// `shared_x/Operation`.
        name: Arc<str>,
        /// What it is told.
        args: Vec<Expr>,
        /// Whether it does something to the world outside (a mail, an order) that no cell stands for.
        effect: bool,
    },
}

/// Column → expression.
pub type Columns = Vec<(Arc<str>, Expr)>;

/// Which rows: all columns equal, and the rest of an SQL condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All equal, type-strict.
    pub equal: Columns,
    /// Evaluated for each row.
    pub rest: Option<Expr>,
    /// Of a query that a service answers: what a row has to meet, as far as it can be read.
    pub meets: Option<Expr>,
    /// In which order; else in that of creation.
    pub order: Vec<SortKey>,
    /// At most so many of them, the first ones.
    pub limit: Option<u64>,
}

/// What one step does to one resource. A variable, item or blob is a table of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// The one row, with its etag.
    Get,
    /// The row of an external store that has this key.
    Fetch(Expr),
    /// The rows that match, with their etags.
    List(Filter),
    /// SELECT: the rows that match, with these columns, or what they come to.
    Select(Filter, Selected),
    /// Sets columns of the rows that match.
    Update {
        /// Which rows.
        filter: Filter,
        /// Column → value, evaluated before the step or over the row (SQL).
        set: Columns,
        /// `If-Match`.
        if_match: Option<Expr>,
        /// Whether no match is a success (SQL) rather than 404.
        sql: bool,
    },
    /// Adds to a number or a list, in one step.
    Add {
        /// What is added.
        value: Expr,
        /// How.
        how: Adding,
    },
    /// The first half of a torn [`Access::Add`]: loads.
    Load,
    /// The second half: stores what was loaded, changed.
    Store {
        /// What is added.
        value: Expr,
        /// How.
        how: Adding,
    },
    /// A new row.
    Create(Columns),
    /// The check of an INSERT … WHERE NOT EXISTS or MERGE without HOLDLOCK (semantics §10 S5, S6).
    Probe(Filter),
    /// The insert after a [`Access::Probe`] that found nothing.
    CreateIfNone {
        /// The new row.
        row: Columns,
        /// What must not exist: re-checked in the same step only when `serialized`.
        unless: Filter,
        /// HOLDLOCK or a transaction around both.
        serialized: bool,
    },
    /// Finds by key or creates, in one step.
    Upsert {
        /// Which row.
        key: Columns,
        /// Its columns.
        row: Columns,
    },
    /// Removes the rows that match.
    Delete(Filter, bool),
    /// Lease of a blob: 201 or 409.
    Acquire {
        /// 15 to 60, or -1 for ever.
        seconds: Expr,
        /// Further attempts on 409: count and interval in seconds.
        retry: Option<(u64, u64)>,
    },
    /// Starts the lease's clock again.
    Renew(Option<Expr>),
    /// Gives the lease back.
    Release(Option<Expr>),
    /// Replaces the blob's content.
    Write {
        /// The new content.
        value: Expr,
        /// Lease id.
        lease: Option<Expr>,
        /// `If-Match`.
        if_match: Option<Expr>,
    },
}

/// How [`Access::Add`] adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adding {
    /// Increment.
    Plus,
    /// Decrement.
    Minus,
    /// Append to an array or a text.
    Append,
}

/// A named, shared thing.
#[derive(Clone, Debug)]
pub struct Resource {
    /// As in `state`.
    pub name: Arc<str>,
    /// What it is.
    pub shape: Shape,
    /// Its rows at the start.
    pub initial: Vec<BTreeMap<Arc<str>, Value>>,
    /// For a table: the columns of its business key.
    pub key: Vec<Arc<str>>,
    /// Whether the store refuses a second row with the key.
    pub unique: bool,
    /// External stores: whether somebody sends an etag back.
    pub etags: bool,
    /// External stores: what becomes of a fetch whose row is not there.
    pub missing: Missing,
    /// How its answers look.
    pub answers: Answers,
    /// The flow whose runs each have their own; `None`: shared by all.
    pub owner: Option<u32>,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value, no etag.
    Variable,
    /// One row of columns.
    Item,
    /// Rows.
    Table,
    /// One value, an etag, a lease.
    Blob,
    /// Rows outside the flow that nobody knows beforehand ([`super::external`]).
    External,
}
