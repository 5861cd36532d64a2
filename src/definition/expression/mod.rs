//! The `@{…}` language: syntax only (grammar: semantics §12.1).

mod condition;
mod parse;

pub use condition::parse_condition;
pub use parse::{FAULT, Fault, Places, parse_template, parse_text, unreadable};

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
    Call {
        /// As written.
        name: String,
        /// In order.
        args: Vec<Expr>,
    },
    /// `base.key`, `base[key]`, with `?` in front when `safe`.
    Index {
        /// What is looked into.
        base: Box<Expr>,
        /// Property name or position.
        key: Box<Expr>,
        /// Whether null is passed on.
        safe: bool,
    },
}
