//! SQL statements over a table outside: rows that nobody knows beforehand, met by their key or by a query.
//!
//! A statement that names a key is about one row; whether the rest of its condition holds there is known, or a choice
//! made once. One that names none is about the rows that its query finds, and, if it changes them, about every row met
//! so far that its condition does not rule out: which rows these are nobody knows.

use super::condition::{condition, filled, is_version, keyed, query};
use super::{FROM, KEY, Store, find, gone, meet};
use crate::model::access::{Act, Caller, number, put};
use crate::model::content::{Answers, Content, Missing, Row};
use crate::model::expression::{Env, Expr, Failure};
use crate::model::function::Function;
use crate::model::over_row::over_row;
use crate::model::program::{Access, Columns, Filter};
use crate::model::select::answers;
use crate::model::statement::Columns as Wanted;
use crate::model::value::Value;
use std::sync::Arc;

/// What a statement answers and changes.
pub(super) fn act(
    store: &Store<'_>,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    match access {
        Access::Select(filter, wanted) => {
            let (after, rows) = about(store, filter, content, env, caller)?;
            let answer = select(store, &after, &rows, wanted, env)?;
            let met = after.rows.len() > content.rows.len();
            Ok(Act {
                after: met.then_some(after),
                output: told(store, answer, rows.len()),
                ..Act::default()
            })
        }
        Access::Probe(filter) => {
            let (_, rows) = about(store, filter, content, env, caller)?;
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            Ok(Act { output: Value::Int(count), ..Act::default() })
        }
        Access::CreateIfNone { row, unless, serialized } => {
            let seen = match (serialized, caller.loaded) {
                (true, _) => about(store, unless, content, env, caller)?.1.len(),
                (false, loaded) => loaded.unwrap_or(0),
            };
            if seen > 0 {
                return Ok(Act { output: told(store, Vec::new(), 0), ..Act::default() });
            }
            let made = create(store, content, row, env)?;
            Ok(Act { output: told(store, Vec::new(), 1), ..made })
        }
        Access::Update { filter, set, .. } => update(store, filter, set, content, env, caller),
        Access::Delete(filter, _) => delete(store, filter, content, env, caller),
        _ => Ok(Act { output: Value::term("answer", Vec::new()), ..Act::default() }),
    }
}

/// What has to be known before a statement can be taken.
pub(super) fn question(
    store: &Store<'_>,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
) -> Option<Value> {
    let (Access::Select(filter, _)
    | Access::Probe(filter)
    | Access::Update { filter, sql: true, .. }
    | Access::Delete(filter, true)
    | Access::CreateIfNone { unless: filter, serialized: true, .. }) = access
    else {
        return None;
    };
    match keyed(filter) {
        Some(key) => {
            let key = store.key(key, env).ok()?;
            let at = find(content, &key);
            asked(store, filter, &key, at, content, env).ok()?
        }
        None => Some(query(store, filter, env).ok()?.0),
    }
}

/// What is not known of the row of a key: whether it is there, whether the rest of the condition holds.
fn asked(
    store: &Store<'_>,
    filter: &Filter,
    key: &Value,
    at: Option<usize>,
    content: &Content,
    env: &mut dyn Env,
) -> Result<Option<Value>, Failure> {
    let met = at.and_then(|at| content.rows[at].clone());
    if met.as_ref().is_some_and(gone) {
        return Ok(None);
    }
    let row = met.clone().unwrap_or_else(|| bare(key));
    let mut open = Vec::new();
    if met.is_none() && store.resource.missing == Missing::Minded {
        open.push(Value::term("exists", vec![store.name(), key.clone()]));
    }
    match condition(store, filter, &row, env)? {
        Value::Bool(_) => {}
        unknown => open.push(unknown),
    }
    Ok(if open.len() > 1 { Some(Value::term("and", open)) } else { open.pop() })
}

fn bare(key: &Value) -> Row {
    let mut row = Row::default();
    row.columns.insert(KEY.into(), key.clone());
    row
}

