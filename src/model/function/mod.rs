//! The functions of the language that depend on their arguments alone (semantics §12.2).
//!
//! An unknown argument makes an unknown result, unless the answer is known all the same.

mod collection;
mod convert;
pub(super) mod etag;
mod logic;
mod number;
mod text;
mod time;

use super::among::each;
use super::expression::Failure;
use super::value::Value;
use std::fmt;

/// A function, found by its name once.
#[derive(Clone, Copy)]
pub struct Function(&'static Row);

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.name()).finish()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// How a function is computed.
type Compute = fn(&[Value]) -> Result<Value, Failure>;

/// Name, fewest and most arguments, and what it computes.
type Row = (&'static str, usize, usize, Compute);

const MANY: usize = usize::MAX;

fn tables() -> impl Iterator<Item = &'static Row> {
    [text::TABLE, collection::TABLE, logic::TABLE, number::TABLE, convert::TABLE, time::TABLE]
        .into_iter()
        .flatten()
}

impl Function {
    /// By name, whatever its case.
    pub fn lookup(name: &str) -> Option<Self> {
        tables().find(|row| row.0.eq_ignore_ascii_case(name)).map(Self)
    }
    /// One that there is.
    fn named(name: &str) -> Self {
        Self::lookup(name).expect("internal error: it stands in a table")
    }
    /// In lower case.
    pub fn name(self) -> &'static str {
        self.0.0
    }
    /// All names, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        tables().map(|row| row.0)
    }
    /// Whether it takes so many arguments.
    pub fn accepts(self, count: usize) -> bool {
        (self.0.1..=self.0.2).contains(&count)
    }
    /// Its value.
    pub fn call(self, args: &[Value]) -> Result<Value, Failure> {
        let (name, _, _, compute) = *self.0;
        if !self.accepts(args.len()) {
            return fail(format!("{name} does not take {} arguments", args.len()));
        }
        if let Some(tag) = etag::kept(name, args) {
            return Ok(tag);
        }
        if let Some(value) = each(name, args, |args| compute(args).ok()) {
            return Ok(value);
        }
        compute(args)
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(message.into()))
}

/// The arguments do not fit.
fn unfit(name: &str, args: &[Value]) -> Result<Value, Failure> {
    if args.iter().any(Value::is_unknown) {
        return Ok(Value::term(name, args.to_vec()));
    }
    fail(format!("{name} does not take these arguments"))
}

fn whole(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
