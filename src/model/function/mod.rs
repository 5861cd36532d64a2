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

/// A function, by its name in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function(pub &'static str);

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
        tables().find(|row| row.0.eq_ignore_ascii_case(name)).map(|row| Self(row.0))
    }
    /// In lower case.
    pub fn name(self) -> &'static str {
        self.0
    }
    /// All names, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        tables().map(|row| row.0)
    }
    /// Whether it takes so many arguments.
    pub fn accepts(self, count: usize) -> bool {
        tables().find(|row| row.0 == self.0).is_some_and(|row| (row.1..=row.2).contains(&count))
    }
    /// Its value.
    pub fn call(self, args: &[Value]) -> Result<Value, Failure> {
        let Some(row) = tables().find(|row| row.0 == self.0) else {
            return fail(format!("no function {}", self.0));
        };
        if !(row.1..=row.2).contains(&args.len()) {
            return fail(format!("{} does not take {} arguments", self.0, args.len()));
        }
        if let Some(tag) = etag::kept(self.0, args) {
            return Ok(tag);
        }
        let one = |args: &[Value]| (row.3)(args).ok();
        if let Some(value) = each(self.0, args, one) {
            return Ok(value);
        }
        (row.3)(args)
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
