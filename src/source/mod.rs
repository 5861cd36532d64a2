//! Files and folders as texts: the only code that opens files to read flows. Knows nothing of flows but how to tell
//! from a distance that a text cannot hold one.

mod archive;
#[cfg(test)]
mod archive_tests;
mod beside;
mod decode;
mod package;
mod shelf;
mod solution;

use crate::definition::beside::Beside;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use beside::{Finder, Shelf};
use shelf::{Disk, Zip};
use std::collections::BTreeSet;
use std::fmt::Write;
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
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Path as given, forward slashes; `a.zip!/Workflows/X.json` inside a zip.
    pub path: String,
    /// Decoded; places are counted in it.
    pub text: String,
    /// Whether the user named this very file: then it has to be a flow.
    pub named: bool,
    /// What stood beside it.
    pub beside: Beside,
    /// The folder or zip it was found in: an index of `Sources::places`.
    pub place: Option<usize>,
}

/// A folder or zip in which at least one flow is expected.
#[derive(Clone, Debug)]
pub struct Place {
    /// As given.
    pub path: String,
    /// Files seen in it.
    pub looked_at: usize,
    /// Whether something was already said of it.
    pub told: bool,
}

/// What was found under some paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Texts that may be flows.
    pub texts: Vec<Source>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// The folders and zips the user named.
    pub places: Vec<Place>,
}

impl Place {
    /// What is said if none of the texts found in it is a flow.
    pub fn nothing(&self) -> Problem {
        let files = if self.looked_at == 1 { "file" } else { "files" };
        let message =
            format!("nothing to check: {} {files} looked at, none is a flow", self.looked_at);
        problem(self.path.clone(), message)
    }
}

/// Reads files and folders, each file once, in the order given. What fails is told and does not stop the rest.
pub fn read(paths: &[PathBuf]) -> Sources {
    let mut reading = Reading::default();
    for path in paths {
        if path.as_os_str() == "-" {
            reading.standard_input();
            continue;
        }
        match fs::metadata(path) {
            Err(error) => reading.fail(path, cannot_read(&error)),
            Ok(meta) if meta.is_dir() => reading.folder(path),
            Ok(meta) if meta.is_file() => reading.file(path, true),
            Ok(_) => reading.fail(path, "neither a file nor a folder; expected a flow".to_owned()),
        }
    }
    reading.sources.problems.append(&mut reading.finder.problems);
    reading.sources
}

/// Reads one file, for imports.
pub fn read_one(path: &str) -> Result<Source, Problem> {
    let mut read = read(&[PathBuf::from(path)]);
    let a_folder = || problem(path.to_owned(), "a folder or zip; expected a file".to_owned());
    match (read.texts.pop(), read.problems.pop()) {
        (Some(source), None) if source.named => Ok(source),
        (_, Some(problem)) => Err(problem),
        (_, None) => Err(a_folder()),
    }
}

/// The text of a file that is no flow: settings, a baseline, a certificate.
pub fn text(path: &Path) -> Result<String, Problem> {
    let fail = |message: &str| Err(problem(shown(path), message.to_owned()));
    match fs::metadata(path) {
        Err(error) => fail(&cannot_read(&error)),
        Ok(meta) if meta.is_dir() => fail("a folder; expected a file"),
        // A device never ends, and a pipe may never begin.
        Ok(meta) if !meta.is_file() => fail("a device or pipe; expected a file"),
        Ok(_) => decode::text(&shown(path), bytes(path)?),
    }
}

/// The `*.json` in a folder and below, by name, or the one file that is named.
pub fn files(path: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut open = vec![path.to_path_buf()];
    while let Some(path) = open.pop() {
        match fs::metadata(&path)
            .and_then(|meta| meta.is_dir().then(|| entries_of(&path)).transpose())
        {
            Ok(Some(entries)) => open.extend(entries.into_iter().rev()),
            Ok(None) => found.push(path),
            Err(error) => problems.push(problem(shown(&path), cannot_read(&error))),
        }
    }
    (found, problems)
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    seen: BTreeSet<PathBuf>,
    finder: Finder,
    /// The folder being walked, an index of `Sources::places`.
    place: Option<usize>,
}

impl Reading {
    fn fail(&mut self, path: &Path, message: String) {
        self.sources.problems.push(problem(shown(path), message));
    }

