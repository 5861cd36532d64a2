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
    /// The column in UTF-16 code units, as SARIF counts.
    pub column16: u32,
    /// UTF-16 code units from there to the end of the value, of the line, or of what is worth underlining.
    pub width16: u32,
}
