//! WHERE: equalities of a column first, the rest as a boolean expression.

use super::expression::{self, of};
use super::scope::Scope;
use super::{Read, Refusal};
use crate::model::expression::Expr;
use crate::model::statement::Filter;
use crate::model::value::Value;
use sqlparser::ast::{self as sql, BinaryOperator, UnaryOperator};

/// A WHERE in two: equalities of a column with what does not depend on the row, and the rest.
pub(super) fn split(
    selection: Option<&sql::Expr>,
    scope: &mut Scope<'_>,
) -> Read<(Filter, Option<Expr>)> {
    let mut filter = Filter::new();
    let mut rest = Vec::new();
    for part in selection.map(|expr| chain(expr, &BinaryOperator::And)).unwrap_or_default() {
        let read = match part {
            sql::Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                equality(left, right, scope)?
            }
            other => Equality::Other(read(other, true, scope)?),
        };
        match read {
            Equality::Column(name, value) => filter.push((name, value)),
            Equality::Always => {}
            Equality::Other(condition) => rest.push(condition),
        }
    }
    Ok((filter, joined("and", rest)))
}

/// A WHERE of nothing but equalities of columns.
pub(super) fn filter(selection: Option<&sql::Expr>, scope: &mut Scope<'_>) -> Read<Filter> {
    match split(selection, scope)? {
        (filter, None) => Ok(filter),
        (_, Some(_)) => Err(Refusal::Unread),
    }
}

enum Equality {
    Column(std::sync::Arc<str>, Expr),
    Always,
    Other(Expr),
}

fn equality(left: &sql::Expr, right: &sql::Expr, scope: &mut Scope<'_>) -> Read<Equality> {
    let before = scope.columns;
    let left = expression::read(left, scope)?;
    let between = scope.columns;
    let right = expression::read(right, scope)?;
    let (left_fixed, right_fixed) = (before == between, between == scope.columns);
    Ok(match (left, right) {
        (Expr::Const(Value::Null), _) | (_, Expr::Const(Value::Null)) => {
            Equality::Other(Expr::Const(Value::Bool(false)))
        }
        (Expr::Const(left), Expr::Const(right)) if left == right => Equality::Always,
        (Expr::Column(name), value) if right_fixed => Equality::Column(name, value),
        (value, Expr::Column(name)) if left_fixed => Equality::Column(name, value),
        (left, right) => Equality::Other(of("equals", vec![left, right])),
    })
}

/// A condition, or its opposite. Negations go down to the comparisons, so that one without a value is false either way.
pub(super) fn read(expr: &sql::Expr, wanted: bool, scope: &mut Scope<'_>) -> Read<Expr> {
    scope.deeper(|scope| match expr {
        sql::Expr::Nested(inner) => read(inner, wanted, scope),
        sql::Expr::UnaryOp { op: UnaryOperator::Not, expr } => read(expr, !wanted, scope),
        sql::Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => {
            let parts: Read<Vec<Expr>> =
                chain(expr, op).into_iter().map(|part| read(part, wanted, scope)).collect();
            let all = (*op == BinaryOperator::And) == wanted;
            Ok(of(if all { "and" } else { "or" }, parts?))
        }
        sql::Expr::BinaryOp { left, op, right } => {
            let (left, right) = (expression::read(left, scope)?, expression::read(right, scope)?);
            comparison(op, wanted, left, right)
        }
        sql::Expr::IsNull(inner) => Ok(null_test(expression::read(inner, scope)?, wanted)),
        sql::Expr::IsNotNull(inner) => Ok(null_test(expression::read(inner, scope)?, !wanted)),
        sql::Expr::InList { expr, list, negated } => {
            let wanted = wanted != *negated;
            let mut parts = Vec::new();
            for one in list {
                let (left, right) = (expression::read(expr, scope)?, expression::read(one, scope)?);
                parts.push(comparison(&BinaryOperator::Eq, wanted, left, right)?);
            }
            Ok(of(if wanted { "or" } else { "and" }, parts))
        }
        sql::Expr::Between { expr, negated, low, high } => {
            let wanted = wanted != *negated;
            let (value, low) = (expression::read(expr, scope)?, expression::read(low, scope)?);
            let high = expression::read(high, scope)?;
            let above = comparison(&BinaryOperator::GtEq, wanted, value.clone(), low)?;
            let below = comparison(&BinaryOperator::LtEq, wanted, value, high)?;
            Ok(of(if wanted { "and" } else { "or" }, vec![above, below]))
        }
        _ => Err(Refusal::Unread),
    })
}

fn comparison(op: &BinaryOperator, wanted: bool, left: Expr, right: Expr) -> Read<Expr> {
    let function = match (op, wanted) {
        (BinaryOperator::Eq, true) | (BinaryOperator::NotEq, false) => "equals",
        (BinaryOperator::Eq, false) | (BinaryOperator::NotEq, true) => {
            return Ok(unequal(left, right));
        }
        (BinaryOperator::Gt, true) | (BinaryOperator::LtEq, false) => "greater",
        (BinaryOperator::GtEq, true) | (BinaryOperator::Lt, false) => "greaterOrEquals",
        (BinaryOperator::Lt, true) | (BinaryOperator::GtEq, false) => "less",
        (BinaryOperator::LtEq, true) | (BinaryOperator::Gt, false) => "lessOrEquals",
        _ => return Err(Refusal::Unread),
    };
    let null = Expr::Const(Value::Null);
    if left == null || right == null {
        return Ok(Expr::Const(Value::Bool(false)));
    }
    Ok(of(function, vec![left, right]))
}

/// `<>`: null is not unequal to anything.
fn unequal(left: Expr, right: Expr) -> Expr {
    if [&left, &right].contains(&&Expr::Const(Value::Null)) {
        return Expr::Const(Value::Bool(false));
    }
    let mut parts = vec![of("not", vec![of("equals", vec![left.clone(), right.clone()])])];
    for side in [left, right] {
        if matches!(side, Expr::Column(_) | Expr::Call(..)) {
            parts.push(null_test(side, false));
        }
    }
    joined("and", parts).unwrap_or(Expr::Const(Value::Bool(true)))
}

fn null_test(value: Expr, wanted: bool) -> Expr {
    let test = of("equals", vec![value, Expr::Const(Value::Null)]);
    if wanted { test } else { of("not", vec![test]) }
}

/// None, the one part, or all of them under one function.
fn joined(function: &'static str, mut parts: Vec<Expr>) -> Option<Expr> {
    if parts.len() > 1 { Some(of(function, parts)) } else { parts.pop() }
}

/// The operands of a chain of one operator, first to last. Works without recursion: chains may be long.
fn chain<'a>(expr: &'a sql::Expr, operator: &BinaryOperator) -> Vec<&'a sql::Expr> {
    let mut parts = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            sql::Expr::BinaryOp { left, op, right } if op == operator => {
                open.push(right);
                open.push(left);
            }
            sql::Expr::Nested(inner) if matches!(inner.as_ref(), sql::Expr::BinaryOp { op, .. } if op == operator || *op == BinaryOperator::Eq) =>
            {
                open.push(inner);
            }
            other => parts.push(other),
        }
    }
    parts
}
