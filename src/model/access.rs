//! What one access does to one resource: the only code that says it, used by the step and by its re-evaluation.

use super::content::{Answers, Content, Row};
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::external;
use super::ids::ResourceId;
use super::lease::{ANYBODY, acquire, break_lease, end_lease, over_http, standing, write};
use super::over_row::over_row;
use super::program::{Access, Adding, Columns, Filter, Program, Shape};
use super::select::{select, selected};
use super::value::{Standing, Value};
use super::version;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of an access.
#[derive(Clone, Debug, Default)]
pub struct Act {
    /// The content afterwards, if it changed.
    pub after: Option<Content>,
    /// The answer.
    pub output: Value,
    /// Whether it failed, and with which code.
    pub refused: Option<u16>,
    /// The columns written, by row; the empty column for a row made or removed.
    pub wrote: Vec<(u32, Arc<str>)>,
    /// It has to wait (a held lease with attempts left).
    pub waits: bool,
    /// It gave up after its last attempt.
    pub exhausted: bool,
    /// It replaced or ended somebody's lease: older lease ids are worth nothing now.
    pub lease: Option<LeaseEvent>,
}

/// What happened to the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseEvent {
    /// The caller has it now, for this many seconds (`None`: for ever).
    Acquired(Option<u64>),
    /// The caller's clock starts again.
    Renewed,
    /// The caller gave it back.
    Released,
    /// The blob was written after the lease had run out.
    Forgotten,
    /// Somebody has ended it, whosever it was.
    Broken,
}

/// The parts of an access that do not come from its expressions.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// How the caller's own lease of this blob stands, when it does not name one.
    pub lease: Option<Standing>,
    /// Whether the attempts of a lease acquire can be used up.
    pub exhaustible: bool,
    /// The value loaded by the first half of a torn action, or the rows seen by a probe.
    pub loaded: Option<usize>,
    /// Whether an external store held what is asked for before the flow started; `None`: it is not asked now.
    pub found: Option<bool>,
}

/// An object that answers with a status code alone.
pub fn code(status: u16) -> Value {
    Value::object([("statusCode", Value::Int(i64::from(status)))])
}

impl Act {
    fn answer(output: Value) -> Self {
        Self { output, ..Self::default() }
    }
    pub(super) fn refuse(status: u16) -> Self {
        Self { output: code(status), refused: Some(status), ..Self::default() }
    }
}

pub(super) fn columns(
    list: &Columns,
    env: &mut dyn Env,
) -> Result<Vec<(Arc<str>, Value)>, Failure> {
    list.iter().map(|(c, e)| Ok((c.clone(), evaluate(e, env)?))).collect()
}

pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Whether an `If-Match` value lets the write through.
pub(super) fn matches(etag: &Value, content: &Content) -> bool {
    match etag {
        Value::String(text) => &**text == "*",
        Value::Token(token) => content.standing(token) == Standing::Current,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
        Value::Array(_) | Value::Object(_) | Value::Term(_) => false,
    }
}

/// Writes columns of a row in place; equal values count as written (the etag changes).
pub(super) fn put(
    row: &mut Row,
    values: &[(Arc<str>, Value)],
    at: usize,
    wrote: &mut Vec<(u32, Arc<str>)>,
) {
    for (column, value) in values {
        row.columns.insert(column.clone(), value.clone());
        wrote.push((number(at), column.clone()));
    }
}

/// Adds a row, or refuses it because of a unique key.
fn insert(
    program: &Program,
    rid: ResourceId,
    content: &Content,
    row: Vec<(Arc<str>, Value)>,
) -> Act {
    let resource = program.resource(rid);
    let row: BTreeMap<Arc<str>, Value> = row.into_iter().collect();
    let row = Row { columns: row, ..Row::default() };
    let clash = |other: &Row| resource.key.iter().all(|k| other.get(k) == row.get(k));
    if resource.unique && !resource.key.is_empty() && content.live().any(|(_, other)| clash(other))
    {
        return Act::refuse(409);
    }
    let mut after = content.clone();
    let at = after.rows.len();
    let mut wrote = vec![(number(at), Arc::from(""))];
    wrote.extend(row.columns.keys().map(|c| (number(at), c.clone())));
    let mut output = row.shown(rid.0, at);
    output.insert("statusCode".into(), Value::Int(201));
    after.rows.push(Some(row));
    Act { after: Some(after), output: Value::Object(Arc::new(output)), wrote, ..Act::default() }
}

