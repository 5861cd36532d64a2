//! How values and verdicts are spelled, in every format alike.

use super::{Across, Level, Severity, Verdict};
use crate::definition::secret::SECRET;
use crate::model::say::{based, item, store, symbol};
use crate::model::value::{Term, TokenKind, Value};
use std::fmt::Write as _;

/// Longer texts are cut: a term may share its parts so often that it has no end in print.
const LONGEST: usize = 400;

/// A value for people: JSON's spelling, unknown values in `‹›`, tokens by their kind.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    cut(&mut out);
    out
}

/// A symbol for an unknown value, as `‹utcNow()›` or `‹triggerBody() + 2›`.
pub fn term(term: &Term) -> String {
    let mut out = String::new();
    write_bracketed(term, &mut out);
    cut(&mut out);
    out
}

/// A value in about as many characters, whole as far as it goes: what is left out is counted, brackets close.
pub fn brief(value: &Value, most: usize) -> String {
    let whole = text(value);
    if whole.chars().count() <= most {
        return whole;
    }
    let room = |used: &str| most.saturating_sub(used.chars().count() + 2);
    match value {
        Value::Array(rows) if most < 40 && rows.iter().all(|r| matches!(r, Value::Object(_))) => {
            format!("{} row{}", rows.len(), if rows.len() == 1 { "" } else { "s" })
        }
        Value::Array(items) => {
            listed('[', ']', items.len(), most, |at, out| brief(&items[at], room(out)))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().filter(|(key, _)| !key.starts_with('#')).collect();
            listed('{', '}', fields.len(), most, |at, out| {
                let (key, field) = fields[at];
                let mut named = String::new();
                write_text(key, &mut named);
                named.push_str(": ");
                named.push_str(&brief(field, room(out).saturating_sub(named.chars().count())));
                named
            })
        }
        Value::String(_) => {
            let kept: String = whole.chars().take(most.saturating_sub(2).max(1)).collect();
            format!("{kept}…\"")
        }
        // What is done to a value stands at its end: `‹Metrics.Proces… + 1›`.
        Value::Term(_) => {
            const END: usize = 5;
            let end = whole.chars().count().saturating_sub(END);
            let kept = whole.chars().take(most.saturating_sub(END + 1).max(1));
            kept.chain(['…']).chain(whole.chars().skip(end)).collect()
        }
        _ => whole,
    }
}

/// As many as there is room for, at least one, and how many more.
fn listed(
    open: char,
    close: char,
    count: usize,
    most: usize,
    item: impl Fn(usize, &str) -> String,
) -> String {
    const MORE: usize = 8;
    let mut out = String::from(open);
    for at in 0..count {
        let next = item(at, &out);
        let used = out.chars().count() + next.chars().count();
        if at > 0 && used + MORE > most {
            _ = write!(out, ", +{}", count - at);
            break;
        }
        if at > 0 {
            out.push_str(", ");
        }
        out.push_str(&next);
    }
    out.push(close);
    out
}

/// `etag` or `lease`.
pub fn token(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Etag => "etag",
        TokenKind::Lease => "lease",
    }
}

fn write_value(value: &Value, out: &mut String) {
    if full(out) {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(f) => _ = write!(out, "{:?}", f.0),
        Value::String(s) => write_text(s, out),
        Value::Array(items) => {
            out.push('[');
            write_list(items, out);
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            let shown = fields.iter().filter(|(key, _)| !key.starts_with('#'));
            for (i, (key, field)) in shown.enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_text(key, out);
                out.push_str(": ");
                write_value(field, out);
                if full(out) {
                    break;
                }
            }
            out.push('}');
        }
        Value::Token(t) => out.push_str(token(t.kind)),
        Value::Term(t) => write_bracketed(t, out),
    }
}

fn write_list(items: &[Value], out: &mut String) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(item, out);
        if full(out) {
            return;
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
        if full(out) {
            break;
        }
    }
    out.push('"');
}

fn write_bracketed(term: &Term, out: &mut String) {
    out.push('‹');
    write_term(term, out);
    out.push('›');
}

