//! External: a store outside the flow whose rows nobody knows beforehand (a list, a table, a folder, a REST path).
//!
//! A row is known by its key, a value that says whom it is about. A row that nobody has written yet is a symbol: its
//! columns are symbols over it, and what the flow writes lies over them. Equal keys are one row; keys that are
//! different terms are taken for different rows, which is an assumption of the scenario.

mod condition;
mod order;
mod row;
mod shown;
mod sql;

use super::access::{Act, Caller, columns, number, put};
use super::among::among;
use super::content::{Content, Missing, Row};
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
pub use super::identity::{ANSWER, DONE, ROWS, differ, hangs_on_event, identity, is_id, timeless};
use super::ids::ResourceId;
use super::over_row::over_row;
use super::program::{Access, Columns, Filter, Program, Resource, Shape};
use super::value::{Standing, Value};
use condition::keyed;
use row::{answer, find, gone, is_new, is_nobody, meet, named, refused, remove, told, unused};
pub use row::{conditional, folded, literal_name};
use shown::ETAGS;
pub use shown::{ETAG, wraps};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The column that says which row it is.
pub const KEY: &str = "#key";
/// The column that says which query met the row first.
const FROM: &str = "#from";
/// Set in a row that was deleted.
const GONE: &str = "#gone";
/// Set in a row that the flow made.
const MADE: &str = "#made";
/// The property of a shown row that stands for all its columns that are not known.
pub const SYMBOL: &str = "#row";

/// What a store's row says in a column that nobody has written: what it said before. `None`: a row nobody has met.
pub fn unwritten(store: &Arc<str>, row: Option<&Row>, column: &str) -> Value {
    if row.is_some_and(|row| row.columns.contains_key(column)) {
        return Value::Null;
    }
    let key = row.map_or(Value::Null, |row| row.get(KEY));
    let row = Value::term("row", vec![Value::String(store.clone()), key]);
    Value::term("[]", vec![row, Value::text(column)])
}

/// The column that is the whole content of a file.
pub const CONTENT: &str = "content";

/// What services answer when they have changed something; which of them it is, is the operation's own business.
const SUCCESS: [i64; 4] = [200, 201, 202, 204];

/// What an access to an external store answers and changes.
pub(super) fn act(
    program: &Program,
    rid: ResourceId,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Act, Failure> {
    let store = Store { program, rid, resource: program.resource(rid) };
    match access {
        Access::Fetch(key) => {
            let key = store.key(key, env)?;
            Ok(store.fetch(content, key, caller))
        }
        Access::List(filter) => store.list(content, filter, env, caller),
        Access::Update { filter, set, if_match, sql: false } => {
            if store.is_deleted(content, filter, env)? {
                return Ok(refused(404));
            }
            store.update(content, filter, set, if_match.as_ref(), env)
        }
        Access::Create(row) => sql::create(&store, content, row, env),
        Access::Upsert { key, row } => {
            let all: Columns = key.iter().chain(row).cloned().collect();
            let filter = Filter { equal: key.clone(), ..Filter::default() };
            let act = store.update(content, &filter, row, None, env)?;
            let settled = act.after.is_some() || act.refused.is_some();
            if settled { Ok(act) } else { store.create(content, &all, env) }
        }
        Access::Delete(filter, false) => store.delete(content, filter, env),
        _ => sql::act(&store, access, content, env, caller),
    }
}

/// The question whether a store holds rows that a query finds, or the row of a key, before the flow starts.
pub fn question(
    program: &Program,
    rid: ResourceId,
    access: &Access,
    content: &Content,
    env: &mut dyn Env,
) -> Option<Value> {
    let store = Store { program, rid, resource: program.resource(rid) };
    if store.resource.shape != Shape::External {
        return None;
    }
    match access {
        Access::List(filter) => {
            let key = keyed(filter).map(|key| store.key(key, env)).transpose().ok()?;
            let known = key.is_some_and(|key| find(content, &key).is_some());
            if known { None } else { Some(store.query(filter, env).ok()?.0) }
        }
        Access::Fetch(key) if store.resource.missing == Missing::Minded => {
            let key = store.key(key, env).ok()?;
            let known = find(content, &key).is_some();
            (!known).then(|| Value::term("exists", vec![store.name(), key]))
        }
        _ => sql::question(&store, access, content, env),
    }
}

/// The store whose row a value is, as an answer shows it.
pub fn store_of(program: &Program, shown: &Value) -> Option<ResourceId> {
    let (name, _) = named(shown)?;
    let at = program
        .resources
        .iter()
        .position(|r| r.shape == Shape::External && Value::String(r.name.clone()) == name)?;
    Some(ResourceId(u32::try_from(at).ok()?))
}

/// The same row as the store would show it now; `None` if it is not there. Where a write said nothing of columns, its
/// members lie over those that were known.
pub fn again(
    program: &Program,
    rid: ResourceId,
    content: &Content,
    shown: &Value,
) -> Option<Value> {
    let (_, key) = named(shown)?;
    let at = find(content, &key)?;
    let row = content.rows.get(at).and_then(Option::as_ref).filter(|row| !gone(row))?;
    let now = Store { program, rid, resource: program.resource(rid) }.shown(at, row);
    match (shown, &now) {
        (Value::Object(then), Value::Object(new)) if row.columns.contains_key(CONTENT) => {
            let members = new.iter().map(|(c, v)| (c.clone(), v.clone()));
            let then = then.iter().map(|(c, v)| (c.clone(), v.clone()));
            Some(Value::Object(Arc::new(then.chain(members).collect())))
        }
        (_, Value::Object(_)) => Some(now),
        _ => None,
    }
}

/// Columns that have to equal values.
type Equal = Vec<(Arc<str>, Value)>;

struct Store<'p> {
    program: &'p Program,
    rid: ResourceId,
    resource: &'p Resource,
}

