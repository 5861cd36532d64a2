//! The flags. The only module that knows clap.

mod check;
mod fuzz;
mod gate;
mod output;
mod search;
mod value;

pub(super) use check::CheckArgs;
pub(super) use fuzz::FuzzArgs;
pub(super) use gate::{BaselineArgs, DiffArgs, GateArgs};
pub(super) use output::{Color, OutputArgs};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use search::SearchArgs;
use std::ffi::OsString;
use std::path::PathBuf;

const EXITS: &str = "Exit status: 0 everything checked is safe; 1 findings; 2 bad usage, unreadable input or nothing \
                     to check; 3 inconclusive, no finding. With several inputs 2 goes before 1 before 3 before 0.";
const VERIFY_EXITS: &str = "Exit status: 0 the proof holds for the flow as it is now; 1 it does not; 2 bad usage, or no \
                            certificate.";
const TEST_EXITS: &str = "Exit status: 0 all expectations met; 1 one is not; 2 bad usage, unreadable input or nothing \
                          to test.";
const REPLAY_EXITS: &str = "Exit status: 1 reproduced; 0 fixed: the schedule runs, or the flow rules it out, and the \
                            anomaly is gone; 2 diverged, or not readable.";

/// Finds race conditions in Power Automate and Logic Apps flows
///
/// Reads the JSON definition of a flow, or a small design model written by hand, explores the orders in which its
/// concurrent parts can touch the same data, and shows the shortest order that goes wrong. Works offline.
#[derive(Parser, Debug)]
#[command(name = "flowrace", version, after_help = EXITS, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    Check(CheckArgs),
    Fuzz(FuzzArgs),
    Replay(ReplayArgs),
    Test(TestArgs),
    Verify(VerifyArgs),
    Baseline(BaselineArgs),
    Diff(DiffArgs),
    Explain(ExplainArgs),
    /// Print the JSON Schema of design models
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Check a proof that `check --certificate` wrote
#[derive(clap::Args, Debug)]
#[command(after_help = VERIFY_EXITS)]
pub(super) struct VerifyArgs {
    /// The certificate
    #[arg(value_name = "CERTIFICATE")]
    pub(super) certificate: PathBuf,
}

/// Run a saved schedule on the flow as it is now
#[derive(clap::Args, Debug)]
#[command(after_help = REPLAY_EXITS)]
pub(super) struct ReplayArgs {
    /// A file that `check --witnesses` wrote
    #[arg(value_name = "WITNESS")]
    pub(super) witness: PathBuf,
    /// Run it on this flow instead of the one it names
    #[arg(long, value_name = "PATH")]
    pub(super) flow: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output options")]
    pub(super) color: Color,
    /// Say in one line how it ended
    #[arg(short, long, help_heading = "Output options")]
    pub(super) quiet: bool,
}

/// Check design models against what they expect of themselves
#[derive(clap::Args, Debug)]
#[command(after_help = TEST_EXITS)]
pub(super) struct TestArgs {
    /// Design models with `expect`, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) search: SearchArgs,
    /// Settings [default: flowrace.toml in the path's folder or one above]
    #[arg(long, value_name = "FILE", help_heading = "Gate options")]
    config: Option<PathBuf>,
    /// Look for no settings
    #[arg(long, conflicts_with = "config", help_heading = "Gate options")]
    no_config: bool,
    /// Show failures only
    #[arg(short, long, help_heading = "Output options")]
    pub(super) quiet: bool,
}

impl TestArgs {
    /// Where settings come from; a model's findings are never accepted.
    pub(super) fn gate(&self) -> GateArgs {
        GateArgs { config: self.config.clone(), no_config: self.no_config, baseline: None }
    }
}

/// Explain a rule, or list all of them
#[derive(clap::Args, Debug)]
pub(super) struct ExplainArgs {
    /// A rule id, for example lost-update
    pub(super) rule: Option<String>,
}

/// The command line could not be taken, or asked only for help.
#[derive(Debug)]
pub(super) struct Refusal(clap::Error);

impl Refusal {
    /// Says it where clap says such things and gives the exit status.
    pub(super) fn say(&self) -> u8 {
        let _ = self.0.print(); // a reader that has gone away is no error
        if self.0.use_stderr() { super::exit::UNUSABLE } else { super::exit::SAFE }
    }
}

/// Takes the command line apart.
pub(super) fn parse(args: Vec<OsString>) -> Result<Args, Refusal> {
    let matches = Args::command().try_get_matches_from(args).map_err(Refusal)?;
    let mut args = Args::from_arg_matches(&matches).map_err(Refusal)?;
    match (&mut args.command, matches.subcommand()) {
        (Command::Check(check), Some((_, matches))) => check.output.pair(matches)?,
        (Command::Fuzz(fuzz), Some((_, matches))) => fuzz.output.pair(matches)?,
        _ => {}
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::value::cores;
    use super::*;
    use crate::definition::ast;
    use crate::explore::limits;

    fn check(line: &str) -> Result<limits::Config, String> {
        let line = format!("flowrace check a.json {line}");
        match parse(line.split_whitespace().map(Into::into).collect()) {
            Ok(Args { command: Command::Check(args) }) => Ok(args.config()),
            Ok(other) => Err(format!("{other:?}")),
            Err(refusal) => Err(refusal.0.to_string()),
        }
    }

    #[test]
    fn clap_is_content_with_the_definitions() {
        <Args as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn flags_become_the_config() {
        let default = limits::Config { threads: cores(), ..limits::Config::default() };
        assert_eq!(check(""), Ok(default));
        assert_eq!(check("--threads 3").unwrap().threads, 3);
        let config =
            check("--items 3 --items order=5 --items a=b=7 --degree 50 --runs 2 --faults 0")
                .unwrap();
        assert_eq!(
            (config.items, config.degree, config.runs, config.faults),
            (Some(3), Some(50), Some(2), Some(0))
        );
        assert_eq!(config.loop_items, [("order".into(), 5), ("a=b".into(), 7)].into());
        assert_eq!(check("--max-memory 512MiB").unwrap().max_memory, 512 << 20);
        assert_eq!(check("--reduction none").unwrap().reduction, limits::Reduction::None);
        assert_eq!(
            check("--platform logic-apps").unwrap().platform,
            Some(ast::Platform::LogicApps)
        );
        assert!(check("--timeout 2m").is_ok());
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for line in [
            "--items 0",
            "--items x",
            "--items =3",
            "--items order=0",
            "--items -1",
            "--degree 0",
            "--degree 51",
            "--runs 0",
            "--max-states 0",
            "--max-memory 12XB",
            "--max-memory 99999999999GiB",
            "--max-memory 0",
            "--timeout 0",
            "--timeout 5y",
            "--timeout 5s --reproducible",
            "--format xml",
            "--format sarif --format json",
            "--output a.txt --format text --format json --output a.txt",
        ] {
            assert!(check(line).unwrap_err().starts_with("error:"), "{line}");
        }
    }
}
