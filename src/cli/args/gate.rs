//! `flowrace baseline` and `diff`, and what a project has settled.

use super::output::FailOn;
use super::search::{ModelArgs, SearchArgs};
use super::value::day;
use crate::explore::limits;
use crate::gate::Threshold;
use std::path::PathBuf;

const DIFF_EXITS: &str = "Exit status: 0 no new findings; 1 new findings; 2 bad usage or unreadable input; 3 \
                          inconclusive, no new finding.";

/// Write down the known findings, so that only new ones fail
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct BaselineArgs {
    /// What is checked
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// The baseline, which is updated if it is there
    #[arg(long, value_name = "FILE", default_value = "flowrace-baseline.json")]
    pub(in crate::cli) output: PathBuf,
    /// Why the new findings may stay
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// Who answers for the new findings
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) owner: Option<String>,
    /// The last day on which the new findings may stay
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(in crate::cli) expires: Option<String>,
    /// Take out what is found no more
    #[arg(long)]
    pub(in crate::cli) prune: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,
    #[command(flatten)]
    pub(in crate::cli) gate: GateArgs,
    /// Show no progress
    #[arg(short, long, help_heading = "Output options")]
    pub(in crate::cli) quiet: bool,
}

/// Compare two versions of flows: new, fixed and unchanged findings
#[derive(clap::Args, Debug)]
#[command(after_help = DIFF_EXITS)]
pub(in crate::cli) struct DiffArgs {
    /// The version before: a file, folder or zip
    pub(in crate::cli) old: PathBuf,
    /// The version after
    pub(in crate::cli) new: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(in crate::cli) search: SearchArgs,
    #[command(flatten)]
    pub(in crate::cli) gate: GateArgs,
    /// Exit with 1 for new findings of this severity or above [default: warning]
    #[arg(long, value_name = "SEVERITY", help_heading = "Output options")]
    fail_on: Option<FailOn>,
    /// Show no progress
    #[arg(short, long, help_heading = "Output options")]
    pub(in crate::cli) quiet: bool,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Gate options")]
pub(in crate::cli) struct GateArgs {
    /// Settings [default: flowrace.toml in the path's folder or one above]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Look for no settings
    #[arg(long, conflicts_with = "config")]
    pub(in crate::cli) no_config: bool,
    /// Findings that are known and do not fail [default: as the settings say]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) baseline: Option<PathBuf>,
}

impl BaselineArgs {
    /// What the flags ask for.
    pub(in crate::cli) fn config(&self) -> limits::Config {
        self.model.config(self.search.config())
    }
}

impl DiffArgs {
    /// What the flags ask for.
    pub(in crate::cli) fn config(&self) -> limits::Config {
        self.model.config(self.search.config())
    }

    /// The least severity that counts, if the flag is given.
    pub(in crate::cli) fn fail_on(&self) -> Option<Threshold> {
        self.fail_on.map(FailOn::threshold)
    }
}
