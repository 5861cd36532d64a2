//! Identity: whom a value of the world outside is about, and when two of them say the same.

use super::external::SYMBOL;
use super::value::{Term, Value};
use std::sync::Arc;

/// Ends the name of an answer to a call that did something.
pub const DONE: char = '!';

/// Begins the name of what a call answers, of which no more is known.
pub const ANSWER: &str = "answer of ";
/// The same of a call that answers rows that are there.
pub const ROWS: &str = "rows of ";

/// Functions whose value says all that an argument says: where the argument is another, it is another.
const SHOWING: [&str; 7] =
    ["concat", "key", "string", "encodeuricomponent", "uricomponent", "base64", "ticks"];

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
    /// All items of a list that nobody knows are one and the same.
    Same,
    /// All that nobody knows may be the same.
    All,
}

/// Whom a value is about: two runs may be about the same thing, so that what started them and what others answer them
/// says the same.
pub fn identity(value: &Value, alias: Alias) -> Value {
    about(value, alias, true)
}

/// The same; `whole`: of a value that is told apart by all that it says, and not by a part of it or a property.
fn about(value: &Value, alias: Alias, whole: bool) -> Value {
    let Value::Term(term) = value else {
        return match value {
            Value::Object(o) if o.contains_key(SYMBOL) => about(&o[SYMBOL], alias, whole),
            other => other.clone(),
        };
    };
    match (&*term.op, term.args.as_slice()) {
        _ if alias == Alias::All => Value::term("any", Vec::new()),
        ("item", args) if alias == Alias::Items => {
            Value::term("item", args.iter().take(1).map(|a| about(a, alias, false)).collect())
        }
        // A value and its text are about the same.
        ("string" | "concat", [one]) => about(one, alias, whole),
        // What the flow made or did itself is its own, as are a moment and what only this event can have.
        ("made" | "guid" | "rand", _) => value.clone(),
        (op, _) if op.ends_with(DONE) => value.clone(),
        _ if is_moment(value) || is_of_event(value) => {
            if whole {
                value.clone()
            } else {
                runless(value)
            }
        }
        ("run", _) => Value::Null,
        ("[]", [Value::Term(base), Value::String(column)])
            if alias == Alias::Keys && !is_id(column) && &*base.op == "item" =>
        {
            let base = Value::term("item", base.args.iter().take(1).cloned().collect());
            Value::term("[]", vec![base, Value::String(column.clone())])
        }
        (op, args) => {
            let whole = whole && SHOWING.contains(&op);
            Value::over(term, args.iter().map(|a| about(a, alias, whole)).collect())
        }
    }
}

/// Whether two runs store different things in the row of a key: what the world outside answers to both alike is
/// taken for the same; what started them is not, but for what names the row.
pub fn differ(a: &Value, b: &Value, key: &Value) -> bool {
    alike(a, key) != alike(b, key)
}

/// Whether the world outside answered something to what started a run, other than by the key: two runs about the same
/// are answered the same, but nothing says that two runs that meet here are about the same.
pub fn hangs_on_event(value: &Value, key: &Value) -> bool {
    match value {
        Value::Term(_) if holds(key, &runless(value)) => false,
        Value::Term(term) => match outputs(value) {
            Some(outputs) => outputs.args.first() == Some(&Value::Null),
            None => term.args.iter().any(|a| hangs_on_event(a, key)),
        },
        Value::Array(items) => items.iter().any(|v| hangs_on_event(v, key)),
        Value::Object(o) => o.values().any(|v| hangs_on_event(v, key)),
        _ => false,
    }
}

/// The value without the run whose it is, unless it comes from the trigger and names nothing.
fn alike(value: &Value, key: &Value) -> Value {
    match value {
        Value::Term(term) => match &*term.op {
            "run" => Value::Null,
            "guid" | "rand" => value.clone(),
            // Whatever the row is named by is the same for both.
            _ if holds(key, &runless(value)) => runless(value),
            "triggerOutputs" => value.clone(),
            "[]" if outputs(value).is_some() => value.clone(),
            _ => Value::over(term, term.args.iter().map(|a| alike(a, key)).collect()),
        },
        Value::Array(items) => Value::array(items.iter().map(|v| alike(v, key)).collect()),
        Value::Object(o) => {
            let pairs = o.iter().map(|(k, v)| (k.clone(), alike(v, key)));
            Value::Object(Arc::new(pairs.collect()))
        }
        other => other.clone(),
    }
}