/// What the access answers and changes, on this content, with expressions from `env`.
pub fn act(
    program: &Program,
    rid: ResourceId,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    let resource = program.resource(rid);
    let mut done = if resource.shape == Shape::External {
        external::act(program, rid, access, content, env, caller)?
    } else {
        let done = described(program, rid, access, content, env, caller)?;
        if resource.answers == Answers::Http { over_http(done) } else { done }
    };
    if program.kept.contains(&rid) {
        version::count(rid, content, &mut done);
    }
    Ok(done)
}

/// The same of a resource whose content is described.
fn described(
    program: &Program,
    rid: ResourceId,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    match access {
        Access::Get | Access::Fetch(_) | Access::Load => Ok(get(program, rid, content)),
        Access::List(filter) => {
            let rows = select(content, filter, env)?;
            let shown = |&r: &usize| {
                content.rows[r].as_ref().map(|row| Value::Object(Arc::new(row.shown(rid.0, r))))
            };
            Ok(Act::answer(Value::object([
                ("value", Value::array(rows.iter().filter_map(shown).collect())),
                ("statusCode", Value::Int(200)),
            ])))
        }
        Access::Select(filter, wanted) => {
            let rows = selected(content, filter, wanted, env)?;
            Ok(Act::answer(Value::object([("rows", rows), ("statusCode", Value::Int(200))])))
        }
        Access::Update { filter, set, if_match, sql } => {
            update(rid, content, filter, set, if_match.as_ref(), *sql, env)
        }
        Access::Add { value, how } | Access::Store { value, how } => {
            let by = evaluate(value, env)?;
            let old = if matches!(access, Access::Store { .. }) {
                env.element()?
            } else {
                content.single("value")
            };
            let mut after = content.clone();
            let mut wrote = Vec::new();
            let new = add(&old, &by, *how)?;
            if let Some(Some(row)) = after.rows.first_mut() {
                put(row, &[("value".into(), new)], 0, &mut wrote);
            }
            Ok(Act { after: Some(after), output: code(200), wrote, ..Act::default() })
        }
        Access::Create(row) => Ok(insert(program, rid, content, columns(row, env)?)),
        Access::Probe(filter) => {
            let found = select(content, filter, env)?.len();
            Ok(Act::answer(Value::Int(i64::try_from(found).unwrap_or(i64::MAX))))
        }
        Access::CreateIfNone { row, unless, serialized } => {
            let seen = if *serialized {
                select(content, unless, env)?.len()
            } else {
                caller.loaded.unwrap_or(0)
            };
            if seen > 0 {
                return Ok(Act::answer(Value::object([("rowsAffected", Value::Int(0))])));
            }
            let act = insert(program, rid, content, columns(row, env)?);
            let output =
                act.refused.map_or_else(|| Value::object([("rowsAffected", Value::Int(1))]), code);
            Ok(Act { output, ..act })
        }
        Access::Upsert { key, row } => upsert(program, rid, content, key, row, env),
        Access::Delete(filter, sql) => delete(content, filter, *sql, env),
        Access::Acquire { seconds, retry } => {
            Ok(acquire(rid, content, &evaluate(seconds, env)?, *retry, caller))
        }
        Access::Release(Some(Expr::Const(any))) if *any == Value::text(ANYBODY) => {
            Ok(break_lease(content))
        }
        Access::Renew(lease) | Access::Release(lease) => {
            let standing = standing(content, lease.as_ref(), env, caller)?;
            Ok(end_lease(content, standing, matches!(access, Access::Renew(_))))
        }
        Access::Write { value, lease, if_match } => {
            write(content, value, lease.as_ref(), if_match.as_ref(), env)
        }
    }
}

