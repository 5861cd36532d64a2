//! INSERT, alone or after a look whether the row is there: `WHERE NOT EXISTS`, `IF`, MERGE (S5, S6).

use super::condition;
use super::expression::read;
use super::parse::{assignments, plain, statement};
use super::scope::{Context, Scope, Source, target_name};
use super::table::{self, Target, idents};
use super::{Read, Refusal};
use crate::model::expression::Expr;
use crate::model::statement::{Filter, Row, Statement};
use sqlparser::ast::{self as sql, BinaryOperator, SetExpr, TableFactor, UnaryOperator};
use std::sync::Arc;

/// A look whether there is a row.
struct Look<'a> {
    /// Whether the rest happens when there is none.
    none: bool,
    query: &'a sql::Query,
}

/// INSERT of given rows, or of one row unless there is one.
pub(super) fn insert(insert: &sql::Insert, context: Context<'_>) -> Read<Vec<Statement>> {
    let sql::TableObject::TableName(name) = &insert.table else { return Err(Refusal::Unread) };
    let target = table::named(name, context)?;
    let into_variable =
        matches!(&insert.output, Some(sql::OutputClause::Output { into_table: Some(_), .. }));
    let Some(source) = insert.source.as_deref().filter(|_| !into_variable) else {
        return Err(Refusal::Unread);
    };
    let columns: Vec<Vec<sql::Ident>> = insert.columns.iter().map(idents).collect::<Read<_>>()?;
    if columns.is_empty() {
        let message =
            format!("INSERT INTO {} does not name its columns; name the columns", target.table);
        return Err(Refusal::Fault(message));
    }
    match source.body.as_ref() {
        SetExpr::Values(values) => {
            let rows = values.rows.iter().map(|values| {
                let row = row(&columns, &values.content, &mut context.scope(&[]))?;
                Ok(Statement::Insert { table: target.table.clone(), row })
            });
            rows.collect()
        }
        SetExpr::Select(_) => Ok(vec![insert_select(&target, &columns, plain(source)?, context)?]),
        _ => Err(Refusal::Unread),
    }
}

fn row(columns: &[Vec<sql::Ident>], values: &[sql::Expr], scope: &mut Scope<'_>) -> Read<Row> {
    if columns.len() != values.len() {
        return Err(Refusal::Unread);
    }
    let pairs = columns.iter().zip(values);
    pairs
        .map(|(column, value)| Ok((target_name(column, scope.context)?, read(value, scope)?)))
        .collect()
}

/// `INSERT … SELECT values [FROM given row] [WHERE NOT EXISTS (…)]`.
fn insert_select(
    target: &Target,
    columns: &[Vec<sql::Ident>],
    select: &sql::Select,
    context: Context<'_>,
) -> Read<Statement> {
    let source = match select.from.as_slice() {
        [] => Source::default(),
        [one] if one.joins.is_empty() => given(&one.relation, context)?,
        _ => return Err(Refusal::Unread),
    };
    let mut scope = context.scope(&[]);
    scope.source = Some(&source);
    let values = select.projection.iter().map(|item| match item {
        sql::SelectItem::UnnamedExpr(expr) | sql::SelectItem::ExprWithAlias { expr, .. } => {
            Ok(expr.clone())
        }
        _ => Err(Refusal::Unread),
    });
    let row = row(columns, &values.collect::<Read<Vec<_>>>()?, &mut scope)?;
    let table = target.table.clone();
    let Some(selection) = &select.selection else { return Ok(Statement::Insert { table, row }) };
    let look = look(selection)?;
    let (looked, unless) = found(&look, Some(&source), context)?;
    if !look.none || !looked.table.eq_ignore_ascii_case(&table) {
        return Err(Refusal::Unread);
    }
    // One statement: a hint, or the isolation level, reaches from the look to the insert.
    let serialized = looked.holds || target.holds || context.serializable;
    Ok(Statement::InsertIfNone { table, row, unless, serialized })
}

