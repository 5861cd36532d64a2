//! Texts made of an etag. Makers take quotes off and put them on, encode and decode; what comes of it is still that etag,
//! and whether it is up to date is all that matters of it.

use crate::model::value::{Token, TokenKind, Value};

/// What a text function makes of an etag: the etag.
pub(crate) fn kept(name: &str, args: &[Value]) -> Option<Value> {
    let made_of_one = |v: &Value| match v {
        Value::Array(items) => matches!(items.as_slice(), [tag] if is_etag(tag)),
        other => is_etag(other),
    };
    if !args.iter().any(made_of_one) {
        return None;
    }
    match (name, args) {
        ("concat", parts) => {
            let mut tags = parts.iter().filter(|p| is_etag(p));
            let only = tags.next().filter(|_| tags.next().is_none())?;
            let trimmings = |p: &Value| match p {
                Value::String(text) => text.chars().all(|c| "\"\\W/ ".contains(c)),
                Value::Null => true,
                other => is_etag(other),
            };
            parts.iter().all(trimmings).then(|| only.clone())
        }
        ("split", [tag, _]) if is_etag(tag) => Some(Value::array(vec![tag.clone()])),
        ("join", [Value::Array(items), _]) => match items.as_slice() {
            [tag] if is_etag(tag) => Some(tag.clone()),
            _ => None,
        },
        (
            "trim"
            | "replace"
            | "tolower"
            | "toupper"
            | "substring"
            | "slice"
            | "uricomponent"
            | "encodeuricomponent"
            | "uricomponenttostring"
            | "decodeuricomponent"
            | "base64"
            | "base64tostring"
            | "decodebase64"
            | "string"
            | "json",
            [tag, ..],
        ) if is_etag(tag) => Some(tag.clone()),
        _ => None,
    }
}

fn is_etag(value: &Value) -> bool {
    matches!(value, Value::Token(Token { kind: TokenKind::Etag, .. }))
}
