//! The baseline: findings a team knows of, by fingerprint, each with a reason, an owner and an end. A new finding
//! fails the gate, a known one does not, one that is gone is pointed out.

use super::date::is_day;
use super::{accept, weighed};
use crate::definition::json::Document;
use crate::definition::problem::Problem;
use crate::finding::{Finding, FlowReport, Report, Severity};
use serde_json::{Value, json};

/// The format's name and version.
pub const SCHEMA: &str = "flowrace.baseline/1";

/// A known finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// As the report has it.
    pub fingerprint: String,
    /// Where it was last seen.
    pub path: String,
    /// The flow's name.
    pub flow: String,
    /// Rule id.
    pub rule: String,
    /// What it is about, for whoever reads the file.
    pub message: String,
    /// Why it may stay.
    pub reason: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// The last day on which it counts as known; empty: no end.
    pub expires: String,
}

/// What a baseline has to say of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Entries that nothing fits any more: fixed, or moved.
    pub stale: Vec<Entry>,
    /// Entries that have ended: their findings count again.
    pub expired: Vec<Entry>,
}

impl Entry {
    /// Flows can move and can be renamed, but not both at once.
    fn fits(&self, flow: &FlowReport, finding: &Finding) -> bool {
        let place = self.path == flow.path || self.flow == flow.flow;
        self.fingerprint == finding.fingerprint && place
    }
}

