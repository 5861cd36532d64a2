//! Markdown for the summary of a pull request: the verdicts as a table, then each finding with its schedule as a
//! table and as a sequence diagram.

use super::entry::{Entry, entries};
use super::race::{self, Race};
use super::untrusted::{clean, elide};
use super::words::{self, many};
use super::{mermaid, uri};
use crate::finding::{Finding, FlowReport, Report, Severity, Verdict, Witness, show};
use std::fmt::Write as _;

/// GitHub refuses a step summary above 1 MiB.
const MOST_BYTES: usize = 900_000;
/// Findings with a diagram.
const DRAWN: usize = 10;
/// Steps of a table.
const MOST_STEPS: usize = 60;
/// The longest name.
const LONGEST: usize = 80;

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let mut out = String::from("## flowrace\n\n");
    let _ = writeln!(out, "{}\n", prose(&words::closing(report)));
    if !report.flows.is_empty() {
        out.push_str("| | flow | verdict |\n|---|---|---|\n");
    }
    for flow in &report.flows {
        let _ = writeln!(out, "{}", row(flow));
    }
    for problem in &report.problems {
        let place = cell(&code(&problem.at.path));
        let _ = writeln!(out, "| ⛔ | {place} | unreadable: {} |", cell(&prose(&problem.message)));
    }
    let findings = report
        .flows
        .iter()
        .flat_map(|flow| entries(&flow.findings).into_iter().map(move |e| (flow, e)));
    let mut left: usize = report.flows.iter().map(|flow| flow.findings.len()).sum();
    for (n, (flow, entry)) in findings.enumerate() {
        let mut part = String::new();
        section(&mut part, flow, &entry, n < DRAWN);
        if out.len() + part.len() > MOST_BYTES {
            let _ = writeln!(
                out,
                "\n… and {} more; the text report has them all.",
                many(left, "finding")
            );
            break;
        }
        out.push_str(&part);
        left -= entry.cells().len();
    }
    out
}

fn row(flow: &FlowReport) -> String {
    let (sign, says) = match &flow.verdict {
        Verdict::Safe if flow.any_number => ("✅", "safe for any number of items".to_owned()),
        Verdict::Safe => ("✅", format!("safe{}", within(flow))),
        Verdict::Unsafe => ("❌", format!("unsafe: {}", words::severities(&[flow]))),
        Verdict::Inconclusive(reason) => ("❔", format!("inconclusive: {reason}")),
    };
    let name = cell(&code(&flow.flow));
    format!("| {sign} | {name} in {} | {} |", cell(&code(&flow.path)), cell(&prose(&says)))
}

fn within(flow: &FlowReport) -> String {
    let scope = words::scope(&flow.scope);
    if scope.is_empty() { scope } else { format!(" with {scope}") }
}

fn section(out: &mut String, flow: &FlowReport, entry: &Entry<'_>, drawn: bool) {
    let finding = entry.finding;
    let sign = match finding.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    };
    let _ = writeln!(out, "\n### {sign} {}\n", prose(&entry.message()));
    let at = &finding.location;
    let line = if at.line > 0 { format!(", line {}", at.line) } else { String::new() };
    let mut parts = vec![format!("`{}`", finding.rule)];
    parts.extend(entry.cells().iter().filter(|cell| !cell.is_empty()).map(|cell| code(cell)));
    parts.push(format!("{}{line}", code(&uri::place(&at.path, None).file)));
    parts.extend(finding.in_designer().map(code));
    let _ = writeln!(out, "{}\n", parts.join(" · "));
    if let Some(witness) = finding.witness.as_ref().filter(|w| !w.steps.is_empty()) {
        schedule(out, finding, witness);
        if drawn && let Some(diagram) = mermaid::sequence(finding, witness) {
            let _ = writeln!(
                out,
                "\n<details><summary>As a sequence diagram</summary>\n\n```mermaid\n{diagram}```\n\n</details>"
            );
        }
        out.push('\n');
        if let Some(swap) = &finding.swap {
            let _ = writeln!(out, "- One swap makes it right: {}", prose(swap));
        }
        if let Some(said) = words::hopeless(finding) {
            let _ = writeln!(out, "- {}{}", said[..1].to_uppercase(), &said[1..]);
        }
    }
    for cell in entry.cells() {
        if let Some(outcome) = flow.outcomes.get(*cell) {
            let _ = writeln!(out, "- {}", prose(&words::outcome(cell, outcome, flow)));
        }
    }
    if !finding.assumptions.is_empty() {
        let _ =
            writeln!(out, "- Rests on an assumption: {}", prose(&finding.assumptions.join(", ")));
    }
    let help = finding.help();
    if !help.is_empty() {
        let _ = writeln!(out, "- Help: {}", prose(&help));
    }
}

