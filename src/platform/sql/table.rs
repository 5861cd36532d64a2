//! Which table a statement means, under which names, and with which hints.

use super::rewrite::{HOLD, TOP, locks_range, unmark};
use super::scope::Context;
use super::{Read, Refusal};
use sqlparser::ast::{self as sql, ObjectName, TableFactor};
use std::sync::Arc;

/// A table of a statement.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) table: Arc<str>,
    /// The names that its columns may carry in front.
    pub(super) names: Vec<String>,
    /// Whether a hint locks the range.
    pub(super) holds: bool,
    /// `TOP (n)` on an UPDATE or DELETE.
    pub(super) top: Option<u64>,
}

/// The parts of a name; none has a function in it.
pub(super) fn idents(name: &ObjectName) -> Read<Vec<sql::Ident>> {
    let parts = name.0.iter().map(|part| match part {
        sql::ObjectNamePart::Identifier(ident) => Ok(ident.clone()),
        sql::ObjectNamePart::Function(_) => Err(Refusal::Unread),
    });
    parts.collect()
}

/// A table by its name alone; temporary tables, table variables and computed names are not for us.
pub(super) fn named(name: &ObjectName, context: Context<'_>) -> Read<Target> {
    let parts = idents(name)?;
    let Some(last) = parts.last() else { return Err(Refusal::Unread) };
    let (rest, hold) = unmark(&last.value, HOLD);
    let (table, top) = unmark(rest, TOP);
    let top = top.map(str::parse).transpose().map_err(|_| Refusal::Unread)?;
    if table.is_empty() || table.starts_with(['#', '@']) || context.template.occurs_in(table) {
        return Err(Refusal::Unread);
    }
    Ok(Target { table: table.into(), names: vec![table.to_owned()], holds: hold.is_some(), top })
}

/// A table where FROM names it.
pub(super) fn factor(factor: &TableFactor, context: Context<'_>) -> Read<Target> {
    let TableFactor::Table {
        name, alias, args: None, with_hints, version: None, sample: None, ..
    } = factor
    else {
        return Err(Refusal::Unread);
    };
    let mut target = named(name, context)?;
    if let Some(alias) = alias {
        target.names.push(alias.name.value.clone());
    }
    target.holds |= with_hints.iter().any(|hint| match hint {
        sql::Expr::Identifier(word) => locks_range(&word.value),
        _ => false,
    });
    Ok(target)
}

/// The one table of a FROM without joins.
pub(super) fn only(from: &[sql::TableWithJoins], context: Context<'_>) -> Read<Target> {
    match from {
        [one] if one.joins.is_empty() => factor(&one.relation, context),
        _ => Err(Refusal::Unread),
    }
}

/// `UPDATE name … FROM table name`: the name before, meaning the table behind.
pub(super) fn aliased(
    first: &Target,
    from: &[sql::TableWithJoins],
    context: Context<'_>,
) -> Read<Target> {
    let meant = only(from, context)?;
    if !meant.names.iter().any(|name| name.eq_ignore_ascii_case(&first.table)) {
        return Err(Refusal::Unread);
    }
    Ok(Target { top: first.top, holds: first.holds || meant.holds, ..meant })
}
