//! One model for each cluster of cells that interact (design.md §3.5). Joint outcomes need one model for all, so that is
//! explored too as long as it is small.

use super::fill::{conclude, empty_report, finish};
use super::{scope, together};
use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::explore::limits::{Config, Stop};
use crate::finding::{FlowReport, Verdict};
use crate::platform::lower::Lowered;
use crate::platform::slice::Part;

/// Checks each part for itself, then all of them at once if there are few enough states.
pub(super) fn apart(
    definition: &Definition,
    outline: &Lowered,
    parts: &[Part],
    config: &Config,
    stop: &dyn Stop,
) -> Result<FlowReport, Vec<Problem>> {
    let start = stop.elapsed();
    let each = Config { kept: false, ..config.clone() };
    let reports = parts.iter().map(|part| together(&part.definition, &each, stop));
    // A part may name what it left out: an action that can never run.
    let Ok(reports) = reports.collect::<Result<Vec<FlowReport>, _>>() else {
        return together(definition, config, stop);
    };
    // A state of all is a state of each.
    let product = reports.iter().try_fold(1_u64, |n, r| n.checked_mul(r.stats.states.max(1)));
    let most = config.together.min(config.max_states.unwrap_or(u64::MAX));
    let done = reports.iter().all(|r| r.exhaustive);
    if done && product.is_some_and(|n| n <= most) {
        // Where a part was proved without listing its states, this is a guess.
        let all = Config { max_states: Some(most), ..config.clone() };
        let mut whole = together(definition, &all, stop)?;
        if whole.exhaustive {
            let proved = reports.iter().all(|r| r.any_number);
            whole.any_number |= proved && whole.verdict == Verdict::Safe;
            return Ok(whole);
        }
    }
    let mut all = joined(definition, outline, parts, reports, config);
    conclude(&mut all);
    finish(definition, &mut all, start, stop);
    Ok(all)
}

/// What the parts come to: a flow is as safe as its worst part.
fn joined(
    definition: &Definition,
    outline: &Lowered,
    parts: &[Part],
    reports: Vec<FlowReport>,
    config: &Config,
) -> FlowReport {
    let mut all = empty_report(definition, config.platform_of(definition));
    all.scope = scope(definition, outline, config);
    all.unknown.clone_from(&outline.unknown);
    all.any_number = reports.iter().all(|r| r.any_number);
    for (part, report) in parts.iter().zip(reports) {
        all.outcomes.extend(report.outcomes.into_iter().filter(|o| part.cells.contains(&o.0)));
        all.level = all.level.max(report.level);
        all.exhaustive &= report.exhaustive;
        all.stats.states += report.stats.states;
        all.stats.nodes += report.stats.nodes;
        all.stats.transitions += report.stats.transitions;
        all.findings.extend(report.findings);
        for assumption in report.assumptions {
            match all.assumptions.iter_mut().find(|a| a.id == assumption.id) {
                Some(known) => known.flips |= assumption.flips,
                None => all.assumptions.push(assumption),
            }
        }
        for note in report.notes {
            if !all.notes.contains(&note) {
                all.notes.push(note);
            }
        }
        if matches!(report.verdict, Verdict::Inconclusive(_)) {
            all.verdict = report.verdict;
        }
    }
    all.any_number &= all.verdict == Verdict::Safe;
    all.findings
        .sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.location.cmp(&b.location)));
    all.notes.push(format!(
        "explored in {} parts that cannot notice each other, since together they have too many states; the level is \
         that of the worst part",
        parts.len()
    ));
    all
}