    /// One document from standard input, in any encoding a file may have.
    fn standard_input(&mut self) {
        const NAME: &str = "<stdin>";
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes);
        let text = match read {
            Err(error) => Err(problem(NAME.to_owned(), cannot_read(&error))),
            Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(too_large(NAME.to_owned())),
            Ok(_) if bytes.starts_with(b"PK\x03\x04") => return self.zip(NAME, &bytes, true),
            Ok(_) => {
                let wide = decode::is_wide(&bytes);
                decode::decode(NAME, bytes).map(|text| (text, wide))
            }
        };
        match text {
            Ok((text, wide)) => self.sources.texts.push(Source {
                path: NAME.to_owned(),
                text,
                named: true,
                beside: Beside { wide, ..Beside::default() },
                place: None,
            }),
            Err(problem) => self.sources.problems.push(problem),
        }
    }

    /// A file once, by whatever ways it is reached. One that said nothing in its folder is asked again when it is
    /// named: then it has to be a flow.
    fn file(&mut self, path: &Path, named: bool) {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.contains(&own) {
            if let Some(place) = self.place {
                self.sources.places[place].told = true;
            }
            return;
        }
        let said = |sources: &Sources| sources.texts.len() + sources.problems.len();
        let before = said(&self.sources);
        self.open(path, named);
        if named || said(&self.sources) > before {
            self.seen.insert(own);
        }
    }

    fn open(&mut self, path: &Path, named: bool) {
        let name = shown(path);
        let bytes = match bytes(path) {
            Ok(bytes) if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") => {
                return self.zip(&name, &bytes, named);
            }
            Ok(bytes) if named && is_zip_name(&name) => return self.zip(&name, &bytes, named),
            Ok(bytes) => bytes,
            Err(problem) => return self.sources.problems.push(problem),
        };
        let suspect = named || looks_like_flow(&bytes);
        let wide = decode::is_wide(&bytes);
        match decode::decode(&name, bytes) {
            Ok(text) if named || may_be_flow(&text) => {
                let beside = Beside { wide, ..self.finder.beside(&Disk, &name) };
                let place = self.place;
                self.sources.texts.push(Source { path: name, text, named, beside, place });
            }
            Ok(_) => {}
            // Somebody else's broken file in a folder is nobody's flow.
            Err(problem) if suspect => self.sources.problems.push(problem),
            Err(_) => {}
        }
    }

    /// The flows in a zip. One that the user did not name may hold anything else.
    fn zip(&mut self, path: &str, bytes: &[u8], named: bool) {
        let archive = archive::open(path, bytes);
        let mut problems = archive.problems;
        problems.extend(package::check(path, &archive.members));
        let shelf = Zip { path, members: &archive.members };
        let mut finder = Finder::default();
        let mut texts = Vec::new();
        for (name, bytes) in &archive.members {
            if !name.to_ascii_lowercase().ends_with(".json") {
                continue;
            }
            let shown = shelf.shown(name);
            match decode::decode(&shown, bytes.clone()) {
                Ok(text) if may_be_flow(&text) => {
                    let mut beside = finder.beside(&shelf, name);
                    beside.notes.extend(package::note(name, &archive.members));
                    beside.wide = decode::is_wide(bytes);
                    let source = Source { path: shown, text, named: false, beside, place: None };
                    texts.push(source);
                }
                Ok(_) => {}
                Err(problem) if looks_like_flow(bytes) => problems.push(problem),
                Err(_) => {}
            }
        }
        problems.extend(finder.problems);
        let ours = named || !texts.is_empty() || looks_like_flow(bytes);
        let mut place = self.place;
        if named {
            let told = !problems.is_empty();
            place = Some(self.sources.places.len());
            let looked_at = archive.files;
            self.sources.places.push(Place { path: path.to_owned(), looked_at, told });
        }
        if ours {
            self.sources.problems.extend(problems);
        }
        self.sources.texts.extend(texts.into_iter().map(|source| Source { place, ..source }));
    }

    fn folder(&mut self, root: &Path) {
        let place = self.sources.places.len();
        self.sources.places.push(Place { path: shown(root), looked_at: 0, told: false });
        self.place = Some(place);
        let problems = self.sources.problems.len();
        self.sources.places[place].looked_at = self.walk(root);
        self.sources.places[place].told |= self.sources.problems.len() > problems;
        self.place = None;
    }

    /// Reads the files of a folder and tells how many it has looked at.
    fn walk(&mut self, root: &Path) -> usize {
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
                let message =
                    format!("more than {MAX_ENTRIES} files and folders; name the ones with flows");
                self.fail(root, message);
                break;
            }
        }
        looked_at
    }
}

/// Folders, `*.json` and `*.zip` of a folder, sorted by name; links are not followed.
fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let ending = Path::new(&name).extension().unwrap_or_default();
        let named = ["json", "zip"].iter().any(|known| ending.eq_ignore_ascii_case(known));
        let wanted = if kind.is_dir() {
            !SKIPPED.iter().any(|skipped| name == *skipped)
        } else {
            kind.is_file() && named
        };
        if wanted {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a text is worth a parser: every flow says one of these words.
fn may_be_flow(text: &str) -> bool {
    ["\"flowrace\"", "actions", "\"inputs\"", "triggers"].iter().any(|word| text.contains(word))
}

/// Whether bytes that cannot be read were meant to be a flow.
fn looks_like_flow(bytes: &[u8]) -> bool {
    const SIGNS: [&[u8]; 4] =
        [b"\"flowrace\"", b"workflowdefinition.json", b"\"runAfter\"", b"Workflows/"];
    SIGNS.iter().any(|sign| bytes.windows(sign.len()).any(|window| window == *sign))
}

fn is_zip_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".zip")
}

fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    let fail = |error: &io::Error| problem(shown(path), cannot_read(error));
    let file = File::open(path).map_err(|error| fail(&error))?;
    let size = file.metadata().map_err(|error| fail(&error))?.len();
    if size > MAX_BYTES {
        return Err(too_large(shown(path)));
    }
    // A file may grow, and some report no size.
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    if bytes.len() as u64 > MAX_BYTES { Err(too_large(shown(path))) } else { Ok(bytes) }
}

fn too_large(path: String) -> Problem {
    problem(path, format!("larger than {} MB; a flow is far smaller", MAX_BYTES >> 20))
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot read: permission denied".to_owned(),
        _ => format!("cannot read: {error}"),
    }
}

/// A path for people and reports: forward slashes, and what is not Unicode as `\xFF`.
fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        shown.push_str(&chunk.valid().replace('\\', "/"));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02X}");
        }
    }
    shown
}

fn problem(path: String, message: String) -> Problem {
    Problem { at: Location { path, ..Location::default() }, message }
}

#[cfg(test)]
mod tests;
