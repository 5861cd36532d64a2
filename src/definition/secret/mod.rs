//! Secrets in definitions: SAS signatures, keys, authorization headers, passwords, tokens. They are covered where
//! values enter the tree: a secret becomes a term that is printed as `‹secret›` and equal only to itself, so that no
//! format needs to know of them. The numbers that tell them apart say nothing of what they hide.

mod find;
mod sql;
#[cfg(test)]
mod tests;

use super::expression::{Expr, Part, Template};
use super::location::Location;
use find::find;
use serde_json::Value;
use sql::{EXPRESSION, inserted};
use std::cell::RefCell;
use std::ops::Range;

/// The function that stands for a secret; no expression can be written with this name.
pub const SECRET: &str = "#secret";

/// What is printed for a secret.
const SHOWN: &str = "‹secret›";

/// Words that make a key one of a secret, letters and digits only.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "accountkey",
    "sharedkey",
    "sharedaccesskey",
    "functionskey",
    "functionkey",
    "subscriptionkey",
    "privatekey",
    "primarykey",
    "secondarykey",
    "storagekey",
    "masterkey",
    "hostkey",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "bearertoken",
    "authtoken",
    "sastoken",
    "connectionstring",
    "authorization",
    "clientassertion",
    "credential",
    "workspacekey",
];
/// Keys that are one of a secret as a whole.
const WHOLE: &[&str] =
    &["authentication", "pwd", "sig", "sas", "pfx", "token", "cookie", "setcookie", "key1", "key2"];
/// Words that make a key one of a secret only where they stand by themselves: `sqlPw`, `db_pwd`.
const APART: &[&str] = &["pw", "pwd"];
/// What only names or places a secret.
const ENDINGS: &[&str] =
    &["name", "id", "identifier", "url", "uri", "version", "type", "count", "policy"];
/// Functions whose texts are names.
const NAMING: &[&str] = &[
    "parameters",
    "variables",
    "outputs",
    "body",
    "actionoutputs",
    "actionbody",
    "actions",
    "items",
    "result",
    "triggerbody",
    "triggeroutputs",
    "appsetting",
    "iterationindexes",
    "formdatavalue",
    "triggerformdatavalue",
    SECRET,
];

/// The secrets of one document, numbered in the order in which they are met.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets(RefCell<Vec<String>>);

/// Whether a key is one whose value is a secret; the last part counts of a path like `headers/Authorization`.
pub(super) fn is_secret_key(key: &str) -> bool {
    let last = key.rsplit('/').next().unwrap_or(key);
    let plain: String =
        last.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let words = WORDS.iter().any(|word| plain.contains(word))
        || plain.ends_with("pwd")
        || words_of(last).any(|word| APART.contains(&word.to_ascii_lowercase().as_str()));
    WHOLE.contains(&plain.as_str())
        || (words && !ENDINGS.iter().any(|ending| plain.ends_with(ending)))
}

/// The words of a name: apart by what is no letter, or by a capital after a small one.
fn words_of(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let starts = |at: &usize| {
            let bytes = part.as_bytes();
            *at == 0 || (bytes[*at].is_ascii_uppercase() && !bytes[at - 1].is_ascii_uppercase())
        };
        let starts: Vec<usize> = (0..part.len()).filter(starts).collect();
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([part.len()]).collect();
        starts.into_iter().zip(ends).map(move |(from, to)| &part[from..to])
    })
}

/// A text for people with its secrets covered.
pub(super) fn shown(text: &str, key: &str) -> String {
    if is_secret_key(key) {
        return SHOWN.to_owned();
    }
    let mut out = String::new();
    let mut at = 0;
    for range in find(text, inserted(text)) {
        out.push_str(&text[at..range.start]);
        out.push_str(SHOWN);
        at = range.end;
    }
    out + &text[at..]
}

/// A template with its secrets covered. `secret`: it is one as a whole, by its key or by what it stands in.
pub(super) fn cover(template: Template, secret: bool, secrets: &Secrets) -> Template {
    Cover { secrets, whole: false }.template(template, secret, "")
}

/// The same for a constant, in which a secret takes the whole text along.
pub(super) fn cover_constant(template: Template, secret: bool, secrets: &Secrets) -> Template {
    Cover { secrets, whole: true }.template(template, secret, "")
}

struct Cover<'s> {
    secrets: &'s Secrets,
    whole: bool,
}

