//! Which report goes where: each `--format` with the `--output` that belongs to it.

use crate::report::Format;
use std::path::{Path, PathBuf};

/// One report to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) format: Format,
    /// `None`: standard output.
    pub(super) file: Option<PathBuf>,
}

/// Pairs formats and files, both with their places on the command line: as many of one as of the other in their
/// order, else each file with the format before it. One report may go to standard output.
pub(super) fn pair(
    formats: Vec<(usize, Format)>,
    files: Vec<(usize, PathBuf)>,
) -> Result<Vec<Destination>, String> {
    let mut list: Vec<Destination> = Vec::new();
    if formats.is_empty() {
        list.push(Destination { format: Format::Text, file: None });
    }
    if formats.len() == files.len() {
        let pairs = formats.into_iter().zip(files);
        list.extend(pairs.map(|((_, format), (_, file))| Destination { format, file: Some(file) }));
    } else {
        let mut places: Vec<(usize, Result<Format, PathBuf>)> =
            formats.into_iter().map(|(at, format)| (at, Ok(format))).collect();
        places.extend(files.into_iter().map(|(at, file)| (at, Err(file))));
        places.sort_by_key(|(at, _)| *at);
        for (_, place) in places {
            match (place, list.last_mut()) {
                (Ok(format), _) => list.push(Destination { format, file: None }),
                (Err(file), Some(last)) if last.file.is_none() => last.file = Some(file),
                (Err(file), _) => return Err(format!("no --format for --output {}", shown(&file))),
            }
        }
    }
    for destination in &mut list {
        destination.file.take_if(|file| file.as_os_str() == "-");
    }
    for (at, destination) in list.iter().enumerate() {
        if list[..at].iter().any(|other| other.file == destination.file) {
            return Err(match &destination.file {
                None => "two reports for standard output; give each but one an --output".into(),
                Some(file) => format!("two reports for --output {}", shown(file)),
            });
        }
    }
    Ok(list)
}

fn shown(file: &Path) -> String {
    crate::report::untrusted::clean(&file.to_string_lossy(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that are formats, or files if they contain a dot or are a dash.
    fn check(line: &str, expected: &str) {
        let (mut formats, mut files) = (Vec::new(), Vec::new());
        for (at, word) in line.split_whitespace().enumerate() {
            match word {
                "text" => formats.push((at, Format::Text)),
                "json" => formats.push((at, Format::Json)),
                "sarif" => formats.push((at, Format::Sarif)),
                file => files.push((at, PathBuf::from(file))),
            }
        }
        let said = match pair(formats, files) {
            Ok(list) => {
                let file = |d: &Destination| d.file.as_deref().map_or("-".into(), shown);
                list.iter()
                    .map(|d| format!("{:?} {}", d.format, file(d)))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            Err(message) => message,
        };
        assert_eq!(said, expected, "{line}");
    }

    #[test]
    fn each_format_finds_its_file() {
        check("", "Text -");
        check("a.txt", "Text a.txt");
        check("json", "Json -");
        check("json a.json", "Json a.json");
        check("a.json json", "Json a.json");
        check("json a.json sarif b.sarif", "Json a.json, Sarif b.sarif");
        check("json sarif a.json b.sarif", "Json a.json, Sarif b.sarif");
        check("text json a.json", "Text -, Json a.json");
        check("json a.json text", "Json a.json, Text -");
        check("json - sarif a.sarif", "Json -, Sarif a.sarif");
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        let two = "two reports for standard output; give each but one an --output";
        check("json sarif", two);
        check("json - text", two);
        check("json a.json b.json", "no --format for --output b.json");
        check("a.txt b.txt", "no --format for --output b.txt");
        check("json a.x sarif a.x", "two reports for --output a.x");
    }
}
