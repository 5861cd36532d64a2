//! sqlparser's statements into ours: SELECT, INSERT, UPDATE and DELETE of one table.

use super::condition;
use super::expression::{is_text, of, read};
use super::rewrite::{COMPOUND, unmark};
use super::scope::{Context, Scope, target_name};
use super::table::{self, Target, idents};
use super::upsert;
use super::{Read, Refusal};
use crate::model::expression::Expr;
use crate::model::statement::{Columns, Order, Row, Statement};
use sqlparser::ast::{self as sql, SetExpr};
use std::sync::Arc;

/// What a statement does; several INSERTs where it gives several rows.
pub(super) fn statement(ast: &sql::Statement, context: Context<'_>) -> Read<Vec<Statement>> {
    match ast {
        sql::Statement::Query(query) => Ok(vec![select(query, context)?]),
        sql::Statement::Insert(insert) => upsert::insert(insert, context),
        sql::Statement::Update(update) => Ok(vec![self::update(update, context)?]),
        sql::Statement::Delete(delete) => Ok(vec![self::delete(delete, context)?]),
        sql::Statement::Merge(merge) => Ok(vec![upsert::merge(merge, context)?]),
        sql::Statement::If(test) => Ok(vec![upsert::conditional(test, context)?]),
        sql::Statement::StartTransaction {
            statements,
            exception: None,
            has_end_keyword: true,
            ..
        } => {
            let read: Read<Vec<_>> =
                statements.iter().map(|inner| statement(inner, context)).collect();
            Ok(read?.concat())
        }
        _ => Err(Refusal::Unread),
    }
}

/// The SELECT of a query that is nothing but one.
pub(super) fn plain(query: &sql::Query) -> Read<&sql::Select> {
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(Refusal::Unread) };
    let grouped =
        !matches!(&select.group_by, sql::GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let extra = query.with.is_some()
        || query.limit_clause.is_some()
        || query.fetch.is_some()
        || query.for_clause.is_some()
        || select.distinct.is_some()
        || select.into.is_some()
        || select.having.is_some();
    if extra || grouped { Err(Refusal::Unread) } else { Ok(select) }
}

fn select(query: &sql::Query, context: Context<'_>) -> Read<Statement> {
    let select = plain(query)?;
    let target = table::only(&select.from, context)?;
    let mut scope = context.scope(&target.names);
    let (filter, condition) = condition::split(select.selection.as_ref(), &mut scope)?;
    let order = order(query.order_by.as_ref(), &mut scope)?;
    let columns = columns(&select.projection, &mut scope)?;
    let table = target.table;
    Ok(Statement::Select {
        table,
        columns,
        filter,
        condition,
        order,
        limit: limit(select.top.as_ref())?,
    })
}