impl Cover<'_> {
    fn template(&self, template: Template, secret: bool, key: &str) -> Template {
        match template {
            Template::Text(text) => self.text(text, secret),
            Template::Literal(Value::Number(number)) if secret => {
                Template::Expr(self.one(&number.to_string()), Location::default())
            }
            Template::Literal(_) => template,
            Template::Expr(expr, at) => Template::Expr(self.expr(expr, secret), at),
            Template::Concat(parts, at) => {
                let known = inserted(&whole(&parts));
                let mut from = 0;
                let parts = parts.into_iter().flat_map(|part| match part {
                    Part::Text(text) => {
                        let own = within(&known, from, text.len());
                        from += text.len();
                        self.parts(&text, secret && !is_scheme(&text), own)
                    }
                    Part::Expr(expr) => {
                        from += EXPRESSION.len_utf8();
                        vec![Part::Expr(self.expr(expr, secret))]
                    }
                });
                Template::Concat(parts.collect(), at)
            }
            Template::Array(items) => {
                let item = |item| self.template(item, secret, key);
                Template::Array(items.into_iter().map(item).collect())
            }
            Template::Object(pairs) => self.object(pairs, secret, key),
        }
    }

    fn object(&self, pairs: Vec<(Template, Template)>, secret: bool, around: &str) -> Template {
        // `{"name": "Authorization", "value": "…"}`
        let named = pairs.iter().any(|(key, value)| match (key, value) {
            (Template::Text(key), Template::Text(value)) => {
                ["name", "key", "header"].contains(&key.to_ascii_lowercase().as_str())
                    && is_secret_key(value)
            }
            _ => false,
        });
        let pair = |(key, value): (Template, Template)| {
            let name = match &key {
                Template::Text(name) => name.clone(),
                _ => String::new(),
            };
            let lower = name.to_ascii_lowercase();
            let query = around.ends_with("queries") && ["code", "key"].contains(&lower.as_str());
            let own = (secret && lower != "type")
                || is_secret_key(&name)
                || query
                || (named && lower == "value");
            (key, self.template(value, own, &lower))
        };
        Template::Object(pairs.into_iter().map(pair).collect())
    }

    fn text(&self, text: String, secret: bool) -> Template {
        let parts = self.parts(&text, secret, inserted(&text));
        match <[Part; 1]>::try_from(parts) {
            Ok([Part::Expr(only)]) => Template::Expr(only, Location::default()),
            Ok([Part::Text(only)]) => Template::Text(only),
            Err(parts) if parts.is_empty() => Template::Text(text),
            Err(parts) => Template::Concat(parts, Location::default()),
        }
    }

    /// `known`: secrets in it that only what is around it tells.
    fn parts(&self, text: &str, secret: bool, known: Vec<Range<usize>>) -> Vec<Part> {
        let mut ranges = find(text, known);
        if (secret || (self.whole && !ranges.is_empty())) && !text.is_empty() {
            ranges = std::iter::once(0..text.len()).collect();
        }
        let mut parts = Vec::new();
        let mut at = 0;
        for range in ranges {
            parts.push(Part::Text(text[at..range.start].to_owned()));
            parts.push(Part::Expr(self.one(&text[range.clone()])));
            at = range.end;
        }
        parts.push(Part::Text(text[at..].to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        parts
    }

    fn expr(&self, expr: Expr, secret: bool) -> Expr {
        match expr {
            Expr::Literal(Value::String(text)) => {
                let parts = self.parts(&text, secret && !is_scheme(&text), inserted(&text));
                let mut parts = parts.into_iter().map(|part| match part {
                    Part::Text(text) => Expr::Literal(Value::String(text)),
                    Part::Expr(expr) => expr,
                });
                match (parts.next(), parts.len()) {
                    (None, _) => Expr::Literal(Value::String(text)),
                    (Some(only), 0) => only,
                    (Some(first), _) => Expr::Call {
                        name: "concat".to_owned(),
                        args: std::iter::once(first).chain(parts).collect(),
                    },
                }
            }
            Expr::Literal(_) => expr,
            Expr::Call { name, args } if NAMING.contains(&name.to_ascii_lowercase().as_str()) => {
                Expr::Call { name, args }
            }
            Expr::Call { name, args } => {
                // `setProperty(x, 'password', '…')`
                let compares = name.eq_ignore_ascii_case("equals") && args.iter().any(is_named);
                let secret = secret || compares;
                let mut after_key = false;
                let args = args.into_iter().map(|arg| {
                    let own = secret || after_key;
                    after_key = matches!(&arg, Expr::Literal(Value::String(k)) if is_secret_key(k));
                    self.expr(arg, own)
                });
                Expr::Call { name, args: args.collect() }
            }
            Expr::Index { base, key, safe } => {
                Expr::Index { base: Box::new(self.expr(*base, secret)), key, safe }
            }
        }
    }

    /// The term of a secret.
    fn one(&self, text: &str) -> Expr {
        let mut known = self.secrets.0.borrow_mut();
        let number = known.iter().position(|secret| secret == text).unwrap_or_else(|| {
            known.push(text.to_owned());
            known.len() - 1
        });
        let number = Expr::Literal(Value::from(number));
        Expr::Call { name: SECRET.to_owned(), args: vec![number] }
    }
}

/// A text with a mark where an expression stands.
fn whole(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(own) => text.push_str(own),
            Part::Expr(_) => text.push(EXPRESSION),
        }
    }
    text
}

/// What of the ranges lies in a part of the text.
fn within(ranges: &[Range<usize>], from: usize, length: usize) -> Vec<Range<usize>> {
    let clip = |at: usize| at.clamp(from, from + length) - from;
    ranges.iter().map(|r| clip(r.start)..clip(r.end)).filter(|r| !r.is_empty()).collect()
}

/// Whether a value is a secret's by its name: what it is compared with is one, too.
fn is_named(expr: &Expr) -> bool {
    let text = |expr: &Expr| matches!(expr, Expr::Literal(Value::String(k)) if is_secret_key(k));
    match expr {
        Expr::Call { name, args } => {
            ["parameters", "variables"].contains(&name.to_ascii_lowercase().as_str())
                && args.first().is_some_and(text)
        }
        Expr::Index { key, .. } => text(key),
        Expr::Literal(_) => false,
    }
}

/// What may stand before a secret without being one.
fn is_scheme(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    ["", "bearer", "basic", "sharedkey", "apikey", ":", "token"].contains(&lower.as_str())
}
