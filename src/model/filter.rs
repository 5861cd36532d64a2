//! Filter array: which elements of a list are kept, as far as that is known.
//!
//! Of rows from outside nobody knows what they say in a column that nobody has written. What may be kept stands in the
//! result as a symbol, each element with the condition that decides about it; so what holds whichever of them are kept
//! is known: a list with a row that is surely kept is not empty.

use super::among::among;
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::external::SYMBOL;
use super::function::Function;
use super::identity::identity;
use super::over_row::Within;
use super::value::Value;

const OP: &str = "filter";

/// The elements for which a condition holds.
pub(super) fn filter(from: &Expr, condition: &Expr, env: &mut dyn Env) -> Result<Value, Failure> {
    let from = evaluate(from, env)?;
    let (items, earlier) = match (&from, sifted(&from)) {
        (Value::Array(items), _) => (items.to_vec(), Vec::new()),
        (_, Some((items, conditions))) => (items.to_vec(), conditions.to_vec()),
        (Value::Term(_), None) => return Ok(Value::term(OP, vec![from])),
        _ => return Err(Failure("filter array needs a list".into())),
    };
    let (mut kept, mut conditions) = (Vec::new(), Vec::new());
    for (index, element) in items.into_iter().enumerate() {
        let row = matches!(&element, Value::Object(o) if o.contains_key(SYMBOL));
        let alias = env.alias();
        let holds = evaluate(condition, &mut Within::element(env, element.clone()))?;
        let holds = if row { settled(&identity(&holds, alias)) } else { holds };
        let before = earlier.get(index).filter(|c| c.is_unknown());
        match (holds, before) {
            (Value::Bool(false), _) => {}
            (Value::Bool(true), before) => {
                conditions.push(before.cloned().unwrap_or(Value::Bool(true)));
                kept.push(element);
            }
            (holds @ Value::Term(_), before) => {
                let all = before.cloned().into_iter().chain([holds]).collect::<Vec<_>>();
                conditions.push(Value::term("and", all));
                kept.push(element);
            }
            _ => return Err(Failure("a condition must be true or false".into())),
        }
    }
    let known = conditions.iter().all(|c| !c.is_unknown());
    let kept = Value::array(kept);
    Ok(if known { kept } else { Value::term(OP, vec![kept, Value::array(conditions)]) })
}

/// A condition in which two runs may be about the same, as far as that decides it.
fn settled(condition: &Value) -> Value {
    let Value::Term(term) = condition else { return condition.clone() };
    let args: Vec<Value> = term.args.iter().map(settled).collect();
    // A text is in itself.
    if let ("contains" | "startswith" | "endswith", [a, b]) = (&*term.op, args.as_slice())
        && a == b
    {
        return Value::Bool(true);
    }
    let function = Function::lookup(&term.op).filter(|f| f.accepts(args.len()));
    let value = function.and_then(|f| f.call(&args).ok());
    value.unwrap_or_else(|| Value::over(term, args))
}

/// The elements that a list may hold, and the condition of each: `true`, or what nobody knows.
pub(super) fn sifted(list: &Value) -> Option<(&[Value], &[Value])> {
    let Value::Term(term) = list else { return None };
    match (&*term.op, term.args.as_slice()) {
        (OP, [Value::Array(items), Value::Array(conditions)]) => Some((items, conditions)),
        _ => None,
    }
}

/// How many elements it surely holds.
fn surely(list: &Value) -> Option<usize> {
    let (_, conditions) = sifted(list)?;
    Some(conditions.iter().filter(|c| !c.is_unknown()).count())
}

/// How long such a list is.
pub(super) fn length(list: &Value) -> Option<Value> {
    let number = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let (fewest, most) = (surely(list)?, sifted(list)?.0.len());
    let about = Value::term("length", vec![list.clone()]);
    Some(among(about, (fewest..=most).map(number).collect()))
}

/// The element at a place of such a list: known if everything before it and it itself surely belong to it.
pub(super) fn nth(list: &Value, at: i64) -> Value {
    let known = sifted(list).and_then(|(items, conditions)| {
        let at = usize::try_from(at).ok()?;
        let sure = conditions.iter().take(at.saturating_add(1)).all(|c| !c.is_unknown());
        items.get(at).filter(|_| sure).cloned()
    });
    known.unwrap_or_else(|| Value::term("[]", vec![list.clone(), Value::Int(at)]))
}

/// Whether a value is surely something: a row, an element of a list that surely has one, what names a row.
pub(super) fn is_something(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Array(_) => true,
        Value::Term(term) => match (&*term.op, term.args.as_slice()) {
            ("row", _) => true,
            ("first" | "last", [list]) => surely(list).is_some_and(|n| n > 0),
            ("[]", [list, Value::Int(at)]) => {
                surely(list).is_some_and(|n| usize::try_from(*at).is_ok_and(|at| at < n))
            }
            ("[]", [row, Value::String(column)]) => names_row(row, column) && is_something(row),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a column is the own id of a row, which has a value wherever there is a row.
fn names_row(row: &Value, column: &str) -> bool {
    let column = column.to_lowercase();
    let row = match row {
        Value::Term(term) if &*term.op == "row" => term.args.first(),
        _ => None,
    };
    let table = match row {
        Some(Value::String(store)) => store.to_lowercase(),
        _ => String::new(),
    };
    let singular = table.strip_suffix('s').filter(|s| !s.is_empty());
    ["id", "{identifier}", "{path}", "iteminternalid", "rowkey"].contains(&&*column)
        || singular.is_some_and(|s| column.strip_prefix(s) == Some("id"))
}
