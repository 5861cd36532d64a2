//! Values in words.

use super::external::{ANSWER, ROWS};
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

/// A value among others that it differs from, so that one can see where: what it shares with them at the start is cut
/// first.
pub fn unlike(value: &Value, others: &[&Value]) -> String {
    let whole = |value: &Value| match value {
        Value::Term(t) => words(&t.op, &t.args),
        known => say(known),
    };
    let (text, others) = (whole(value), others.iter().map(|other| whole(other)));
    let alike = others.map(|other| {
        let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        (same, text == other)
    });
    match alike.max() {
        Some((_, true)) => format!("another {}", elided(&text)),
        Some((alike, false)) => from(&text, alike),
        None => elided(&text),
    }
}

/// As much of a text as fits, with what comes after so many characters.
fn from(text: &str, alike: usize) -> String {
    const FRONT: usize = 20;
    const LEAD: usize = 20;
    if text.chars().count() <= LONG || alike + LEAD <= LONG {
        return elided(text);
    }
    let front: String = text.chars().take(FRONT).collect();
    let rest: String = text.chars().skip(alike - LEAD).collect();
    let most = LONG - FRONT - 1;
    let short = if rest.chars().count() <= most { rest } else { cut(&rest, most) };
    format!("{front}…{short}")
}

/// A symbol as a maker would say it.
pub fn symbol(op: &str, args: &[Value]) -> String {
    elided(&words(op, args))
}

fn words(op: &str, args: &[Value]) -> String {
    match (op, args) {
        // What definitions hide (`definition::secret`).
        ("#secret", _) => "‹secret›".to_owned(),
        ("item", [list, Value::Int(n)]) => item(list, *n),
        ("[]", [base @ Value::Term(_), Value::String(key)]) if &**key == "body" => say(base),
        ("[]", [Value::Term(base), Value::String(key)]) => match store(base) {
            Some(store) => format!("{store}.{key}"),
            None => format!("{}.{key}", based(base, symbol(&base.op, &base.args))),
        },
        ("add", sum @ [_, _, ..]) => sum.iter().map(say).collect::<Vec<_>>().join(" + "),
        ("row", [Value::String(store), key]) => match key {
            Value::Term(t) if &*t.op == "listed" => match t.args.as_slice() {
                [_, Value::Int(n)] => format!("row {} of {store}", n.saturating_add(1)),
                _ => format!("a row of {store}"),
            },
            _ => format!("a row of {store}"),
        },
        ("triggerOutputs", args) => match args.first().and_then(run) {
            Some(run) => format!("run {run}'s trigger"),
            None => "the trigger".to_owned(),
        },
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
                let name = [ANSWER, ROWS].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
                // Each iteration has an answer of its own.
                let of = args.first().and_then(|item| nearest(item, &mut { DEEP }));
                let of = of.map_or(String::new(), |item| format!(" ({item})"));
                return format!("the answer of {name}{of}");
            }
            // Whose lane it is says whose run it is.
            let known = |v: &&Value| !matches!(v, Value::Null) && run(v).is_none();
            let args: Vec<String> = args.iter().filter(known).map(say).collect();
            format!("{op}({})", args.join(", "))
        }
    }
}

/// The number of a run, from 1.
fn run(value: &Value) -> Option<i64> {
    match value {
        Value::Term(term) => match (&*term.op, term.args.as_slice()) {
            ("run", [Value::Int(n)]) => Some(n.saturating_add(1)),
            _ => None,
        },
        _ => None,
    }
}

/// An item by its number, and by that of the item in whose list it is.
pub fn item(list: &Value, n: i64) -> String {
    let of = nearest(list, &mut { DEEP }).map_or(String::new(), |outer| format!(" of {outer}"));
    format!("item {}{of}", n.saturating_add(1))
}

/// A symbol before a dot, in brackets where the dot would seem to belong to its last word only.
pub fn based(base: &Term, text: String) -> String {
    let nested = &*base.op == "item" && text.contains(" of ");
    if nested { format!("({text})") } else { text }
}

/// So many symbols are looked through for an item.
const DEEP: u32 = 100;

/// The item that a value comes from.
fn nearest(value: &Value, left: &mut u32) -> Option<String> {
    let Value::Term(term) = value else { return None };
    *left = left.checked_sub(1)?;
    match (&*term.op, term.args.as_slice()) {
        ("item", [list, Value::Int(n)]) => Some(item(list, *n)),
        (_, args) => args.iter().find_map(|arg| nearest(arg, left)),
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

/// What a line can bear.
const LONG: usize = 80;

fn elided(text: &str) -> String {
    if text.chars().count() <= LONG { text.to_owned() } else { cut(text, LONG) }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nth(list: Value, n: i64) -> Value {
        Value::term("item", vec![list, Value::Int(n)])
    }

    fn field(base: Value, name: &str) -> Value {
        Value::term("[]", vec![base, Value::text(name)])
    }

    #[test]
    fn items_of_inner_loops_are_told_apart() {
        let inner = |outer: i64| {
            let rows = field(nth(Value::term("triggerBody", vec![]), outer), "rows");
            field(nth(rows, 0), "sha1")
        };
        assert_eq!(say(&inner(0)), "(item 1 of item 1).sha1");
        assert_eq!(say(&inner(1)), "(item 1 of item 2).sha1");
        let plain = nth(Value::term("triggerBody", vec![]), 1);
        assert_eq!(say(&plain), "item 2");
        assert_eq!(say(&field(plain, "sha1")), "item 2.sha1");
    }

    #[test]
    fn answers_of_iterations_are_told_apart() {
        let list = Value::term("triggerBody", vec![]);
        let of = |item: Value| say(&Value::term("Look_up#7", vec![item]));
        assert_eq!(of(nth(list, 1)), "the answer of Look_up (item 2)");
        assert_eq!(of(Value::Null), "the answer of Look_up");
    }

    #[test]
    fn what_differs_is_not_cut_away() {
        let long = |end: &str| Value::text(&format!("{}{end}", "abcdefghij".repeat(20)));
        let (one, two) = (long("-first"), long("-second"));
        assert_eq!(said(&one), said(&two), "as they are cut by themselves");
        assert_eq!(unlike(&one, &[&two]), "\"abcdefghijabcdefghi…bcdefghijabcdefghij-first\"");
        assert_eq!(unlike(&two, &[&one]), "\"abcdefghijabcdefghi…bcdefghijabcdefghij-second\"");
        assert_eq!(unlike(&one, &[&Value::Int(1)]), said(&one));
        assert_eq!(unlike(&Value::Int(1), &[&Value::Int(2)]), "1");
        let alike = |node: &str| Value::term(node, vec![]);
        assert_eq!(unlike(&alike("Get#1"), &[&alike("Get#2")]), "another the answer of Get");
    }
}
