//! The parameters of a call, wherever it keeps them: flattened (`item/Title`), nested, in a path, in queries.

use crate::definition::ast::Call;
use crate::definition::expression::{Expr, Part, Template};
use crate::definition::location::Location;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Path parameters by name.
pub(super) type Captures = BTreeMap<String, Template>;

/// A parameter by name, `a/b` being member `b` of `a`.
pub(super) fn parameter(call: &Call, captures: &Captures, name: &str) -> Option<Template> {
    let direct = captures.get(name).or_else(|| {
        let alike = |(k, _): &(&String, &Template)| {
            k.eq_ignore_ascii_case(name)
                || k.strip_prefix("parameters/").is_some_and(|k| k.eq_ignore_ascii_case(name))
        };
        call.parameters.iter().find(alike).map(|(_, t)| t)
    });
    if let Some(found) = direct {
        return Some(unwrap(found.clone()));
    }
    let (outer, inner) = name.split_once('/').unwrap_or(("queries", name));
    let outer = call.parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case(outer));
    member(outer?.1, inner).map(unwrap)
}

/// A member of an object template, whatever its case.
pub(super) fn member(template: &Template, name: &str) -> Option<Template> {
    let Template::Object(pairs) = template else { return None };
    let is = |key: &Template| matches!(key, Template::Text(k) if k.eq_ignore_ascii_case(name));
    pairs.iter().find(|(k, _)| is(k)).map(|(_, v)| v.clone())
}

/// The columns under a parameter: its members, or the flattened names behind it; nested names give objects.
pub(super) fn columns(call: &Call, captures: &Captures, name: &str) -> Vec<(String, Template)> {
    if let Some(one) = captures.get(name) {
        return vec![(name.to_owned(), unwrap(one.clone()))];
    }
    let mut found: Vec<(String, Template)> = Vec::new();
    for (key, value) in &call.parameters {
        let rest = key.strip_prefix(name).and_then(|k| k.strip_prefix('/'));
        match (rest, value) {
            (Some(path), _) => {
                let (column, inner) = path.split_once('/').unwrap_or((path, ""));
                add(&mut found, column, inner, value.clone());
            }
            (None, Template::Object(pairs)) if key == name || key == "body" => {
                for (key, value) in pairs {
                    if let Template::Text(key) = key {
                        add(&mut found, key, "", value.clone());
                    }
                }
            }
            (None, _) => {}
        }
    }
    found
}

fn add(found: &mut Vec<(String, Template)>, column: &str, inner: &str, value: Template) {
    if inner.is_empty() {
        found.push((column.to_owned(), value));
        return;
    }
    let pair = (Template::Text(inner.to_owned()), value);
    match found.iter_mut().find(|(c, _)| c == column) {
        Some((_, Template::Object(pairs))) => pairs.push(pair),
        _ => found.push((column.to_owned(), Template::Object(vec![pair]))),
    }
}

/// Without URL encoding, which old exports apply twice (semantics §1.3), and without needless interpolation.
pub(super) fn unwrap(template: Template) -> Template {
    match template {
        Template::Expr(Expr::Call { name, mut args }, at)
            if args.len() == 1
                && ["encodeuricomponent", "uricomponent", "string"]
                    .contains(&name.to_ascii_lowercase().as_str()) =>
        {
            unwrap(Template::Expr(args.remove(0), at))
        }
        Template::Expr(Expr::Literal(Json::String(text)), _) => Template::Text(text),
        Template::Concat(mut parts, at) if parts.len() == 1 => match parts.remove(0) {
            Part::Text(text) => Template::Text(text),
            Part::Expr(expr) => unwrap(Template::Expr(expr, at)),
        },
        other => other,
    }
}

/// `%20` is a space.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let byte = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The members of an object, written as one or as a JSON text with expressions in it.
pub(super) fn object(template: &Template) -> Option<Vec<(String, Template)>> {
    let pairs = match template {
        Template::Object(pairs) => pairs.clone(),
        Template::Text(_) | Template::Concat(..) => {
            let (text, holes) = marked(template);
            let json = serde_json::from_str::<Json>(&quoted(&text)).ok()?;
            let Template::Object(pairs) = unquoted(json, &holes) else { return None };
            pairs
        }
        _ => return None,
    };
    let named = |(key, value)| match key {
        Template::Text(key) => Some((key, value)),
        _ => None,
    };
    Some(pairs.into_iter().filter_map(named).collect())
}

/// Stands for [`MARK`] in a text that is to be JSON.
const IN_JSON: char = '\u{E000}';

/// A marked text as JSON: a hole that stands for a whole value becomes a text of its own.
fn quoted(text: &str) -> String {
    let mut json = String::new();
    let (mut inside, mut escaped) = (false, false);
    for (index, part) in text.split(MARK).enumerate() {
        if index % 2 == 1 {
            let quote = if inside { "" } else { "\"" };
            json.extend([quote, &format!("{IN_JSON}{part}{IN_JSON}"), quote]);
            continue;
        }
        for c in part.chars() {
            inside ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            json.push(c);
        }
    }
    json
}

fn unquoted(json: Json, holes: &[Template]) -> Template {
    let text = |t: String| unmarked(&t.replace(IN_JSON, &MARK.to_string()), holes);
    match json {
        Json::String(t) => text(t),
        Json::Array(items) => {
            Template::Array(items.into_iter().map(|i| unquoted(i, holes)).collect())
        }
        Json::Object(map) => {
            Template::Object(map.into_iter().map(|(k, v)| (text(k), unquoted(v, holes))).collect())
        }
        other => Template::Literal(other),
    }
}

