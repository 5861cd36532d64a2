//! Location: a place in a file, for machines (pointer) and for people (line, column).

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path as given, forward slashes.
    pub path: String,
    /// JSON pointer.
    pub pointer: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}
