//! The `@{…}` language: syntax only (helper writes lexer and parser below the types).

use super::location::Location;
use serde_json::Value as Json;

/// A JSON value in which texts may be expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// null, a boolean or a number.
    Literal(Json),
    /// A text without expressions, `@@` undone.
    Text(String),
    /// The whole text is one expression; keeps its type.
    Expr(Expr, Location),
    /// `@{…}` inside a text.
    Concat(Vec<Part>, Location),
    /// An array.
    Array(Vec<Template>),
    /// An object in file order; a key may be an expression.
    Object(Vec<(Template, Template)>),
}

/// One part of an interpolated text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// As written.
    Text(String),
    /// `@{…}`.
    Expr(Expr),
}

/// An expression of the platform's language.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number, text, boolean or null.
    Literal(Json),
    /// `name(args…)`, name as written.
    Call { name: String, args: Vec<Expr> },
    /// `base.key`, `base[key]`, with `?` in front when `safe`.
    Index { base: Box<Expr>, key: Box<Expr>, safe: bool },
}

use super::problem::Problem;

/// Stub; replaced on merging.
pub fn parse_template(json: &Json, at: &mut dyn FnMut(&str) -> Location, problems: &mut Vec<Problem>) -> Template {
    stub(json, "", at, problems)
}
/// Stub
pub fn parse_condition(json: &Json, at: &mut dyn FnMut(&str) -> Location, problems: &mut Vec<Problem>) -> Template {
    match json {
        Json::String(text) if !text.starts_with('@') => stub(&Json::String(format!("@{text}")), "", at, problems),
        _ => stub(json, "", at, problems),
    }
}
fn stub(json: &Json, pointer: &str, at: &mut dyn FnMut(&str) -> Location, problems: &mut Vec<Problem>) -> Template {
    match json {
        Json::String(text) => {
            let place = at(pointer);
            match text_of(text, &place) { Ok(t) => t, Err(m) => { problems.push(Problem { at: place, message: m }); Template::Text(text.clone()) } }
        }
        Json::Array(list) => Template::Array(
            list.iter().enumerate().map(|(n, value)| stub(value, &format!("{pointer}/{n}"), at, problems)).collect(),
        ),
        Json::Object(object) => Template::Object(
            object.iter().map(|(key, value)| (Template::Text(key.clone()), stub(value, &format!("{pointer}/{key}"), at, problems))).collect(),
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) => Template::Literal(json.clone()),
    }
}
fn text_of(text: &str, at: &Location) -> Result<Template, String> {
    if let Some(rest) = text.strip_prefix("@@") { return Ok(Template::Text(format!("@{rest}"))); }
    if text.starts_with('@') && !text.starts_with("@{") {
        let c: Vec<char> = text[1..].chars().collect();
        let mut i = 0;
        let e = expr(&c, &mut i)?;
        ws(&c, &mut i);
        if i < c.len() { return Err(format!("unexpected \"{}\"", c[i])); }
        return Ok(Template::Expr(e, at.clone()));
    }
    if !text.contains("@{") { return Ok(Template::Text(text.to_owned())); }
    let c: Vec<char> = text.chars().collect();
    let (mut i, mut parts, mut lit) = (0, vec![], String::new());
    while i < c.len() {
        if c[i] == '@' && c.get(i + 1) == Some(&'{') {
            if !lit.is_empty() { parts.push(Part::Text(std::mem::take(&mut lit))); }
            i += 2;
            parts.push(Part::Expr(expr(&c, &mut i)?));
            ws(&c, &mut i);
            if c.get(i) != Some(&'}') { return Err("unclosed \"@{\"".into()); }
            i += 1;
        } else { lit.push(c[i]); i += 1; }
    }
    if !lit.is_empty() { parts.push(Part::Text(lit)); }
    Ok(Template::Concat(parts, at.clone()))
}
fn ws(c: &[char], i: &mut usize) { while *i < c.len() && c[*i].is_whitespace() { *i += 1; } }
fn expr(c: &[char], i: &mut usize) -> Result<Expr, String> {
    ws(c, i);
    if c.get(*i) == Some(&'@') { *i += 1; }
    let mut e = match c.get(*i) {
        Some('\'') => {
            let mut s = String::new();
            *i += 1;
            loop { match c.get(*i) { None => return Err("unclosed text".into()), Some('\'') if c.get(*i + 1) == Some(&'\'') => { s.push('\''); *i += 2; } Some('\'') => { *i += 1; break; } Some(x) => { s.push(*x); *i += 1; } } }
            Expr::Literal(Json::String(s))
        }
        Some(x) if x.is_ascii_digit() || *x == '-' => {
            let start = *i;
            *i += 1;
            while *i < c.len() && (c[*i].is_ascii_digit() || ".eE+-".contains(c[*i])) { *i += 1; }
            let s: String = c[start..*i].iter().collect();
            Expr::Literal(serde_json::from_str(&s).map_err(|e| e.to_string())?)
        }
        Some(_) => {
            let start = *i;
            while *i < c.len() && !".,(){}@[]?' ".contains(c[*i]) { *i += 1; }
            let s: String = c[start..*i].iter().collect();
            match s.to_lowercase().as_str() { "true" => Expr::Literal(Json::Bool(true)), "false" => Expr::Literal(Json::Bool(false)), "null" => Expr::Literal(Json::Null),
              "" => return Err("expected an expression".into()),
              _ => {
                ws(c, i);
                if c.get(*i) != Some(&'(') { return Err(format!("expected \"(\" after \"{s}\"")); }
                *i += 1;
                let mut args = vec![];
                ws(c, i);
                if c.get(*i) == Some(&')') { *i += 1; } else { loop { args.push(expr(c, i)?); ws(c, i); match c.get(*i) { Some(',') => *i += 1, Some(')') => { *i += 1; break; } _ => return Err("expected \",\" or \")\"".into()) } } }
                Expr::Call { name: s, args }
              } }
        }
        None => return Err("expected an expression".into()),
    };
    loop {
        let safe = c.get(*i) == Some(&'?');
        let j = *i + usize::from(safe);
        match c.get(j) {
            Some('[') => { *i = j + 1; let key = expr(c, i)?; ws(c, i); if c.get(*i) != Some(&']') { return Err("expected \"]\"".into()); } *i += 1; e = Expr::Index { base: Box::new(e), key: Box::new(key), safe }; }
            Some('.') => { *i = j + 1; let start = *i; while *i < c.len() && !".,(){}@[]?' ".contains(c[*i]) { *i += 1; } let s: String = c[start..*i].iter().collect(); e = Expr::Index { base: Box::new(e), key: Box::new(Expr::Literal(Json::String(s))), safe }; }
            _ => return Ok(e),
        }
    }
}
