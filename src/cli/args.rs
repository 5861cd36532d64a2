//! The flags. The only file that knows clap.

use super::destination::{self, Destination};
use crate::definition::ast;
use crate::explore::fuzz::{self, Fuzz};
use crate::explore::limits;
use crate::finding::Severity;
use crate::gate::Threshold;
use crate::report;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const EXITS: &str = "Exit status: 0 everything checked is safe; 1 findings; 2 bad usage, unreadable input or nothing \
                     to check; 3 inconclusive, no finding. With several inputs 2 goes before 1 before 3 before 0.";
const VERIFY_EXITS: &str = "Exit status: 0 the proof holds for the flow as it is now; 1 it does not; 2 bad usage, or no \
                            certificate.";
const DIFF_EXITS: &str = "Exit status: 0 no new findings; 1 new findings; 2 bad usage or unreadable input; 3 \
                          inconclusive, no new finding.";
const TEST_EXITS: &str = "Exit status: 0 all expectations met; 1 one is not; 2 bad usage, unreadable input or nothing \
                          to test.";

const FUZZ_EXITS: &str = "Exit status: 1 findings; 3 none, which proves nothing; 2 bad usage, unreadable input or nothing \
                          to fuzz.";
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

/// Check every flow found in files, folders and zips
#[derive(clap::Args, Debug)]
#[command(after_help = EXITS)]
pub(super) struct CheckArgs {
    /// Exports (zip, folder or JSON) and design models; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) model: ModelArgs,
    #[command(flatten)]
    pub(super) search: SearchArgs,
    /// Where a limit is reached, go on with random schedules
    #[arg(long, help_heading = "Search options")]
    or_fuzz: bool,
    #[command(flatten)]
    pub(super) gate: GateArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Write the proof for any number of items to this file, for `flowrace verify`
    #[arg(long, value_name = "FILE", help_heading = "Output options")]
    pub(super) certificate: Option<PathBuf>,
}

/// Check a proof that `check --certificate` wrote
#[derive(clap::Args, Debug)]
#[command(after_help = VERIFY_EXITS)]
pub(super) struct VerifyArgs {
    /// The certificate
    #[arg(value_name = "CERTIFICATE")]
    pub(super) certificate: PathBuf,
}

