//! Files and folders as texts: the only code that opens files to read flows. Knows nothing of flows but how to tell
//! from a distance that a text cannot hold one.

mod decode;

use crate::definition::location::Location;
use crate::definition::problem::Problem;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file read, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// The most entries of a folder looked at, so that a wrong path ends.
const MAX_ENTRIES: usize = 1_000_000;
/// Folders nobody keeps flows in.
const SKIPPED: &[&str] = &[".git", "node_modules", "target"];

/// A text that may be a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path as given, forward slashes.
    pub path: String,
    /// Decoded; places are counted in it.
    pub text: String,
    /// Whether the user named this very file: then it has to be a flow.
    pub named: bool,
}

/// Reads files and folders, each file once, in the order given. What fails is told and does not stop the rest.
pub fn read(paths: &[PathBuf]) -> (Vec<Source>, Vec<Problem>) {
    let mut reading = Reading::default();
    for path in paths {
        match fs::metadata(path) {
            Err(error) => reading.fail(path, cannot_read(&error)),
            Ok(meta) if meta.is_dir() => reading.folder(path),
            Ok(meta) if meta.is_file() => reading.file(path, true),
            Ok(_) => reading.fail(path, "neither a file nor a folder; expected a flow".to_owned()),
        }
    }
    (reading.sources, reading.problems)
}

/// Reads one file, for imports.
pub fn read_one(path: &str) -> Result<Source, Problem> {
    let (mut sources, mut problems) = read(&[PathBuf::from(path)]);
    let a_folder = || problem(path.to_owned(), "a folder; expected a file".to_owned());
    match (sources.pop(), problems.pop()) {
        (Some(source), None) if source.named => Ok(source),
        (_, Some(problem)) => Err(problem),
        (_, None) => Err(a_folder()),
    }
}

#[derive(Default)]
struct Reading {
    sources: Vec<Source>,
    problems: Vec<Problem>,
    seen: BTreeSet<PathBuf>,
}

impl Reading {
    fn fail(&mut self, path: &Path, message: String) {
        self.problems.push(problem(shown(path), message));
    }

    fn file(&mut self, path: &Path, named: bool) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        let text = bytes(path).and_then(|bytes| decode::decode(&shown(path), bytes));
        match text {
            Ok(text) if named || may_be_flow(&text) => {
                self.sources.push(Source { path: shown(path), text, named });
            }
            Ok(_) => {}
            // Somebody else's broken file in a folder is nobody's flow.
            Err(problem) if named || !problem.message.starts_with("empty") => {
                self.problems.push(problem);
            }
            Err(_) => {}
        }
    }

    fn folder(&mut self, root: &Path) {
        let before = (self.sources.len(), self.problems.len());
        let (mut looked_at, mut entries) = (0, 0);
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            // The first is the root, which may be a link the user named.
            if path != *root && !path.is_dir() {
                looked_at += 1;
                self.file(&path, false);
                continue;
            }
            match entries_of(&path) {
                Ok(found) => {
                    entries += found.len();
                    open.extend(found.into_iter().rev());
                }
                Err(error) => self.fail(&path, cannot_read(&error)),
            }
            if entries > MAX_ENTRIES {
                self.fail(
                    root,
                    format!("more than {MAX_ENTRIES} files and folders; name the ones with flows"),
                );
                return;
            }
        }
        if before == (self.sources.len(), self.problems.len()) {
            let files = if looked_at == 1 { "file" } else { "files" };
            self.fail(
                root,
                format!("nothing to check: {looked_at} {files} looked at, none is a flow"),
            );
        }
    }
}

/// Folders and `*.json` of a folder, sorted by name; links are not followed.
fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let json =
            Path::new(&name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let wanted = if kind.is_dir() {
            !SKIPPED.iter().any(|skipped| name == *skipped)
        } else {
            kind.is_file() && json
        };
        if wanted {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a text of a folder is worth a parser: every flow says one of these words.
fn may_be_flow(text: &str) -> bool {
    text.contains("\"flowrace\"") || text.contains("\"actions\"")
}

fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    let fail = |error: &io::Error| problem(shown(path), cannot_read(error));
    let too_large = || {
        problem(shown(path), format!("larger than {} MB; a flow is far smaller", MAX_BYTES >> 20))
    };
    let file = File::open(path).map_err(|error| fail(&error))?;
    let size = file.metadata().map_err(|error| fail(&error))?.len();
    if size > MAX_BYTES {
        return Err(too_large());
    }
    // A file may grow, and some report no size.
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    if bytes.len() as u64 > MAX_BYTES { Err(too_large()) } else { Ok(bytes) }
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot read: permission denied".to_owned(),
        _ => format!("cannot read: {error}"),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn problem(path: String, message: String) -> Problem {
    Problem { at: Location { path, ..Location::default() }, message }
}

#[cfg(test)]
mod tests;
