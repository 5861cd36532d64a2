//! The value of an expression in an environment.

use super::among::each;
use super::expression::{Env, Expr, Failure};
use super::external::{ETAG, SYMBOL, wraps};
use super::filter::{filter, nth, sifted};
use super::function::etag;
use super::over_row::Within;
use super::patience::fits;
use super::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The value, or why there is none: then the action fails.
pub fn evaluate(expr: &Expr, env: &mut dyn Env) -> Result<Value, Failure> {
    match expr {
        Expr::Const(value) => Ok(value.clone()),
        Expr::Concat(parts) => {
            let parts = all(parts, env)?;
            // An etag is no less an etag for standing in `@{}`, nor a lease id where nothing stands around it.
            if let [token @ Value::Token(_)] = parts.as_slice() {
                return Ok(token.clone());
            }
            if let Some(tag) = etag::kept("concat", &parts) {
                return Ok(tag);
            }
            let text = |parts: &[Value]| Value::text(&parts.iter().map(plain).collect::<String>());
            if parts.iter().any(Value::is_unknown) {
                let one = each("concat", &parts, |parts| Some(text(parts)));
                return Ok(one.unwrap_or_else(|| Value::term("concat", parts)));
            }
            short(text(&parts))
        }
        Expr::Array(items) => Ok(Value::array(all(items, env)?)),
        Expr::Object(pairs) => {
            let mut object = BTreeMap::new();
            for (key, value) in pairs {
                object.insert(Arc::from(plain(&evaluate(key, env)?)), evaluate(value, env)?);
            }
            Ok(Value::Object(Arc::new(object)))
        }
        Expr::Call(function, args) => match (function.name(), args.as_slice()) {
            ("if", [condition, yes, no]) => choose(condition, yes, no, env),
            ("and", _) => lazily(*function, args, &Value::Bool(false), env),
            ("or", _) => lazily(*function, args, &Value::Bool(true), env),
            ("coalesce", _) => coalesce(*function, args, env),
            // There and back again: etags inside stay what they are.
            ("json", [Expr::Call(inner, there)]) if inner.name() == "string" => {
                match all(there, env)?.as_slice() {
                    [value @ (Value::Object(_) | Value::Array(_))] => Ok(value.clone()),
                    values => short(function.call(&[inner.call(values)?])?),
                }
            }
            _ => short(function.call(&all(args, env)?)?),
        },
        Expr::Opaque(name, args) => Ok(Value::term(name, all(args, env)?)),
        Expr::Index { base, key, safe } => {
            let base = evaluate(base, env)?;
            let key = evaluate(key, env)?;
            index(&base, &key, *safe)
        }
        Expr::Output(node) => env.output(*node),
        Expr::Body(node) => env.body(*node),
        Expr::Action(node) => env.action(*node),
        Expr::Result(node) => env.result(*node),
        Expr::Variable(variable) => env.variable(*variable),
        Expr::Item(node) => env.item(*node),
        Expr::Element => env.element(),
        Expr::Round(node) => env.round(*node),
        Expr::Column(name) => env.column(name),
        Expr::State(resource) => env.state(*resource),
        Expr::Run => Ok(env.run()),
        Expr::Filter(from, condition) => filter(from, condition, env),
        Expr::Map(from, select) => match evaluate(from, env)? {
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items.iter().cloned() {
                    out.push(evaluate(select, &mut Within::element(env, item))?);
                }
                Ok(Value::array(out))
            }
            unknown @ Value::Term(_) => Ok(Value::term("select", vec![unknown])),
            _ => Err(Failure("select needs a list".into())),
        },
    }
}

fn short(value: Value) -> Result<Value, Failure> {
    if let Value::String(text) = &value {
        fits(text.len())?;
    }
    Ok(value)
}

fn all(exprs: &[Expr], env: &mut dyn Env) -> Result<Vec<Value>, Failure> {
    exprs.iter().map(|e| evaluate(e, env)).collect()
}

/// Only the side that is taken is evaluated (semantics §12.3).
fn choose(condition: &Expr, yes: &Expr, no: &Expr, env: &mut dyn Env) -> Result<Value, Failure> {
    match evaluate(condition, env)? {
        Value::Bool(true) => evaluate(yes, env),
        Value::Bool(false) => evaluate(no, env),
        unknown @ Value::Term(_) => {
            let (yes, no) = (evaluate(yes, env)?, evaluate(no, env)?);
            Ok(if yes == no { yes } else { Value::term("if", vec![unknown, yes, no]) })
        }
        _ => Err(Failure("if needs true or false".into())),
    }
}

