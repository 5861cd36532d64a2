//! From findings to a gate: what a project has settled about them. A setting changes how much a finding counts, never
//! whether it is found: an accepted one stays in the report as a note that says why.

pub mod accept;
pub mod baseline;
pub mod date;
pub mod diff;
pub mod settings;

use crate::finding::{Finding, FlowReport, Report, Severity, Verdict};

/// The least severity that fails the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// This and what is worse.
    At(Severity),
    /// No finding does.
    Never,
}

impl Threshold {
    /// The least severity that counts, if any does.
    pub fn least(self) -> Option<Severity> {
        match self {
            Threshold::At(severity) => Some(severity),
            Threshold::Never => None,
        }
    }
}

/// Takes a finding's weight and says why.
pub(crate) fn accept(finding: &mut Finding, why: &str) {
    finding.severity = Severity::Note;
    finding.message = format!("{} ({why})", finding.message);
}

/// Gives the findings of each rule the level that the project chose; `None` leaves them out.
pub fn levels(report: &mut Report, settings: &settings::Settings) {
    for flow in &mut report.flows {
        let before = flow.findings.len();
        flow.findings.retain_mut(|finding| match settings.levels.get(finding.rule) {
            None => true,
            Some(None) => false,
            Some(Some(severity)) => {
                finding.severity = *severity;
                true
            }
        });
        match before - flow.findings.len() {
            0 => {}
            1 => flow.notes.push("1 finding of a rule that is turned off is left out".to_owned()),
            n => flow.notes.push(format!("{n} findings of rules that are turned off are left out")),
        }
        weighed(flow);
    }
}

/// After findings have changed their weight: their order, and the verdict that follows from it. What was not explored
/// does not become safe by being accepted.
pub(crate) fn weighed(flow: &mut FlowReport) {
    by_weight(&mut flow.findings);
    let counts = flow.findings.iter().any(|finding| finding.severity > Severity::Note);
    let explored = flow.exhaustive && flow.stats.states > 0;
    flow.verdict = match &flow.verdict {
        Verdict::Safe | Verdict::Inconclusive(_) if counts => Verdict::Unsafe,
        Verdict::Unsafe if !counts && explored => Verdict::Safe,
        Verdict::Unsafe if !counts => Verdict::Inconclusive(
            "what was found is accepted, and the rest was not explored".into(),
        ),
        same => same.clone(),
    };
}

/// The order of a report: what weighs most first, then by place.
fn by_weight(findings: &mut [Finding]) {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.location.cmp(&b.location)));
}