/// `[NOT] EXISTS (…)`, or `(SELECT COUNT(*) …) = 0` and its like.
fn look(expr: &sql::Expr) -> Read<Look<'_>> {
    match expr {
        sql::Expr::Exists { subquery, negated } => Ok(Look { none: *negated, query: subquery }),
        sql::Expr::UnaryOp { op: UnaryOperator::Not, expr } => match expr.as_ref() {
            sql::Expr::Exists { subquery, negated } => Ok(Look { none: !negated, query: subquery }),
            _ => Err(Refusal::Unread),
        },
        sql::Expr::BinaryOp { left, op, right } => {
            let (sql::Expr::Subquery(query), sql::Expr::Value(bound)) =
                (left.as_ref(), right.as_ref())
            else {
                return Err(Refusal::Unread);
            };
            let count = match plain(query)?.projection.as_slice() {
                [sql::SelectItem::UnnamedExpr(sql::Expr::Function(function))] => {
                    function.to_string()
                }
                _ => return Err(Refusal::Unread),
            };
            let none = match (op, bound.value.to_string().as_str()) {
                (BinaryOperator::Eq, "0") | (BinaryOperator::Lt, "1") => true,
                (BinaryOperator::Gt | BinaryOperator::NotEq, "0") | (BinaryOperator::GtEq, "1") => {
                    false
                }
                _ => return Err(Refusal::Unread),
            };
            let counts =
                count.eq_ignore_ascii_case("COUNT(*)") || count.eq_ignore_ascii_case("COUNT(1)");
            if counts { Ok(Look { none, query }) } else { Err(Refusal::Unread) }
        }
        sql::Expr::Nested(inner) => look(inner),
        _ => Err(Refusal::Unread),
    }
}

/// Where the look looks, and for which rows.
fn found(look: &Look<'_>, source: Option<&Source>, context: Context<'_>) -> Read<(Target, Filter)> {
    let select = plain(look.query)?;
    let target = table::only(&select.from, context)?;
    let mut scope = context.scope(&target.names);
    // A bare name is the inner table's column: only a qualified one means the given row.
    scope.source = source;
    scope.source_bare = false;
    let filter = condition::filter(select.selection.as_ref(), &mut scope)?;
    Ok((target, filter))
}

/// `IF NOT EXISTS … INSERT`, `IF EXISTS … UPDATE ELSE INSERT` and the same the other way round: two statements, so a
/// hint on the look holds on to the insert in a transaction only.
pub(super) fn conditional(test: &sql::IfStatement, context: Context<'_>) -> Read<Statement> {
    let Some(condition) = &test.if_block.condition else { return Err(Refusal::Unread) };
    if !test.elseif_blocks.is_empty() {
        return Err(Refusal::Unread);
    }
    let look = look(condition)?;
    let (looked, unless) = found(&look, None, context)?;
    let serialized = context.in_transaction && (looked.holds || context.serializable);
    let first = branch(&test.if_block, context)?;
    let second = test.else_block.as_ref().map(|block| branch(block, context)).transpose()?;
    let (present, absent) = if look.none { (second, Some(first)) } else { (Some(first), second) };
    let matched = match present {
        None => None,
        Some(Statement::Update {
            table,
            set,
            filter,
            condition: None,
            limit: None,
            output: None,
        }) if table.eq_ignore_ascii_case(&looked.table) && same(&filter, &unless) => Some(set),
        Some(_) => return Err(Refusal::Unread),
    };
    let not_matched = match absent {
        None => None,
        Some(Statement::Insert { table, row }) if table.eq_ignore_ascii_case(&looked.table) => {
            Some(row)
        }
        Some(_) => return Err(Refusal::Unread),
    };
    let table = looked.table;
    Ok(match (matched, not_matched) {
        (None, Some(row)) => Statement::InsertIfNone { table, row, unless, serialized },
        (matched, not_matched) => {
            Statement::Merge { table, on: unless, matched, not_matched, serialized }
        }
    })
}

/// `IF @@ROWCOUNT = 0 INSERT` behind an UPDATE: both together, if they are about one table.
pub(super) fn otherwise(
    update: &Statement,
    held: bool,
    test: &sql::IfStatement,
    context: Context<'_>,
) -> Option<Statement> {
    let Statement::Update { table, set, filter, condition: None, limit: None, output: None } =
        update
    else {
        return None;
    };
    let condition = test.if_block.condition.as_ref()?.to_string();
    if condition != "@@ROWCOUNT = 0" || test.else_block.is_some() || !test.elseif_blocks.is_empty()
    {
        return None;
    }
    match branch(&test.if_block, context).ok()? {
        Statement::Insert { table: into, row } if into.eq_ignore_ascii_case(table) => {
            Some(Statement::Merge {
                table: table.clone(),
                on: filter.clone(),
                matched: Some(set.clone()),
                not_matched: Some(row),
                serialized: context.in_transaction && (held || context.serializable),
            })
        }
        _ => None,
    }
}

/// The same equalities in whatever order.
fn same(left: &Filter, right: &Filter) -> bool {
    let within = |one: &Filter, all: &Filter| {
        one.iter().all(|(name, value)| {
            all.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value)
        })
    };
    within(left, right) && within(right, left)
}

