//! Bytes to text: UTF-8 and UTF-16, with and without a mark, as editors and PowerShell write them.

use super::problem;
use crate::definition::location::Location;
use crate::definition::problem::Problem;

/// How files begin that are sometimes taken for JSON.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG"),
    (b"\xFF\xD8\xFF", "a JPEG"),
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"\x1F\x8B", "gzip"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"PK\x03\x04", "a zip"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
];

/// The text of a file that has to say something, or what it looks like instead.
pub(super) fn decode(path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    let foreign = FOREIGN.iter().find(|(start, _)| bytes.starts_with(start));
    if let Some((_, kind)) = foreign.filter(|_| !is_xml_name(path)) {
        return Err(problem(path.to_owned(), format!("not JSON (looks like {kind})")));
    }
    let text = text(path, bytes)?;
    if text.chars().all(char::is_whitespace) {
        return Err(problem(path.to_owned(), "empty; expected a flow".to_owned()));
    }
    Ok(text)
}

fn is_xml_name(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".xml")
}

/// Whether bytes are UTF-16, by their mark or by a NUL in every other place.
pub(super) fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [1..=127, 0, ..] | [0, 1..=127, ..])
}

/// The text of a file, which may be empty.
pub(super) fn text(path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    let fault = |message: String| problem(path.to_owned(), message);
    let text = match &bytes[..] {
        [0xFF, 0xFE, 0, 0, ..]
        | [0, 0, 0xFE, 0xFF, ..]
        | [0, 0, 0, 1..=127, ..]
        | [1..=127, 0, 0, 0, ..] => {
            return Err(fault("UTF-32; save as UTF-8".to_owned()));
        }
        [0xFF, 0xFE, rest @ ..] => {
            wide(rest, u16::from_le_bytes).map_err(|byte| fault(not_utf16(byte + 2)))?
        }
        [0xFE, 0xFF, rest @ ..] => {
            wide(rest, u16::from_be_bytes).map_err(|byte| fault(not_utf16(byte + 2)))?
        }
        [1..=127, 0, rest @ ..] if rest.first() != Some(&0) => {
            wide(&bytes, u16::from_le_bytes).map_err(|byte| fault(not_utf16(byte)))?
        }
        [0, 1..=127, ..] => {
            wide(&bytes, u16::from_be_bytes).map_err(|byte| fault(not_utf16(byte)))?
        }
        _ => narrow(path, bytes)?,
    };
    let text = text.strip_prefix('\u{FEFF}').map_or_else(|| text.clone(), str::to_owned);
    match text.bytes().position(|byte| byte == 0) {
        Some(byte) => Err(fault(format!("not JSON (a NUL at byte {byte})"))),
        None => Ok(text),
    }
}

fn not_utf16(byte: usize) -> String {
    format!("not UTF-16 at byte {byte}; save as UTF-8")
}

/// UTF-16, or the offset of the byte where it stops being that.
fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, usize> {
    let mut pairs = bytes.chunks_exact(2);
    let units = pairs.by_ref().map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for letter in char::decode_utf16(units) {
        let letter = letter.map_err(|_| at)?;
        at += 2 * letter.len_utf16();
        text.push(letter);
    }
    if pairs.remainder().is_empty() { Ok(text) } else { Err(at) }
}

fn narrow(path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let lines = before.replace("\r\n", "\n").replace('\r', "\n");
        let line = lines.matches('\n').count() + 1;
        let column = lines.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let at = Location {
            path: path.to_owned(),
            pointer: String::new(),
            line: narrow(line),
            column: narrow(column),
            ..Location::default()
        };
        Problem { at, message: format!("not UTF-8 at byte {good}; save as UTF-8") }
    })
}
