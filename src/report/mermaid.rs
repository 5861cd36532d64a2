//! The schedule as a Mermaid sequence diagram, which code hosts draw inside of Markdown.

use super::race::{self, Race};
use super::untrusted::{clean, elide};
use crate::finding::{Finding, TouchKind, TraceStep, Witness, show};
use std::fmt::Write as _;

/// Messages that a reader still follows.
const MOST: usize = 40;
/// The longest label.
const LONGEST: usize = 60;

/// The diagram; `None` when there would be too much in it.
pub(super) fn sequence(finding: &Finding, witness: &Witness) -> Option<String> {
    let processes = race::processes(witness);
    if witness.steps.len() > MOST || processes.len() > 8 {
        return None;
    }
    let mut out = String::from("sequenceDiagram\n");
    for (n, process) in processes.iter().enumerate() {
        let _ = writeln!(out, "  participant p{n} as {}", label(process));
    }
    let _ = writeln!(out, "  participant c as {}", label(&finding.cell));
    if let Some(start) = witness.start.get(&finding.cell) {
        let _ = writeln!(out, "  Note over c: {}", label(&show::text(start)));
    }
    let race = race::race(finding, witness);
    for (at, step) in witness.steps.iter().enumerate() {
        let lane = processes.iter().position(|p| *p == step.process).unwrap_or(0);
        message(&mut out, finding, step, lane);
        notes(&mut out, race, at, step, lane);
    }
    Some(out)
}

fn message(out: &mut String, finding: &Finding, step: &TraceStep, lane: usize) {
    let said = label(format!("{} {}", step.action, step.effect).trim_end());
    let touch = step.touches.iter().rev().find(|touch| touch.cell == finding.cell);
    let _ = match touch.map(|touch| touch.kind) {
        Some(TouchKind::Reads) => writeln!(out, "  c-->>p{lane}: {said}"),
        Some(TouchKind::Refused) => writeln!(out, "  p{lane}-xc: {said}"),
        Some(TouchKind::Writes | TouchKind::Acquires | TouchKind::Releases) => {
            writeln!(out, "  p{lane}->>c: {said}")
        }
        None => writeln!(out, "  p{lane}->>p{lane}: {said}"),
    };
}

fn notes(out: &mut String, race: Race, at: usize, step: &TraceStep, lane: usize) {
    if let Some(wrong) = step.wrong.as_ref().filter(|_| race.wrong == Some(at)) {
        let _ = writeln!(out, "  Note over p{lane},c: ✗ {}", label(wrong));
    }
}

/// Text that Mermaid takes as text: everything it could read as syntax is spelled as a character code.
fn label(text: &str) -> String {
    let mut out = String::new();
    for (n, word) in elide(&clean(text, false), LONGEST, false).split(' ').enumerate() {
        if n > 0 {
            out.push(' ');
        }
        // `end` alone would close a block.
        let reserved = word.eq_ignore_ascii_case("end");
        for (n, c) in word.chars().enumerate() {
            if (c.is_alphanumeric() && !(reserved && n == 0)) || "_.()=+…✗‹›".contains(c) {
                out.push(c);
            } else {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    if out.trim().is_empty() { "#8203;".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn a_schedule_is_a_sequence() {
        let finding = sample::finding();
        let drawn = sequence(&finding, finding.witness.as_ref().unwrap()).unwrap();
        let expected = "\
sequenceDiagram
  participant p0 as order#91;1#93;
  participant p1 as order#91;2#93;
  participant c as metrics.ProcessedCount
  Note over c: 5
  c-->>p0: Get_item reads 5
  c-->>p1: Get_item reads 5
  p1->>c: Update_item writes 6
  p0->>c: Update_item writes 6
  Note over p0,c: ✗ computed from 5#59; the item already said 6#44; so it should have…
";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn nothing_is_syntax() {
        assert_eq!(
            label("a;b\n-->> end <i>"),
            "a#59;b#92;u#123;a#125;#45;#45;#62;#62; #101;nd #60;i#62;"
        );
        assert_eq!(label(""), "#8203;");
    }
}