/// The rows that a statement finds, and the content with those of them that nobody has met before.
fn about(
    store: &Store<'_>,
    filter: &Filter,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<(Content, Vec<usize>), Failure> {
    let mut after = content.clone();
    if let Some(key) = keyed(filter) {
        let key = store.key(key, env)?;
        let at = find(content, &key);
        let open = asked(store, filter, &key, at, content, env)?;
        let absent = at.is_none() && store.resource.missing == Missing::Minded;
        // What was done once was done because the answer was yes; a row that was not there is met by no second look.
        let yes = caller.found.unwrap_or(!absent);
        if open.is_some() && !yes {
            return Ok((after, Vec::new()));
        }
        let row = at.and_then(|at| content.rows[at].clone()).unwrap_or_else(|| bare(&key));
        if gone(&row) || condition(store, filter, &row, env)? == Value::Bool(false) {
            return Ok((after, Vec::new()));
        }
        let at = at.unwrap_or_else(|| meet(&mut after, key, None));
        return Ok((after, vec![at]));
    }
    let (query, equal) = query(store, filter, env)?;
    let met = |row: &Row| row.columns.get(FROM) == Some(&query);
    if caller.found == Some(true) && !content.live().any(|(_, r)| met(r)) {
        for index in 0..store.program.unknown_rows {
            let index = Value::Int(index.cast_signed());
            let key = Value::term("listed", vec![query.clone(), index]);
            meet(&mut after, key, Some(query.clone()));
        }
    }
    let mut rows = Vec::new();
    for (at, row) in after.live() {
        let rest = Filter { rest: filter.rest.clone(), ..Filter::default() };
        let fits = store.belongs(row, &query, &equal)
            && condition(store, &rest, row, env)? != Value::Bool(false);
        if fits {
            rows.push(at);
        }
    }
    let rows = store.ordered(rows, &after, filter, env)?;
    Ok((after, rows))
}

/// The rows that a statement changes: those that it finds, and those that nobody knows not to be among them.
fn changed(
    store: &Store<'_>,
    filter: &Filter,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<(Content, Vec<usize>, usize), Failure> {
    let (after, mut rows) = about(store, filter, content, env, caller)?;
    let found = rows.len();
    if keyed(filter).is_none() && filter.limit.is_none() {
        for (at, row) in after.live() {
            let may = !rows.contains(&at) && !gone(row);
            if may && condition(store, filter, row, env)? != Value::Bool(false) {
                rows.push(at);
            }
        }
    }
    Ok((after, rows, found))
}

/// A new row. In a table of SQL another row of its key stays what it is: nobody knows whether the table would refuse
/// a second one.
pub(super) fn create(
    store: &Store<'_>,
    content: &Content,
    row: &Columns,
    env: &mut dyn Env,
) -> Result<Act, Failure> {
    if store.resource.answers == Answers::Plain {
        return store.create(content, row, env);
    }
    let mut row = row.clone();
    if let Some((_, expr)) = row.iter_mut().find(|(c, _)| &**c == KEY) {
        let key = store.key(expr, env)?;
        let taken = find(content, &key).and_then(|at| content.rows[at].as_ref());
        let number = i64::try_from(content.rows.len()).unwrap_or(i64::MAX);
        *expr = Expr::Const(match taken.filter(|row| !gone(row)) {
            Some(_) => Value::term("another", vec![key, Value::Int(number)]),
            None => key,
        });
    }
    store.create(content, &row, env)
}

fn update(
    store: &Store<'_>,
    filter: &Filter,
    set: &Columns,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    let (mut after, rows, found) = changed(store, filter, content, env, caller)?;
    let mut wrote = Vec::new();
    let exprs: Vec<&Expr> = set.iter().map(|(_, e)| e).collect();
    for &at in &rows {
        let Some(old) = after.rows[at].as_ref().map(|row| filled(store, row, &exprs)) else {
            continue;
        };
        let mut values = Vec::new();
        for (column, expr) in set {
            values.push((column.clone(), over_row(expr, &old, env)?));
        }
        for column in filter.equal.iter().map(|(c, _)| c).filter(|c| is_version(c)) {
            let full = filled(store, &old, &[&Expr::Column(column.clone())]);
            let next = Function::lookup("add").map(|f| f.call(&[full.get(column), Value::Int(1)]));
            values.extend(next.transpose()?.map(|next| (column.clone(), next)));
        }
        if let Some(Some(row)) = after.rows.get_mut(at) {
            put(row, &values, at, &mut wrote);
        }
    }
    let shown = |&at: &usize| after.rows[at].as_ref().map(|row| store.shown(at, row));
    let answer = rows.iter().take(found).filter_map(shown).collect();
    let output = told(store, answer, found);
    let any = !rows.is_empty();
    Ok(Act { after: any.then_some(after), output, wrote, ..Act::default() })
}

fn delete(
    store: &Store<'_>,
    filter: &Filter,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    let (mut after, rows, found) = changed(store, filter, content, env, caller)?;
    let mut wrote = Vec::new();
    for &at in &rows {
        super::remove(&mut after, at);
        wrote.push((number(at), Arc::from("")));
    }
    let output = told(store, Vec::new(), found);
    let any = !rows.is_empty();
    Ok(Act { after: any.then_some(after), output, wrote, ..Act::default() })
}

fn select(
    store: &Store<'_>,
    content: &Content,
    rows: &[usize],
    wanted: &Wanted,
    env: &mut dyn Env,
) -> Result<Vec<Value>, Failure> {
    let met = rows.iter().filter_map(|&at| content.rows[at].as_ref().map(|row| (at, row)));
    if *wanted == Wanted::All {
        return Ok(met.map(|(at, row)| store.shown(at, row)).collect());
    }
    let mut exprs = Vec::new();
    match wanted {
        Wanted::All => {}
        Wanted::Each(list) => exprs.extend(list.iter().map(|(_, e)| e)),
        Wanted::Totals { totals, .. } => exprs.extend(totals.iter().filter_map(|t| t.of())),
    }
    let full: Vec<Row> = met.map(|(_, row)| filled(store, row, &exprs)).collect();
    answers(&full.iter().collect::<Vec<_>>(), wanted, env)
}

/// The answer as the service lays it out.
fn told(store: &Store<'_>, rows: Vec<Value>, affected: usize) -> Value {
    let rows = Value::array(rows);
    let body = match store.resource.answers {
        Answers::Lists => Value::array(vec![rows]),
        Answers::Plain | Answers::Http | Answers::Sets => {
            let sets = Value::object([("Table1", rows)]);
            let none = Value::object([]);
            Value::object([
                ("ResultSets", sets.clone()),
                ("resultsets", sets),
                ("OutputParameters", none),
            ])
        }
    };
    let affected = Value::Int(i64::try_from(affected).unwrap_or(i64::MAX));
    Value::object([("body", body), ("rowsAffected", affected), ("statusCode", Value::Int(200))])
}
