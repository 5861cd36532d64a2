//! Which rows of a table outside an SQL condition is about, as far as anybody knows.

use super::row::folded;
use super::{Equal, KEY, Store};
use crate::model::content::Row;
use crate::model::evaluate::evaluate;
use crate::model::expression::{Env, Expr, Failure};
use crate::model::function::Function;
use crate::model::identity::identity;
use crate::model::over_row::over_row;
use crate::model::program::Filter;
use crate::model::select::columns_of;
use crate::model::value::Value;

pub(super) fn keyed(filter: &Filter) -> Option<&Expr> {
    filter.equal.iter().find(|(c, _)| &**c == KEY).map(|(_, e)| e)
}

/// Whether a row meets the condition, its key aside: true, false, or what that depends on.
pub(super) fn condition(
    store: &Store<'_>,
    filter: &Filter,
    row: &Row,
    env: &mut dyn Env,
) -> Result<Value, Failure> {
    let mut parts = Vec::new();
    for (column, expr) in filter.equal.iter().filter(|(c, _)| &**c != KEY) {
        let wanted = folded(&identity(&evaluate(expr, env)?, store.program.alias));
        let full = filled(store, row, &[&Expr::Column(column.clone())]);
        let have = folded(&identity(&full.get(column), store.program.alias));
        parts.push(equals(have, wanted)?);
    }
    if let Some(rest) = &filter.rest {
        parts.push(with_value(&over_row(rest, &filled(store, row, &[rest]), env)?));
    }
    // A comparison without a value is no match.
    if parts.iter().any(|p| !p.is_unknown() && *p != Value::Bool(true)) {
        return Ok(Value::Bool(false));
    }
    parts.retain(Value::is_unknown);
    Ok(match parts.len() {
        0 => Value::Bool(true),
        1 => parts.remove(0),
        _ => Value::term("and", parts),
    })
}

impl Store<'_> {
    /// Whether what the flow has written into a row leaves it in a query. Services compare texts whatever their case.
    pub(super) fn may_meet(&self, row: &Row, filter: &Filter, env: &mut dyn Env) -> bool {
        let Some(condition) = &filter.meets else { return true };
        let mut full = filled(self, row, &[condition]);
        for value in full.columns.values_mut() {
            *value = folded(value);
        }
        over_row(condition, &full, env).map_or(true, |holds| holds != Value::Bool(false))
    }
}

/// What is not known of an order in SQL: without a value it is false, like its opposite.
fn with_value(condition: &Value) -> Value {
    let Value::Term(term) = condition else { return condition.clone() };
    match &*term.op {
        "and" | "or" => Value::over(term, term.args.iter().map(with_value).collect()),
        "greater" | "greaterorequals" | "less" | "lessorequals" => {
            let null = |v: &Value| Value::term("equals", vec![Value::Null, v.clone()]);
            let open = term.args.iter().filter(|v| v.is_unknown());
            let mut parts: Vec<Value> = open.map(|v| Value::term("not", vec![null(v)])).collect();
            parts.push(condition.clone());
            Value::term("and", parts)
        }
        _ => condition.clone(),
    }
}

fn equals(have: Value, wanted: Value) -> Result<Value, Failure> {
    if have == wanted {
        return Ok(Value::Bool(true));
    }
    // A number is not itself plus one.
    let ((a, m), (b, n)) = (offset(&have), offset(&wanted));
    if a == b && m != n {
        return Ok(Value::Bool(false));
    }
    let function =
        Function::lookup("equals").ok_or_else(|| Failure("no function equals".into()))?;
    function.call(&[have, wanted])
}

/// An unknown number as a sum of unknown ones and a known one.
pub(super) fn offset(value: &Value) -> (Vec<Value>, i64) {
    match value {
        Value::Term(term) if &*term.op == "add" => {
            let known = |v: &Value| if let Value::Int(n) = v { Some(*n) } else { None };
            let unknown = term.args.iter().filter(|v| known(v).is_none()).cloned().collect();
            (unknown, term.args.iter().filter_map(known).fold(0, i64::wrapping_add))
        }
        other => (vec![other.clone()], 0),
    }
}

/// A column that the server changes by itself with every update.
pub(super) fn is_version(column: &str) -> bool {
    let plain = column.to_lowercase().replace(['_', ' '], "");
    ["rowversion", "rowver", "versionstamp"].contains(&&*plain)
}

/// A row with symbols in the columns that these expressions read and nobody has written.
pub(super) fn filled(store: &Store<'_>, row: &Row, exprs: &[&Expr]) -> Row {
    let mut full = row.clone();
    for column in columns_of(exprs.iter().copied()) {
        let symbol = || {
            let row = store.symbol(&row.get(KEY));
            Value::term("[]", vec![row, Value::String(column.clone())])
        };
        full.columns.entry(column.clone()).or_insert_with(symbol);
    }
    full
}

/// The query of a statement without a key as a value, and its equal columns.
pub(super) fn query(
    store: &Store<'_>,
    filter: &Filter,
    env: &mut dyn Env,
) -> Result<(Value, Equal), Failure> {
    let rest = filter.rest.as_ref().map(|rest| {
        let mut row = Row::default();
        for column in columns_of([rest]) {
            row.columns.insert(column.clone(), Value::term("column", vec![Value::String(column)]));
        }
        over_row(rest, &row, env)
    });
    let equal = Filter { equal: filter.equal.clone(), ..Filter::default() };
    let (query, equal) = store.query(&equal, env)?;
    Ok(match rest.transpose()? {
        Some(rest) => {
            (Value::term("query", vec![query, identity(&rest, store.program.alias)]), equal)
        }
        None => (query, equal),
    })
}
