//! What is explored and how far: the flags that every exploring command shares.

use super::value::{Items, cores, degree, duration, items, natural, positive, size};
use crate::definition::ast;
use crate::explore::limits;
use clap::ValueEnum;
use std::time::Duration;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Model options")]
pub(in crate::cli) struct ModelArgs {
    /// Where the flows run [default: as the file says]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// Items of all loops, or of one
    #[arg(long, value_name = "N|LOOP=N", allow_negative_numbers = true, value_parser = items)]
    items: Vec<Items>,
    /// Concurrency of every concurrent loop, 1 to 50
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = degree)]
    degree: Option<u64>,
    /// Overlapping runs of each flow
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    runs: Option<u64>,
    /// Faults that may strike in one schedule
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = natural)]
    faults: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Platform {
    PowerAutomate,
    LogicApps,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Search options")]
pub(in crate::cli) struct SearchArgs {
    /// Which orders may be left out because others stand for them
    #[arg(long, value_name = "KIND", default_value = "all")]
    reduction: Reduction,
    /// Stop, inconclusive, after this many states [default: none]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    max_states: Option<u64>,
    /// Stop, inconclusive, at this much memory
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size)]
    max_memory: u64,
    /// Tell large states apart by fingerprints of 128 bits: less memory, not exact
    #[arg(long)]
    fingerprints: bool,
    /// Threads that share the search [default: one a core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    threads: Option<u64>,
    /// Stop, inconclusive, after this time: 10, 10s, 2m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "reproducible")]
    pub(in crate::cli) timeout: Option<Duration>,
    /// Leave out everything that depends on the machine
    #[arg(long)]
    pub(in crate::cli) reproducible: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reduction {
    None,
    Symmetry,
    All,
}

impl ModelArgs {
    pub(super) fn config(&self, base: limits::Config) -> limits::Config {
        let mut config = limits::Config {
            degree: self.degree,
            runs: self.runs,
            faults: self.faults,
            platform: self.platform.map(|platform| match platform {
                Platform::PowerAutomate => ast::Platform::PowerAutomate,
                Platform::LogicApps => ast::Platform::LogicApps,
            }),
            ..base
        };
        for items in &self.items {
            match items {
                Items::All(n) => config.items = Some(*n),
                Items::Loop(name, n) => _ = config.loop_items.insert(name.clone(), *n),
            }
        }
        config
    }
}

impl SearchArgs {
    /// What these flags ask for, the rest as the model says.
    pub(in crate::cli) fn config(&self) -> limits::Config {
        limits::Config {
            reduction: match self.reduction {
                Reduction::None => limits::Reduction::None,
                Reduction::Symmetry => limits::Reduction::Symmetry,
                Reduction::All => limits::Reduction::All,
            },
            max_states: self.max_states,
            max_memory: self.max_memory,
            fingerprints: self.fingerprints,
            threads: self.threads.map_or_else(cores, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            reproducible: self.reproducible,
            ..limits::Config::default()
        }
    }
}