/// One row a step: who, what, and what the cell said afterwards.
fn schedule(out: &mut String, finding: &Finding, witness: &Witness) {
    let race = race::race(finding, witness);
    let head = if finding.cell.is_empty() { String::new() } else { cell(&code(&finding.cell)) };
    let _ = writeln!(out, "| | process | action | what happens | {head} |\n|---:|---|---|---|---|");
    for (n, step) in witness.steps.iter().enumerate().take(MOST_STEPS) {
        let value = step.cells.get(&finding.cell).map_or(String::new(), |v| code(&show::text(v)));
        let mut effect = prose(&race::effect(step));
        if race.wrong == Some(n) {
            effect = format!("**✗ {effect}**");
        }
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            n + 1,
            cell(&code(&step.process)),
            cell(&code(&step.action)),
            cell(&effect),
            cell(&value)
        );
    }
    if let Some(more) = witness.steps.len().checked_sub(MOST_STEPS).filter(|more| *more > 0) {
        let _ = writeln!(out, "\n… and {}", many(more, "more step"));
    }
    let Race { look, rival, wrong } = race;
    if let (Some(look), Some(rival), Some(wrong)) = (look, rival, wrong) {
        let _ = writeln!(
            out,
            "\nStep {} rests on what step {} saw; step {} changed it in between.",
            wrong + 1,
            look + 1,
            rival + 1
        );
    }
}

/// A name as a code span: nothing in it is markup, nobody is mentioned.
fn code(name: &str) -> String {
    let name = elide(&clean(name, false), LONGEST, false);
    let ticks = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(ticks + 1);
    match name.is_empty() {
        true => String::new(),
        false if ticks > 0 || name.starts_with(' ') => format!("{fence} {name} {fence}"),
        false => format!("{fence}{name}{fence}"),
    }
}

/// A sentence with names in it: what could be markup is escaped, and a mention is broken.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for c in elide(&clean(text, false), 2000, false).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@<!-- -->"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // A bare address becomes a link.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Inside a table a bar ends the cell, also in a code span.
fn cell(markdown: &str) -> String {
    let mut out = String::new();
    let mut last = ' ';
    for c in markdown.chars() {
        if c == '|' && last != '\\' {
            out.push('\\');
        }
        out.push(c);
        last = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn a_finding_is_a_section_with_a_table() {
        let text = report(&sample::report());
        for part in [
            "| ❌ | `Naive counter` in `models/naive-counter.json` | unsafe: 1 error |",
            "### ❌ Update\\_item overwrites an update it never saw\n",
            "`lost-update` · `metrics.ProcessedCount` · `models/naive-counter.json`, line 8\n",
            "| 3 | `order[2]` | `Update_item` | writes 6 | `6` |\n",
            "\nStep 4 rests on what step 1 saw; step 3 changed it in between.\n",
            "```mermaid\nsequenceDiagram\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn names_are_no_markup() {
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(cell(&code("a|b")), "`a\\|b`");
        assert_eq!(cell(&prose("a|b")), "a\\|b");
        assert_eq!(
            prose("<b> @me [x](javascript:y)"),
            "&lt;b&gt; @<!-- -->me \\[x\\](javascript:y)"
        );
        assert_eq!(code(""), "");
    }
}
