//! Which rows a filter selects, and what a SELECT makes of them.

use super::content::{Content, Row};
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::function::Function;
use super::over_row::over_row;
use super::program::Filter;
use super::statement::{Columns, Order, Row as Wanted, Total};
use super::value::Value;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The row numbers a filter selects.
pub(super) fn select(
    content: &Content,
    filter: &Filter,
    env: &mut dyn Env,
) -> Result<Vec<usize>, Failure> {
    let mut wanted = Vec::new();
    for (column, expr) in &filter.equal {
        wanted.push((column, evaluate(expr, env)?));
    }
    let mut rows = Vec::new();
    for (number, row) in content.live() {
        let equal = wanted.iter().all(|(column, value)| row.get(column) == *value);
        let rest = match &filter.rest {
            Some(expr) if equal => over_row(expr, row, env)? == Value::Bool(true),
            _ => true,
        };
        if equal && rest {
            rows.push((sort_key(&filter.order, row, env)?, number));
        }
    }
    // Rows that are alike keep the order in which they were made.
    rows.sort_by(|(a, _), (b, _)| {
        let each = a.iter().zip(b).map(|(a, b)| a.cmp(b));
        each.fold(Ordering::Equal, Ordering::then)
    });
    let most = filter.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    Ok(rows.into_iter().map(|(_, number)| number).take(most).collect())
}

/// A value to sort by, upwards or downwards.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Up(Value),
    Down(Reverse<Value>),
}

fn sort_key(order: &[Order], row: &Row, env: &mut dyn Env) -> Result<Vec<Key>, Failure> {
    let mut keys = Vec::new();
    for Order { by, descending } in order {
        let value = over_row(by, row, env)?;
        keys.push(if *descending { Key::Down(Reverse(value)) } else { Key::Up(value) });
    }
    Ok(keys)
}

/// The rows that a SELECT answers with.
pub(super) fn selected(
    content: &Content,
    filter: &Filter,
    wanted: &Columns,
    env: &mut dyn Env,
) -> Result<Value, Failure> {
    let numbers = select(content, filter, env)?;
    let rows: Vec<&Row> = numbers.iter().filter_map(|&at| content.rows[at].as_ref()).collect();
    Ok(Value::array(answers(&rows, wanted, env)?))
}

/// What a SELECT answers of these rows.
pub(super) fn answers(
    rows: &[&Row],
    wanted: &Columns,
    env: &mut dyn Env,
) -> Result<Vec<Value>, Failure> {
    let mut answers = Vec::new();
    match wanted {
        Columns::All => {
            let whole = rows.iter().map(|row| Value::Object(Arc::new(row.columns.clone())));
            answers.extend(whole);
        }
        Columns::Each(list) => {
            for row in rows {
                answers.push(shown(list, row, env)?);
            }
        }
        Columns::Totals { totals, row } => {
            let mut sums = Row::default();
            for (number, total) in totals.iter().enumerate() {
                let value = self::total(total, rows, env)?;
                sums.columns.insert(format!("#{number}").into(), value);
            }
            answers.push(shown(row, &sums, env)?);
        }
    }
    Ok(answers)
}

fn shown(list: &Wanted, row: &Row, env: &mut dyn Env) -> Result<Value, Failure> {
    let mut columns = BTreeMap::new();
    for (alias, expr) in list {
        columns.insert(alias.clone(), over_row(expr, row, env)?);
    }
    Ok(Value::Object(Arc::new(columns)))
}

/// Nulls are left out; of nothing the total is null, but a count is 0.
fn total(total: &Total, rows: &[&Row], env: &mut dyn Env) -> Result<Value, Failure> {
    let Some(expr) = total.of() else {
        return Ok(Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX)));
    };
    let mut so_far = Value::Null;
    for row in rows {
        let value = over_row(expr, row, env)?;
        so_far = match (&so_far, &value) {
            (_, Value::Null) => so_far,
            (Value::Null, _) => value,
            _ => two(total, so_far, value)?,
        };
    }
    Ok(so_far)
}

fn two(total: &Total, a: Value, b: Value) -> Result<Value, Failure> {
    let name = if matches!(total, Total::Sum(_)) { "add" } else { "less" };
    let function = Function::lookup(name).ok_or_else(|| Failure(format!("no function {name}")))?;
    let answer = function.call(&[a.clone(), b.clone()])?;
    Ok(match (total, answer) {
        (Total::Count | Total::Sum(_), sum) => sum,
        (Total::Min(_), Value::Bool(less)) => {
            if less {
                a
            } else {
                b
            }
        }
        (Total::Max(_), Value::Bool(less)) => {
            if less {
                b
            } else {
                a
            }
        }
        (Total::Min(_), _) => Value::term("MIN", vec![a, b]),
        (Total::Max(_), _) => Value::term("MAX", vec![a, b]),
    })
}

/// Whether an expression looks at the row, and at which of its columns.
pub(super) fn columns_of<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for expr in exprs {
        expr.visit(&mut |e| {
            if let Expr::Column(column) = e {
                found.push(column.clone());
            }
        });
    }
    found
}