/// Reads a baseline.
pub fn parse(path: &str, text: &str) -> Result<Vec<Entry>, Vec<Problem>> {
    let doc = Document::parse(path, text).map_err(|problem| vec![problem])?;
    let fault = |pointer: &str, message: String| Problem { at: doc.at(pointer), message };
    let schema = doc.value.get("schema").and_then(Value::as_str).unwrap_or_default();
    if schema != SCHEMA {
        let message = if schema.starts_with("flowrace.baseline/") {
            format!("made by another version of flowrace ({schema}); this one reads {SCHEMA}")
        } else {
            format!("not a baseline; expected \"schema\": \"{SCHEMA}\"")
        };
        return Err(vec![fault("/schema", message)]);
    }
    let list = doc.value.get("findings").and_then(Value::as_array);
    let Some(list) = list else {
        return Err(vec![fault("/findings", "expected a list of findings".to_owned())]);
    };
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    for (n, entry) in list.iter().enumerate() {
        let text =
            |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let entry = Entry {
            fingerprint: text("fingerprint"),
            path: text("path"),
            flow: text("flow"),
            rule: text("rule"),
            message: text("message"),
            reason: text("reason"),
            owner: text("owner"),
            expires: text("expires"),
        };
        let at = format!("/findings/{n}");
        if entry.fingerprint.is_empty() {
            problems.push(fault(&at, "a finding without \"fingerprint\"".to_owned()));
        }
        if entry.reason.trim().is_empty() {
            problems.push(fault(&at, "a known finding needs a \"reason\"".to_owned()));
        }
        if !entry.expires.is_empty() && !is_day(&entry.expires) {
            let message = "expected a day such as 2027-01-31".to_owned();
            problems.push(fault(&format!("{at}/expires"), message));
        }
        entries.push(entry);
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// Makes notes of the known findings. `today`: the day by which entries end, `None`: none ends.
pub fn apply(report: &mut Report, entries: &[Entry], today: Option<&str>) -> Outcome {
    let mut outcome = Outcome::default();
    for entry in entries {
        let ended = today.is_some_and(|today| !entry.expires.is_empty() && *entry.expires < *today);
        let mut found = false;
        for flow in &mut report.flows {
            let mut findings = std::mem::take(&mut flow.findings);
            for finding in findings.iter_mut().filter(|finding| entry.fits(flow, finding)) {
                found = true;
                if !ended && finding.severity > Severity::Note {
                    accept(finding, &format!("known: {}", entry.reason));
                }
            }
            flow.findings = findings;
        }
        if !found {
            outcome.stale.push(entry.clone());
        } else if ended {
            outcome.expired.push(entry.clone());
        }
    }
    for flow in &mut report.flows {
        weighed(flow);
    }
    outcome
}

/// The baseline after a report: what was known keeps its reason, what is new gets the one of `new`. What nothing fits
/// stays unless it is pruned.
pub fn update(report: &Report, known: &[Entry], new: &Entry, prune: bool) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut kept = vec![!prune; known.len()];
    for flow in &report.flows {
        for finding in flow.findings.iter().filter(|f| f.severity > Severity::Note) {
            let before = known.iter().position(|entry| entry.fits(flow, finding));
            if let Some(before) = before {
                kept[before] = true;
            } else {
                entries.push(Entry {
                    fingerprint: finding.fingerprint.clone(),
                    path: flow.path.clone(),
                    flow: flow.flow.clone(),
                    rule: finding.rule.to_owned(),
                    message: finding.message.clone(),
                    ..new.clone()
                });
            }
        }
    }
    entries.extend(known.iter().zip(kept).filter(|(_, kept)| *kept).map(|(e, _)| e.clone()));
    entries.sort_by(|a, b| {
        (&a.path, &a.flow, &a.fingerprint).cmp(&(&b.path, &b.flow, &b.fingerprint))
    });
    entries.dedup();
    entries
}

/// The text of a baseline file.
pub fn write(entries: &[Entry]) -> String {
    let entry = |entry: &Entry| {
        let mut fields = json!({
            "fingerprint": entry.fingerprint, "path": entry.path, "flow": entry.flow,
            "rule": entry.rule, "message": entry.message, "reason": entry.reason,
        });
        for (key, value) in [("owner", &entry.owner), ("expires", &entry.expires)] {
            if !value.is_empty() {
                fields[key] = value.as_str().into();
            }
        }
        fields
    };
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    format!("{:#}\n", json!({ "schema": SCHEMA, "findings": entries }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    fn report() -> Report {
        Report { flows: vec![sample::unsafe_flow()], problems: vec![] }
    }

    fn entry() -> Entry {
        let flow = sample::unsafe_flow();
        Entry {
            fingerprint: flow.findings[0].fingerprint.clone(),
            path: flow.path,
            reason: "nightly, one at a time".into(),
            ..Entry::default()
        }
    }

    #[test]
    fn a_known_finding_is_a_note_with_its_reason() {
        let mut report = report();
        let outcome = apply(&mut report, &[entry()], Some("2026-11-25"));
        let finding = &report.flows[0].findings[0];
        assert_eq!((outcome, finding.severity), (Outcome::default(), Severity::Note));
        assert!(
            finding.message.ends_with("(known: nightly, one at a time)"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn stale_and_expired_entries_are_told() {
        let gone = Entry { fingerprint: "0".into(), ..entry() };
        let ended = Entry { expires: "2026-11-24".into(), ..entry() };
        let mut report = report();
        let outcome = apply(&mut report, &[gone.clone(), ended.clone()], Some("2026-11-25"));
        assert_eq!(outcome, Outcome { stale: vec![gone], expired: vec![ended.clone()] });
        assert!(report.flows[0].findings[0].severity > Severity::Note);
        assert_eq!(apply(&mut report, &[ended], None).expired, []);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let new = Entry {
            reason: "new".into(),
            owner: "team".into(),
            expires: "2027-01-31".into(),
            ..Entry::default()
        };
        let entries = update(&report(), &[], &new, false);
        assert_eq!(parse("b.json", &write(&entries)), Ok(entries.clone()));
        let other = Entry { fingerprint: "f".into(), ..entry() };
        let known = [entries[0].clone(), other.clone()];
        assert!(update(&report(), &known, &new, false).contains(&other));
        assert_eq!(update(&report(), &known, &new, true), entries);
    }

    #[test]
    fn a_broken_baseline_is_told() {
        let check = |text: &str, expected: &str| {
            let problems = parse("b.json", text).unwrap_err();
            assert!(problems.iter().any(|p| p.to_string().contains(expected)), "{problems:?}");
        };
        check("{}", "not a baseline");
        check("{\"schema\": \"flowrace.baseline/2\"}", "another version");
        let one =
            |fields: &str| format!("{{\"schema\": \"{SCHEMA}\", \"findings\": [{{{fields}}}]}}");
        check(&one("\"reason\": \"x\""), "without \"fingerprint\"");
        check(&one("\"fingerprint\": \"x\""), "needs a \"reason\"");
        check(
            &one("\"fingerprint\": \"x\", \"reason\": \"y\", \"expires\": \"soon\""),
            "expected a day",
        );
    }
}
