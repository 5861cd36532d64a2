//! How a report is written, and where to.

use super::{Args, Refusal};
use crate::cli::destination::{self, Destination};
use crate::finding::Severity;
use crate::gate::Threshold;
use crate::report::Format;
use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, ValueEnum};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Output options")]
pub(in crate::cli) struct OutputArgs {
    /// How the report is written; may be repeated, each with its --output [default: text]
    #[arg(long, value_name = "FORMAT")]
    format: Vec<Format>,
    /// Write the report of the format before it to this file
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The two, paired.
    #[arg(skip)]
    pub(in crate::cli) destinations: Vec<Destination>,
    /// Save the schedule of each finding into this folder, for `flowrace replay`
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) witnesses: Option<PathBuf>,
    /// Exit with 1 at this severity or above [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(in crate::cli) color: Color,
    /// Show no progress
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// Show every finding with its schedule
    #[arg(short, long, conflicts_with = "quiet")]
    pub(in crate::cli) verbose: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    Auto,
    Always,
    Never,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.id()))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

impl OutputArgs {
    /// Pairs each format with its file by their places on the command line.
    pub(super) fn pair(&mut self, matches: &ArgMatches) -> Result<(), Refusal> {
        let places = |name: &str| matches.indices_of(name).into_iter().flatten();
        let formats = places("format").zip(self.format.iter().copied());
        let files = places("output").zip(self.output.iter().cloned());
        self.destinations =
            destination::pair(formats.collect(), files.collect()).map_err(|message| {
                Refusal(Args::command().error(ErrorKind::ArgumentConflict, message))
            })?;
        Ok(())
    }

    /// The files that reports are written to.
    pub(in crate::cli) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.destinations.iter().filter_map(|to| to.file.as_ref())
    }

    /// The least severity that counts, if the flag is given.
    pub(in crate::cli) fn fail_on(&self) -> Option<Threshold> {
        self.fail_on.map(FailOn::threshold)
    }
}

impl FailOn {
    pub(super) fn threshold(self) -> Threshold {
        match self {
            FailOn::Error => Threshold::At(Severity::Error),
            FailOn::Warning => Threshold::At(Severity::Warning),
            FailOn::Note => Threshold::At(Severity::Note),
            FailOn::Never => Threshold::Never,
        }
    }
}