/// The value, whosever run's it is.
fn runless(value: &Value) -> Value {
    match value {
        Value::Term(term) if &*term.op == "run" => Value::Null,
        Value::Term(term) => Value::over(term, term.args.iter().map(runless).collect()),
        other => other.clone(),
    }
}

/// The value without where and when a moment was asked for: it is no other moment for being asked for again.
pub fn timeless(value: &Value) -> Value {
    match value {
        Value::Term(term) if &*term.op == "utcnow" => Value::term("utcnow", Vec::new()),
        Value::Term(term) => Value::over(term, term.args.iter().map(timeless).collect()),
        other => other.clone(),
    }
}

/// Whether a key says what another value is: it is made of it, or the query that found its row asked for it. What else a
/// query asks says nothing: another query may have found the same row. Nor does a part of a value say what it was.
fn holds(key: &Value, part: &Value) -> bool {
    let Value::Term(term) = key else { return key == part };
    let inside = |arg: &Value| holds(arg, part);
    let args = &term.args;
    key == part
        || match &*term.op {
            "query" => args.get(1..).is_some_and(|a| a.chunks_exact(2).any(|p| inside(&p[1]))),
            // Two unknown texts in a row can be cut elsewhere.
            "concat" if args.iter().filter(|a| a.is_unknown()).count() > 1 => false,
            // Who names a row by its id names all that is in it.
            "[]" => matches!(args.as_slice(), [base, Value::String(column)]
                if is_id(column) && is_row(base) && inside(base)),
            "key" | "concat" | "string" | "encodeuricomponent" | "uricomponent" | "listed" => {
                args.iter().any(inside)
            }
            _ => false,
        }
}

/// Whether a value is a row that was found, as far as it goes.
fn is_row(value: &Value) -> bool {
    let Value::Term(term) = value else { return false };
    match (&*term.op, term.args.as_slice()) {
        ("row", _) => true,
        ("[]" | "first" | "last" | "item", [list, ..]) => is_row(list),
        (op, _) => op.starts_with(ROWS),
    }
}

/// The outputs of the trigger that a value is a part of, if it is.
fn outputs(value: &Value) -> Option<&Term> {
    let Value::Term(term) = value else { return None };
    match (&*term.op, term.args.as_slice()) {
        ("triggerOutputs", _) => Some(term),
        ("[]", [base, Value::String(_)]) => outputs(base),
        _ => None,
    }
}

/// Where a part of something is found in it: `body/ID`.
fn place(part: &Value) -> String {
    match part {
        Value::Term(term) => match term.args.as_slice() {
            [base, Value::String(column)] if &*term.op == "[]" => match place(base) {
                outer if outer.is_empty() => column.to_string(),
                outer => format!("{outer}/{column}"),
            },
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// Whether no other event than that of its run has this value.
fn is_of_event(value: &Value) -> bool {
    let ids = outputs(value).and_then(|outputs| outputs.args.get(1..)).unwrap_or_default();
    if ids.is_empty() {
        return false;
    }
    let place = place(value).to_lowercase();
    let place = place.strip_prefix("body/").unwrap_or(&place);
    ids.iter().any(|id| matches!(id, Value::String(id) if **id == *place))
}

/// Whether a value says when it was, to the second at least: two runs do not say the same.
fn is_moment(value: &Value) -> bool {
    let Value::Term(term) = value else { return false };
    let now = |v: &Value| matches!(v, Value::Term(t) if &*t.op == "utcnow");
    // Of the standard formats these say no seconds.
    let coarse = |f: &str| ["d", "D", "t", "g", "f", "m", "M", "y", "Y"].contains(&f);
    let fine = |format: &Value| matches!(format, Value::String(f) if f.contains('s') || (f.len() == 1 && !coarse(f)));
    match (&*term.op, term.args.as_slice()) {
        ("utcnow", [format @ Value::String(_), ..]) => fine(format),
        ("utcnow", _) => true,
        ("formatdatetime", [at, format]) => now(at) && fine(format),
        _ => false,
    }
}

/// Whether a column names its row and nothing else.
pub fn is_id(column: &str) -> bool {
    let lower = column.to_ascii_lowercase();
    ["id", "guid", "{identifier}", "{path}", "iteminternalid", "@odata.id", "name", "rowkey"]
        .contains(&lower.as_str())
        || (lower.ends_with("id") && !lower.starts_with('_'))
}
