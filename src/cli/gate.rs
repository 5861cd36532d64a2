//! What the project has settled: `flowrace.toml`, found upwards from the first path, and the baseline.

use super::args::GateArgs;
use super::output;
use super::stop;
use crate::definition::problem::Problem;
use crate::explore::limits::Config;
use crate::finding::{Report, Severity};
use crate::gate::baseline::{self, Entry};
use crate::gate::settings::{self, Settings};
use crate::gate::{Threshold, levels};
use crate::report::untrusted::clean;
use crate::report::words::count;
use crate::source;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The name of the settings file.
const FILE: &str = "flowrace.toml";

/// Settings and known findings.
#[derive(Debug, Default)]
pub(super) struct Gate {
    settings: Settings,
    known: Vec<Entry>,
}

impl Gate {
    /// Reads what the flags name, or what is found upwards from the first path.
    pub(super) fn load(args: &GateArgs, paths: &[PathBuf]) -> Result<Self, Vec<Problem>> {
        let file = match &args.config {
            Some(file) => Some(file.clone()),
            None if args.no_config => None,
            None => paths.first().and_then(|path| upwards(path)),
        };
        let mut settings = Settings::default();
        if let Some(file) = &file {
            settings = settings::parse(&shown(file), &read(file)?)?;
        }
        // A path in the file is relative to the file.
        let beside = |name: &String| {
            file.as_deref().and_then(Path::parent).map_or_else(|| name.into(), |f| f.join(name))
        };
        let baseline = args.baseline.clone().or_else(|| settings.baseline.as_ref().map(beside));
        let known = match baseline {
            Some(file) => baseline::parse(&shown(&file), &read(&file)?)?,
            None => Vec::new(),
        };
        Ok(Self { settings, known })
    }

    /// The flags, completed by the settings.
    pub(super) fn config(&self, flags: Config) -> Config {
        let own = &self.settings.config;
        let mut loop_items = own.loop_items.clone();
        if flags.items.is_some() {
            loop_items.clear();
        }
        loop_items.extend(flags.loop_items);
        Config {
            items: flags.items.or(own.items),
            loop_items,
            degree: flags.degree.or(own.degree),
            runs: flags.runs.or(own.runs),
            faults: flags.faults.or(own.faults),
            platform: flags.platform,
            platform_unsaid: own.platform,
            max_states: flags.max_states.or(own.max_states),
            assume: own.assume.clone(),
            exclude: own.exclude.clone(),
            ..flags
        }
    }

    /// For models that are held to what they expect of themselves: their scope is theirs.
    pub(super) fn config_of_models(&self, flags: Config) -> Config {
        let own = &self.settings.config;
        Config {
            platform_unsaid: own.platform,
            max_states: flags.max_states.or(own.max_states),
            assume: own.assume.clone(),
            exclude: own.exclude.clone(),
            ..flags
        }
    }

    /// The least severity that counts, the flag before the settings.
    pub(super) fn fail_on(&self, flag: Option<Threshold>) -> Option<Severity> {
        flag.or(self.settings.fail_on).unwrap_or(Threshold::At(Severity::Warning)).least()
    }

    /// Gives each finding the weight that the project chose.
    pub(super) fn settle(&self, report: &mut Report, reproducible: bool, err: &mut dyn Write) {
        levels(report, &self.settings);
        let today = (!reproducible).then(stop::today);
        let outcome = baseline::apply(report, &self.known, today.as_deref());
        let mut warn = |entries: &[Entry], what: &str, way_out: &str| {
            let Some(first) = entries.first() else { return };
            let number = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let known = count(number, "known finding");
            let example = clean(&format!("{}, {}", first.rule, first.path), false);
            let _ = writeln!(err, "warning: {known} {what} ({example}); {way_out}");
        };
        warn(&outcome.stale, "found no more", "flowrace baseline --prune takes fixed ones out");
        warn(&outcome.expired, "past the day until which it was accepted", "it counts again");
    }
}

/// The files that settings and known findings are read from.
pub(super) fn files(args: &GateArgs, paths: &[PathBuf]) -> Vec<PathBuf> {
    let settings =
        args.config.clone().or_else(|| upwards(paths.first()?).filter(|_| !args.no_config));
    let text = settings.as_ref().and_then(|file| source::text(file).ok());
    let named = text.and_then(|text| settings::parse("", &text).ok()?.baseline);
    let beside = settings.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let baseline = args.baseline.clone().or_else(|| named.map(|name| beside.join(name)));
    settings.clone().into_iter().chain(baseline).collect()
}

/// The settings file in the folder of a path, or in one above.
fn upwards(path: &Path) -> Option<PathBuf> {
    let start = if path.as_os_str() == "-" { Path::new(".") } else { path };
    let start = fs::canonicalize(start).ok()?;
    let found = start.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file())?;
    // As short as a person would write it, where that is easy.
    let here = std::env::current_dir().and_then(fs::canonicalize).ok();
    let short = here.and_then(|here| found.strip_prefix(here).map(Path::to_owned).ok());
    Some(short.unwrap_or(found))
}

pub(super) fn read(path: &Path) -> Result<String, Vec<Problem>> {
    source::text(path).map_err(|problem| vec![problem])
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Says what is wrong with the settings.
pub(super) fn refuse(problems: &[Problem], err: &mut dyn Write) -> u8 {
    output::problems(problems, err);
    super::exit::UNUSABLE
}
