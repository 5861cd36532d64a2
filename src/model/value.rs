//! Value: what an expression can be. Ordered and hashed by content, never by address.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A value of the flow language, or a symbol for one we do not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// JSON null; also what a missing property is.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction; compared by its bits, never NaN.
    Float(Float),
    /// Text.
    String(Arc<str>),
    /// A list in order.
    Array(Arc<Vec<Value>>),
    /// Properties by name.
    Object(Arc<BTreeMap<Arc<str>, Value>>),
    /// An etag or a lease id: only its standing towards its resource matters.
    Token(Token),
    /// A value that the input does not tell: a symbol, equal only to itself.
    Term(Arc<Term>),
}

/// An `f64` with a total order.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}
impl Eq for Float {}
impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Float {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// What an etag or a lease id says today. Old tokens are alike: they can only be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// Index of the resource in the model.
    pub resource: u32,
    /// Row of a table, 0 elsewhere.
    pub row: u32,
    /// Etag or lease id.
    pub kind: TokenKind,
    /// Where it stands.
    pub standing: Standing,
    /// How often the row had been written, where etags are kept in stores ([`super::version`]).
    pub version: Option<u32>,
}

/// The two kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// The version of an item, row or blob.
    Etag,
    /// The right to write a blob.
    Lease,
}

/// Whether a token is still the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It matches.
    Current,
    /// It was outdated by the holder's own doing.
    Spent,
    /// It was outdated by somebody else, or by time.
    Stale,
}

/// A symbol for an unknown value: an operator over arguments. Sums are kept in normal form: operator `add`,
/// the unknown summands sorted, then one constant, so that `x + 1 + 1` is `x + 2`.
#[derive(Clone, Debug)]
pub struct Term {
    /// The function or source, for example `triggerBody` or `utcNow`.
    pub op: Arc<str>,
    /// What it depends on.
    pub args: Vec<Value>,
    /// Of all of it: terms share parts so often that walking them as trees would take for ever.
    hash: u64,
    /// Of all of it, as a tree ([`super::patience::parts`]).
    parts: u32,
}

impl Term {
    /// How many parts it has, as a tree.
    pub fn parts(&self) -> usize {
        self.parts as usize
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || (self.hash == other.hash && self.op == other.op && self.args == other.args)
    }
}
impl Eq for Term {}
impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Term {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self == other {
            return std::cmp::Ordering::Equal;
        }
        self.op.cmp(&other.op).then_with(|| self.args.cmp(&other.args))
    }
}
impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// FNV-1a (Fowler, Noll and Vo 1991), over words of eight bytes: the same on every machine and in every run.
struct Fnv(u64);

impl Fnv {
    fn take(&mut self, word: u64) {
        // The low bits of a product know nothing of the high ones: turned, they do next time.
        self.0 = (self.0 ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(23);
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.take(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        if !rest.is_empty() {
            self.take(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
        }
    }
}

impl Value {
    /// Text from a `&str`.
    pub fn text(text: &str) -> Self {
        Self::String(text.into())
    }
    /// An object from pairs.
    pub fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(Arc::new(pairs.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    }
    /// An array.
    pub fn array(values: Vec<Value>) -> Self {
        Self::Array(Arc::new(values))
    }
    /// An unknown value.
    pub fn term(op: &str, args: Vec<Value>) -> Self {
        Self::of_term(op.into(), args)
    }
    /// The same of other arguments; the very same if they are not other ones.
    pub fn over(term: &Arc<Term>, args: Vec<Value>) -> Self {
        if args == term.args {
            Self::Term(term.clone())
        } else {
            Self::of_term(term.op.clone(), args)
        }
    }
    fn of_term(op: Arc<str>, args: Vec<Value>) -> Self {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        op.hash(&mut hasher);
        args.hash(&mut hasher);
        let parts =
            args.iter().fold(1, |n: usize, arg| n.saturating_add(super::patience::parts(arg)));
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        Self::Term(Arc::new(Term { op, args, hash: hasher.finish(), parts }))
    }
    /// A number, whole or not, as the platform compares it.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the platform's numbers lose the same digits"
            )]
            Self::Int(n) => Some(*n as f64),
            Self::Float(f) => Some(f.0),
            _ => None,
        }
    }
    /// Whether an unknown occurs anywhere inside.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Term(_) => true,
            Self::Array(a) => a.iter().any(Self::is_unknown),
            Self::Object(o) => o.values().any(Self::is_unknown),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::Token(_) => false,
        }
    }
    /// A property of an object; null where there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Value {
        match self {
            Self::Object(o) => o.get(key).cloned().unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }
}