/// A piece of a text with expressions in it.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// As written.
    Text(String),
    /// What the flow puts there, or has encoded.
    Hole(Template),
}

/// The pieces of a template; a parameter of the flow is text, since it is the same for all.
pub(super) fn pieces(template: &Template) -> Vec<Piece> {
    let hole = |expr: &Expr, at: &Location| match unwrap(Template::Expr(expr.clone(), at.clone())) {
        Template::Text(text) if matches!(expr, Expr::Literal(_)) => Piece::Text(text),
        text @ Template::Text(_) => Piece::Hole(text),
        Template::Expr(Expr::Call { name, args }, _)
            if name.eq_ignore_ascii_case("parameters")
                && matches!(args.as_slice(), [Expr::Literal(Json::String(_))]) =>
        {
            let [Expr::Literal(Json::String(parameter))] = args.as_slice() else {
                return Piece::Text(String::new());
            };
            Piece::Text(format!("{{{parameter}}}"))
        }
        other => Piece::Hole(other),
    };
    match template {
        Template::Text(text) => vec![Piece::Text(text.clone())],
        Template::Literal(Json::Null) => Vec::new(),
        Template::Literal(json) => vec![Piece::Text(json.to_string())],
        Template::Expr(Expr::Call { name, args }, at) if name.eq_ignore_ascii_case("concat") => {
            args.iter().map(|a| hole(a, at)).collect()
        }
        Template::Expr(expr, at) => vec![hole(expr, at)],
        Template::Concat(parts, at) => parts
            .iter()
            .map(|p| match p {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::Expr(expr) => hole(expr, at),
            })
            .collect(),
        Template::Array(_) | Template::Object(_) => vec![Piece::Hole(template.clone())],
    }
}

/// The pieces as one text, holes marked by their number, and the holes.
pub(super) fn marked(template: &Template) -> (String, Vec<Template>) {
    marks(template, true)
}

/// The same of a path: what was encoded to be a segment of it is a hole, whatever slashes it has.
pub(super) fn segments(path: &Template) -> (String, Vec<Template>) {
    marks(path, false)
}

fn marks(template: &Template, melt: bool) -> (String, Vec<Template>) {
    let (mut text, mut holes) = (String::new(), Vec::new());
    for piece in pieces(template) {
        match piece {
            Piece::Text(t) => text.push_str(&t),
            Piece::Hole(Template::Text(t)) if melt => text.push_str(&t),
            Piece::Hole(hole) => {
                text.push(MARK);
                text.push_str(&holes.len().to_string());
                text.push(MARK);
                holes.push(hole);
            }
        }
    }
    (text, holes)
}

/// A marked text whose holes come after `before` others.
pub(super) fn renumbered(text: &str, before: usize) -> String {
    let shift = |m: &str| m.parse::<usize>().map_or(m.to_owned(), |n| (n + before).to_string());
    let piece = |(i, p): (usize, &str)| if i % 2 == 1 { shift(p) } else { p.to_owned() };
    text.split(MARK).enumerate().map(piece).collect::<Vec<_>>().join(&MARK.to_string())
}

/// Stands around the number of a hole.
pub(super) const MARK: char = '\u{1}';

/// A marked text as a template again.
pub(super) fn unmarked(text: &str, holes: &[Template]) -> Template {
    let mut parts = Vec::new();
    for (index, part) in text.split(MARK).enumerate() {
        let hole = (index % 2 == 1).then(|| holes.get(part.parse::<usize>().ok()?)).flatten();
        match hole {
            Some(hole) if text.len() == part.len() + 2 => return hole.clone(),
            Some(Template::Expr(expr, at)) => parts.push((Part::Expr(expr.clone()), at.clone())),
            Some(Template::Text(text)) => {
                parts.push((Part::Text(text.clone()), Location::default()));
            }
            Some(other) => {
                parts.push((Part::Text(format!("{other:?}")), Location::default()));
            }
            None if part.is_empty() => {}
            None => parts.push((Part::Text(part.to_owned()), Location::default())),
        }
    }
    match parts.as_slice() {
        [] => Template::Text(String::new()),
        [(Part::Text(text), _)] => Template::Text(text.clone()),
        [(_, at), ..] => {
            let at = at.clone();
            Template::Concat(parts.into_iter().map(|(p, _)| p).collect(), at)
        }
    }
}

/// Whether a marked path is of a pattern with `{names}`, and what stands there. Whatever follows a `?` is let go.
pub(super) fn matches(pattern: &str, path: &str, holes: &[Template]) -> Option<Captures> {
    let path = path.split('?').next().unwrap_or(path).trim_matches('/');
    let wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    if wanted.len() != given.len() {
        return None;
    }
    let mut captures = Captures::new();
    for (want, have) in wanted.iter().zip(given) {
        segment(want, have, holes, &mut captures)?;
    }
    Some(captures)
}

fn segment(want: &str, have: &str, holes: &[Template], captures: &mut Captures) -> Option<()> {
    let Some((before, rest)) = want.split_once('{') else {
        return want.eq_ignore_ascii_case(have).then_some(());
    };
    let (name, after) = rest.split_once('}')?;
    let have = strip(have, before)?;
    let next = after.split('{').next().unwrap_or("");
    let end = if next.is_empty() { have.len() } else { have.find(next)? };
    captures.insert(name.to_owned(), unmarked(have[..end].trim_matches('\''), holes));
    segment(after, &have[end..], holes, captures)
}

fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
