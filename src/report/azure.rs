//! Logging commands of an Azure Pipelines log, one a line.

use super::untrusted::{clean, elide};
use super::{lanes, uri, words};
use crate::definition::location::Location;
use crate::finding::{Finding, Report, Severity, Verdict};
use std::fmt::Write as _;

/// The longest message.
const LONGEST: usize = 4000;

/// The whole report.
pub(super) fn report(report: &Report, root: Option<&str>) -> String {
    let mut out = String::new();
    for problem in &report.problems {
        out += &command("error", &problem.at, root, "unreadable", &clean(&problem.message, false));
    }
    for flow in &report.flows {
        for finding in &flow.findings {
            // There is nothing below a warning; a note is an ordinary line.
            let kind = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => {
                    let _ = writeln!(out, "note: {}", clean(&finding.message, false));
                    continue;
                }
            };
            out += &command(kind, &finding.location, root, finding.rule, &told(finding));
        }
        if let Verdict::Inconclusive(reason) = &flow.verdict {
            let at = Location { path: flow.path.clone(), ..Location::default() };
            out += &command("warning", &at, root, "inconclusive", &clean(reason, false));
        }
    }
    let _ = writeln!(out, "{}", clean(&words::closing(report), false));
    out
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

fn command(kind: &str, at: &Location, root: Option<&str>, code: &str, message: &str) -> String {
    let place = uri::place(&at.path, root);
    let mut properties =
        format!("type={kind};sourcepath={};", property(&clean(&place.file, false)));
    if at.line > 0 && place.member.is_none() {
        let _ = write!(properties, "linenumber={};columnnumber={};", at.line, at.column);
    }
    let message = data(&elide(message, LONGEST, false));
    format!("##vso[task.logissue {properties}code={};]{message}\n", property(code))
}

/// As the agent undoes it.
fn data(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn an_issue_is_one_line() {
        let text = report(&sample::report(), None);
        let first = text.lines().next().unwrap();
        let head = "##vso[task.logissue type=error;sourcepath=models/naive-counter.json;linenumber=8;\
                    columnnumber=7;code=lost-update;]Update_item overwrites an update it never saw%0A%0A";
        assert!(first.starts_with(head), "{first}");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn separators_are_escaped() {
        assert_eq!(property("a;b]c%d\ne"), "a%3Bb%5Dc%AZP25d%0Ae");
    }
}