/// The one statement of a branch.
fn branch(block: &sql::ConditionalStatementBlock, context: Context<'_>) -> Read<Statement> {
    let (sql::ConditionalStatements::Sequence { statements }
    | sql::ConditionalStatements::BeginEnd(sql::BeginEndStatements { statements, .. })) =
        &block.conditional_statements;
    match statements.as_slice() {
        [only] => match statement(only, context)?.as_slice() {
            [read] => Ok(read.clone()),
            _ => Err(Refusal::Unread),
        },
        _ => Err(Refusal::Unread),
    }
}

/// MERGE of one given row into a table.
pub(super) fn merge(merge: &sql::Merge, context: Context<'_>) -> Read<Statement> {
    if matches!(&merge.output, Some(sql::OutputClause::Output { into_table: Some(_), .. })) {
        return Err(Refusal::Unread);
    }
    let target = table::factor(&merge.table, context)?;
    let source = given(&merge.source, context)?;
    let mut scope = context.scope(&target.names);
    scope.source = Some(&source);
    let on = condition::filter(Some(&merge.on), &mut scope)?;
    let (mut matched, mut not_matched) = (None, None);
    for clause in &merge.clauses {
        if clause.predicate.is_some() {
            return Err(Refusal::Unread);
        }
        match (clause.clause_kind, &clause.action) {
            (sql::MergeClauseKind::Matched, sql::MergeAction::Update(update))
                if matched.is_none() =>
            {
                let sql::MergeUpdateKind::Set(list) = &update.kind else {
                    return Err(Refusal::Unread);
                };
                matched = Some(assignments(list, &mut scope)?);
            }
            (
                sql::MergeClauseKind::NotMatched | sql::MergeClauseKind::NotMatchedByTarget,
                sql::MergeAction::Insert(insert),
            ) if not_matched.is_none() => {
                not_matched = Some(merge_row(insert, &target.table, &source, context)?);
            }
            _ => return Err(Refusal::Unread),
        }
    }
    let serialized = target.holds || context.serializable;
    Ok(Statement::Merge { table: target.table, on, matched, not_matched, serialized })
}

fn merge_row(
    insert: &sql::MergeInsertExpr,
    table: &Arc<str>,
    source: &Source,
    context: Context<'_>,
) -> Read<Row> {
    let sql::MergeInsertKind::Values(values) = &insert.kind else { return Err(Refusal::Unread) };
    let [values] = values.rows.as_slice() else { return Err(Refusal::Unread) };
    let columns: Vec<Vec<sql::Ident>> = insert.columns.iter().map(idents).collect::<Read<_>>()?;
    if columns.is_empty() {
        return Err(Refusal::Fault(format!(
            "MERGE inserts into {table} without naming columns; name the columns"
        )));
    }
    let mut scope = context.scope(&[]);
    scope.source = Some(source);
    row(&columns, &values.content, &mut scope)
}

/// A source that is one row of given values: `(VALUES (1, 'a')) AS s (k, v)`, `(SELECT 1 AS k, 'a' AS v) AS s`.
fn given(factor: &TableFactor, context: Context<'_>) -> Read<Source> {
    let TableFactor::Derived { subquery, alias: Some(alias), .. } = factor else {
        return Err(Refusal::Unread);
    };
    let mut scope = context.scope(&[]);
    let mut columns: Vec<(String, Expr)> = Vec::new();
    match subquery.body.as_ref() {
        SetExpr::Values(values) => {
            let [row] = values.rows.as_slice() else { return Err(Refusal::Unread) };
            for value in &row.content {
                columns.push((String::new(), read(value, &mut scope)?));
            }
        }
        SetExpr::Select(_) => {
            let select = plain(subquery)?;
            if !select.from.is_empty() || select.selection.is_some() {
                return Err(Refusal::Unread);
            }
            for item in &select.projection {
                let (name, expr) = match item {
                    sql::SelectItem::UnnamedExpr(expr) => (String::new(), expr),
                    sql::SelectItem::ExprWithAlias { expr, alias } => (alias.value.clone(), expr),
                    _ => return Err(Refusal::Unread),
                };
                columns.push((name, read(expr, &mut scope)?));
            }
        }
        _ => return Err(Refusal::Unread),
    }
    if !alias.columns.is_empty() {
        if alias.columns.len() != columns.len() {
            return Err(Refusal::Unread);
        }
        for (column, named) in columns.iter_mut().zip(&alias.columns) {
            column.0.clone_from(&named.name.value);
        }
    }
    Ok(Source { name: alias.name.value.clone(), columns })
}
