//! Text.

use super::{MANY, Row, fail, unfit, whole};
use crate::model::evaluate::plain;
use crate::model::expression::Failure;
use crate::model::patience::fits;
use crate::model::value::{Float, Value};

pub(super) const TABLE: &[Row] = &[
    ("concat", 0, MANY, concat),
    ("tolower", 1, 1, |a| mapped("tolower", a, str::to_lowercase)),
    ("toupper", 1, 1, |a| mapped("toupper", a, str::to_uppercase)),
    ("trim", 1, 1, |a| mapped("trim", a, |s| s.trim().to_owned())),
    ("replace", 3, 3, replace),
    ("split", 2, 2, split),
    ("substring", 2, 3, substring),
    ("slice", 2, 3, slice),
    ("indexof", 2, 2, |a| position("indexof", a, |s, n| s.find(n))),
    ("lastindexof", 2, 2, |a| position("lastindexof", a, |s, n| s.rfind(n))),
    ("nthindexof", 3, 3, nth),
    ("startswith", 2, 2, |a| tested("startswith", a, |s, n| s.starts_with(n))),
    ("endswith", 2, 2, |a| tested("endswith", a, |s, n| s.ends_with(n))),
    ("isint", 1, 1, |a| shaped("isint", a, |s| s.parse::<i64>().is_ok())),
    ("isfloat", 1, 1, |a| shaped("isfloat", a, |s| s.parse::<f64>().is_ok_and(f64::is_finite))),
    ("formatnumber", 2, 3, format_number),
];

/// Joins texts; unknown parts leave an unknown text.
fn concat(args: &[Value]) -> Result<Value, Failure> {
    if args.iter().any(Value::is_unknown) {
        return Ok(Value::term("concat", args.to_vec()));
    }
    Ok(Value::text(&args.iter().map(plain).collect::<String>()))
}

fn mapped(name: &str, args: &[Value], change: impl Fn(&str) -> String) -> Result<Value, Failure> {
    match args {
        [Value::String(s)] => Ok(Value::text(&change(s))),
        _ => unfit(name, args),
    }
}

fn replace(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(old), Value::String(new)] if !old.is_empty() => {
            fits(s.matches(&**old).count().saturating_mul(new.len()))?;
            Ok(Value::text(&s.replace(&**old, new)))
        }
        _ => unfit("replace", args),
    }
}

fn split(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(by)] if by.is_empty() => {
            Ok(Value::array(vec![Value::String(s.clone())]))
        }
        [Value::String(s), Value::String(by)] => {
            Ok(Value::array(s.split(&**by).map(Value::text).collect()))
        }
        _ => unfit("split", args),
    }
}

fn cut(s: &str, from: usize, to: usize) -> Value {
    Value::text(&s.chars().skip(from).take(to.saturating_sub(from)).collect::<String>())
}

fn substring(args: &[Value]) -> Result<Value, Failure> {
    let (Some(Value::String(s)), Some(Value::Int(from))) = (args.first(), args.get(1)) else {
        return unfit("substring", args);
    };
    let length = i64::try_from(s.chars().count()).unwrap_or(i64::MAX);
    let count = match args.get(2) {
        None => length.saturating_sub(*from),
        Some(Value::Int(n)) => *n,
        Some(_) => return unfit("substring", args),
    };
    if *from < 0 || count < 0 || from.saturating_add(count) > length {
        return fail("substring is out of range");
    }
    let (from, count) = (usize::try_from(*from).unwrap_or(0), usize::try_from(count).unwrap_or(0));
    Ok(cut(s, from, from + count))
}

fn slice(args: &[Value]) -> Result<Value, Failure> {
    let (Some(Value::String(s)), Some(Value::Int(from))) = (args.first(), args.get(1)) else {
        return unfit("slice", args);
    };
    let length = i64::try_from(s.chars().count()).unwrap_or(i64::MAX);
    let clamp = |n: i64| {
        usize::try_from(if n < 0 { n.saturating_add(length) } else { n }.clamp(0, length))
            .unwrap_or(0)
    };
    let to = match args.get(2) {
        None => length,
        Some(Value::Int(n)) => *n,
        Some(_) => return unfit("slice", args),
    };
    Ok(cut(s, clamp(*from), clamp(to)))
}

fn position(
    name: &str,
    args: &[Value],
    find: impl Fn(&str, &str) -> Option<usize>,
) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(needle)] => {
            let (s, needle) = (s.to_lowercase(), needle.to_lowercase());
            Ok(find(&s, &needle).map_or(Value::Int(-1), |at| whole(s[..at].chars().count())))
        }
        _ => unfit(name, args),
    }
}

fn nth(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(needle), Value::Int(n)] if *n > 0 => {
            let at = s.match_indices(&**needle).nth(usize::try_from(*n - 1).unwrap_or(usize::MAX));
            Ok(at.map_or(Value::Int(-1), |(at, _)| whole(s[..at].chars().count())))
        }
        _ => unfit("nthindexof", args),
    }
}

/// Case does not matter (semantics §12.3).
fn tested(name: &str, args: &[Value], test: impl Fn(&str, &str) -> bool) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(n)] => {
            Ok(Value::Bool(test(&s.to_lowercase(), &n.to_lowercase())))
        }
        _ => unfit(name, args),
    }
}

fn shaped(name: &str, args: &[Value], test: impl Fn(&str) -> bool) -> Result<Value, Failure> {
    match args {
        [Value::String(s)] => Ok(Value::Bool(test(s.trim()))),
        _ => unfit(name, args),
    }
}

/// `N2`, `0.00`, `C`, … : the number of decimals is all that is modelled; others depend on the locale.
fn format_number(args: &[Value]) -> Result<Value, Failure> {
    let number = match args.first() {
        Some(Value::Int(n)) => Float(f64_of(*n)),
        Some(Value::Float(f)) => *f,
        _ => return unfit("formatnumber", args),
    };
    match args.get(1) {
        Some(Value::String(format)) if format.starts_with("0.") || &**format == "0" => {
            let decimals = format.chars().skip(2).filter(|c| *c == '0').count();
            // More digits than any number has.
            fits(if decimals > 1_000 { usize::MAX } else { decimals })?;
            Ok(Value::text(&format!("{:.decimals$}", number.0)))
        }
        _ => Ok(Value::term("formatnumber", args.to_vec())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the platform's numbers lose the same digits")]
fn f64_of(n: i64) -> f64 {
    n as f64
}
