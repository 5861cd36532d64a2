//! Statement: what one SQL statement does to a table. One statement is one step where the store makes it one, and
//! two (look, then insert) where it does not. Names of tables and columns stand as they were written; whoever binds
//! them to a table compares them without regard to case.

use super::expression::Expr;
use std::sync::Arc;

/// Columns that must equal values, type-strict. As in SQL, null equals nothing: the row does not match.
pub type Filter = Vec<(Arc<str>, Expr)>;

/// Columns with the values that they are given or answered with.
pub type Row = Vec<(Arc<str>, Expr)>;

/// What one statement does. Conditions are calls of `and`, `or`, `not`, `equals`, `greater`, `greaterOrEquals`,
/// `less` and `lessOrEquals` over [`Expr::Column`]; negations stand at the leaves only, so a comparison that has no
/// value (SQL's unknown: an operand is null) may be taken as false.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Reads rows. Takes no lock that outlives it: what it answers is old at once (S2, S3, S4).
    Select {
        /// Where from.
        table: Arc<str>,
        /// What it answers.
        columns: Columns,
        /// Which rows.
        filter: Filter,
        /// Which of these, where equalities do not say it.
        condition: Option<Expr>,
        /// `ORDER BY`: first key first.
        order: Vec<Order>,
        /// `TOP (n)`: at most so many rows.
        limit: Option<u64>,
    },
    /// Changes rows, indivisibly: the row is locked before its old value is used (S1).
    Update {
        /// Where.
        table: Arc<str>,
        /// New values, over the row as it was.
        set: Row,
        /// Which rows.
        filter: Filter,
        /// Which of these, where equalities do not say it.
        condition: Option<Expr>,
        /// `UPDATE TOP (n)`: at most so many rows.
        limit: Option<u64>,
        /// What it answers of each changed row, in the same step (S9): the new value of a column under its name, the
        /// old one under `deleted.` and its name.
        output: Option<Columns>,
    },
    /// Adds a row; refused if it breaks a unique key (S7).
    Insert {
        /// Where.
        table: Arc<str>,
        /// The row.
        row: Row,
    },
    /// Adds a row unless there is one already. Not indivisible, two may both find none (S5), unless `serialized`.
    InsertIfNone {
        /// Where.
        table: Arc<str>,
        /// The row.
        row: Row,
        /// The rows that must not be there.
        unless: Filter,
        /// Whether the range is locked from the look to the insert.
        serialized: bool,
    },
    /// Updates the rows that match or inserts one. Has the same race as [`Statement::InsertIfNone`] (S6).
    Merge {
        /// Where.
        table: Arc<str>,
        /// Which rows.
        on: Filter,
        /// New values for a row that matches; none: it is left alone.
        matched: Option<Row>,
        /// The row to add where none matches; none: nothing is added.
        not_matched: Option<Row>,
        /// Whether the range is locked from the look to the insert (`HOLDLOCK`).
        serialized: bool,
    },
    /// Removes rows, indivisibly.
    Delete {
        /// Where.
        table: Arc<str>,
        /// Which rows.
        filter: Filter,
        /// Which of these, where equalities do not say it.
        condition: Option<Expr>,
        /// `DELETE TOP (n)`: at most so many rows.
        limit: Option<u64>,
        /// What it answers of each removed row.
        output: Option<Columns>,
    },
    /// Anything else, also several statements in one transaction: touches every table that it names. A procedure
    /// that is called counts as a table of its name; `@{}` in a name stands for what the flow puts there.
    Opaque {
        /// The tables, sorted. None although it writes: it may touch any.
        tables: Vec<Arc<str>>,
        /// Whether it may change them.
        writes: bool,
    },
}

/// What a SELECT or OUTPUT answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Columns {
    /// `*`.
    All,
    /// Expressions over one row; a column without a name is called "".
    Each(Row),
    /// One row about all rows: `row` finds total number n as the column `#n`, from 0.
    Totals {
        /// What is computed over the rows.
        totals: Vec<Total>,
        /// The answer, over the totals.
        row: Row,
    },
}

/// An aggregate over the rows that match.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    /// `COUNT(*)`, also of no rows.
    Count,
    /// `SUM`; null of no rows. Nulls are left out, here and below.
    Sum(Expr),
    /// `MIN`; null of no rows.
    Min(Expr),
    /// `MAX`; null of no rows.
    Max(Expr),
}

impl Total {
    /// What it looks at in each row.
    pub fn of(&self) -> Option<&Expr> {
        match self {
            Self::Count => None,
            Self::Sum(expr) | Self::Min(expr) | Self::Max(expr) => Some(expr),
        }
    }
}

/// A sort key.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Over the row.
    pub by: Expr,
    /// Greatest first.
    pub descending: bool,
}

impl Statement {
    /// The tables that it touches.
    pub fn tables(&self) -> &[Arc<str>] {
        match self {
            Self::Select { table, .. }
            | Self::Update { table, .. }
            | Self::Insert { table, .. }
            | Self::InsertIfNone { table, .. }
            | Self::Merge { table, .. }
            | Self::Delete { table, .. } => std::slice::from_ref(table),
            Self::Opaque { tables, .. } => tables,
        }
    }
    /// Whether it may change its tables.
    pub fn writes(&self) -> bool {
        match self {
            Self::Select { .. } => false,
            Self::Update { .. }
            | Self::Insert { .. }
            | Self::InsertIfNone { .. }
            | Self::Merge { .. }
            | Self::Delete { .. } => true,
            Self::Opaque { writes, .. } => *writes,
        }
    }
}
