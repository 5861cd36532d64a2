//! `flowrace fuzz`.

use super::gate::GateArgs;
use super::output::OutputArgs;
use super::search::ModelArgs;
use super::value::{cores, degree, duration, natural, positive};
use crate::explore::fuzz::{self, Fuzz};
use crate::explore::limits;
use clap::ValueEnum;
use std::path::PathBuf;
use std::time::Duration;

const FUZZ_EXITS: &str = "Exit status: 1 findings; 3 none, which proves nothing; 2 bad usage, unreadable input or nothing \
                          to fuzz.";

/// Try random schedules, where a search is out of reach
#[derive(clap::Args, Debug)]
#[command(after_help = FUZZ_EXITS)]
pub(in crate::cli) struct FuzzArgs {
    /// Exports (zip, folder or JSON) and design models
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(in crate::cli) how: HowArgs,
    #[command(flatten)]
    pub(in crate::cli) gate: GateArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Fuzz options")]
pub(in crate::cli) struct HowArgs {
    /// How schedules are chosen
    #[arg(long, value_name = "NAME", default_value = "pct")]
    strategy: Strategy,
    /// The same seed finds the same, on any number of threads
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = natural)]
    seed: u64,
    /// Schedules of each flow [default: 10000, or as many as --time allows]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    schedules: Option<u64>,
    /// Races of up to this depth are looked for by pct
    #[arg(long, value_name = "N", default_value = "3", value_parser = degree)]
    depth: u64,
    /// Stop after this time: 10, 10s, 2m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "reproducible")]
    pub(in crate::cli) time: Option<Duration>,
    /// Threads that share the schedules [default: one a core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    threads: Option<u64>,
    /// Leave out everything that depends on the machine
    #[arg(long)]
    pub(in crate::cli) reproducible: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Strategy {
    /// A uniform walk: each step that can be taken is as likely
    Random,
    /// Probabilistic concurrency testing: bounds what it misses
    Pct,
    /// Partial-order sampling
    Pos,
}

impl FuzzArgs {
    /// What the flags ask for.
    pub(in crate::cli) fn config(&self) -> limits::Config {
        let how = &self.how;
        let schedules = how.schedules.or(how.time.map(|_| u64::MAX));
        let asked = Fuzz {
            strategy: match how.strategy {
                Strategy::Random => fuzz::Strategy::Random,
                Strategy::Pct => fuzz::Strategy::Pct,
                Strategy::Pos => fuzz::Strategy::Pos,
            },
            seed: how.seed,
            schedules: schedules.unwrap_or(Fuzz::default().schedules),
            depth: u32::try_from(how.depth).unwrap_or(u32::MAX),
            ..Fuzz::default()
        };
        let threads = how.threads.map_or_else(cores, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let base = limits::Config {
            fuzz: Some(asked),
            threads,
            reproducible: how.reproducible,
            ..limits::Config::default()
        };
        self.model.config(base)
    }
}
