//! How it is said. One format a file; each sees the report, prints into a writer and decides nothing.

mod azure;
mod entry;
mod github;
mod html;
mod json;
mod junit;
mod lanes;
mod markdown;
mod mermaid;
mod pen;
mod race;
mod sarif;
mod text;
pub mod untrusted;
mod uri;
pub mod words;

use crate::finding::{Finding, Report};
use std::io::{self, Write};

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs: `flowrace.report/1`.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For test views.
    Junit,
    /// Annotations of a GitHub Actions log.
    Github,
    /// Logging commands of an Azure Pipelines log.
    Azure,
    /// For the summary of a pull request.
    Markdown,
    /// For people who would rather look than read: one page that needs nothing else.
    Html,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::Json,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::Azure,
        Self::Markdown,
        Self::Html,
    ];

    /// Its name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Azure => "azure",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

/// How the text for people looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may be used.
    pub color: bool,
    /// Whether the reader can show nothing but ASCII.
    pub ascii: bool,
    /// Columns after which sentences are broken.
    pub width: usize,
    /// Whether every finding is shown with its schedule.
    pub verbose: bool,
    /// The folder that paths in SARIF are relative to, forward slashes: where the repository is checked out.
    pub root: Option<String>,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, ascii: false, width: 128, verbose: false, root: None }
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
        Format::Sarif => sarif::report(report, style.root.as_deref()),
        Format::Junit => junit::report(report),
        Format::Github => github::report(report, style.root.as_deref()),
        Format::Azure => azure::report(report, style.root.as_deref()),
        Format::Markdown => markdown::report(report),
        Format::Html => html::report(report),
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One finding with its schedule, without what a check has to say besides.
pub fn schedule(finding: &Finding, style: &Style) -> String {
    text::schedule(finding, style)
}

/// The JSON report as a value, for tests and embedders.
pub fn to_json(report: &Report) -> serde_json::Value {
    serde_json::from_str(&json::report(report))
        .expect("internal error: our own JSON does not parse")
}
