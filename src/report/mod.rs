//! How it is said. One format a file; each sees the report, prints into a writer and decides nothing.

mod json;
mod lanes;
mod pen;
mod text;
pub mod untrusted;
pub mod words;

use crate::finding::Report;
use std::io::{self, Write};

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs: `flowrace.report/1`.
    Json,
}

/// How the text for people looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may be used.
    pub color: bool,
    /// Whether the reader can show nothing but ASCII.
    pub ascii: bool,
    /// Columns after which sentences are broken.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, ascii: false, width: 128 }
    }
}

/// Writes the report.
pub fn render(
    report: &Report,
    format: Format,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match format {
        Format::Text => text::report(report, style),
        Format::Json => json::report(report),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The JSON report as a value, for tests and embedders.
pub fn to_json(report: &Report) -> serde_json::Value {
    serde_json::from_str(&json::report(report))
        .expect("internal error: our own JSON does not parse")
}
