//! Which row an expression names, and how an answer shows it.

use super::row::{folded, in_address};
use super::{CONTENT, KEY, SYMBOL, Store, is_id};
use crate::model::access::number;
use crate::model::content::{Answers, Row};
use crate::model::evaluate::evaluate;
use crate::model::expression::{Env, Expr, Failure};
use crate::model::identity::identity;
use crate::model::value::{Standing, Token, TokenKind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The properties of a shown row that hold its etag, each in some service's or some format's answers.
pub(super) const ETAGS: [&str; 3] = ["@odata.etag", "odata.etag", "etag"];

/// Set where a row is shown with its etag.
pub const ETAG: &str = ETAGS[0];

/// Whether a property is around a row in some format's answers: `d` and `__metadata` with `odata=verbose`, `fields` of
/// Microsoft Graph.
pub fn wraps(property: &str) -> bool {
    ["d", "__metadata", "fields"].contains(&property)
}

impl Store<'_> {
    /// The key that an expression names: a row met in a query of this store is known by its id.
    pub(super) fn key(&self, expr: &Expr, env: &mut dyn Env) -> Result<Value, Failure> {
        let value = identity(&evaluate(expr, env)?, self.program.alias);
        let value = if self.resource.answers == Answers::Plain { value } else { folded(&value) };
        Ok(self.row_named_in(&value).unwrap_or_else(|| in_address(value)))
    }

    /// The key of the row of this store whose id stands somewhere in a key.
    pub(super) fn row_named_in(&self, value: &Value) -> Option<Value> {
        let Value::Term(term) = value else { return None };
        if let ("[]", [base, Value::String(column)]) = (&*term.op, term.args.as_slice())
            && (is_id(column) || self.resource.answers != Answers::Plain)
            && let Some(key) = self.row_of(base)
        {
            return Some(key);
        }
        term.args.iter().find_map(|a| self.row_named_in(a))
    }

    /// The key of the row that a value is, or is made of.
    pub(super) fn row_of(&self, value: &Value) -> Option<Value> {
        let Value::Term(term) = value else { return None };
        match (&*term.op, term.args.as_slice()) {
            ("row", [name, key]) if *name == self.name() => Some(key.clone()),
            // Which of the rows that a filter may keep is the first one, nobody knows: it is taken for the first.
            ("filter", [Value::Array(items), _]) => self.row_of(&items.first()?.get(SYMBOL)),
            ("json" | "[]" | "first" | "coalesce", [inner, ..]) => self.row_of(inner),
            _ => None,
        }
    }

    pub(super) fn symbol(&self, key: &Value) -> Value {
        Value::term("row", vec![self.name(), key.clone()])
    }

    /// A row as an answer shows it.
    pub(super) fn shown(&self, at: usize, row: &Row) -> Value {
        if let Some(content) = row.columns.get(CONTENT) {
            return self.restamped(content, at);
        }
        let mut columns: BTreeMap<Arc<str>, Value> = row
            .columns
            .iter()
            .filter(|(c, _)| !c.starts_with('#'))
            .map(|(c, v)| (c.clone(), v.clone()))
            .collect();
        columns.insert(SYMBOL.into(), self.symbol(&row.get(KEY)));
        if self.resource.etags {
            columns.extend(ETAGS.map(|name| (name.into(), self.etag(at))));
        }
        Value::Object(Arc::new(columns))
    }

    /// A document in which its writer sent an etag shows the one that it has.
    pub(super) fn restamped(&self, content: &Value, at: usize) -> Value {
        let Value::Object(content) = content else { return content.clone() };
        let mut content = (**content).clone();
        for (name, value) in &mut content {
            if ETAGS.contains(&&**name) {
                *value = self.etag(at);
            }
        }
        Value::Object(Arc::new(content))
    }

    pub(super) fn etag(&self, at: usize) -> Value {
        Value::Token(Token {
            resource: self.rid.0,
            row: number(at),
            kind: TokenKind::Etag,
            standing: Standing::Current,
            version: None,
        })
    }
}
