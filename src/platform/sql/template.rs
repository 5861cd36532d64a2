//! The query text as a template: every embedded flow expression becomes a parameter that SQL's lexer takes for one.

use super::SqlPart;
use crate::model::expression::Expr;
use crate::model::value::Value;
use std::fmt::Write;

/// The text with its parameters, and what they stand for.
#[derive(Debug)]
pub(super) struct Template {
    /// What the lexer reads.
    pub(super) text: String,
    /// Begins every parameter; occurs nowhere else in the text.
    prefix: String,
    values: Vec<Expr>,
}

/// A piece of a word or literal.
enum Piece<'a> {
    Text(&'a str),
    Value(&'a Expr),
}

impl Template {
    pub(super) fn new(parts: &[SqlPart]) -> Self {
        let mut written = String::new();
        for part in parts {
            if let SqlPart::Text(text) = part {
                written.push_str(text);
                written.push(' ');
            }
        }
        let written = written.to_ascii_lowercase();
        let mut prefix = "@flow".to_owned();
        while written.contains(&prefix) {
            prefix.push('_');
        }
        let mut template = Self { text: String::new(), prefix, values: Vec::new() };
        for part in parts {
            match part {
                SqlPart::Text(text) => template.text.push_str(text),
                SqlPart::Value(value) => {
                    template.values.push(value.clone());
                    let _ = write!(template.text, "{}{}$", template.prefix, template.values.len());
                }
            }
        }
        template
    }

    /// The value of a word that is one parameter and nothing else.
    pub(super) fn parameter<'a>(&'a self, word: &'a str) -> Option<&'a Expr> {
        match self.pieces(word).as_slice() {
            [Piece::Value(value)] => Some(value),
            _ => None,
        }
    }

    /// Whether a word has a parameter in it.
    pub(super) fn occurs_in(&self, word: &str) -> bool {
        word.contains(&self.prefix)
    }

    /// A quoted literal: text, or text with values in it.
    pub(super) fn literal(&self, text: &str) -> Expr {
        if !self.occurs_in(text) {
            return Expr::Const(Value::text(text));
        }
        let pieces = self.pieces(text).into_iter().map(|piece| match piece {
            Piece::Text(text) => Expr::Const(Value::text(text)),
            Piece::Value(value) => value.clone(),
        });
        Expr::Concat(pieces.collect())
    }

    /// A name, with `@{}` for each value in it.
    pub(super) fn name(&self, word: &str) -> String {
        let pieces = self.pieces(word).into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Value(_) => "@{}",
        });
        pieces.collect()
    }

    fn pieces<'a>(&'a self, word: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = word;
        while let Some((before, value, after)) = self.next(rest) {
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Value(value));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    fn next<'a>(&'a self, text: &'a str) -> Option<(&'a str, &'a Expr, &'a str)> {
        let (before, rest) = text.split_once(self.prefix.as_str())?;
        let (number, after) = rest.split_once('$')?;
        let index = number.parse::<usize>().ok()?.checked_sub(1)?;
        Some((before, self.values.get(index)?, after))
    }
}
