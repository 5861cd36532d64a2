//! The functions of the language.

/// A function that depends on its arguments alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function(pub &'static str);
