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
