//! Problem: what is wrong with a definition, where, what was expected. Data, never a panic.

use super::location::Location;

/// A fault of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub at: Location,
    /// `what is wrong; what was expected; the nearest way out`, lower case, no full stop.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = &self.at;
        if at.line == 0 {
            write!(f, "{}: {}", at.path, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", at.path, at.line, at.column, self.message)?;
            if at.pointer.is_empty() { Ok(()) } else { write!(f, " (at {})", at.pointer) }
        }
    }
}