fn get(program: &Program, rid: ResourceId, content: &Content) -> Act {
    let Some(Some(row)) = content.rows.first() else { return Act::refuse(404) };
    let mut shown = row.shown(rid.0, 0);
    if program.resource(rid).shape == Shape::Variable {
        shown.remove("etag");
    }
    shown.insert("statusCode".into(), Value::Int(200));
    Act::answer(Value::Object(Arc::new(shown)))
}

fn update(
    rid: ResourceId,
    content: &Content,
    filter: &Filter,
    set: &Columns,
    if_match: Option<&Expr>,
    sql: bool,
    env: &mut dyn Env,
) -> Result<Act, Failure> {
    let rows = select(content, filter, env)?;
    if let Some(etag) = if_match {
        let etag = evaluate(etag, env)?;
        let named = match &etag {
            Value::Token(t) => rows.iter().all(|&r| number(r) == t.row && t.resource == rid.0),
            _ => true,
        };
        if !matches(&etag, content) || !named {
            return Ok(Act::refuse(412));
        }
    }
    if rows.is_empty() {
        let none = Act::answer(Value::object([("rowsAffected", Value::Int(0))]));
        return Ok(if sql { none } else { Act::refuse(404) });
    }
    let mut after = content.clone();
    let mut wrote = Vec::new();
    for &at in &rows {
        let Some(old) = &content.rows[at] else { continue };
        let mut values = Vec::new();
        for (column, expr) in set {
            values.push((column.clone(), over_row(expr, old, env)?));
        }
        if let Some(Some(row)) = after.rows.get_mut(at) {
            put(row, &values, at, &mut wrote);
        }
    }
    let count = Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let output = if sql { Value::object([("rowsAffected", count)]) } else { code(200) };
    Ok(Act { after: Some(after), output, wrote, ..Act::default() })
}

/// Increment, decrement or append.
fn add(old: &Value, by: &Value, how: Adding) -> Result<Value, Failure> {
    let call = |name: &str| {
        let function = super::function::Function::lookup(name)
            .ok_or_else(|| Failure(format!("no function {name}")))?;
        function.call(&[old.clone(), by.clone()])
    };
    match (how, old) {
        (Adding::Plus, _) => call("add"),
        (Adding::Minus, _) => call("sub"),
        (Adding::Append, Value::Array(items)) => {
            let mut items = items.to_vec();
            items.push(by.clone());
            Ok(Value::array(items))
        }
        (Adding::Append, Value::Null) => Ok(Value::array(vec![by.clone()])),
        (Adding::Append, _) => call("concat"),
    }
}

fn upsert(
    program: &Program,
    rid: ResourceId,
    content: &Content,
    key: &Columns,
    row: &Columns,
    env: &mut dyn Env,
) -> Result<Act, Failure> {
    let wanted = columns(key, env)?;
    let values = columns(row, env)?;
    let found = content
        .live()
        .find(|(_, row)| wanted.iter().all(|(c, v)| row.get(c) == *v))
        .map(|(at, _)| at);
    let Some(at) = found else {
        let mut all = wanted;
        all.extend(values);
        let act = insert(program, rid, content, all);
        // An upsert never clashes (design.md §4): the row that it would clash with is the one that it updates.
        return Ok(Act {
            output: if act.refused.is_some() { code(409) } else { code(200) },
            ..act
        });
    };
    let mut after = content.clone();
    let mut wrote = Vec::new();
    if let Some(Some(row)) = after.rows.get_mut(at) {
        put(row, &values, at, &mut wrote);
    }
    Ok(Act { after: Some(after), output: code(200), wrote, ..Act::default() })
}

fn delete(
    content: &Content,
    filter: &Filter,
    sql: bool,
    env: &mut dyn Env,
) -> Result<Act, Failure> {
    let rows = select(content, filter, env)?;
    if rows.is_empty() && !sql {
        return Ok(Act::refuse(404));
    }
    let mut after = content.clone();
    for &at in &rows {
        after.rows[at] = None;
    }
    let wrote = rows.iter().map(|&at| (number(at), Arc::from(""))).collect();
    let count = Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let output = if sql { Value::object([("rowsAffected", count)]) } else { code(200) };
    Ok(Act { after: Some(after), output, wrote, ..Act::default() })
}
