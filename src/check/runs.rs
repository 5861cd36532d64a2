//! What happens in a single run, told from what needs two.

use super::explore::explore_and;
use super::findings::{findings, fingerprint};
use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::explore::limits::{Config, Stop};
use crate::finding::{Across, Finding, FlowReport, Severity};
use crate::platform::lower::{Lowered, lower};
use crate::platform::scenario::Scenario;
use std::collections::BTreeMap;

/// What makes two findings the same: rule, cell, actions.
pub(super) type Key = (String, String, Vec<String>);

pub(super) fn key(finding: &Finding) -> Key {
    (finding.rule.to_owned(), finding.cell.clone(), finding.actions.clone())
}

/// The findings that each flow has by itself, in a single run, and between which of its processes.
pub(super) fn alone(
    definition: &Definition,
    scenario: &Scenario,
    config: &Config,
    stop: &dyn Stop,
) -> Result<BTreeMap<Key, Option<Across>>, Vec<Problem>> {
    let mut found = BTreeMap::new();
    for flow in &definition.flows {
        let mut single = definition.clone();
        single.flows = vec![flow.clone()];
        single.setup.finally.clear();
        let mut lowered = lower(&single, &Scenario { runs: Some(1), ..scenario.clone() })?;
        let (_, all) = explore_and(&mut lowered, config, stop, findings);
        found.extend(all.into_iter().map(|finding| (key(&finding), finding.across)));
    }
    Ok(found)
}

/// What happens in a single run is an error; what needs a second one is a warning.
pub(super) fn place(finding: &mut Finding, alone: &BTreeMap<Key, Option<Across>>) {
    let inside = alone.get(&key(finding));
    finding.severity = if inside.is_some() { Severity::Error } else { Severity::Warning };
    finding.across = inside.copied().unwrap_or(Some(Across::Runs));
    if let Some(across) = finding.across {
        finding.fingerprint = fingerprint(finding.rule, &finding.cell, &finding.actions, across);
    }
}

/// Findings that only merged steps lead to get their schedule from a search in which every access is a step.
pub(super) fn show_all_steps(
    report: &mut FlowReport,
    plain: &mut Lowered,
    config: &Config,
    stop: &dyn Stop,
) {
    let config = Config {
        max_states: Some(config.max_states.unwrap_or(200_000).min(200_000)),
        ..config.clone()
    };
    let (_, told) = explore_and(plain, &config, stop, findings);
    for finding in report.findings.iter_mut().filter(|f| f.witness.is_none()) {
        if let Some(same) = told.iter().find(|f| key(f) == key(finding)) {
            finding.witness.clone_from(&same.witness);
            finding.twin.clone_from(&same.twin);
            finding.always = same.always;
            finding.swap.clone_from(&same.swap);
        }
    }
}
