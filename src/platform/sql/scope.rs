//! What a name means inside a statement.

use super::template::Template;
use super::{Read, Refusal};
use crate::model::expression::Expr;
use crate::model::statement::Total;
use sqlparser::ast::Ident;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep an expression may be.
const DEPTH: u32 = 64;

/// The batch's own variables, by lower-case name; a name that is not here is a parameter of the action.
pub(super) type Locals = BTreeMap<String, Local>;

/// What a variable holds.
#[derive(Clone, Debug)]
pub(super) enum Local {
    /// This, everywhere.
    Bound(Expr),
    /// What the last UPDATE put there, over its row.
    Returned(Expr),
    /// Anybody's guess.
    Unknown,
}

/// What the whole query knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) template: &'a Template,
    pub(super) locals: &'a Locals,
    /// `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE` is in force.
    pub(super) serializable: bool,
    /// Between `BEGIN TRAN` and `COMMIT`: locks are held on.
    pub(super) in_transaction: bool,
}

/// Columns that stand for expressions: the source of a MERGE.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) columns: Vec<(String, Expr)>,
}

/// Where an expression stands.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) context: Context<'a>,
    /// What the row at hand is called; nothing where there is no row.
    pub(super) row: Vec<String>,
    /// A second row, whose columns are given.
    pub(super) source: Option<&'a Source>,
    /// Whether a bare name may mean the second row.
    pub(super) source_bare: bool,
    /// The aggregates seen so far; none where they may not stand.
    pub(super) totals: Option<Vec<Total>>,
    /// In an OUTPUT clause, where `inserted` and `deleted` are rows.
    pub(super) output: bool,
    /// Where the values that the last UPDATE returned are meant.
    pub(super) returned: bool,
    /// How many columns were read so far.
    pub(super) columns: usize,
    depth: u32,
}

impl<'a> Context<'a> {
    pub(super) fn scope(self, row: &[String]) -> Scope<'a> {
        Scope {
            context: self,
            row: row.to_vec(),
            source: None,
            source_bare: true,
            totals: None,
            output: false,
            returned: false,
            columns: 0,
            depth: 0,
        }
    }
}

impl Scope<'_> {
    /// Reads something one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEPTH {
            return Err(Refusal::Unread);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A bare name: a parameter, a variable or a column.
    pub(super) fn name(&mut self, name: &Ident) -> Read<Expr> {
        if name.quote_style.is_none() {
            if let Some(value) = self.context.template.parameter(&name.value) {
                return Ok(value.clone());
            }
            if name.value.starts_with('@') {
                return self.variable(&name.value);
            }
        }
        match self.source.filter(|_| self.source_bare).and_then(|source| source.get(&name.value)) {
            Some(value) => Ok(value),
            None => self.column(&name.value),
        }
    }

    fn variable(&mut self, name: &str) -> Read<Expr> {
        if name.starts_with("@@") || self.context.template.occurs_in(name) {
            return Err(Refusal::Unread);
        }
        match self.context.locals.get(&name.to_lowercase()) {
            None => Ok(Expr::Opaque(name.into(), Vec::new())),
            Some(Local::Bound(value)) => Ok(value.clone()),
            Some(Local::Returned(value)) if self.returned => {
                self.columns += 1;
                Ok(value.clone())
            }
            Some(Local::Returned(_) | Local::Unknown) => Err(Refusal::Unread),
        }
    }

    /// `a.b.c`.
    pub(super) fn qualified(&mut self, parts: &[Ident]) -> Read<Expr> {
        let [.., row, column] = parts else { return Err(Refusal::Unread) };
        if column.value.starts_with('@') {
            return Err(Refusal::Unread);
        }
        if self.output && row.value.eq_ignore_ascii_case("deleted") {
            return self.column(&format!("deleted.{}", column.value));
        }
        if let Some(source) =
            self.source.filter(|source| source.name.eq_ignore_ascii_case(&row.value))
        {
            return source.get(&column.value).ok_or(Refusal::Unread);
        }
        if self.row.iter().any(|name| name.eq_ignore_ascii_case(&row.value)) {
            return self.column(&column.value);
        }
        Err(Refusal::Unread)
    }

    fn column(&mut self, name: &str) -> Read<Expr> {
        if self.row.is_empty() || self.context.template.occurs_in(name) {
            return Err(Refusal::Unread);
        }
        self.columns += 1;
        Ok(Expr::Column(name.into()))
    }
}

impl Source {
    fn get(&self, column: &str) -> Option<Expr> {
        self.columns
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(column))
            .map(|(_, value)| value.clone())
    }
}

/// A column's name that is written to.
pub(super) fn target_name(parts: &[Ident], context: Context<'_>) -> Read<Arc<str>> {
    let Some(last) = parts.last() else { return Err(Refusal::Unread) };
    if last.value.starts_with('@') || context.template.occurs_in(&last.value) {
        return Err(Refusal::Unread);
    }
    Ok(last.value.as_str().into())
}
