//! JSON with places: `serde_json` decides what is valid and what it means, our own index says where it stands.

mod extent;
mod index;
mod lines;

use super::location::Location;
use super::problem::Problem;
use super::secret::Secrets;
use index::{Index, ScanFault};
use lines::Lines;
use serde_json::Value;

/// The largest document read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The deepest nesting read; `serde_json` has the same bound, so nothing below recurses further.
pub const MAX_DEPTH: usize = 128;
/// The most values one document may hold: what bounds memory.
pub const MAX_VALUES: usize = 1_000_000;

/// A parsed file that knows where each of its values stands.
#[derive(Clone, Debug)]
pub struct Document {
    /// As given, forward slashes.
    pub path: String,
    /// The whole document.
    pub value: Value,
    text: String,
    index: Index,
    lines: Lines,
    /// Entries with the same key in one object: the first, and each further one.
    twice: Vec<(usize, usize)>,
    /// Those met so far.
    pub(super) secrets: Secrets,
    around: Option<Around>,
}

/// Where a document stands that is a text inside another one.
#[derive(Clone, Debug)]
struct Around {
    pointer: String,
    text: String,
    lines: Lines,
    /// For each byte of the inner text, the byte of the outer one that spells it.
    spelled: Vec<u32>,
}

impl Document {
    /// Reads a text as one JSON document. Keys given twice are refused: readers disagree on which one counts.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problem> {
        let document = Self::tolerant(path, text)?;
        match document.duplicates("").into_iter().next() {
            None => Ok(document),
            Some(problem) => Err(problem),
        }
    }

    /// Reads a text as one JSON document; of a key given twice the last one counts.
    pub fn tolerant(path: &str, text: &str) -> Result<Self, Problem> {
        let lines = Lines::of(text);
        let fault = |offset: usize, message: String| Problem {
            at: place(path, "", text, &lines, offset),
            message,
        };
        if text.len() > MAX_BYTES {
            return Err(fault(
                0,
                format!("larger than {} MB; a flow is far smaller", MAX_BYTES >> 20),
            ));
        }
        let entries = match index::scan(text.as_bytes()) {
            Ok(entries) => Some(entries),
            Err(ScanFault::TooDeep(offset)) => return Err(fault(offset, too_deep())),
            Err(ScanFault::TooMany(offset)) => {
                return Err(fault(offset, format!("more than {MAX_VALUES} values")));
            }
            Err(ScanFault::NotJson) => None,
        };
        let value = serde_json::from_str(text).map_err(|error| {
            let offset = error_offset(text, &error);
            fault(offset, describe(text, offset, &error))
        })?;
        let entries = entries.expect("what serde_json accepts, the tolerant scan accepts");
        let (index, twice) = Index::build(text, entries);
        let (path, text) = (path.to_owned(), text.to_owned());
        Ok(Self {
            path,
            value,
            text,
            index,
            lines,
            twice,
            secrets: Secrets::default(),
            around: None,
        })
    }

    /// The keys given twice under this pointer, in file order.
    pub fn duplicates(&self, pointer: &str) -> Vec<Problem> {
        let all = self.twice.iter().map(|(first, second)| self.duplicate(*first, *second));
        all.filter(|problem| self.is_within(&problem.at.pointer, pointer)).collect()
    }

    fn is_within(&self, place: &str, pointer: &str) -> bool {
        let around = self.around.as_ref().map_or("", |around| around.pointer.as_str());
        let own = place.strip_prefix(around).and_then(|own| own.strip_prefix(pointer));
        own.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The document whose text is the string at this pointer. Its places are those in this document, its pointers
    /// go on from the string's.
    pub fn embedded(&self, pointer: &str) -> Result<Self, Problem> {
        let text = self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let start = self.index.start(self.index.find(&self.text, pointer));
        let around = Around {
            pointer: pointer.to_owned(),
            text: self.text.clone(),
            lines: self.lines.clone(),
            spelled: index::spelled(self.text.as_bytes(), start),
        };
        match Self::tolerant(&self.path, text) {
            Ok(inner) => Ok(Self { around: Some(around), ..inner }),
            Err(problem) => {
                let message = format!("in this text: {}", problem.message);
                Err(Problem { at: self.at(pointer), message })
            }
        }
    }

    /// Where the value at this pointer starts; where the nearest value around it does if there is none.
    pub fn at(&self, pointer: &str) -> Location {
        let entry = self.index.find(&self.text, pointer);
        self.place(pointer, self.index.start(entry))
    }

    /// Where a byte of the text at this pointer is spelled, escapes accounted for. A text that is not written there
    /// like this, as templates are resolved, has its start.
    pub fn within(&self, pointer: &str, text: &str, offset: usize) -> Location {
        if self.value.pointer(pointer).and_then(Value::as_str) != Some(text) {
            return self.at(pointer);
        }
        let start = self.index.start(self.index.find(&self.text, pointer));
        let spelled = index::spelled(self.text.as_bytes(), start);
        let byte = spelled.get(offset).map_or(start, |byte| *byte as usize);
        let byte = (0..=byte).rev().find(|&b| self.text.is_char_boundary(b)).unwrap_or(0);
        self.place(pointer, byte)
    }

    /// Where the key of the member at this pointer stands; the value's place if it has no key.
    pub fn key_at(&self, pointer: &str) -> Location {
        let entry = self.index.find(&self.text, pointer);
        self.place(pointer, self.index.key_start(entry).unwrap_or(self.index.start(entry)))
    }

    fn place(&self, pointer: &str, offset: usize) -> Location {
        let Some(around) = &self.around else {
            return place(&self.path, pointer, &self.text, &self.lines, offset);
        };
        let offset = around.spelled.get(offset).map_or(0, |byte| *byte as usize);
        let pointer = format!("{}{pointer}", around.pointer);
        place(&self.path, &pointer, &around.text, &around.lines, offset)
    }

    fn duplicate(&self, first: usize, second: usize) -> Problem {
        let start = |entry: usize| self.index.key_start(entry).unwrap_or(self.index.start(entry));
        let before = self.place("", start(first));
        let key = self.index.key(&self.text, second);
        Problem {
            at: self.place(&self.index.pointer(&self.text, second), start(second)),
            message: format!(
                "key \"{}\" is given twice; first at line {} column {}; keep one",
                super::node::elide(&key),
                before.line,
                before.column
            ),
        }
    }
}

fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH}")
}

fn place(path: &str, pointer: &str, text: &str, lines: &Lines, offset: usize) -> Location {
    let (line, column, column16) = lines.place(text, offset);
    let width16 = extent::width16(text, offset);
    Location { path: path.to_owned(), pointer: pointer.to_owned(), line, column, column16, width16 }
}

/// `serde_json` counts lines by LF and columns in bytes; we count otherwise, so go through the byte offset.
fn error_offset(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(0, |(offset, _)| offset + 1),
    };
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    (0..=offset).rev().find(|&o| text.is_char_boundary(o)).unwrap_or(0)
}

fn describe(text: &str, offset: usize, error: &serde_json::Error) -> String {
    let said = error.to_string();
    // What begins like `true`, `false` or `null` and is none of them.
    let said = said.split(" at line ").next().unwrap_or_default().replace("ident", "value");
    if said.contains("recursion limit") {
        return too_deep();
    }
    let hint = match text.as_bytes().get(offset) {
        Some(_) if said.contains("hex escape") => "; half of a letter that takes two \\u escapes",
        Some(_) if said.contains("control character") => "; written as \\n, \\t or \\u001F",
        Some(b'/' | b'#') => "; JSON has no comments",
        Some(b'\'') => "; texts stand in double quotes",
        Some(_) if said.contains("trailing characters") => "; expected one document",
        Some(_) | None => "",
    };
    format!("not valid JSON: {said}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of a pointer, or what is wrong, in one line.
    fn check(text: &str, pointer: &str, expected: &str) {
        let said = match Document::parse("f.json", text) {
            Ok(document) => {
                let at = document.at(pointer);
                format!("{}:{}", at.line, at.column)
            }
            Err(problem) => problem.to_string(),
        };
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn places() {
        check(r#"{"a": {"b": [1, "é", 3]}}"#, "/a/b/2", "1:22");
        check("{\r\n \"a\":\r [\n7]}", "/a/0", "4:1");
        check("{\"a/b\": {\"~\": 1}}", "/a~1b/~0", "1:15");
        check("{\"\\u0061\": 5}", "/a", "1:12");
        check("{\"a\": 5}", "/a/x/y", "1:7");
    }

    #[test]
    fn columns_are_counted_in_utf_16_too() {
        let text = format!("[\"{}\", 7]", "\u{1F600}é".repeat(1000));
        let at = Document::parse("f.json", &text).unwrap().at("/1");
        assert_eq!((at.column, at.column16, at.width16), (2006, 3006, 1));
    }

    #[test]
    fn keys_given_twice() {
        let said =
            "f.json:2:3: key \"a\" is given twice; first at line 1 column 2; keep one (at /a)";
        check("{\"a\": 1,\n  \"\\u0061\": 2}", "", said);
        check("[{\"a\": 1}, {\"a\": 2}]", "/1/a", "1:18");
    }

    #[test]
    fn not_json() {
        check("", "", "f.json:1:1: not valid JSON: EOF while parsing a value");
        check("{\"a\": 1,}", "", "f.json:1:9: not valid JSON: trailing comma");
        check(
            "{\"é\": // no\n1}",
            "",
            "f.json:1:7: not valid JSON: expected value; JSON has no comments",
        );
        check(
            "{} {}",
            "",
            "f.json:1:4: not valid JSON: trailing characters; expected one document",
        );
        check(
            "{'a': 1}",
            "",
            "f.json:1:2: not valid JSON: key must be a string; texts stand in double quotes",
        );
        check("\"abc", "", "f.json:1:4: not valid JSON: EOF while parsing a string");
        check("]", "", "f.json:1:1: not valid JSON: expected value");
        check("[1e400]", "", "f.json:1:6: not valid JSON: number out of range");
    }

    #[test]
    fn depth() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        check(&nested(127), "", "1:1");
        check(&nested(128), "", "f.json:1:128: nested deeper than 128");
        check(&nested(200_000), "", "f.json:1:129: nested deeper than 128");
        check(&"{\"a\":".repeat(200_000), "", "f.json:1:641: nested deeper than 128");
    }

    #[test]
    fn many_values() {
        let long = format!("[{}0]", "0,".repeat(MAX_VALUES));
        check(&long, "", "f.json:1:2000000: more than 1000000 values");
    }
}