/// From left to right, until one argument settles it.
fn lazily(
    function: super::function::Function,
    args: &[Expr],
    settles: &Value,
    env: &mut dyn Env,
) -> Result<Value, Failure> {
    let mut values = Vec::new();
    for arg in args {
        let value = evaluate(arg, env)?;
        if value == *settles {
            return Ok(value);
        }
        values.push(value);
    }
    function.call(&values)
}

fn coalesce(
    function: super::function::Function,
    args: &[Expr],
    env: &mut dyn Env,
) -> Result<Value, Failure> {
    let mut values = Vec::new();
    for arg in args {
        let value = evaluate(arg, env)?;
        let settled = value != Value::Null && !value.is_unknown();
        values.push(value);
        if settled {
            break;
        }
    }
    function.call(&values)
}

/// `base[key]`; `safe` passes null on and takes what is not there for null.
fn index(base: &Value, key: &Value, safe: bool) -> Result<Value, Failure> {
    match (base, key) {
        (Value::Term(_), Value::Int(n)) if sifted(base).is_some() => Ok(nth(base, *n)),
        (Value::Term(_), _) | (_, Value::Term(_)) => {
            Ok(Value::term("[]", vec![base.clone(), key.clone()]))
        }
        (Value::Object(object), Value::String(key)) => match object.get(key) {
            Some(value) => Ok(value.clone()),
            // A row of an external store: what nobody wrote is a symbol over it.
            None if object.contains_key(SYMBOL) => {
                // Its columns go by their names whatever their case.
                let written = object.iter().find(|(c, _)| c.eq_ignore_ascii_case(key));
                if let Some((_, value)) = written {
                    return Ok(value.clone());
                }
                // Some formats wrap a row, or say elsewhere what its etag is: it is the same row.
                if wraps(key) && object.contains_key(ETAG) {
                    return Ok(base.clone());
                }
                Ok(Value::term("[]", vec![object[SYMBOL].clone(), Value::String(key.clone())]))
            }
            None if safe => Ok(Value::Null),
            None => Err(Failure(format!("there is no property \"{key}\""))),
        },
        (Value::Array(items), Value::Int(n)) => {
            match usize::try_from(*n).ok().and_then(|n| items.get(n)) {
                Some(value) => Ok(value.clone()),
                None if safe => Ok(Value::Null),
                None => Err(Failure(format!("there is no item {n}"))),
            }
        }
        (Value::Null, _) if safe => Ok(Value::Null),
        _ => Err(Failure("there is nothing to look into".into())),
    }
}

/// A value inside a text, as the platform writes it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(s) => s.to_string(),
        other => json_text(other),
    }
}

/// A value as compact JSON.
pub fn json_text(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => _ = write!(out, "{n}"),
        Value::Float(f) => _ = write!(out, "{}", f.0),
        Value::String(s) => _ = write!(out, "{}", serde_json::Value::from(&**s)),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (i, (key, item)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                _ = write!(out, "{}:", serde_json::Value::from(&**key));
                write_json(item, out);
            }
            out.push('}');
        }
        Value::Token(_) => out.push_str("\"etag\""),
        Value::Term(term) => _ = write!(out, "\"‹{}›\"", term.op),
    }
}

impl Expr {
    /// Shows every part of the expression, outermost first.
    pub fn visit(&self, look: &mut dyn FnMut(&Expr)) {
        look(self);
        match self {
            Self::Concat(parts)
            | Self::Array(parts)
            | Self::Call(_, parts)
            | Self::Opaque(_, parts) => {
                parts.iter().for_each(|e| e.visit(look));
            }
            Self::Object(pairs) => pairs.iter().for_each(|(k, v)| {
                k.visit(look);
                v.visit(look);
            }),
            Self::Index { base, key, .. } => {
                base.visit(look);
                key.visit(look);
            }
            Self::Filter(from, inner) | Self::Map(from, inner) => {
                from.visit(look);
                inner.visit(look);
            }
            Self::Const(_)
            | Self::Output(_)
            | Self::Body(_)
            | Self::Action(_)
            | Self::Result(_) => {}
            Self::Variable(_)
            | Self::Item(_)
            | Self::Element
            | Self::Round(_)
            | Self::Column(_)
            | Self::State(_)
            | Self::Run => {}
        }
    }
}
