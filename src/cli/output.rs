//! Where the words go: the report to standard output or a file, everything else to standard error. A reader that
//! has gone away is no error.

use super::args::{Color, OutputArgs};
use super::destination::Destination;
use super::exit;
use crate::definition::problem::Problem;
use crate::finding::Report;
use crate::report::untrusted::clean;
use crate::report::words::count;
use crate::report::{self, Style};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Problems of one file that are shown; the rest is counted.
const PROBLEMS: usize = 20;

/// Every report to its place, and the exit status after that. What cannot be written into its file must not be
/// lost: it goes to standard output.
pub(super) fn deliver(
    report: &Report,
    args: &OutputArgs,
    code: u8,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let mut code = code;
    let mut unwritten: Option<Vec<u8>> = None;
    for Destination { format, file } in &args.destinations {
        let style = style(args.color, args.verbose, file.is_some());
        let Some(path) = file else {
            code = finish(report::render(report, *format, &style, out), code, err);
            continue;
        };
        let mut text = Vec::new();
        let saved =
            report::render(report, *format, &style, &mut text).and_then(|()| replace(path, &text));
        if let Err(error) = saved {
            let shown = clean(&path.to_string_lossy(), false);
            let follows =
                if unwritten.is_none() { "; the report follows on standard output" } else { "" };
            let _ = writeln!(err, "error: cannot write {shown}: {error}{follows}");
            unwritten.get_or_insert(text);
            code = exit::UNUSABLE;
        }
    }
    match unwritten {
        Some(text) => finish(out.write_all(&text), code, err),
        None => code,
    }
}

/// Why none of these files may be written: a report in the place of a flow would cost the flow.
pub(super) fn overwrites<'f>(
    files: impl Iterator<Item = &'f PathBuf>,
    inputs: &[PathBuf],
) -> Option<String> {
    let inputs: Vec<PathBuf> =
        inputs.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let is_input = |file: &&PathBuf| fs::canonicalize(file).is_ok_and(|own| inputs.contains(&own));
    let file = files.into_iter().find(is_input).filter(|file| file.is_file())?;
    Some(format!("{} is to be checked; write the report to another file", file.display()))
}

/// How text looks on standard output, or in a file.
pub(super) fn style(chosen: Color, verbose: bool, to_file: bool) -> Style {
    let terminal = !to_file && io::stdout().is_terminal();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let color = match chosen {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR").is_some() => false,
        Color::Auto if set("CLICOLOR_FORCE").is_some_and(|v| v != "0") => !to_file,
        Color::Auto => terminal && set("TERM").is_none_or(|term| term != "dumb"),
    };
    // A file or a pipe gets the same bytes on every machine.
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
    let utf8 = locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8");
    let columns = set("COLUMNS").and_then(|columns| columns.parse().ok());
    let columns = columns.or_else(|| terminal_size::terminal_size().map(|(w, _)| w.0.into()));
    let width = columns.filter(|_| terminal).unwrap_or(Style::default().width).clamp(40, 240);
    let root = std::env::current_dir().ok().map(|root| root.to_string_lossy().replace('\\', "/"));
    let ascii = terminal && !utf8 && !cfg!(windows);
    Style { color, ascii, width, verbose, root }
}

/// Says what could not be read.
pub(super) fn problems(problems: &[Problem], err: &mut dyn Write) {
    for of_file in problems.chunk_by(|a, b| a.at.path == b.at.path) {
        for problem in of_file.iter().take(PROBLEMS) {
            let _ = writeln!(err, "error: {}", clean(&problem.to_string(), false));
        }
        if let Some(more) = of_file.len().checked_sub(PROBLEMS).filter(|more| *more > 0) {
            let _ = writeln!(err, "error: {}: and {more} more", clean(&of_file[0].at.path, false));
        }
    }
}

/// Writes all of it.
pub(super) fn write(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The exit status after writing: what was written must have arrived, unless nobody wanted it.
pub(super) fn finish(written: io::Result<()>, code: u8, err: &mut dyn Write) -> u8 {
    match written {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            let _ = writeln!(err, "error: cannot write the report: {error}");
            exit::UNUSABLE
        }
    }
}

/// Writes a file whole or not at all: under another name beside it first, then renamed. A link stays a link, and
/// what is no file (`/dev/null`) is written to as it is.
pub(super) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::write(path, contents);
    }
    let (draft, mut file) = draft(path)?;
    let written = file.write_all(contents).and_then(|()| file.flush());
    drop(file);
    let replaced = written.and_then(|()| fs::rename(&draft, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&draft); // the first error is the one to tell
    }
    replaced
}

/// A new file in the same folder.
fn draft(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    for attempt in 0..100 {
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}.{attempt}.tmp", std::process::id()));
        let draft = path.with_file_name(draft);
        match OpenOptions::new().write(true).create_new(true).open(&draft) {
            Ok(file) => return Ok((draft, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Why there is nothing to do, if no input was named as broken.
pub(super) fn nothing(paths: &[PathBuf], what: &str, err: &mut dyn Write) {
    let shown: Vec<String> =
        paths.iter().take(3).map(|path| clean(&path.to_string_lossy(), false)).collect();
    let more = if paths.len() > 3 { ", …" } else { "" };
    let looked = count(u64::try_from(paths.len()).expect("a length fits 64 bits"), "path");
    let _ = writeln!(err, "error: nothing to {what} in {looked}: {}{more}", shown.join(", "));
}

/// Says why nothing can be done; the exit status.
pub(super) fn refuse(what: &str, err: &mut dyn Write) -> u8 {
    let _ = writeln!(err, "error: {}", clean(what, false));
    exit::UNUSABLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::location::Location;

    #[test]
    fn the_twentyfirst_problem_of_a_file_is_counted() {
        let at = Location {
            path: "a.json".into(),
            line: 1,
            column: 2,
            pointer: "/flow".into(),
            ..Location::default()
        };
        let problem = Problem { at, message: "unknown key \"\u{1b}\"".into() };
        let mut err = Vec::new();
        problems(&vec![problem; 22], &mut err);
        let text = String::from_utf8(err).unwrap();
        assert_eq!(text.lines().count(), 21);
        assert!(
            text.starts_with("error: a.json:1:2: unknown key \"\\u{1b}\" (at /flow)\n"),
            "{text}"
        );
        assert!(text.ends_with("error: a.json: and 2 more\n"), "{text}");
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = std::env::temp_dir().join(format!("flowrace-output-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("report.txt");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(replace(&folder.join("missing/report.txt"), b"x").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
