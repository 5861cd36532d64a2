//! Annotations of a GitHub Actions log. It shows ten of a kind for a step and drops the rest without a word.

use super::untrusted::{clean, elide};
use super::{lanes, uri, words};
use crate::definition::location::Location;
use crate::finding::{Finding, FlowReport, Report, Severity, Verdict};
use std::fmt::Write as _;

/// Annotations of one kind that are shown.
const MOST: usize = 10;
/// The longest message.
const LONGEST: usize = 4000;

/// The whole report.
pub(super) fn report(report: &Report, root: Option<&str>) -> String {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut notes = Vec::new();
    for problem in &report.problems {
        errors.push(command(
            "error",
            &problem.at,
            root,
            "unreadable",
            &clean(&problem.message, false),
        ));
    }
    for flow in &report.flows {
        for finding in &flow.findings {
            let (kind, list) = match finding.severity {
                Severity::Error => ("error", &mut errors),
                Severity::Warning => ("warning", &mut warnings),
                Severity::Note => ("notice", &mut notes),
            };
            list.push(command(kind, &finding.location, root, finding.rule, &told(finding)));
        }
        if let Some((at, reason)) = open(flow) {
            warnings.push(command("warning", &at, root, "inconclusive", &reason));
        }
    }
    let found = errors.len() + warnings.len() + notes.len();
    let mut out = String::new();
    for list in [errors, warnings, notes] {
        out.extend(list.into_iter().take(MOST));
    }
    let total = format!("{}; {}", words::closing(report), words::many(found, "annotation"));
    let _ = writeln!(out, "::notice title=flowrace::{}", data(&clean(&total, false)));
    out
}

fn open(flow: &FlowReport) -> Option<(Location, String)> {
    let Verdict::Inconclusive(reason) = &flow.verdict else { return None };
    let at = Location { path: flow.path.clone(), ..Location::default() };
    Some((at, clean(reason, false)))
}

/// The headline and the schedule.
fn told(finding: &Finding) -> String {
    let mut text = clean(&finding.message, false);
    if let Some(designer) = finding.in_designer() {
        let _ = write!(text, "\nin the designer: {}", clean(designer, false));
    }
    if let Some(witness) = &finding.witness {
        let _ = write!(text, "\n\n{}", lanes::plain(&finding.cell, witness));
    }
    if let Some(swap) = &finding.swap {
        let _ = write!(text, "\none swap makes it right: {}", clean(swap, false));
    }
    text
}

fn command(kind: &str, at: &Location, root: Option<&str>, title: &str, message: &str) -> String {
    let place = uri::place(&at.path, root);
    let mut properties = format!("file={}", property(&clean(&place.file, false)));
    if at.line > 0 && place.member.is_none() {
        let (line, column) = (at.line, at.column);
        let end = column + at.width16;
        let _ = write!(properties, ",line={line},endLine={line},col={column},endColumn={end}");
    }
    let message = data(&elide(message, LONGEST, false));
    format!("::{kind} {properties},title={}::{message}\n", property(title))
}

/// As the runner undoes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn an_annotation_is_one_line() {
        let text = report(&sample::report(), None);
        let mut lines = text.lines();
        let first = lines.next().unwrap();
        let head = "::error file=models/naive-counter.json,line=8,endLine=8,col=7,endColumn=27,\
                    title=lost-update::Update_item overwrites an update it never saw%0A%0A";
        assert!(first.starts_with(head), "{first}");
        assert_eq!(
            lines.next(),
            Some("::notice title=flowrace::1 flow unsafe: 1 error; 1 annotation")
        );
    }

    #[test]
    fn the_eleventh_of_a_kind_is_counted() {
        let mut flow = sample::unsafe_flow();
        flow.findings = vec![sample::finding(); 12];
        let text = report(&Report { flows: vec![flow], problems: vec![] }, None);
        assert_eq!(text.matches("::error ").count(), 10);
        assert!(text.ends_with("12 errors; 12 annotations\n"), "{text}");
    }

    #[test]
    fn separators_are_escaped() {
        assert_eq!(property("a,b:c%d"), "a%2Cb%3Ac%25d");
        assert_eq!(data("a%0A\r\nb"), "a%250A%0D%0Ab");
    }
}
