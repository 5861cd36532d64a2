//! The kinds of step as a table: which keys each takes, which it needs, which cell groups it fits.

use super::super::ast::Group;

/// What kind of group a step works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupKind {
    Variable,
    Item,
    Table,
    Blob,
}

impl GroupKind {
    pub(super) fn of(group: &Group) -> Self {
        match group {
            Group::Variable { .. } => Self::Variable,
            Group::Item { .. } => Self::Item,
            Group::Table { .. } => Self::Table,
            Group::Blob { .. } => Self::Blob,
        }
    }

    /// With its article, for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Variable => "a variable",
            Self::Item => "an item",
            Self::Table => "a table",
            Self::Blob => "a blob",
        }
    }
}

/// How a step is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A call on a cell group of one of these kinds.
    Cell(&'static [GroupKind]),
    /// A call whose text is its only argument, under this name.
    Text(&'static str),
    Set,
    Increment {
        negative: bool,
    },
    Append,
    Compose,
    ForEach,
    Parallel,
    If,
    Switch,
    Until,
    Scope,
    Terminate,
    Wait,
}

/// A kind of step.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// Keys it needs, then keys it may have.
    pub(super) needs: &'static [&'static str],
    pub(super) takes: &'static [&'static str],
}

/// Keys every step may have.
pub(super) const COMMON: &[&str] = &["name", "runAfter", "retry", "takes"];

const fn kind(
    key: &'static str,
    shape: Shape,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
) -> Kind {
    Kind { key, shape, needs, takes }
}

use GroupKind::{Blob, Item, Table, Variable};

/// All of them, in the order of the manual.
pub(super) const KINDS: &[Kind] = &[
    kind("get", Shape::Cell(&[Item, Variable, Blob]), &[], &[]),
    kind("update", Shape::Cell(&[Item, Table]), &["set"], &["ifMatch", "where"]),
    kind("list", Shape::Cell(&[Table]), &[], &["where"]),
    kind("create", Shape::Cell(&[Table]), &["row"], &[]),
    kind("upsert", Shape::Cell(&[Table]), &["key", "row"], &[]),
    kind("delete", Shape::Cell(&[Table, Item]), &[], &["where", "ifMatch"]),
    kind("sql", Shape::Text("sql"), &[], &[]),
    kind("setVariable", Shape::Set, &["value"], &[]),
    kind("increment", Shape::Increment { negative: false }, &[], &["by"]),
    kind("decrement", Shape::Increment { negative: true }, &[], &["by"]),
    kind("append", Shape::Append, &["value"], &[]),
    kind("acquireLease", Shape::Cell(&[Blob]), &[], &["seconds"]),
    kind("renewLease", Shape::Cell(&[Blob]), &[], &["lease"]),
    kind("releaseLease", Shape::Cell(&[Blob]), &[], &["lease"]),
    kind("write", Shape::Cell(&[Blob]), &["value"], &["lease", "ifMatch"]),
    kind("send", Shape::Text("text"), &[], &[]),
    kind("compose", Shape::Compose, &[], &[]),
    kind("forEach", Shape::ForEach, &["do"], &["items", "concurrency"]),
    kind("parallel", Shape::Parallel, &[], &[]),
    kind("if", Shape::If, &["then"], &["else"]),
    kind("switch", Shape::Switch, &["cases"], &["default"]),
    kind("until", Shape::Until, &["do"], &["limit", "timeout"]),
    kind("scope", Shape::Scope, &["do"], &["allOrNothing"]),
    kind("terminate", Shape::Terminate, &[], &[]),
    kind("wait", Shape::Wait, &[], &[]),
];

/// The kind of that key.
pub(super) fn find(key: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.key == key)
}

/// All keys, for messages.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.key)
}