fn limit(top: Option<&sql::Top>) -> Read<Option<u64>> {
    let Some(top) = top else { return Ok(None) };
    let count = match &top.quantity {
        Some(sql::TopQuantity::Constant(count)) => Some(*count),
        Some(sql::TopQuantity::Expr(sql::Expr::Value(value))) => match &value.value {
            sql::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Some(sql::TopQuantity::Expr(_)) | None => None,
    };
    if count.is_none() || top.percent || top.with_ties { Err(Refusal::Unread) } else { Ok(count) }
}

fn order(order: Option<&sql::OrderBy>, scope: &mut Scope<'_>) -> Read<Vec<Order>> {
    let Some(order) = order else { return Ok(Vec::new()) };
    let sql::OrderByKind::Expressions(keys) = &order.kind else { return Err(Refusal::Unread) };
    let keys = keys.iter().map(|key| {
        let before = scope.columns;
        let by = read(&key.expr, scope)?;
        let descending = matches!(key.options.sort, Some(sql::OrderBySort::Desc));
        if scope.columns == before { Err(Refusal::Unread) } else { Ok(Order { by, descending }) }
    });
    keys.collect()
}

/// A SELECT list: all columns, expressions over a row, or totals over all rows.
pub(super) fn columns(items: &[sql::SelectItem], scope: &mut Scope<'_>) -> Read<Columns> {
    if let [sql::SelectItem::Wildcard(_) | sql::SelectItem::QualifiedWildcard(..)] = items {
        return Ok(Columns::All);
    }
    let before = scope.columns;
    if !scope.output {
        scope.totals = Some(Vec::new());
    }
    let row: Read<Row> = items.iter().map(|item| column(item, scope)).collect();
    let row = row?;
    match scope.totals.take() {
        Some(totals) if !totals.is_empty() => {
            let mixed = scope.columns != before;
            if mixed { Err(Refusal::Unread) } else { Ok(Columns::Totals { totals, row }) }
        }
        Some(_) | None => Ok(Columns::Each(row)),
    }
}

fn column(item: &sql::SelectItem, scope: &mut Scope<'_>) -> Read<(Arc<str>, Expr)> {
    let (name, expr) = match item {
        sql::SelectItem::UnnamedExpr(expr) => match expr {
            sql::Expr::Identifier(name) if !name.value.starts_with('@') => {
                (name.value.as_str(), expr)
            }
            sql::Expr::CompoundIdentifier(parts) => {
                (parts.last().map_or("", |last| last.value.as_str()), expr)
            }
            other => ("", other),
        },
        sql::SelectItem::ExprWithAlias { expr, alias } => (alias.value.as_str(), expr),
        _ => return Err(Refusal::Unread),
    };
    // `SELECT @x = c` sets a variable.
    if name.starts_with('@') { Err(Refusal::Unread) } else { Ok((name.into(), read(expr, scope)?)) }
}

/// What an OUTPUT clause answers.
fn output(
    clause: Option<&sql::OutputClause>,
    row: &str,
    context: Context<'_>,
) -> Read<Option<Columns>> {
    match clause {
        None => Ok(None),
        Some(sql::OutputClause::Output { select_items, into_table: None, .. }) => {
            let wildcard = matches!(
                select_items.as_slice(),
                [sql::SelectItem::QualifiedWildcard(sql::SelectItemQualifiedWildcardKind::ObjectName(name), _)]
                    if name.to_string().eq_ignore_ascii_case(row)
            );
            let any = select_items.iter().any(|item| {
                matches!(
                    item,
                    sql::SelectItem::Wildcard(_) | sql::SelectItem::QualifiedWildcard(..)
                )
            });
            if any && !wildcard {
                return Err(Refusal::Unread);
            }
            let mut scope = context.scope(&[row.to_owned()]);
            scope.output = row == "inserted";
            scope.totals = None;
            let columns = match columns(select_items, &mut scope)? {
                Columns::Totals { .. } => return Err(Refusal::Unread),
                columns => columns,
            };
            Ok(Some(columns))
        }
        Some(_) => Err(Refusal::Unread),
    }
}

fn update(update: &sql::Update, context: Context<'_>) -> Read<Statement> {
    if !update.table.joins.is_empty() || update.limit.is_some() {
        return Err(Refusal::Unread);
    }
    let first = table::factor(&update.table.relation, context)?;
    let target = match &update.from {
        None => first,
        Some(sql::UpdateTableFromKind::AfterSet(from)) => table::aliased(&first, from, context)?,
        Some(sql::UpdateTableFromKind::BeforeSet(_)) => return Err(Refusal::Unread),
    };
    let mut scope = context.scope(&target.names);
    let (filter, condition) = condition::split(update.selection.as_ref(), &mut scope)?;
    let set = assignments(&update.assignments, &mut scope)?;
    let output = output(update.output.as_ref(), "inserted", context)?;
    let Target { table, top: limit, .. } = target;
    Ok(Statement::Update { table, set, filter, condition, limit, output })
}

/// `SET a = …, b += …, @n = c = …`; what is set to a variable alone is left out.
pub(super) fn assignments(list: &[sql::Assignment], scope: &mut Scope<'_>) -> Read<Row> {
    let mut row = Row::new();
    for assignment in list {
        let sql::AssignmentTarget::ColumnName(name) = &assignment.target else {
            return Err(Refusal::Unread);
        };
        if variable(assignment).is_none() {
            row.push(self::assignment(&idents(name)?, &assignment.value, scope)?);
        } else if let Some((column, value)) = through(&assignment.value) {
            row.push((column.value.as_str().into(), read(value, scope)?));
        }
    }
    Ok(row)
}

fn assignment(
    target: &[sql::Ident],
    value: &sql::Expr,
    scope: &mut Scope<'_>,
) -> Read<(Arc<str>, Expr)> {
    let column = target_name(target, scope.context)?;
    let (bare, compound) = unmark(&column, COMPOUND);
    let value = read(value, scope)?;
    let old = Expr::Column(bare.into());
    let value = match compound {
        None => value,
        Some("add") if is_text(&value) => of("concat", vec![old, value]),
        Some("add") => of("add", vec![old, value]),
        Some("sub") => of("sub", vec![old, value]),
        Some("mul") => of("mul", vec![old, value]),
        Some("div") => of("div", vec![old, value]),
        Some(_) => return Err(Refusal::Unread),
    };
    Ok((bare.into(), value))
}

/// `c = expr` behind `@n =`: the column and what it gets.
fn through(value: &sql::Expr) -> Option<(&sql::Ident, &sql::Expr)> {
    match value {
        sql::Expr::BinaryOp { left, op: sql::BinaryOperator::Eq, right } => match left.as_ref() {
            sql::Expr::Identifier(column) => Some((column, right)),
            _ => None,
        },
        _ => None,
    }
}

/// The variable that an assignment sets.
fn variable(assignment: &sql::Assignment) -> Option<&str> {
    match &assignment.target {
        sql::AssignmentTarget::ColumnName(name) => match name.0.as_slice() {
            [sql::ObjectNamePart::Identifier(one)] => {
                one.value.starts_with('@').then_some(one.value.as_str())
            }
            _ => None,
        },
        sql::AssignmentTarget::Tuple(_) => None,
    }
}

/// The variables that an UPDATE sets, with what they are then, over its row.
pub(super) fn returned(update: &sql::Update) -> Vec<(String, Option<Expr>)> {
    let set = update.assignments.iter().filter_map(|assignment| {
        let value = match &assignment.value {
            value if through(value).is_some() => {
                through(value).map(|(column, _)| Expr::Column(column.value.as_str().into()))
            }
            sql::Expr::Identifier(column) if !column.value.starts_with('@') => {
                Some(Expr::Column(format!("deleted.{}", column.value).into()))
            }
            _ => None,
        };
        Some((variable(assignment)?.to_lowercase(), value))
    });
    set.collect()
}

fn delete(delete: &sql::Delete, context: Context<'_>) -> Read<Statement> {
    let (sql::FromTable::WithFromKeyword(from) | sql::FromTable::WithoutKeyword(from)) =
        &delete.from;
    if delete.using.is_some() || delete.limit.is_some() {
        return Err(Refusal::Unread);
    }
    let target = match delete.tables.as_slice() {
        [] => table::only(from, context)?,
        [first] => table::aliased(&table::named(first, context)?, from, context)?,
        _ => return Err(Refusal::Unread),
    };
    let mut scope = context.scope(&target.names);
    let (filter, condition) = condition::split(delete.selection.as_ref(), &mut scope)?;
    let output = output(delete.output.as_ref(), "deleted", context)?;
    let Target { table, top: limit, .. } = target;
    Ok(Statement::Delete { table, filter, condition, limit, output })
}