impl Store<'_> {
    fn name(&self) -> Value {
        Value::String(self.resource.name.clone())
    }

    /// The status of an answer that says that something was done: always the same one, for whoever asks for it.
    fn status(&self, done: &str) -> Value {
        let about = Value::term("status", vec![self.name(), Value::text(done)]);
        among(about, SUCCESS.map(Value::Int).to_vec())
    }

    fn fetch(&self, content: &Content, key: Value, caller: Caller) -> Act {
        let mut after = content.clone();
        let found = find(content, &key);
        if found.is_none() && caller.found == Some(false)
            || found.is_some_and(|at| after.rows[at].as_ref().is_some_and(gone))
        {
            return refused(404);
        }
        let at = found.unwrap_or_else(|| meet(&mut after, key, None));
        let row = after.rows[at].as_ref().map_or(Value::Null, |row| self.shown(at, row));
        let mut codes = vec![Value::Int(200)];
        // Nobody makes rows: whether it is there decides nothing but what its status says.
        codes.extend((self.resource.missing == Missing::Tolerated).then_some(Value::Int(404)));
        let about = Value::term("exists", vec![row.get(SYMBOL)]);
        let status = among(about, codes);
        let mut output = BTreeMap::from([("body".into(), row), ("statusCode".into(), status)]);
        if self.resource.etags {
            output.insert("headers".into(), Value::object([("ETag", self.etag(at))]));
        }
        let after = found.is_none().then_some(after);
        Act { after, output: Value::Object(Arc::new(output)), ..Act::default() }
    }

    /// The query as a value, its equal columns and whether they say all of it.
    fn query(&self, filter: &Filter, env: &mut dyn Env) -> Result<(Value, Equal), Failure> {
        let mut equal = columns(&filter.equal, env)?;
        for (_, value) in &mut equal {
            *value = folded(&identity(value, self.program.alias));
        }
        let mut args = vec![self.name()];
        for (column, value) in &equal {
            args.push(Value::String(column.clone()));
            args.push(value.clone());
        }
        if let Some(rest) = &filter.rest {
            args.push(identity(&evaluate(rest, env)?, self.program.alias));
        }
        Ok((Value::term("query", args), equal))
    }

    /// A row that an earlier query met belongs to it still; a row that the flow made belongs to every query that its
    /// columns do not contradict.
    fn belongs(&self, row: &Row, query: &Value, equal: &[(Arc<str>, Value)]) -> bool {
        let same = |value: &Value, wanted: &Value| {
            let value = folded(&identity(value, self.program.alias));
            value == *wanted || (value.is_unknown() && row.columns.contains_key(FROM))
        };
        let fits = equal.iter().all(|(column, wanted)| {
            row.columns.get(column).is_none_or(|value| same(value, wanted))
        });
        let met = row.columns.get(FROM).is_none_or(|from| from == query);
        // A row that only a key has named so far was there before: whether the query finds it is not known.
        let made = row.columns.contains_key(MADE);
        !gone(row) && fits && met && (made || row.columns.contains_key(FROM))
    }

    fn list(
        &self,
        content: &Content,
        filter: &Filter,
        env: &mut dyn Env,
        caller: Caller,
    ) -> Result<Act, Failure> {
        let (query, equal) = self.query(filter, env)?;
        let mut after = content.clone();
        let met = |row: &Row| row.columns.get(FROM) == Some(&query);
        if let Some(key) = keyed(filter) {
            return self.list_one(content, (key, &equal), env, caller);
        }
        let first = caller.found == Some(true) && !content.live().any(|(_, r)| met(r));
        if first {
            for index in 0..self.program.unknown_rows {
                let index = Value::Int(index.cast_signed());
                let key = Value::term("listed", vec![query.clone(), index]);
                meet(&mut after, key, Some(query.clone()));
            }
        }
        let mut rows = Vec::new();
        for (at, row) in after.live() {
            let belongs = self.belongs(row, &query, &equal) && self.may_meet(row, filter, env);
            if belongs || self.comes_first(row, filter, &equal) {
                rows.push(at);
            }
        }
        let rows = self.ordered(rows, &after, filter, env)?.into_iter();
        let output = self.listed(rows, &after);
        Ok(Act { after: first.then_some(after), output, ..Act::default() })
    }

    /// Whether the row of this key was there, and is not any more.
    fn is_deleted(
        &self,
        content: &Content,
        filter: &Filter,
        env: &mut dyn Env,
    ) -> Result<bool, Failure> {
        let Some(key) = keyed(filter) else { return Ok(false) };
        let found = find(content, &self.key(key, env)?);
        Ok(found.and_then(|at| content.rows[at].as_ref()).is_some_and(gone))
    }

    fn update(
        &self,
        content: &Content,
        filter: &Filter,
        set: &Columns,
        if_match: Option<&Expr>,
        env: &mut dyn Env,
    ) -> Result<Act, Failure> {
        let mut after = content.clone();
        let Some((_, key)) = filter.equal.iter().find(|(c, _)| &**c == KEY) else {
            return Ok(Act { output: answer(200, Value::Null), ..Act::default() });
        };
        let key = self.key(key, env)?;
        if is_nobody(&key) {
            return Ok(refused(404));
        }
        let found = find(content, &key);
        // Nobody has had a row of this name before: an update that makes missing rows makes it.
        let made = found.is_none() && is_new(&key);
        let at = found.unwrap_or_else(|| meet(&mut after, key, None));
        if let Some(etag) = if_match
            && self.stale(&evaluate(etag, env)?, content, at)
        {
            return Ok(refused(412));
        }
        let old = after.rows[at].clone().unwrap_or_default();
        let mut values = Vec::new();
        for (column, expr) in set {
            values.push((column.clone(), over_row(expr, &old, env)?));
        }
        // Some services want the etag in the body.
        let inside = values.iter().any(|(column, value)| match value {
            Value::Object(_) if &**column == CONTENT => {
                ETAGS.iter().any(|e| self.stale(&value.get(e), content, at))
            }
            etag => ETAGS.contains(&&**column) && self.stale(etag, content, at),
        });
        if inside {
            return Ok(refused(412));
        }
        let mut wrote = Vec::new();
        if let Some(Some(row)) = after.rows.get_mut(at) {
            row.columns.remove(GONE);
            if made {
                row.columns.insert(MADE.into(), Value::Bool(true));
                wrote.push((number(at), Arc::from("")));
            }
            put(row, &values, at, &mut wrote);
        }
        let body = after.rows[at].as_ref().map_or(Value::Null, |row| self.shown(at, row));
        let output = told(self.status("update"), body);
        Ok(Act { after: Some(after), output, wrote, ..Act::default() })
    }

    /// Whether a value is an etag that does not fit the row any more.
    fn stale(&self, etag: &Value, content: &Content, at: usize) -> bool {
        matches!(etag, Value::Token(t)
            if content.standing(t) != Standing::Current || t.row != number(at) || t.resource != self.rid.0)
    }

    fn create(&self, content: &Content, row: &Columns, env: &mut dyn Env) -> Result<Act, Failure> {
        let mut key = None;
        let mut values = Vec::new();
        for (column, expr) in row {
            if &**column == KEY {
                key = Some(self.key(expr, env)?);
            } else {
                values.push((column.clone(), evaluate(expr, env)?));
            }
        }
        let key = unused(content, key.unwrap_or_default());
        let mut after = content.clone();
        let found = find(content, &key);
        let taken = found.and_then(|at| content.rows[at].as_ref()).is_some_and(|row| !gone(row));
        if taken && self.resource.unique {
            return Ok(refused(409));
        }
        let at = found.unwrap_or_else(|| meet(&mut after, key, None));
        let mut wrote = vec![(number(at), Arc::from(""))];
        if let Some(Some(row)) = after.rows.get_mut(at) {
            row.columns.remove(GONE);
            row.columns.insert(MADE.into(), Value::Bool(true));
            put(row, &values, at, &mut wrote);
        }
        let body = after.rows[at].as_ref().map_or(Value::Null, |row| self.shown(at, row));
        let output = told(self.status("create"), body);
        Ok(Act { after: Some(after), output, wrote, ..Act::default() })
    }

    fn delete(
        &self,
        content: &Content,
        filter: &Filter,
        env: &mut dyn Env,
    ) -> Result<Act, Failure> {
        let Some((_, key)) = filter.equal.iter().find(|(c, _)| &**c == KEY) else {
            return Ok(Act { output: answer(200, Value::Null), ..Act::default() });
        };
        let key = self.key(key, env)?;
        let mut after = content.clone();
        let found = find(content, &key);
        if is_nobody(&key) || found.is_some_and(|at| content.rows[at].as_ref().is_some_and(gone)) {
            return Ok(refused(404));
        }
        let at = found.unwrap_or_else(|| meet(&mut after, key, None));
        remove(&mut after, at);
        let wrote = vec![(number(at), Arc::from(""))];
        let output = told(self.status("delete"), Value::Null);
        Ok(Act { after: Some(after), output, wrote, ..Act::default() })
    }
}
