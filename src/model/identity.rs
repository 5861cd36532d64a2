//! Identity: whom a value of the world outside is about, and when two of them say the same.

use super::external::SYMBOL;
use super::value::Value;
use std::sync::Arc;

/// Ends the name of an answer to a call that did something.
pub const DONE: char = '!';

/// Which values that differ may be about the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alias {
    /// None.
    #[default]
    Apart,
    /// Items of a loop may share a business key: they are told apart by their ids alone.
    Keys,
    /// Items of a loop may be the same.
    Items,
    /// All that nobody knows may be the same.
    All,
}

/// Whom a value is about: two runs may be about the same thing, so that what started them and what others answer them
/// says the same.
pub fn identity(value: &Value, alias: Alias) -> Value {
    let Value::Term(term) = value else {
        return match value {
            Value::Object(o) if o.contains_key(SYMBOL) => identity(&o[SYMBOL], alias),
            other => other.clone(),
        };
    };
    match (&*term.op, term.args.as_slice()) {
        _ if alias == Alias::All => Value::term("any", Vec::new()),
        ("item", args) if alias == Alias::Items => {
            Value::term("item", args.iter().take(1).map(|a| identity(a, alias)).collect())
        }
        // What the flow made or did itself is its own.
        ("made" | "guid" | "rand", _) => value.clone(),
        (op, _) if op.ends_with(DONE) => value.clone(),
        ("run", _) => Value::Null,
        ("[]", [Value::Term(base), Value::String(column)])
            if alias == Alias::Keys && !is_id(column) && &*base.op == "item" =>
        {
            let base = Value::term("item", base.args.iter().take(1).cloned().collect());
            Value::term("[]", vec![base, Value::String(column.clone())])
        }
        (_, args) => Value::over(term, args.iter().map(|a| identity(a, alias)).collect()),
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
            _ => Value::over(term, term.args.iter().map(alike).collect()),
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
