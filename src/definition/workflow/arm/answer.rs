//! What an ARM expression comes to: a value, or a text with holes where only the deployment knows. A hole becomes
//! `parameters('[…]')`, whose value nobody knows but which is the same wherever it has the same name.

use serde_json::Value;

/// Longer texts are not built: templates can double a text with every variable.
const LONGEST: usize = 1 << 20;

/// The value of an expression, as far as it is known before the deployment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Known(Value),
    /// A text in parts; a single hole may be of any type.
    Open(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Hole(String),
}

impl Answer {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Answer::Known(Value::String(text.into()))
    }

    /// What only the deployment knows.
    pub(super) fn hole(name: impl Into<String>) -> Self {
        Answer::Open(vec![Part::Hole(name.into())])
    }

    /// Whether nothing is known of it.
    pub(super) fn is_hole(&self) -> bool {
        matches!(self, Answer::Open(parts) if matches!(parts.as_slice(), [Part::Hole(_)]))
    }

    /// How much it takes to copy.
    pub(super) fn size(&self) -> usize {
        match self {
            Answer::Known(value) => size(value),
            Answer::Open(parts) => parts.iter().map(Part::len).sum(),
        }
    }

    /// The texts of answers one after another; `None` where one is no text, or all are too long.
    pub(super) fn concat(answers: &[Answer]) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut push = |part: Part| match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(next)) => before.push_str(&next),
            (_, part) => parts.push(part),
        };
        let mut length = 0;
        for answer in answers {
            match answer {
                Answer::Known(value) => {
                    let text = spelled(value)?;
                    length += text.len();
                    push(Part::Text(text));
                }
                Answer::Open(own) => {
                    length += own.iter().map(Part::len).sum::<usize>();
                    own.iter().cloned().for_each(&mut push);
                }
            }
            if length > LONGEST {
                return None;
            }
        }
        Some(match parts.as_slice() {
            [] => Answer::text(""),
            [Part::Text(only)] => Answer::text(only.clone()),
            _ => Answer::Open(parts),
        })
    }

    /// As the workflow language says it.
    pub(super) fn written(self) -> Value {
        let parts = match self {
            Answer::Known(value) => return value,
            Answer::Open(parts) => parts,
        };
        if let [Part::Hole(name)] = parts.as_slice() {
            return Value::String(format!("@{}", reference(name)));
        }
        let mut out = String::new();
        for part in parts {
            let piece = match part {
                Part::Text(text) => text,
                Part::Hole(name) => match place(&out) {
                    Place::Text => format!("@{{{}}}", reference(&name)),
                    Place::Expression => reference(&name),
                    // Part of a name or a text inside an expression: its own name must do.
                    Place::Quoted => format!("[{}]", name.replace('\'', "")),
                },
            };
            out.push_str(&piece);
        }
        Value::String(out)
    }
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Part::Text(text) | Part::Hole(text) => text.len(),
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Object(object) => object.iter().map(|(k, v)| k.len() + size(v)).sum::<usize>() + 1,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// A value as `concat` and `string` spell it; `None` for what has no text of its own.
pub(super) fn spelled(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(if *truth { "True" } else { "False" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn reference(name: &str) -> String {
    format!("parameters('[{}]')", name.replace('\'', "''"))
}

enum Place {
    Text,
    Expression,
    Quoted,
}

/// Where the end of a text stands in the workflow language.
fn place(text: &str) -> Place {
    let whole = text.starts_with('@') && !text.starts_with("@{") && !text.starts_with("@@");
    let (mut inside, mut quoted) = (whole, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' if inside => quoted = !quoted,
            b'{' if !inside && at > 0 && bytes[at - 1] == b'@' => {
                inside = !(at > 1 && bytes[at - 2] == b'@');
            }
            b'}' if inside && !quoted && !whole => inside = false,
            _ => {}
        }
    }
    match (inside, quoted) {
        (true, true) => Place::Quoted,
        (true, false) => Place::Expression,
        (false, _) => Place::Text,
    }
}
