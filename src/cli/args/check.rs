//! `flowrace check`.

use super::EXITS;
use super::gate::GateArgs;
use super::output::OutputArgs;
use super::search::{ModelArgs, SearchArgs};
use crate::explore::fuzz::Fuzz;
use crate::explore::limits;
use std::path::PathBuf;

/// Check every flow found in files, folders and zips
#[derive(clap::Args, Debug)]
#[command(after_help = EXITS)]
pub(in crate::cli) struct CheckArgs {
    /// Exports (zip, folder or JSON) and design models; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) model: ModelArgs,
    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,
    /// Where a limit is reached, go on with random schedules
    #[arg(long, help_heading = "Search options")]
    or_fuzz: bool,
    /// Keep a search that has to stop in this file; the same command goes on from there
    #[arg(long, value_name = "FILE", help_heading = "Search options")]
    pub(in crate::cli) checkpoint: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) gate: GateArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
    /// Check again whenever a file changes
    #[arg(long, help_heading = "Output options")]
    pub(in crate::cli) watch: bool,
    /// Write the proof for any number of items to this file, for `flowrace verify`
    #[arg(long, value_name = "FILE", help_heading = "Output options")]
    pub(in crate::cli) certificate: Option<PathBuf>,
}

impl CheckArgs {
    /// What the flags ask for.
    pub(in crate::cli) fn config(&self) -> limits::Config {
        let fuzz = Fuzz { after_limits: true, ..Fuzz::default() };
        let base = limits::Config { fuzz: self.or_fuzz.then_some(fuzz), ..self.search.config() };
        self.model.config(base)
    }
}
