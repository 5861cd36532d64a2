//! The naive interpreter's own evaluator for a small part of the expression language. It evaluates while it parses;
//! an evaluation that fails is `Err(())`, a text that does not parse is a mistake of the test and panics.

use super::cells::Cells;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an expression can see.
pub(crate) struct Env<'s> {
    pub(crate) outputs: BTreeMap<String, Value>,
    /// Loop name and item, innermost last.
    pub(crate) items: Vec<(String, Value)>,
    pub(crate) cells: &'s Cells,
    pub(crate) run: usize,
}

type Answer = Result<Value, ()>;

/// Evaluates every string in a JSON value.
pub(crate) fn template(value: &Value, env: &Env<'_>) -> Answer {
    match value {
        Value::String(text) => string(text, env),
        Value::Array(items) => {
            items.iter().map(|item| template(item, env)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| Ok((key.clone(), template(value, env)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        other => Ok(other.clone()),
    }
}

/// Equality of the language: type-strict, 1 = 1.0.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn string(text: &str, env: &Env<'_>) -> Answer {
    if let Some(rest) = text.strip_prefix("@@") {
        return Ok(json!(format!("@{rest}")));
    }
    if text.starts_with('@') && !text.starts_with("@{") {
        let mut parser = Parser { text: &text[1..], env };
        let value = parser.expression();
        assert!(parser.text.trim().is_empty(), "rest of an expression: {}", parser.text);
        return value;
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("@{") {
        result += &rest[..at];
        let mut parser = Parser { text: &rest[at + 2..], env };
        match parser.expression()? {
            Value::Null => {}
            Value::String(text) => result += &text,
            other => result += &other.to_string(),
        }
        rest = parser.text.trim_start().strip_prefix('}').expect("a closing brace");
    }
    Ok(json!(result + rest))
}

struct Parser<'p> {
    text: &'p str,
    env: &'p Env<'p>,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.text.trim_start().strip_prefix(token);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn expression(&mut self) -> Answer {
        let mut value = self.primary();
        loop {
            let safe = self.eat("?");
            let key = if self.eat("[") {
                let key = self.expression();
                assert!(self.eat("]"), "a closing bracket before {}", self.text);
                key
            } else if self.eat(".") {
                Ok(json!(self.word()))
            } else {
                return value;
            };
            value = index(value, key, safe);
        }
    }

    fn word(&mut self) -> &str {
        let text = self.text.trim_start();
        let end = text.find(|c: char| ".,(){}@[]?' ".contains(c)).unwrap_or(text.len());
        self.text = &text[end..];
        &text[..end]
    }

    fn primary(&mut self) -> Answer {
        if self.eat("'") {
            let mut result = String::new();
            loop {
                let end = self.text.find('\'').expect("a closing quote");
                result += &self.text[..end];
                self.text = &self.text[end + 1..];
                let Some(rest) = self.text.strip_prefix('\'') else { return Ok(json!(result)) };
                self.text = rest;
                result.push('\'');
            }
        }
        let word = self.word().to_owned();
        if !self.eat("(") {
            return Ok(serde_json::from_str(&word)
                .unwrap_or_else(|_| panic!("neither number nor keyword: {word:?}")));
        }
        let mut arguments = vec![];
        while !self.eat(")") {
            arguments.push(self.expression());
            self.eat(",");
        }
        self.call(&word, arguments)
    }

    fn call(&self, name: &str, arguments: Vec<Answer>) -> Answer {
        if name == "if" {
            let mut arguments = arguments.into_iter();
            let yes = arguments.next().ok_or(())??.as_bool().ok_or(())?;
            return arguments.nth(usize::from(!yes)).ok_or(())?;
        }
        if name == "and" || name == "or" {
            for argument in arguments {
                if argument?.as_bool().ok_or(())? == (name == "or") {
                    return Ok(json!(name == "or"));
                }
            }
            return Ok(json!(name == "and"));
        }
        let a: Vec<Value> = arguments.into_iter().collect::<Result<_, _>>()?;
        let named = || a.first().and_then(Value::as_str).ok_or(());
        match name {
            "outputs" | "body" => {
                Ok(self.env.outputs.get(named()?).cloned().unwrap_or(Value::Null))
            }
            "variables" => Ok(self.env.cells.get(&a[0], self.env.run).value.clone()),
            "state" => Ok(self.env.cells.whole(named()?)),
            "item" => Ok(self.env.items.last().ok_or(())?.1.clone()),
            "items" => {
                let name = named()?;
                Ok(self.env.items.iter().rev().find(|(of, _)| of == name).ok_or(())?.1.clone())
            }
            "add" | "sub" | "mul" => number(name, &a[0], &a[1]),
            "equals" => Ok(json!(same(&a[0], &a[1]))),
            "not" => Ok(json!(!a[0].as_bool().ok_or(())?)),
            "greater" | "greaterOrEquals" | "less" | "lessOrEquals" => {
                let order = match (&a[0], &a[1]) {
                    (Value::String(a), Value::String(b)) => {
                        a.to_lowercase().partial_cmp(&b.to_lowercase())
                    }
                    (a, b) => a.as_f64().ok_or(())?.partial_cmp(&b.as_f64().ok_or(())?),
                };
                let order = order.ok_or(())?;
                let strict =
                    if name.starts_with("greater") { order.is_gt() } else { order.is_lt() };
                Ok(json!(strict || name.ends_with("OrEquals") && order.is_eq()))
            }
            "concat" => Ok(json!(
                a.iter()
                    .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                    .collect::<String>()
            )),
            "length" => size(&a[0]).map(|n| json!(n)),
            "empty" => Ok(json!(a[0].is_null() || size(&a[0])? == 0)),
            "createArray" => Ok(Value::Array(a)),
            "first" => Ok(a[0].as_array().ok_or(())?.first().cloned().unwrap_or(Value::Null)),
            "coalesce" => Ok(a.into_iter().find(|v| !v.is_null()).unwrap_or(Value::Null)),
            _ => panic!("the naive evaluator does not know {name}()"),
        }
    }
}

fn index(value: Answer, key: Answer, safe: bool) -> Answer {
    let (value, key) = (value?, key?);
    let found = match (&value, &key) {
        (Value::Object(fields), Value::String(key)) => fields.get(key),
        (Value::Array(items), Value::Number(at)) => items.get(at.as_u64().ok_or(())? as usize),
        (Value::Null, _) => None,
        _ => return Err(()),
    };
    found.cloned().or(safe.then_some(Value::Null)).ok_or(())
}

fn number(name: &str, a: &Value, b: &Value) -> Answer {
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
        let result = match name {
            "add" => a.checked_add(b),
            "sub" => a.checked_sub(b),
            _ => a.checked_mul(b),
        };
        return result.map(|n| json!(n)).ok_or(());
    }
    let (a, b) = (a.as_f64().ok_or(())?, b.as_f64().ok_or(())?);
    Ok(json!(match name {
        "add" => a + b,
        "sub" => a - b,
        _ => a * b,
    }))
}

fn size(value: &Value) -> Result<usize, ()> {
    match value {
        Value::Array(items) => Ok(items.len()),
        Value::Object(fields) => Ok(fields.len()),
        Value::String(text) => Ok(text.chars().count()),
        _ => Err(()),
    }
}
