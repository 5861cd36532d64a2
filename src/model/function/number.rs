//! Numbers. Sums of unknowns keep a normal form, so that `x + 1 + 1` is `x + 2`.

use super::{MANY, Row, fail, unfit};
use crate::model::expression::Failure;
use crate::model::value::{Float, Value};

pub(super) const TABLE: &[Row] = &[
    ("add", 2, 2, |a| sum(a, 1)),
    ("sub", 2, 2, |a| sum(a, -1)),
    ("mul", 2, 2, |a| arithmetic("mul", a, i64::checked_mul, |x, y| x * y)),
    ("div", 2, 2, divide),
    ("mod", 2, 2, remainder),
    ("min", 1, MANY, |a| extreme("min", a, false)),
    ("max", 1, MANY, |a| extreme("max", a, true)),
    ("range", 2, 2, range),
];

fn finite(value: f64) -> Result<Value, Failure> {
    if value.is_finite() {
        Ok(Value::Float(Float(value)))
    } else {
        fail("the number is out of range")
    }
}

fn arithmetic(
    name: &str,
    args: &[Value],
    int: impl Fn(i64, i64) -> Option<i64>,
    other: impl Fn(f64, f64) -> f64,
) -> Result<Value, Failure> {
    match args {
        [Value::Int(x), Value::Int(y)] => match int(*x, *y) {
            Some(n) => Ok(Value::Int(n)),
            None => fail("the number is out of range"),
        },
        [x, y] => match (x.as_float(), y.as_float()) {
            (Some(x), Some(y)) => finite(other(x, y)),
            _ => unfit(name, args),
        },
        _ => unfit(name, args),
    }
}

/// `x + sign · y`.
fn sum(args: &[Value], sign: i64) -> Result<Value, Failure> {
    let name = if sign < 0 { "sub" } else { "add" };
    match args {
        [Value::Term(_), Value::Int(n)] => match n.checked_mul(sign) {
            Some(n) => normal_sum(&args[0], &[], n),
            None => fail("the number is out of range"),
        },
        [Value::Int(n), Value::Term(_)] if sign > 0 => normal_sum(&args[1], &[], *n),
        [Value::Term(_), Value::Term(_)] if sign > 0 => normal_sum(&args[0], &args[1..], 0),
        [Value::Term(_), Value::Float(_)] | [Value::Float(_), Value::Term(_)] => {
            Ok(Value::term(name, args.to_vec()))
        }
        _ if sign > 0 => arithmetic(name, args, i64::checked_add, |x, y| x + y),
        _ => arithmetic(name, args, i64::checked_sub, |x, y| x - y),
    }
}

fn normal_sum(term: &Value, more: &[Value], constant: i64) -> Result<Value, Failure> {
    let mut summands = Vec::new();
    let mut total = constant;
    for value in std::iter::once(term).chain(more) {
        match value {
            Value::Term(t) if &*t.op == "add" => {
                for arg in &t.args {
                    match arg {
                        Value::Int(n) => {
                            total = total
                                .checked_add(*n)
                                .ok_or_else(|| Failure("out of range".into()))?;
                        }
                        other => summands.push(other.clone()),
                    }
                }
            }
            other => summands.push(other.clone()),
        }
    }
    summands.sort();
    if total == 0 && summands.len() == 1 {
        return Ok(summands.remove(0));
    }
    if total != 0 {
        summands.push(Value::Int(total));
    }
    Ok(Value::term("add", summands))
}

fn divide(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [_, Value::Int(0)] => fail("division by zero"),
        [_, Value::Float(f)] if f.0 == 0.0 => fail("division by zero"),
        _ => arithmetic("div", args, i64::checked_div, |x, y| x / y),
    }
}

fn remainder(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [_, Value::Int(0)] => fail("division by zero"),
        [_, Value::Float(f)] if f.0 == 0.0 => fail("division by zero"),
        _ => arithmetic("mod", args, i64::checked_rem, |x, y| x % y),
    }
}

fn extreme(name: &str, args: &[Value], greatest: bool) -> Result<Value, Failure> {
    let items: Vec<Value> = match args {
        [Value::Array(items)] => items.to_vec(),
        _ => args.to_vec(),
    };
    let mut best: Option<(f64, &Value)> = None;
    for item in &items {
        let Some(n) = item.as_float() else { return unfit(name, args) };
        if best.is_none_or(|(b, _)| if greatest { n > b } else { n < b }) {
            best = Some((n, item));
        }
    }
    best.map_or_else(|| fail(format!("{name} of nothing")), |(_, v)| Ok(v.clone()))
}

fn range(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Int(from), Value::Int(count)] if (0..=100_000).contains(count) => {
            let Some(to) = from.checked_add(*count) else {
                return fail("the number is out of range");
            };
            Ok(Value::array((*from..to).map(Value::Int).collect()))
        }
        _ => unfit("range", args),
    }
}
