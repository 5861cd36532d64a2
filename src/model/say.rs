//! Values in words.

use super::value::{Term, Value};

/// A value in a message.
pub fn say(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(f) => f.0.to_string(),
        Value::String(s) => format!("\"{s}\""),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(say).collect::<Vec<_>>().join(", "))
        }
        Value::Object(o) => {
            format!(
                "{{{}}}",
                o.iter().map(|(k, v)| format!("{k}: {}", say(v))).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Token(_) => "etag".to_owned(),
        Value::Term(t) => symbol(&t.op, &t.args),
    }
}

/// A value in a sentence with others.
pub fn said(value: &Value) -> String {
    elided(&say(value))
}

/// A symbol as a maker would say it.
pub fn symbol(op: &str, args: &[Value]) -> String {
    elided(&words(op, args))
}

fn words(op: &str, args: &[Value]) -> String {
    match (op, args) {
        // What definitions hide (`definition::secret`).
        ("#secret", _) => "‹secret›".to_owned(),
        ("item", [_, Value::Int(n)]) => format!("item {}", n.saturating_add(1)),
        ("[]", [base @ Value::Term(_), Value::String(key)]) if &**key == "body" => say(base),
        ("[]", [Value::Term(base), Value::String(key)]) => match store(base) {
            Some(store) => format!("{store}.{key}"),
            None => format!("{}.{key}", symbol(&base.op, &base.args)),
        },
        ("add", sum @ [_, _, ..]) => sum.iter().map(say).collect::<Vec<_>>().join(" + "),
        ("row", [Value::String(store), key]) => match key {
            Value::Term(t) if &*t.op == "listed" => match t.args.as_slice() {
                [_, Value::Int(n)] => format!("row {} of {store}", n.saturating_add(1)),
                _ => format!("a row of {store}"),
            },
            _ => format!("a row of {store}"),
        },
        ("triggerOutputs", _) => "the trigger".to_owned(),
        ("made", [Value::String(by), ..]) => format!("what {by} made"),
        ("key", [one]) => say(one),
        ("concat", parts) if parts.iter().filter(|p| !empty(p)).count() == 1 => {
            parts.iter().filter(|p| !empty(p)).map(say).collect()
        }
        ("concat", parts) => parts
            .iter()
            .map(|p| match p {
                Value::String(text) => text.to_string(),
                other => format!("{{{}}}", say(other)),
            })
            .collect(),
        (op, args) => {
            if let Some((name, _)) = op.split_once('#') {
                let name = name.rsplit('/').next().unwrap_or(name);
                return format!(
                    "the answer of {}",
                    name.strip_prefix("answer of ").unwrap_or(name)
                );
            }
            let known = |v: &&Value| !matches!(v, Value::Null);
            let args: Vec<String> = args.iter().filter(known).map(say).collect();
            format!("{op}({})", args.join(", "))
        }
    }
}

/// The store of a row that no query found: there is one such row in a question, so its column needs no more.
pub fn store(row: &Term) -> Option<&str> {
    match (&*row.op, row.args.as_slice()) {
        ("row", [Value::String(_), Value::Term(key)]) if &*key.op == "listed" => None,
        ("row", [Value::String(store), _]) => Some(store),
        _ => None,
    }
}

fn empty(part: &Value) -> bool {
    matches!(part, Value::String(text) if text.is_empty())
}

/// No longer than a line can bear.
fn elided(text: &str) -> String {
    const LONG: usize = 80;
    if text.chars().count() <= LONG {
        return text.to_owned();
    }
    text.chars().take(LONG - 1).chain(['…']).collect()
}