/// Inside the brackets: nested terms need none of their own. Items and properties read as in the designer.
fn write_term(term: &Term, out: &mut String) {
    match (&*term.op, term.args.as_slice()) {
        (SECRET, _) => {
            out.push_str("secret");
            return;
        }
        ("item", [list, Value::Int(n)]) => {
            out.push_str(&item(list, *n));
            return;
        }
        ("[]", [Value::Term(base), Value::String(key)]) => {
            if let Some(store) = store(base) {
                out.push_str(store);
            } else {
                let mut text = String::new();
                write_term(base, &mut text);
                out.push_str(&based(base, text));
            }
            if &**key != "body" {
                out.push('.');
                out.push_str(key);
            }
            return;
        }
        (op, args)
            if ["row", "made", "key", "concat", "triggerOutputs"].contains(&op)
                || op.contains('#') =>
        {
            out.push_str(&symbol(op, args));
            return;
        }
        _ => {}
    }
    let sum = &*term.op == "add" && term.args.len() > 1;
    if !sum {
        out.push_str(&term.op);
        out.push('(');
    }
    for (i, arg) in term.args.iter().enumerate() {
        if i > 0 {
            out.push_str(if sum { " + " } else { ", " });
        }
        if full(out) {
            break;
        }
        match arg {
            Value::Term(inner) => write_term(inner, out),
            known => write_value(known, out),
        }
    }
    if !sum {
        out.push(')');
    }
}

/// Whether enough has been said.
fn full(out: &str) -> bool {
    out.len() > LONGEST
}

/// Only brackets are left to close after enough has been said.
fn cut(out: &mut String) {
    if let Some((end, _)) = out.char_indices().nth(LONGEST) {
        out.truncate(end);
        out.push('…');
    }
}

impl Verdict {
    /// `safe`, `unsafe`, `inconclusive`.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Inconclusive(_) => "inconclusive",
        }
    }
}

impl Level {
    /// `deterministic`, `order-dependent`, `not-serial`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Deterministic => "deterministic",
            Self::OrderDependent => "order-dependent",
            Self::NotSerial => "not-serial",
        }
    }
}

impl Severity {
    /// `error`, `warning`, `note`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Across {
    /// `iterations`, `branches`, `runs`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Iterations => "iterations",
            Self::Branches => "branches",
            Self::Runs => "runs",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Float;

    fn check(value: &Value, expected: &str) {
        assert_eq!(text(value), expected);
    }

    #[test]
    fn values_read_like_json() {
        check(&Value::Null, "null");
        check(&Value::Float(Float(1.0)), "1.0");
        check(&Value::text("a\"b"), r#""a\"b""#);
        check(&Value::array(vec![Value::Int(1), Value::Bool(true)]), "[1, true]");
        check(&Value::object([("a", Value::Int(1)), ("b", Value::Null)]), r#"{"a": 1, "b": null}"#);
    }

    #[test]
    fn unknown_values_are_bracketed_once() {
        let now = Value::term("utcNow", vec![]);
        check(&now, "‹utcNow()›");
        check(&Value::term("add", vec![now.clone(), Value::Int(2)]), "‹utcNow() + 2›");
        check(&Value::term("trim", vec![now]), "‹trim(utcNow())›");
    }

    #[test]
    fn long_values_are_cut_between_their_parts() {
        let row =
            |n: i64| Value::object([("Key", Value::Int(n)), ("Text", Value::text("abcdefghij"))]);
        let rows = Value::array(vec![row(1), row(2), row(3)]);
        let said = |most| brief(&rows, most);
        assert_eq!(said(200), text(&rows));
        assert_eq!(said(60), r#"[{"Key": 1, "Text": "abcdefghij"}, {"Key": 2, +1}, +1]"#);
        assert_eq!(said(24), "3 rows");
        assert_eq!(brief(&row(1), 24), r#"{"Key": 1, +1}"#);
        assert_eq!(brief(&Value::text("abcdefghij"), 8), "\"abcde…\"");
        let sum = Value::term("add", vec![Value::term("utcNow", vec![]), Value::Int(1)]);
        assert_eq!(brief(&sum, 12), "‹utcNo… + 1›");
        assert_eq!(brief(&Value::Int(1_234_567), 3), "1234567");
    }

    #[test]
    fn a_term_that_doubles_at_every_level_ends() {
        let mut value = Value::term("x", vec![]);
        for _ in 0..200 {
            value = Value::term("f", vec![value.clone(), value]);
        }
        assert_eq!(text(&value).chars().count(), LONGEST + 1);
    }
}
