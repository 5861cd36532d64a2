//! Logic. Known arguments decide where they can, whatever the others are.

use super::{MANY, Row, fail, unfit};
use crate::model::expression::Failure;
use crate::model::filter::is_something;
use crate::model::value::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Row] = &[
    ("and", 0, MANY, |a| junction("and", a, false)),
    ("or", 0, MANY, |a| junction("or", a, true)),
    ("not", 1, 1, not),
    ("if", 3, 3, choose),
    ("equals", 2, 2, equals),
    ("greater", 2, 2, |a| compared("greater", a, |o| o == Ordering::Greater)),
    ("greaterorequals", 2, 2, |a| compared("greaterorequals", a, |o| o != Ordering::Less)),
    ("less", 2, 2, |a| compared("less", a, |o| o == Ordering::Less)),
    ("lessorequals", 2, 2, |a| compared("lessorequals", a, |o| o != Ordering::Greater)),
    ("coalesce", 0, MANY, coalesce),
];

/// `and` and `or`: one argument that is `decides` settles it.
fn junction(name: &str, args: &[Value], decides: bool) -> Result<Value, Failure> {
    let mut open = Vec::new();
    for arg in args {
        match arg {
            Value::Bool(b) if *b == decides => return Ok(Value::Bool(decides)),
            Value::Bool(_) => {}
            Value::Term(_) => open.push(arg.clone()),
            _ => return fail(format!("{name} takes true or false")),
        }
    }
    match open.len() {
        0 => Ok(Value::Bool(!decides)),
        1 => Ok(open.remove(0)),
        _ => Ok(Value::term(name, open)),
    }
}

fn not(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Bool(b)] => Ok(Value::Bool(!b)),
        [Value::Term(t)] if &*t.op == "not" && t.args.len() == 1 => Ok(t.args[0].clone()),
        _ => unfit("not", args),
    }
}

fn choose(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Bool(c), yes, no] => Ok(if *c { yes.clone() } else { no.clone() }),
        [Value::Term(_), yes, no] if yes == no => Ok(yes.clone()),
        _ => unfit("if", args),
    }
}

/// Type-strict, but 1 = 1.0 (semantics §12.3).
fn equals(args: &[Value]) -> Result<Value, Failure> {
    let [x, y] = args else { return unfit("equals", args) };
    if x == y {
        return Ok(Value::Bool(true));
    }
    if [(x, y), (y, x)].iter().any(|(a, b)| **a == Value::Null && is_something(b)) {
        return Ok(Value::Bool(false));
    }
    if x.is_unknown() || y.is_unknown() {
        // A question is the same whichever way round it is asked.
        let mut sorted = args.to_vec();
        sorted.sort();
        return Ok(Value::term("equals", sorted));
    }
    Ok(Value::Bool(match (x.as_float(), y.as_float()) {
        (Some(x), Some(y)) => x.total_cmp(&y).is_eq(),
        _ => false,
    }))
}

/// Numbers, or texts whatever their case; mixed types fail (semantics §12.3).
fn compared(name: &str, args: &[Value], test: impl Fn(Ordering) -> bool) -> Result<Value, Failure> {
    match args {
        [Value::Int(x), Value::Int(y)] => Ok(Value::Bool(test(x.cmp(y)))),
        [Value::String(x), Value::String(y)] => {
            Ok(Value::Bool(test(x.to_lowercase().cmp(&y.to_lowercase()))))
        }
        [x, y] => match (x.as_float(), y.as_float()) {
            (Some(x), Some(y)) => Ok(Value::Bool(test(x.total_cmp(&y)))),
            _ => unfit(name, args),
        },
        _ => unfit(name, args),
    }
}

fn coalesce(args: &[Value]) -> Result<Value, Failure> {
    for (index, arg) in args.iter().enumerate() {
        match arg {
            Value::Null => {}
            Value::Term(_) if index + 1 < args.len() => {
                return Ok(Value::term("coalesce", args[index..].to_vec()));
            }
            known => return Ok(known.clone()),
        }
    }
    Ok(Value::Null)
}
