//! Acceptance at the place: an action whose description says `flowrace: accept lost-update because …`.

use super::{accept, weighed};
use crate::definition::ast::{Acceptance, Definition};
use crate::definition::problem::Problem;
use crate::definition::suggest::nearest;
use crate::finding::FlowReport;
use crate::property;

/// What is wrong with the acceptances of a definition: no reason, no such rule.
pub fn problems(definition: &Definition) -> Vec<Problem> {
    let fault =
        |acceptance: &Acceptance, message: String| Problem { at: acceptance.at.clone(), message };
    definition
        .accepts
        .iter()
        .filter_map(|acceptance| {
            let rule = &acceptance.rule;
            if property::rule(rule).is_none() {
                let near = nearest(rule, property::RULES.iter().map(|meta| meta.id));
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                return Some(fault(
                    acceptance,
                    format!("there is no rule \"{rule}\" to accept{near}"),
                ));
            }
            let message = format!(
                "accepting {rule} needs a reason: write \"flowrace: accept {rule} because …\""
            );
            acceptance.reason.is_empty().then(|| fault(acceptance, message))
        })
        .collect()
}

/// Makes notes of the findings that are accepted. One that accepts nothing is told: it may hide the next.
pub fn apply(definition: &Definition, report: &mut FlowReport) {
    for acceptance in &definition.accepts {
        let mut used = false;
        for finding in &mut report.findings {
            if finding.rule == acceptance.rule && finding.actions.contains(&acceptance.action) {
                accept(finding, &format!("accepted: {}", acceptance.reason));
                used = true;
            }
        }
        if !used {
            report.notes.push(format!(
                "{} accepts {}, but there is none to accept; take it out",
                acceptance.action, acceptance.rule
            ));
        }
    }
    weighed(report);
}
