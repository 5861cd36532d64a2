//! Conversions between types and encodings.

use super::{MANY, Row, fail, unfit};
use crate::model::evaluate::{json_text, plain};
use crate::model::expression::Failure;
use crate::model::value::{Float, Value};
use std::sync::Arc;

pub(super) const TABLE: &[Row] = &[
    ("string", 1, 1, string),
    ("int", 1, 1, int),
    ("float", 1, 2, float),
    ("decimal", 1, 2, float),
    ("bool", 1, 1, boolean),
    ("array", 1, 1, |a| Ok(Value::array(a.to_vec()))),
    ("json", 1, 1, json),
    ("base64", 1, 1, base64),
    ("base64tostring", 1, 1, unbase64),
    ("decodebase64", 1, 1, unbase64),
    ("base64tobinary", 1, 1, |a| opaque("base64tobinary", a)),
    ("binary", 1, 1, |a| opaque("binary", a)),
    ("xml", 1, 1, |a| opaque("xml", a)),
    ("xpath", 2, 2, |a| opaque("xpath", a)),
    ("datauri", 1, 1, |a| opaque("datauri", a)),
    ("datauritobinary", 1, 1, |a| opaque("datauritobinary", a)),
    ("datauritostring", 1, 1, |a| opaque("datauritostring", a)),
    ("uricomponent", 1, 1, encode),
    ("encodeuricomponent", 1, 1, encode),
    ("uricomponenttostring", 1, 1, decode),
    ("decodeuricomponent", 1, 1, decode),
    ("urihost", 1, 1, |a| opaque("urihost", a)),
    ("uripath", 1, 1, |a| opaque("uripath", a)),
    ("uripathandquery", 1, 1, |a| opaque("uripathandquery", a)),
    ("uriquery", 1, 1, |a| opaque("uriquery", a)),
    ("urischeme", 1, 1, |a| opaque("urischeme", a)),
    ("uriport", 1, 1, |a| opaque("uriport", a)),
    ("formdatavalue", 1, MANY, |a| opaque("formdatavalue", a)),
];

/// Depends on its arguments and nothing else, but its value is not modelled.
fn opaque(name: &str, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::term(name, args.to_vec()))
}

fn string(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [v] if v.is_unknown() => Ok(Value::term("string", args.to_vec())),
        [Value::Token(_)] => Ok(args[0].clone()),
        [Value::String(s)] => Ok(Value::String(s.clone())),
        [v] => Ok(Value::text(&plain(v))),
        _ => unfit("string", args),
    }
}

fn int(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Int(n)] => Ok(Value::Int(*n)),
        [Value::String(s)] => s
            .trim()
            .parse()
            .map(Value::Int)
            .or_else(|_| fail(format!("\"{s}\" is no whole number"))),
        [Value::Float(Float(f))] if f.abs() < 9.0e15 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "within the range of whole numbers"
            )]
            let n = f.trunc() as i64;
            Ok(Value::Int(n))
        }
        _ => unfit("int", args),
    }
}

fn float(args: &[Value]) -> Result<Value, Failure> {
    match args.first() {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the platform's numbers lose the same digits"
        )]
        Some(Value::Int(n)) => Ok(Value::Float(Float(*n as f64))),
        Some(Value::Float(f)) => Ok(Value::Float(*f)),
        Some(Value::String(s)) => match s.trim().parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(Value::Float(Float(f))),
            _ => fail(format!("\"{s}\" is no number")),
        },
        _ => unfit("float", args),
    }
}

fn boolean(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::Bool(b)] => Ok(Value::Bool(*b)),
        [Value::Int(n)] => Ok(Value::Bool(*n != 0)),
        [Value::String(s)] if s.eq_ignore_ascii_case("true") || &**s == "1" => {
            Ok(Value::Bool(true))
        }
        [Value::String(s)] if s.eq_ignore_ascii_case("false") || &**s == "0" => {
            Ok(Value::Bool(false))
        }
        _ => unfit("bool", args),
    }
}

fn json(args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(s)] => match serde_json::from_str::<serde_json::Value>(s) {
            Ok(value) => Ok(from_json(&value)),
            Err(error) => fail(format!("no JSON: {error}")),
        },
        [Value::Object(_) | Value::Array(_) | Value::Null] => Ok(args[0].clone()),
        _ => unfit("json", args),
    }
}

/// A JSON value as a value of the language.
pub(crate) fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => {
            n.as_i64().map_or_else(|| Value::Float(Float(n.as_f64().unwrap_or(0.0))), Value::Int)
        }
        serde_json::Value::String(s) => Value::text(s),
        serde_json::Value::Array(items) => Value::array(items.iter().map(from_json).collect()),
        serde_json::Value::Object(object) => Value::Object(Arc::new(
            object.iter().map(|(k, v)| (Arc::from(k.as_str()), from_json(v))).collect(),
        )),
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(args: &[Value]) -> Result<Value, Failure> {
    let text = match args {
        [Value::String(s)] => s.to_string(),
        [v] if !v.is_unknown() => json_text(v),
        _ => return unfit("base64", args),
    };
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let digit = (bits >> (18 - 6 * index)) & 63;
            out.push(if index > group.len() { '=' } else { char::from(DIGITS[digit as usize]) });
        }
    }
    Ok(Value::text(&out))
}

fn unbase64(args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(s)] = args else { return unfit("base64tostring", args) };
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for c in s.bytes().filter(|c| *c != b'=') {
        let Some(digit) = DIGITS.iter().position(|d| *d == c) else {
            return fail("no base64 text");
        };
        bits = bits << 6 | u32::try_from(digit).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    String::from_utf8(bytes).map(|s| Value::text(&s)).or_else(|_| fail("no UTF-8 text"))
}

fn encode(args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(s)] = args else { return unfit("uricomponent", args) };
    let kept = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!*'()".contains(&b);
    let out: String = s
        .bytes()
        .map(|b| if kept(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    Ok(Value::text(&out))
}

fn decode(args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(s)] = args else { return unfit("uricomponenttostring", args) };
    let mut bytes = Vec::new();
    let mut rest = s.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let hex = (first == b'%' && more.len() >= 2)
            .then(|| {
                std::str::from_utf8(&more[..2]).ok().and_then(|h| u8::from_str_radix(h, 16).ok())
            })
            .flatten();
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &more[2..];
        } else {
            bytes.push(first);
            rest = more;
        }
    }
    String::from_utf8(bytes).map(|s| Value::text(&s)).or_else(|_| fail("no UTF-8 text"))
}
