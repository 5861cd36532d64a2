//! `JUnit` XML for test views: one suite a flow, one case a rule, one for the verdict.

use super::untrusted::{clean, elide};
use super::{lanes, words};
use crate::definition::problem::Problem;
use crate::finding::{Finding, FlowReport, Report, Severity, Verdict};
use crate::property::RULES;
use std::fmt::Write as _;

/// Characters of one name or message.
const LONGEST: usize = 2000;

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let suites = report.flows.iter().map(Suite::of).chain(report.problems.iter().map(unreadable));
    let suites: Vec<Suite> = suites.collect();
    let total = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"flowrace\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        total(|s| s.cases.len()),
        total(|s| s.failures),
        total(|s| s.errors),
        total(|s| s.skipped),
    );
    for suite in &suites {
        suite.write(&mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

#[derive(Default)]
struct Suite {
    name: String,
    seconds: Option<f64>,
    failures: usize,
    errors: usize,
    skipped: usize,
    cases: Vec<String>,
}

impl Suite {
    fn of(flow: &FlowReport) -> Self {
        let mut suite =
            Self { name: flow.flow.clone(), seconds: flow.stats.seconds, ..Self::default() };
        suite.verdict(flow);
        let open = matches!(flow.verdict, Verdict::Inconclusive(_));
        for rule in RULES {
            let found: Vec<&Finding> = flow.findings.iter().filter(|f| f.rule == rule.id).collect();
            // What was looked for to the end, or found, is decided.
            if !found.is_empty() || !(open || flow.findings.iter().any(|f| f.across.is_none())) {
                suite.rule(flow, rule.id, &found);
            }
        }
        suite
    }

    fn verdict(&mut self, flow: &FlowReport) {
        let inside = match &flow.verdict {
            Verdict::Safe => String::new(),
            Verdict::Unsafe => {
                self.failures += 1;
                let said = words::severities(&[flow]);
                format!("<failure message=\"{}\" type=\"unsafe\"/>", attribute(&said))
            }
            Verdict::Inconclusive(reason) => {
                self.skipped += 1;
                format!("<skipped message=\"{}\"/>", attribute(&format!("inconclusive: {reason}")))
            }
        };
        self.cases.push(case(&flow.path, "verdict", None, &inside));
    }

    fn rule(&mut self, flow: &FlowReport, rule: &str, found: &[&Finding]) {
        let mut inside = String::new();
        let fails = found.iter().any(|f| f.severity > Severity::Note);
        self.failures += usize::from(fails);
        // One element a case: readers disagree about a second one.
        if let Some(first) = found.first().filter(|_| fails) {
            let more = match found.len() - 1 {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            };
            let message = attribute(&format!("{}{more}", first.message));
            let told: String = found.iter().map(|finding| told(finding)).collect();
            inside = format!("<failure message=\"{message}\" type=\"{rule}\">{told}</failure>");
        } else if !found.is_empty() {
            let told: String = found.iter().map(|finding| told(finding)).collect();
            inside = format!("<system-out>{told}</system-out>");
        }
        let line = found.first().map(|finding| finding.location.line).filter(|line| *line > 0);
        self.cases.push(case(&flow.path, rule, line, &inside));
    }

    fn write(&self, out: &mut String) {
        let seconds = self.seconds.map_or(String::new(), |s| format!(" time=\"{s:.3}\""));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"{seconds}>",
            attribute(&self.name),
            self.cases.len(),
            self.failures,
            self.errors,
            self.skipped,
        );
        for case in &self.cases {
            let _ = writeln!(out, "    {case}");
        }
        out.push_str("  </testsuite>\n");
    }
}

/// A file that could not be read is a suite that went wrong.
fn unreadable(problem: &Problem) -> Suite {
    let error =
        format!("<error message=\"{}\" type=\"unreadable\"/>", attribute(&problem.to_string()));
    let line = Some(problem.at.line).filter(|line| *line > 0);
    let cases = vec![case(&problem.at.path, "readable", line, &error)];
    Suite { name: problem.at.path.clone(), errors: 1, cases, ..Suite::default() }
}

fn case(path: &str, name: &str, line: Option<u32>, inside: &str) -> String {
    let class = attribute(&path.replace(['/', '\\'], "."));
    let line = line.map_or(String::new(), |line| format!(" line=\"{line}\""));
    let start = format!(
        "<testcase classname=\"{class}\" name=\"{name}\" file=\"{}\"{line}",
        attribute(path)
    );
    if inside.is_empty() { format!("{start}/>") } else { format!("{start}>{inside}</testcase>") }
}

/// Where, and the schedule.
fn told(finding: &Finding) -> String {
    let at = &finding.location;
    let mut text = format!("{}:{}:{}\n", clean(&at.path, false), at.line, at.column);
    if let Some(designer) = finding.in_designer() {
        let _ = writeln!(text, "{}", clean(designer, false));
    }
    if let Some(witness) = &finding.witness {
        text.push_str(&lanes::plain(&finding.cell, witness));
    }
    if let Some(swap) = &finding.swap {
        text.push_str(&clean(&format!("one swap makes it right: {swap}"), false));
        text.push('\n');
    }
    escape(&text)
}

fn attribute(text: &str) -> String {
    escape(&elide(&clean(text, false), LONGEST, false)).replace('"', "&quot;")
}

/// Text in XML 1.0. Control characters, which it forbids even escaped, are spelled out before they come here.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn a_flow_is_a_suite_and_a_rule_a_case() {
        let problems = vec![Problem { at: sample::finding().location, message: "x < y".into() }];
        let open =
            FlowReport { verdict: Verdict::Inconclusive("stopped".into()), ..sample::safe_flow() };
        let flows = vec![sample::unsafe_flow(), open];
        let xml = report(&Report { flows, problems });
        let tests = RULES.len() + 3;
        let head = format!(
            "<testsuites name=\"flowrace\" tests=\"{tests}\" failures=\"2\" errors=\"1\" skipped=\"1\">"
        );
        assert!(xml.contains(&head), "{xml}");
        assert!(
            xml.contains("classname=\"models.naive-counter.json\" name=\"lost-update\""),
            "{xml}"
        );
        assert!(xml.contains("<skipped message=\"inconclusive: stopped\"/>"), "{xml}");
        assert!(xml.contains("x &lt; y"), "{xml}");
        assert!(xml.contains("Update_item   6        writes 6\n"), "{xml}");
        assert_eq!(xml.matches("<testsuite ").count(), 3);
    }
}
