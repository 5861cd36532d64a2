//! From findings to a gate: what a project has settled about them. A setting changes how much a finding counts, never
//! whether it is found: an accepted one stays in the report as a note that says why.

pub mod accept;
pub mod baseline;
pub mod date;
pub mod diff;
pub mod settings;

use crate::finding::{Finding, Report, Severity};

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
        flow.findings.retain_mut(|finding| match settings.levels.get(finding.rule) {
            None => true,
            Some(None) => false,
            Some(Some(severity)) => {
                finding.severity = *severity;
                true
            }
        });
        by_weight(&mut flow.findings);
    }
}

/// The order of a report: what weighs most first, then by place.
pub(crate) fn by_weight(findings: &mut [Finding]) {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.location.cmp(&b.location)));
}
