//! Identity: whom a value of the world outside is about, and when two of them say the same.

use super::external::SYMBOL;
use super::value::Value;
use std::sync::Arc;

/// Ends the name of an answer to a call that did something.
pub const DONE: char = '!';
/// Whom a value is about: two runs may be about the same thing, so that what started them and what others answer them
/// says the same. Where the program says that items may share a business key, items are told apart by their ids alone.
pub fn identity(value: &Value, alias: bool) -> Value {
    let Value::Term(term) = value else {
        return match value {
            Value::Object(o) if o.contains_key(SYMBOL) => identity(&o[SYMBOL], alias),
            other => other.clone(),
        };
    };
    match (&*term.op, term.args.as_slice()) {
        // What the flow made or did itself is its own.
        ("made" | "guid" | "rand", _) => value.clone(),
        (op, _) if op.ends_with(DONE) => value.clone(),
        ("run", _) => Value::Null,
        ("[]", [Value::Term(base), Value::String(column)])
            if alias && !is_id(column) && &*base.op == "item" =>
        {
            let base = Value::term("item", base.args.iter().take(1).cloned().collect());
            Value::term("[]", vec![base, Value::String(column.clone())])
        }
        (op, args) => Value::term(op, args.iter().map(|a| identity(a, alias)).collect()),
    }
}

/// Whether two runs store different things: what the world outside answers to both alike is taken for the same, what
/// started them is not.
pub fn differ(a: &Value, b: &Value) -> bool {
    alike(a) != alike(b)
}

/// The value without the run whose it is, unless it comes from the trigger.
fn alike(value: &Value) -> Value {
    match value {
        Value::Term(term) => match &*term.op {
            "triggerOutputs" => value.clone(),
            "run" => Value::Null,
            op => Value::term(op, term.args.iter().map(alike).collect()),
        },
        Value::Array(items) => Value::array(items.iter().map(alike).collect()),
        Value::Object(o) => {
            Value::Object(Arc::new(o.iter().map(|(k, v)| (k.clone(), alike(v))).collect()))
        }
        other => other.clone(),
    }
}

/// Whether a column names its row and nothing else.
pub fn is_id(column: &str) -> bool {
    let lower = column.to_ascii_lowercase();
    ["id", "guid", "{identifier}", "{path}", "iteminternalid", "@odata.id", "name", "rowkey"]
        .contains(&lower.as_str())
        || (lower.ends_with("id") && !lower.starts_with('_'))
}
