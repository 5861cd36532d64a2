//! What one fault can do to a flow whose cells nobody described. It is looked at apart, in a run by itself, so that the
//! verdict stays about races: one line says what there is, and `--faults` asks for the schedules.

use super::cut;
use super::explore::explore_and;
use super::findings::told;
use super::runs::key;
use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::explore::limits::{Config, Stop};
use crate::finding::Finding;
use crate::model::ids::NodeId;
use crate::model::program::{Program, Status};
use crate::platform::fault;
use crate::platform::lower::{lower, outline};
use crate::platform::scenario::{Redelivery, Scenario};
use crate::platform::slice::may_fail;

/// States that this may cost.
const STATES: u64 = 2_000;
/// The largest flow that is looked at, in actions and containers.
const LARGE: usize = 150;
/// Actions that the line names.
const NAMED: usize = 4;

/// What needs a fault to happen, in one run with one item a loop; `None` if the flow is too large to say.
pub(super) fn struck(
    definition: &Definition,
    base: &Scenario,
    config: &Config,
    stop: &dyn Stop,
) -> Result<Option<Vec<Finding>>, Vec<Problem>> {
    let scenario = Scenario {
        runs: Some(1),
        unknown_items: 1,
        most: Some(1),
        rounds: Some(2),
        faults: base.faults.max(1),
        // That a call comes late after the next one is so of every two writes of one flow: only who asks is told.
        late: base.late && base.faults > 0,
        ..base.clone()
    };
    if outline(definition, &scenario)?.program.nodes.len() > LARGE {
        return Ok(None);
    }
    // What nobody asked for becomes one line without schedules.
    let shown = base.faults > 0;
    let mut found = with(definition, &scenario, config, stop, shown)?;
    let pinned = definition.setup.assume.get("trigger-delivery").map(String::as_str);
    if pinned != Some("once") && definition.flows.iter().any(|f| f.trigger.is_some()) {
        // By itself, so that it neither takes states from the calls' own faults nor lends them any.
        let again = Scenario { redelivery: Redelivery::Only, faults: 1, ..scenario };
        let twice = with(definition, &again, config, stop, shown)?;
        found.extend(
            twice
                .into_iter()
                .filter(|f| f.rule == "retry-duplicate")
                .map(|f| Finding { assumptions: vec!["trigger-delivery".to_owned()], ..f }),
        );
    }
    Ok(Some(found))
}

/// What needs a fault of the scenario to happen; `shown`: with how it goes well without.
fn with(
    definition: &Definition,
    scenario: &Scenario,
    config: &Config,
    stop: &dyn Stop,
    shown: bool,
) -> Result<Vec<Finding>, Vec<Problem>> {
    let mut lowered = lower(definition, scenario)?;
    let most = config.max_states.unwrap_or(STATES).min(STATES);
    let config = Config { max_states: Some(most), fuzz: None, kept: false, ..config.clone() };
    let (_, mut found) = explore_and(&mut lowered, &config, stop, |engine, lowered, explored| {
        told(engine, lowered, explored, shown)
    });
    cut::keep_reached(definition, &lowered, scenario, &mut found)?;
    found.retain(|f| f.witness.as_ref().is_some_and(|w| w.faults > 0));
    Ok(found)
}

/// Adds findings to those that are known: one for each operation, however it comes to be made twice.
pub(super) fn join(known: &mut Vec<Finding>, found: Vec<Finding>) {
    for finding in found {
        match known.iter_mut().find(|f| key(f) == key(&finding)) {
            Some(same) if is_fired_twice(&finding) && !is_fired_twice(same) => {
                same.message.push_str(", and the trigger can fire twice for one event");
            }
            Some(_) => {}
            None => known.push(finding),
        }
    }
}

fn is_fired_twice(finding: &Finding) -> bool {
    finding.assumptions.iter().any(|a| a == "trigger-delivery")
}

/// One line about what one fault would do, as far as it is not said already; `found` with a budget of one.
pub(super) fn line(found: &[Finding], known: &[Finding]) -> Option<String> {
    let new = || found.iter().filter(|f| !known.iter().any(|k| key(k) == key(f)));
    let (mut lost, mut fired): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut other: Vec<&str> = Vec::new();
    for finding in new() {
        let twice = if is_fired_twice(finding) { &mut fired } else { &mut lost };
        match (finding.rule, finding.actions.last()) {
            ("retry-duplicate", Some(action)) if twice.contains(&action.as_str()) => {}
            ("retry-duplicate", Some(action)) => twice.push(action),
            _ => other.push(&finding.message),
        }
    }
    let mut parts = Vec::new();
    let each = if lost.len() == 1 { "its answer gets" } else { "their answers get" };
    let both = lost == fired;
    let again = if both { " or the trigger fires twice for one event" } else { "" };
    let lost_how = format!("{each} lost{again}");
    let fired_how = "the trigger fires twice for one event";
    let fired = if both { Vec::new() } else { fired };
    for (twice, how) in [(&lost, &*lost_how), (&fired, fired_how)] {
        if !twice.is_empty() {
            parts.push(format!("{} can take effect twice if {how}", named(twice)));
        }
    }
    parts.extend(other.into_iter().take(NAMED).map(str::to_owned));
    (!parts.is_empty())
        .then(|| format!("with one fault: {} (--faults 1 shows how)", parts.join("; ")))
}

/// What runs only after a failure of something that does not fail by itself: without faults it was looked at once, with one
/// fault in one run of one item.
pub(super) fn unfailed(program: &Program) -> Option<String> {
    let only_failed = |&node: &NodeId| {
        program.node(node).run_after.iter().any(|&(before, on)| {
            let fails = on.has(Status::Failed) || on.has(Status::TimedOut);
            let other = on.has(Status::Succeeded) || on.has(Status::Skipped);
            fails && !other && !program.subtree(before).into_iter().any(|n| may_fail(program, n))
        })
    };
    let found: Vec<NodeId> = program.ids().filter(only_failed).collect();
    let names: Vec<&str> = found.iter().map(|&n| &*program.node(n).name).collect();
    let runs = if names.len() == 1 { "runs" } else { "run" };
    (!names.is_empty()).then(|| {
        format!(
            "{} {runs} only after a failure, which is tried with one item and one run at most (--faults 2 tries more)",
            named(&names)
        )
    })
}

/// What may come late and is not tried so.
pub(super) fn in_time(program: &Program) -> Option<String> {
    let found = fault::in_time(program);
    let names: Vec<&str> = found.iter().map(|&n| &*program.node(n).name).collect();
    (!names.is_empty()).then(|| format!("late effects of {} are not tried", named(&names)))
}

/// `A`, `A and B`, `A, B and 3 more`.
fn named(actions: &[&str]) -> String {
    let more = actions.len().saturating_sub(NAMED);
    let shown = &actions[..actions.len() - more];
    match (shown, more) {
        ([only], 0) => (*only).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn lists() {
        assert_eq!(named(&["A"]), "A");
        assert_eq!(named(&["A", "B"]), "A and B");
        assert_eq!(named(&["A", "B", "C", "D"]), "A, B, C and D");
        assert_eq!(named(&["A", "B", "C", "D", "E", "F"]), "A, B, C, D and 2 more");
    }
}
