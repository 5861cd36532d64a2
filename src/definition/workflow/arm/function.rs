//! The functions of ARM templates that need no deployment. `None`: not known here, the expression stays a hole.

use super::answer::{Answer, spelled};
use serde_json::Value;

/// A function by its name in lower case, `parameters` and `variables` apart.
pub(super) fn call(name: &str, args: &[Answer]) -> Option<Answer> {
    if let Some(id) = identifier(name, args) {
        return Some(id);
    }
    match name {
        "concat" if args.iter().all(|arg| matches!(arg, Answer::Known(Value::Array(_)))) => {
            let arrays = args.iter().filter_map(known).filter_map(Value::as_array);
            return Some(Answer::Known(Value::Array(arrays.flatten().cloned().collect())));
        }
        "concat" => return Answer::concat(args),
        "format" => return format(args),
        "string" if args.len() == 1 => return Answer::concat(args),
        _ => {}
    }
    let values: Vec<&Value> = args.iter().map(known).collect::<Option<_>>()?;
    known_call(name, &values).map(Answer::Known)
}

fn known_call(name: &str, args: &[&Value]) -> Option<Value> {
    let text = |n: usize| args.get(n).and_then(|value| value.as_str());
    let truth = |n: usize| args.get(n).and_then(|value| value.as_bool());
    let number = |n: usize| args.get(n).and_then(|value| value.as_i64());
    Some(match (name, args.len()) {
        ("tolower", 1) => text(0)?.to_lowercase().into(),
        ("toupper", 1) => text(0)?.to_uppercase().into(),
        ("trim", 1) => text(0)?.trim().into(),
        ("replace", 3) if !text(1)?.is_empty() && text(0)?.len() < 1 << 16 => {
            text(0)?.replace(text(1)?, text(2)?).into()
        }
        ("split", 2) => text(0)?.split(text(1)?).collect::<Vec<_>>().into(),
        ("uricomponent", 1) => uri_component(text(0)?).into(),
        ("int", 1) => number(0).or_else(|| text(0)?.parse().ok())?.into(),
        ("bool", 1) => match (truth(0), text(0)) {
            (Some(truth), _) => truth.into(),
            (None, Some(text)) => text.to_lowercase().parse::<bool>().ok()?.into(),
            (None, None) => (number(0)? != 0).into(),
        },
        ("equals", 2) => equal(args[0], args[1]).into(),
        ("not", 1) => (!truth(0)?).into(),
        ("and", _) => args.iter().try_fold(true, |all, v| Some(all & v.as_bool()?))?.into(),
        ("or", _) => args.iter().try_fold(false, |any, v| Some(any | v.as_bool()?))?.into(),
        ("if", 3) => args[if truth(0)? { 1 } else { 2 }].clone(),
        ("coalesce", _) => (*args.iter().find(|value| !value.is_null())?).clone(),
        ("empty", 1) => (length(args[0]) == Some(0) || args[0].is_null()).into(),
        ("length", 1) => length(args[0])?.into(),
        ("first", 1) => element(args[0], |n| (n > 0).then_some(0))?,
        ("last", 1) => element(args[0], |n| n.checked_sub(1))?,
        ("createarray", _) => args.iter().copied().cloned().collect::<Vec<_>>().into(),
        ("createobject", n) if n % 2 == 0 => {
            let pair = |pair: &[&Value]| Some((pair[0].as_str()?.to_owned(), pair[1].clone()));
            Value::Object(args.chunks(2).map(pair).collect::<Option<_>>()?)
        }
        ("json", 1) => serde_json::from_str(text(0)?).ok()?,
        ("null", 0) => Value::Null,
        ("true", 0) => true.into(),
        ("false", 0) => false.into(),
        ("add", 2) => number(0)?.checked_add(number(1)?)?.into(),
        ("sub", 2) => number(0)?.checked_sub(number(1)?)?.into(),
        ("mul", 2) => number(0)?.checked_mul(number(1)?)?.into(),
        _ => return None,
    })
}

/// `base.key` and `base[key]`.
pub(super) fn index(base: &Answer, key: &Answer) -> Option<Answer> {
    let (base, key) = (known(base)?, known(key)?);
    let found = match (base, key) {
        (Value::Object(object), Value::String(key)) => object.get(key).or_else(|| {
            object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        }),
        (Value::Array(items), Value::Number(n)) => items.get(usize::try_from(n.as_u64()?).ok()?),
        _ => None,
    };
    let hole = found?.as_str().and_then(|text| {
        text.strip_prefix("@parameters('[")?.strip_suffix("]')").map(|name| name.replace("''", "'"))
    });
    Some(hole.map_or_else(|| Answer::Known(found.cloned().unwrap_or_default()), Answer::hole))
}

/// `resourceId` and its kin: the ending is what tells resources apart, the beginning is the deployment's.
fn identifier(name: &str, args: &[Answer]) -> Option<Answer> {
    let around = match name {
        "resourceid" => "resourceGroup().id",
        "subscriptionresourceid" => "subscription().id",
        _ => return None,
    };
    let kind_of =
        |arg: &Answer| known(arg)?.as_str().filter(|t| t.contains('/')).map(str::to_owned);
    let (at, kind) = args.iter().enumerate().find_map(|(n, arg)| Some((n, kind_of(arg)?)))?;
    let (provider, kinds) = kind.split_once('/')?;
    let mut parts = vec![Answer::hole(around), Answer::text(format!("/providers/{provider}"))];
    for (kind, name) in kinds.split('/').zip(&args[at + 1..]) {
        parts.extend([Answer::text(format!("/{kind}/")), name.clone()]);
    }
    Answer::concat(&parts)
}

/// `format('{0} of {1}', a, b)`, with `{{` for a brace; layouts (`{0:D3}`) stay holes.
fn format(args: &[Answer]) -> Option<Answer> {
    let (pattern, args) = args.split_first()?;
    let mut rest = known(pattern)?.as_str()?;
    let mut parts = Vec::new();
    while let Some(at) = rest.find(['{', '}']) {
        parts.push(Answer::text(&rest[..at]));
        let double = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
        if double {
            parts.push(Answer::text(&rest[at..=at]));
            rest = &rest[at + 2..];
            continue;
        }
        let end = rest[at..].find('}')? + at;
        let n: usize = rest.get(at + 1..end)?.parse().ok()?;
        parts.push(args.get(n)?.clone());
        rest = &rest[end + 1..];
    }
    parts.push(Answer::text(rest));
    Answer::concat(&parts)
}

fn known(answer: &Answer) -> Option<&Value> {
    match answer {
        Answer::Known(value) => Some(value).filter(|value| !has_holes(value)),
        Answer::Open(_) => None,
    }
}

/// Resolved containers carry their holes as references to bracketed parameters.
fn has_holes(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("parameters('["),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            false
        }
    }
}

/// ARM compares texts with their case, numbers by value.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || spelled(a).zip(spelled(b)).is_some_and(|(a, b)| a == b)
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(object) => Some(object.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn element(value: &Value, which: impl Fn(usize) -> Option<usize>) -> Option<Value> {
    match value {
        Value::Array(items) => items.get(which(items.len())?).cloned(),
        Value::String(text) => {
            let letters: Vec<char> = text.chars().collect();
            letters.get(which(letters.len())?).map(|c| c.to_string().into())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn uri_component(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
