//! `check --watch`: the check again whenever a file under its paths changes. It asks the file system every 300 ms, which
//! for the flows of a project costs nothing and works on every file system.

use super::args::CheckArgs;
use super::exit;
use super::gate;
use super::stop;
use crate::source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

/// Between two looks.
const PACE: Duration = Duration::from_millis(300);
/// Bytes of a file in which no import is looked for.
const LARGE: u64 = 1 << 20;
/// Clears the screen and what has scrolled off it.
const CLEAR: &str = "\u{1b}[2J\u{1b}[3J\u{1b}[H";

/// When each file was written, in nanoseconds, and how long it is.
type Seen = BTreeMap<PathBuf, (u128, u64)>;

/// Checks until Ctrl-C, and gives the exit status of the last check.
pub(super) fn watch(
    args: &CheckArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
    check: impl Fn(&CheckArgs, &mut dyn Write, &mut dyn Write) -> u8,
) -> u8 {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        let _ = writeln!(err, "error: standard input cannot be watched; name a file or a folder");
        return exit::UNUSABLE;
    }
    loop {
        let before = seen(args);
        let code = check(args, out, err);
        if stop::interrupted() {
            return code;
        }
        let _ = writeln!(err, "watching {}; Ctrl-C ends it", files(before.len()));
        while seen(args) == before {
            sleep(PACE);
            if stop::interrupted() {
                return code;
            }
        }
        if io::stdout().is_terminal() {
            let _ = out.write_all(CLEAR.as_bytes());
        }
    }
}

fn files(number: usize) -> String {
    crate::report::words::count(u64::try_from(number).unwrap_or(u64::MAX), "file")
}

/// What the check reads, without what it writes.
fn seen(args: &CheckArgs) -> Seen {
    let absolute = |path: &PathBuf| fs::canonicalize(path).ok();
    let written = args.output.files();
    let written: BTreeSet<PathBuf> =
        written.chain(&args.certificate).filter_map(absolute).collect();
    let witnesses = args.output.witnesses.as_ref().and_then(absolute);
    let own = |path: &PathBuf| {
        absolute(path).is_some_and(|path| {
            let kept = path.parent().map(PathBuf::from) == witnesses && is_witness(&path);
            kept || written.contains(&path)
        })
    };
    let read: BTreeSet<PathBuf> =
        args.paths.iter().flat_map(|path| source::files(path).0).collect();
    let brought = brought_in(&read);
    let settled = gate::files(&args.gate, &args.paths);
    let files = read.into_iter().chain(brought).chain(settled).filter(|path| !own(path));
    files
        .map(|path| {
            let meta = fs::metadata(&path).ok();
            let written = meta.as_ref().and_then(|meta| meta.modified().ok());
            let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            (path, (written.map_or(0, |since| since.as_nanos()), meta.map_or(0, |meta| meta.len())))
        })
        .collect()
}

/// Whether a file is a schedule that a check has saved.
fn is_witness(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains("\"flowrace_witness\""))
}

/// The files that design models import, and those that these import.
fn brought_in(read: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<PathBuf> = read.iter().cloned().collect();
    while let Some(path) = todo.pop() {
        // Large files are exports.
        let small = fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() < LARGE);
        let text = if small { fs::read_to_string(&path).unwrap_or_default() } else { continue };
        let model: Option<serde_json::Value> =
            text.contains("\"import\"").then(|| serde_json::from_str(&text).ok()).flatten();
        let other = model.as_ref().and_then(|model| model.get("import")?.as_str());
        let other = other.map(|other| path.parent().unwrap_or(Path::new("")).join(other));
        if let Some(other) = other.filter(|other| !read.contains(other))
            && found.insert(other.clone())
        {
            todo.push(other);
        }
    }
    found
}
