//! Rows of a store that nobody knows beforehand: met, found, taken away.

use super::{CONTENT, ETAGS, FROM, GONE, KEY, SYMBOL};
use crate::model::access::Act;
use crate::model::content::{Content, Row};
use crate::model::expression::Expr;
use crate::model::program::Access;
use crate::model::value::Value;
use std::sync::Arc;

pub(super) fn find(content: &Content, key: &Value) -> Option<usize> {
    content.rows.iter().position(|r| r.as_ref().is_some_and(|r| r.get(KEY) == *key))
}

/// Row 7 is row "7": parameters go into an address.
pub(super) fn in_address(value: Value) -> Value {
    match value {
        Value::Int(n) => Value::text(&n.to_string()),
        Value::Term(term) if &*term.op == "key" => {
            Value::term("key", term.args.iter().cloned().map(in_address).collect())
        }
        other => other,
    }
}

/// Texts that differ in case alone are equal to a database, unless somebody has told it otherwise.
pub fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::text(&text.to_lowercase()),
        Value::Term(term) if ["key", "concat"].contains(&&*term.op) => {
            Value::over(term, term.args.iter().map(folded).collect())
        }
        other => other.clone(),
    }
}

/// What an expression names in every run, whatever its case; `None` if that depends.
pub fn literal_name(key: &Expr) -> Option<Value> {
    match key {
        Expr::Const(value) => (!value.is_unknown()).then(|| folded(&in_address(value.clone()))),
        Expr::Opaque(name, parts) if &**name == "key" => {
            let parts: Option<Vec<Value>> = parts.iter().map(literal_name).collect();
            Some(Value::term("key", parts?))
        }
        _ => None,
    }
}

/// Whether a key is of what a look has not found: a part of it is null.
pub(super) fn is_nobody(key: &Value) -> bool {
    matches!(key, Value::Term(t) if &*t.op == "key" && t.args.contains(&Value::Null))
}

/// The id that a store thinks of for a new row: another one each time that it is asked by one call.
pub(super) fn unused(content: &Content, key: Value) -> Value {
    let Value::Term(term) = &key else { return key };
    if &*term.op != "made" {
        return key;
    }
    let nth = |n: i64| {
        let more = (n > 0).then_some(Value::Int(n));
        Value::over(term, term.args.iter().cloned().chain(more).collect())
    };
    (0..=i64::MAX).map(nth).find(|id| find(content, id).is_none()).unwrap_or(key)
}

/// Whether a key was thought up for a row that is to be made.
pub(super) fn is_new(key: &Value) -> bool {
    matches!(key, Value::Term(t) if &*t.op == "guid" || &*t.op == "key" && t.args.iter().any(is_new))
}

pub(super) fn gone(row: &Row) -> bool {
    row.columns.contains_key(GONE)
}

pub(super) fn remove(content: &mut Content, at: usize) {
    if let Some(Some(row)) = content.rows.get_mut(at) {
        row.columns.retain(|c, _| &**c == KEY || &**c == FROM);
        row.columns.insert(GONE.into(), Value::Bool(true));
    }
}

/// A row that was there before anybody named it.
pub(super) fn meet(content: &mut Content, key: Value, query: Option<Value>) -> usize {
    let mut row = Row::default();
    row.columns.insert(KEY.into(), key);
    if let Some(query) = query {
        row.columns.insert(FROM.into(), query);
    }
    content.rows.push(Some(row));
    content.rows.len() - 1
}

/// 412: the row has another etag by now. 409: there is one of that key. 404: there is none.
pub(super) fn refused(code: u16) -> Act {
    Act { output: answer(code, Value::Null), refused: Some(code), ..Act::default() }
}

pub(super) fn answer(code: u16, body: Value) -> Value {
    told(Value::Int(i64::from(code)), body)
}

pub(super) fn told(status: Value, body: Value) -> Value {
    Value::object([("body", body), ("statusCode", status)])
}

/// The store and the key of a row as an answer shows it.
pub(super) fn named(shown: &Value) -> Option<(Value, Value)> {
    let Value::Term(term) = shown.get(SYMBOL) else { return None };
    match (&*term.op, term.args.as_slice()) {
        ("row", [name, key]) => Some((name.clone(), key.clone())),
        _ => None,
    }
}

/// Whether an access may be refused for the etag that it names, beside the values or among them.
pub fn conditional(access: &Access) -> bool {
    match access {
        Access::Update { if_match, set, .. } => {
            let named = |(c, _): &(Arc<str>, Expr)| ETAGS.contains(&&**c) || &**c == CONTENT;
            if_match.is_some() || set.iter().any(named)
        }
        Access::Write { if_match, .. } => if_match.is_some(),
        _ => false,
    }
}