/// Try random schedules, where a search is out of reach
#[derive(clap::Args, Debug)]
#[command(after_help = FUZZ_EXITS)]
pub(super) struct FuzzArgs {
    /// Exports (zip, folder or JSON) and design models
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) how: HowArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Fuzz options")]
pub(super) struct HowArgs {
    /// How schedules are chosen
    #[arg(long, value_name = "NAME", default_value = "pct")]
    strategy: Strategy,
    /// The same seed finds the same, on any number of threads
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Schedules of each flow [default: 10000, or as many as --time allows]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    schedules: Option<u64>,
    /// Races of up to this depth are looked for by pct
    #[arg(long, value_name = "N", default_value = "3", value_parser = degree)]
    depth: u64,
    /// Stop after this time: 10, 10s, 2m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "reproducible")]
    pub(super) time: Option<Duration>,
    /// Threads that share the schedules [default: one a core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    threads: Option<u64>,
    /// Leave out everything that depends on the machine
    #[arg(long)]
    pub(super) reproducible: bool,
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
    pub(super) fn config(&self) -> limits::Config {
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
            after_limits: false,
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

/// Write down the known findings, so that only new ones fail
#[derive(clap::Args, Debug)]
pub(super) struct BaselineArgs {
    /// What is checked
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The baseline, which is updated if it is there
    #[arg(long, value_name = "FILE", default_value = "flowrace-baseline.json")]
    pub(super) output: PathBuf,
    /// Why the new findings may stay
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Who answers for the new findings
    #[arg(long, value_name = "NAME")]
    pub(super) owner: Option<String>,
    /// The last day on which the new findings may stay
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(super) expires: Option<String>,
    /// Take out what is found no more
    #[arg(long)]
    pub(super) prune: bool,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) search: SearchArgs,
    #[command(flatten)]
    pub(super) gate: GateArgs,
    /// Show no progress
    #[arg(short, long, help_heading = "Output options")]
    pub(super) quiet: bool,
}

/// Compare two versions of flows: new, fixed and unchanged findings
#[derive(clap::Args, Debug)]
#[command(after_help = DIFF_EXITS)]
pub(super) struct DiffArgs {
    /// The version before: a file, folder or zip
    pub(super) old: PathBuf,
    /// The version after
    pub(super) new: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    pub(super) search: SearchArgs,
    #[command(flatten)]
    pub(super) gate: GateArgs,
    /// Exit with 1 for new findings of this severity or above [default: warning]
    #[arg(long, value_name = "SEVERITY", help_heading = "Output options")]
    fail_on: Option<FailOn>,
    /// Show no progress
    #[arg(short, long, help_heading = "Output options")]
    pub(super) quiet: bool,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Gate options")]
pub(super) struct GateArgs {
    /// Settings [default: flowrace.toml in the path's folder or one above]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Look for no settings
    #[arg(long, conflicts_with = "config")]
    pub(super) no_config: bool,
    /// Findings that are known and do not fail [default: as the settings say]
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
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
    /// Show failures only
    #[arg(short, long, help_heading = "Output options")]
    pub(super) quiet: bool,
}

/// Explain a rule, or list all of them
#[derive(clap::Args, Debug)]
pub(super) struct ExplainArgs {
    /// A rule id, for example lost-update
    pub(super) rule: Option<String>,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Model options")]
pub(super) struct ModelArgs {
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

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Search options")]
pub(super) struct SearchArgs {
    /// Which orders may be left out because others stand for them
    #[arg(long, value_name = "KIND", default_value = "all")]
    reduction: Reduction,
    /// Stop, inconclusive, after this many states [default: none]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    max_states: Option<u64>,
    /// Stop, inconclusive, at this much memory
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size)]
    max_memory: u64,
    /// Threads that share the search [default: one a core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    threads: Option<u64>,
    /// Stop, inconclusive, after this time: 10, 10s, 2m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "reproducible")]
    pub(super) timeout: Option<Duration>,
    /// Leave out everything that depends on the machine
    #[arg(long)]
    pub(super) reproducible: bool,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Output options")]
pub(super) struct OutputArgs {
    /// How the report is written; may be repeated, each with its --output [default: text]
    #[arg(long, value_name = "FORMAT")]
    format: Vec<Format>,
    /// Write the report of the format before it to this file
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The two, paired.
    #[arg(skip)]
    pub(super) destinations: Vec<Destination>,
    /// Save the schedule of each finding into this folder, for `flowrace replay`
    #[arg(long, value_name = "DIR")]
    pub(super) witnesses: Option<PathBuf>,
    /// Exit with 1 at this severity or above [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Show no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Show every finding with its schedule
    #[arg(short, long, conflicts_with = "quiet")]
    pub(super) verbose: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Platform {
    PowerAutomate,
    LogicApps,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reduction {
    None,
    Symmetry,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
    Azure,
    Markdown,
    Html,
}

impl Format {
    fn report(self) -> report::Format {
        match self {
            Self::Text => report::Format::Text,
            Self::Json => report::Format::Json,
            Self::Sarif => report::Format::Sarif,
            Self::Junit => report::Format::Junit,
            Self::Github => report::Format::Github,
            Self::Azure => report::Format::Azure,
            Self::Markdown => report::Format::Markdown,
            Self::Html => report::Format::Html,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Items {
    All(u64),
    Loop(String, u64),
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

impl CheckArgs {
    /// What the flags ask for.
    pub(super) fn config(&self) -> limits::Config {
        let fuzz = Fuzz { after_limits: true, ..Fuzz::default() };
        let base = limits::Config { fuzz: self.or_fuzz.then_some(fuzz), ..self.search.config() };
        self.model.config(base)
    }
}

impl BaselineArgs {
    /// What the flags ask for.
    pub(super) fn config(&self) -> limits::Config {
        self.model.config(self.search.config())
    }
}

impl DiffArgs {
    /// What the flags ask for.
    pub(super) fn config(&self) -> limits::Config {
        self.model.config(self.search.config())
    }

    /// The least severity that counts, if the flag is given.
    pub(super) fn fail_on(&self) -> Option<Threshold> {
        self.fail_on.map(FailOn::threshold)
    }
}

impl ModelArgs {
    fn config(&self, base: limits::Config) -> limits::Config {
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
    pub(super) fn config(&self) -> limits::Config {
        limits::Config {
            reduction: match self.reduction {
                Reduction::None => limits::Reduction::None,
                Reduction::Symmetry => limits::Reduction::Symmetry,
                Reduction::All => limits::Reduction::All,
            },
            max_states: self.max_states,
            max_memory: self.max_memory,
            threads: self.threads.map_or_else(cores, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            reproducible: self.reproducible,
            ..limits::Config::default()
        }
    }
}

impl OutputArgs {
    /// Pairs each format with its file by their places on the command line.
    fn pair(&mut self, matches: &ArgMatches) -> Result<(), Refusal> {
        let places = |name: &str| matches.indices_of(name).into_iter().flatten();
        let formats = places("format").zip(self.format.iter().map(|format| format.report()));
        let files = places("output").zip(self.output.iter().cloned());
        self.destinations =
            destination::pair(formats.collect(), files.collect()).map_err(|message| {
                Refusal(Args::command().error(ErrorKind::ArgumentConflict, message))
            })?;
        Ok(())
    }

    /// The least severity that counts, if the flag is given.
    pub(super) fn fail_on(&self) -> Option<Threshold> {
        self.fail_on.map(FailOn::threshold)
    }
}

impl FailOn {
    fn threshold(self) -> Threshold {
        match self {
            FailOn::Error => Threshold::At(Severity::Error),
            FailOn::Warning => Threshold::At(Severity::Warning),
            FailOn::Note => Threshold::At(Severity::Note),
            FailOn::Never => Threshold::Never,
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn day(text: &str) -> Result<String, String> {
    let ok = crate::gate::date::is_day(text);
    ok.then(|| text.to_owned()).ok_or_else(|| "expected a day such as 2027-01-31".into())
}

fn items(text: &str) -> Result<Items, String> {
    let (name, number) = text.rsplit_once('=').map_or((None, text), |(name, n)| (Some(name), n));
    let n = number.parse().ok().filter(|n| *n >= 1);
    let n = n.ok_or("expected a number of 1 or more, or LOOP=N")?;
    match name {
        None => Ok(Items::All(n)),
        Some("") => Err("expected the name of a loop before =".into()),
        Some(name) => Ok(Items::Loop(name.into(), n)),
    }
}

fn positive(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|n| *n >= 1).ok_or_else(|| "expected a number of 1 or more".into())
}

fn natural(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a number of 0 or more".into())
}

fn degree(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|n| (1..=50).contains(n)).ok_or_else(|| "expected 1 to 50".into())
}

fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => {
            return Err(format!("unknown unit \"{unit}\"; expected a size such as 512MiB or 2GiB"));
        }
    };
    let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    bytes.filter(|n| *n > 0).ok_or_else(|| "expected a size such as 512MiB or 2GiB".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let millis: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("unknown unit \"{unit}\"; expected a time such as 10s or 2m")),
    };
    let total = number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis));
    let total = total.filter(|n| *n > 0).ok_or("expected a time such as 10s or 2m")?;
    Ok(Duration::from_millis(total))
}

/// The digits, and what follows them.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

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
