//! Lists, objects, and what holds for texts as well.

use super::{MANY, Row, fail, unfit, whole};
use crate::model::evaluate::plain;
use crate::model::expression::Failure;
use crate::model::filter;
use crate::model::function::Function;
use crate::model::patience::fits;
use crate::model::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) const TABLE: &[Row] = &[
    ("length", 1, 1, length),
    ("empty", 1, 1, empty),
    ("contains", 2, 2, contains),
    ("first", 1, 1, |a| end("first", a, true)),
    ("last", 1, 1, |a| end("last", a, false)),
    ("take", 2, 2, |a| part("take", a, true)),
    ("skip", 2, 2, |a| part("skip", a, false)),
    ("reverse", 1, 1, |a| listed("reverse", a, |items| items.iter().rev().cloned().collect())),
    ("sort", 1, 2, sort),
    ("join", 2, 2, join),
    ("union", 1, MANY, union),
    ("intersection", 1, MANY, intersection),
    ("createarray", 0, MANY, |a| Ok(Value::array(a.to_vec()))),
    ("chunk", 2, 2, chunk),
    ("item", 1, 1, |a| unfit("item", a)),
    ("addproperty", 3, 3, |a| property("addproperty", a)),
    ("setproperty", 3, 3, |a| property("setproperty", a)),
    ("removeproperty", 2, 2, remove_property),
];

fn length(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Array(items)] => Ok(whole(items.len())),
        [Value::String(s)] => Ok(whole(s.chars().count())),
        [list] => filter::length(list).map_or_else(|| unfit("length", args), Ok),
        _ => unfit("length", args),
    }
}

fn empty(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Null] => Ok(Value::Bool(true)),
        [Value::Array(items)] => Ok(Value::Bool(items.is_empty())),
        [Value::String(s)] => Ok(Value::Bool(s.is_empty())),
        [Value::Object(o)] => Ok(Value::Bool(o.is_empty())),
        [list] => match filter::length(list) {
            Some(length) => Function::named("equals").call(&[length, Value::Int(0)]),
            None => unfit("empty", args),
        },
        _ => unfit("empty", args),
    }
}

fn contains(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(s), Value::String(part)] => Ok(Value::Bool(s.contains(&**part))),
        [Value::Array(items), x] => {
            if items.contains(x) {
                return Ok(Value::Bool(true));
            }
            if items.iter().any(Value::is_unknown) || x.is_unknown() {
                return Ok(Value::term("contains", args.to_vec()));
            }
            Ok(Value::Bool(false))
        }
        [Value::Object(o), Value::String(key)] => Ok(Value::Bool(o.contains_key(key))),
        [Value::Null, _] => Ok(Value::Bool(false)),
        _ => unfit("contains", args),
    }
}

fn end(name: &str, args: &[Value], front: bool) -> Result<Value, Failure> {
    match args {
        [Value::Array(items)] => {
            let item = if front { items.first() } else { items.last() };
            Ok(item.cloned().unwrap_or(Value::Null))
        }
        [list] if front && filter::sifted(list).is_some() => Ok(filter::nth(list, 0)),
        [Value::String(s)] => {
            let c = if front { s.chars().next() } else { s.chars().last() };
            Ok(Value::text(&c.map(String::from).unwrap_or_default()))
        }
        _ => unfit(name, args),
    }
}

fn part(name: &str, args: &[Value], take: bool) -> Result<Value, Failure> {
    match args {
        [Value::Array(items), Value::Int(n)] if *n >= 0 => {
            let at = usize::try_from(*n).unwrap_or(usize::MAX).min(items.len());
            Ok(Value::array(if take { items[..at].to_vec() } else { items[at..].to_vec() }))
        }
        [Value::String(s), Value::Int(n)] if *n >= 0 => {
            let n = usize::try_from(*n).unwrap_or(usize::MAX);
            let text: String =
                if take { s.chars().take(n).collect() } else { s.chars().skip(n).collect() };
            Ok(Value::text(&text))
        }
        _ => unfit(name, args),
    }
}

fn listed(
    name: &str,
    args: &[Value],
    change: impl Fn(&[Value]) -> Vec<Value>,
) -> Result<Value, Failure> {
    match args {
        [Value::Array(items)] => Ok(Value::array(change(items))),
        _ => unfit(name, args),
    }
}

fn sort(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Array(items)] => {
            let mut items = items.to_vec();
            items.sort();
            Ok(Value::array(items))
        }
        [Value::Array(items), Value::String(by)] => {
            let mut items = items.to_vec();
            items.sort_by_key(|v| v.get(by));
            Ok(Value::array(items))
        }
        _ => unfit("sort", args),
    }
}

fn join(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Array(items), Value::String(by)] if !items.iter().any(Value::is_unknown) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            let length = texts.iter().fold(0, |n: usize, t| n.saturating_add(t.len() + by.len()));
            fits(length)?;
            Ok(Value::text(&texts.join(by)))
        }
        _ => unfit("join", args),
    }
}

/// Without duplicates; of objects the last one's properties win.
fn union(args: &[Value]) -> Result<Value, Failure> {
    if args.iter().all(|a| matches!(a, Value::Object(_))) {
        let mut all = std::collections::BTreeMap::new();
        for arg in args {
            if let Value::Object(o) = arg {
                all.extend(o.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        return Ok(Value::Object(Arc::new(all)));
    }
    let mut all: Vec<Value> = Vec::new();
    let mut seen = BTreeSet::new();
    for arg in args {
        let Value::Array(items) = arg else { return unfit("union", args) };
        all.extend(items.iter().filter(|item| seen.insert(*item)).cloned());
    }
    Ok(Value::array(all))
}

fn intersection(args: &[Value]) -> Result<Value, Failure> {
    let mut common: Option<Vec<Value>> = None;
    for arg in args {
        let Value::Array(items) = arg else { return unfit("intersection", args) };
        common = Some(match common {
            None => items.to_vec(),
            Some(kept) => {
                let others: BTreeSet<&Value> = items.iter().collect();
                kept.into_iter().filter(|v| others.contains(v)).collect()
            }
        });
    }
    Ok(Value::array(common.unwrap_or_default()))
}

fn chunk(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Array(items), Value::Int(n)] if *n > 0 => {
            let size = usize::try_from(*n).unwrap_or(usize::MAX);
            Ok(Value::array(items.chunks(size).map(|c| Value::array(c.to_vec())).collect()))
        }
        _ => unfit("chunk", args),
    }
}

fn property(name: &str, args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Object(o), Value::String(key), value] => {
            if name == "addproperty" && o.contains_key(key) {
                return fail(format!("the property \"{key}\" exists already"));
            }
            let mut object = (**o).clone();
            object.insert(key.clone(), value.clone());
            Ok(Value::Object(Arc::new(object)))
        }
        _ => unfit(name, args),
    }
}

fn remove_property(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Object(o), Value::String(key)] => {
            let mut object = (**o).clone();
            object.remove(key);
            Ok(Value::Object(Arc::new(object)))
        }
        _ => unfit("removeproperty", args),
    }
}
