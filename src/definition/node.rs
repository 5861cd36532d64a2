//! A JSON value together with its place: what both front ends walk on, and how they say what is wrong.

use super::expression::{Template, parse_condition, parse_template};
use super::json::Document;
use super::location::Location;
use super::problem::Problem;
use super::secret;
use serde_json::Value;

/// A value and its pointer.
#[derive(Clone, Debug)]
pub(super) struct Node<'d> {
    pub(super) doc: &'d Document,
    pub(super) value: &'d Value,
    pub(super) pointer: String,
}

impl<'d> Node<'d> {
    pub(super) fn root(doc: &'d Document) -> Self {
        Self { doc, value: &doc.value, pointer: String::new() }
    }

    pub(super) fn at(&self) -> Location {
        self.doc.at(&self.pointer)
    }

    pub(super) fn key_at(&self) -> Location {
        self.doc.key_at(&self.pointer)
    }

    /// The member of that name; `None` also if this is no object.
    pub(super) fn get(&self, key: &str) -> Option<Node<'d>> {
        self.value.as_object()?.get(key).map(|value| self.child(key, value))
    }

    /// The member at the end of a path of names.
    pub(super) fn path(&self, keys: &[&str]) -> Option<Node<'d>> {
        keys.iter().try_fold(self.clone(), |node, key| node.get(key))
    }

    /// All members in file order; none if this is no object.
    pub(super) fn members(&self) -> Vec<(&'d str, Node<'d>)> {
        let object = self.value.as_object();
        object
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), self.child(key, value)))
            .collect()
    }

    /// All elements; none if this is no array.
    pub(super) fn elements(&self) -> Vec<Node<'d>> {
        let list = self.value.as_array();
        list.into_iter()
            .flatten()
            .enumerate()
            .map(|(n, value)| self.child(&n.to_string(), value))
            .collect()
    }

    fn child(&self, token: &str, value: &'d Value) -> Node<'d> {
        Node { doc: self.doc, value, pointer: format!("{}/{}", self.pointer, escape(token)) }
    }

    /// A problem at this value.
    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { at: self.at(), message: message.into() }
    }

    /// A problem at this member's key.
    pub(super) fn key_problem(&self, message: impl Into<String>) -> Problem {
        Problem { at: self.key_at(), message: message.into() }
    }

    /// `"key" is 0; expected what`.
    pub(super) fn expected(&self, what: &str) -> Problem {
        let token = self
            .pointer
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .replace("~1", "/")
            .replace("~0", "~");
        let subject = match token.parse::<usize>() {
            Ok(n) => format!("element {n}"),
            Err(_) if self.pointer.is_empty() => "the document".to_owned(),
            Err(_) => format!("\"{}\"", elide(&token)),
        };
        self.problem(format!("{subject} is {}; expected {what}", self.shown(&token)))
    }

    /// The value for a message: containers by what they are, the rest as written, secrets covered.
    fn shown(&self, key: &str) -> String {
        match self.value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::String(text) => format!("\"{}\"", elide(&secret::shown(text, key))),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.value.to_string(),
        }
    }

    pub(super) fn text(&self, problems: &mut Vec<Problem>) -> Option<&'d str> {
        let text = self.value.as_str();
        if text.is_none() {
            problems.push(self.expected("a text"));
        }
        text
    }

    pub(super) fn boolean(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            problems.push(self.expected("true or false"));
        }
        truth
    }

    /// A whole number of at least `least`, and at most `most` if given. `1e9` is whole.
    pub(super) fn whole(
        &self,
        least: u64,
        most: Option<u64>,
        problems: &mut Vec<Problem>,
    ) -> Option<u64> {
        let found = whole(self.value).filter(|n| *n >= least && most.is_none_or(|most| *n <= most));
        if found.is_none() {
            // A number that is too large has to hear where that begins.
            let most = most.or_else(|| self.value.as_f64().filter(|n| *n > 1e15).map(|_| u64::MAX));
            let range =
                most.map_or_else(|| format!("{least} up"), |most| format!("{least} to {most}"));
            problems.push(self.expected(&format!("a whole number from {range}")));
        }
        found
    }

    /// Whether this is an object; a problem if not.
    pub(super) fn is_object(&self, problems: &mut Vec<Problem>) -> bool {
        if !self.value.is_object() {
            problems.push(self.expected("an object"));
        }
        self.value.is_object()
    }

    /// Whether this is an array; a problem if not.
    pub(super) fn is_list(&self, problems: &mut Vec<Problem>) -> bool {
        if !self.value.is_array() {
            problems.push(self.expected("an array"));
        }
        self.value.is_array()
    }

    pub(super) fn template(&self, problems: &mut Vec<Problem>) -> Template {
        let mut at = |rest: &str, spot: Option<(&str, usize)>| self.spot(rest, spot);
        let template = parse_template(self.value, &mut at, problems);
        secret::cover(template, self.is_secret(), &self.doc.secrets)
    }

    pub(super) fn condition(&self, problems: &mut Vec<Problem>) -> Template {
        let mut at = |rest: &str, spot: Option<(&str, usize)>| self.spot(rest, spot);
        let template = parse_condition(self.value, &mut at, problems);
        secret::cover(template, false, &self.doc.secrets)
    }

    /// The place of a pointer inside this value, or of a byte of the text that stands there.
    fn spot(&self, rest: &str, spot: Option<(&str, usize)>) -> Location {
        let pointer = format!("{}{rest}", self.pointer);
        match spot {
            None => self.doc.at(&pointer),
            Some((text, offset)) => self.doc.within(&pointer, text, offset),
        }
    }

    /// The value as one in which nothing is an expression.
    pub(super) fn constant(&self) -> Template {
        secret::cover_constant(constant(self.value), self.is_secret(), &self.doc.secrets)
    }

    /// Whether the value is a secret by its key, by the key or name beside it, or by its declared type.
    fn is_secret(&self) -> bool {
        let mut tokens = self.pointer.rsplit('/');
        let own = tokens.next().unwrap_or_default();
        if secret::is_secret_key(own) || self.pointer.contains("/authentication/") {
            return true;
        }
        if !matches!(own, "value" | "defaultValue") {
            return false;
        }
        let parent = &self.pointer[..self.pointer.len() - own.len() - 1];
        let beside = |key: &str| self.doc.value.pointer(parent)?.get(key)?.as_str();
        let secure = beside("type").is_some_and(|t| t.to_ascii_lowercase().starts_with("secure"));
        let named = beside("name").or_else(|| beside("key")).is_some_and(secret::is_secret_key);
        secure || named || tokens.next().is_some_and(secret::is_secret_key)
    }
}

/// A value in which nothing is an expression.
pub(super) fn constant(value: &Value) -> Template {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Template::Literal(value.clone()),
        Value::String(text) => Template::Text(text.clone()),
        Value::Array(list) => Template::Array(list.iter().map(constant).collect()),
        Value::Object(object) => Template::Object(
            object
                .iter()
                .map(|(key, value)| (Template::Text(key.clone()), constant(value)))
                .collect(),
        ),
    }
}

/// A number without a fraction, however it is written, as far as it is exact.
pub(super) fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| (0.0..=EXACT).contains(n) && n.fract() == 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and in range"
        )]
        Some(number as u64)
    })
}

/// A pointer token: `~` and `/` escaped.
pub(super) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// A name short enough for a message.
pub(super) fn elide(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
