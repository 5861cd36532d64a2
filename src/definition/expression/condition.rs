//! Conditions: a text with or without `@`, or the object form of the designers (semantics §12.1).

use super::parse::{Places, parse_template, parse_text, unreadable};
use super::{Expr, Part, Template};
use crate::definition::problem::Problem;
use serde_json::Value as Json;

/// A condition as one expression.
pub fn parse_condition(json: &Json, at: &mut Places<'_>, problems: &mut Vec<Problem>) -> Template {
    match json {
        Json::String(text) if !text.starts_with('@') => {
            let place = at("", None);
            parse_text(&format!("@{text}"), &place).unwrap_or_else(|fault| {
                // The `@` is ours.
                let spot = at("", Some((text, fault.offset.saturating_sub(1))));
                problems.push(fault.problem(spot));
                unreadable(&place)
            })
        }
        Json::Object(_) => {
            let place = at("", None);
            Template::Expr(object(json, "", at, problems, 0), place)
        }
        _ => parse_template(json, at, problems),
    }
}

/// `{"and": [{"equals": [a, b]}, {"not": {…}}]}`.
fn object(
    json: &Json,
    pointer: &str,
    at: &mut Places<'_>,
    problems: &mut Vec<Problem>,
    depth: usize,
) -> Expr {
    let nested = json.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next());
    let Some((name, inner)) = nested else {
        return operand(json, pointer, at, problems);
    };
    if depth > 100 {
        problems.push(Problem {
            at: at(pointer, None),
            message: "a condition nested deeper than 100".to_owned(),
        });
        return Expr::Literal(Json::Bool(false));
    }
    let below = format!("{pointer}/{name}");
    let args = match inner {
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, item)| object(item, &format!("{below}/{n}"), at, problems, depth + 1))
            .collect(),
        other => vec![object(other, &below, at, problems, depth + 1)],
    };
    match args.as_slice() {
        [] if name == "and" => Expr::Literal(Json::Bool(true)),
        [] if name == "or" => Expr::Literal(Json::Bool(false)),
        _ => Expr::Call { name: name.clone(), args },
    }
}

/// An operand: a literal, an expression, or a text with expressions inside.
fn operand(json: &Json, pointer: &str, at: &mut Places<'_>, problems: &mut Vec<Problem>) -> Expr {
    let mut shifted =
        |below: &str, spot: Option<(&str, usize)>| at(&format!("{pointer}{below}"), spot);
    match parse_template(json, &mut shifted, problems) {
        Template::Literal(value) => Expr::Literal(value),
        Template::Text(text) => Expr::Literal(Json::String(text)),
        Template::Expr(expr, _) => expr,
        Template::Concat(parts, _) => {
            let part = |p: Part| match p {
                Part::Text(text) => Expr::Literal(Json::String(text)),
                Part::Expr(expr) => expr,
            };
            Expr::Call { name: "concat".to_owned(), args: parts.into_iter().map(part).collect() }
        }
        Template::Array(_) | Template::Object(_) => Expr::Literal(json.clone()),
    }
}
