//! Which steps of a schedule make the race: the look that a write rests on, the other process's write, and the step
//! that goes wrong. Every picture marks the same ones.

use crate::definition::location::Location;
use crate::finding::outline;
use crate::finding::{Finding, Outlined, TouchKind, TraceStep, Witness};

/// Positions in the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Race {
    /// Where the process that goes wrong looked.
    pub(super) look: Option<usize>,
    /// Where somebody else changed the cell after that.
    pub(super) rival: Option<usize>,
    /// What goes wrong.
    pub(super) wrong: Option<usize>,
}

impl Race {
    pub(super) fn has(&self, step: usize) -> bool {
        [self.look, self.rival, self.wrong].contains(&Some(step))
    }
}

/// The steps that make the race in this schedule.
pub(super) fn race(finding: &Finding, witness: &Witness) -> Race {
    let steps = &witness.steps;
    let Some(wrong) = steps.iter().position(|step| step.wrong.is_some()) else {
        return Race::default();
    };
    let own = |step: &TraceStep| step.process == steps[wrong].process;
    let look = steps[..wrong].iter().rposition(|s| own(s) && does(s, finding, TouchKind::Reads));
    let writes = |s: &TraceStep| !own(s) && does(s, finding, TouchKind::Writes);
    let rival =
        steps[..wrong].iter().rposition(writes).filter(|rival| look.is_none_or(|l| l < *rival));
    Race { look, rival, wrong: Some(wrong) }
}

/// Whether a step does this to the contested cell.
pub(super) fn does(step: &TraceStep, finding: &Finding, kind: TouchKind) -> bool {
    step.touches.iter().any(|touch| touch.cell == finding.cell && touch.kind == kind)
}

/// The step of the good schedule that comes earlier there: the first in which the two differ.
pub(super) fn moved(wrong: &Witness, right: &Witness) -> Option<usize> {
    let key = |step: &TraceStep| (step.process.clone(), step.action.clone());
    let same = |at: &usize| wrong.steps.get(*at).map(key) == right.steps.get(*at).map(key);
    let at = (0..right.steps.len()).find(|at| !same(at))?;
    (at < wrong.steps.len()).then_some(at)
}

/// What happened at a step, and what was wrong about it.
pub(super) fn effect(step: &TraceStep) -> String {
    match &step.wrong {
        Some(wrong) if step.effect.is_empty() => wrong.clone(),
        Some(wrong) if !step.effect.contains(' ') => format!("{}: {wrong}", step.effect),
        Some(wrong) => format!("{}, {wrong}", step.effect),
        None => step.effect.clone(),
    }
}

/// The processes in the order in which they first move.
pub(super) fn processes(witness: &Witness) -> Vec<&str> {
    let mut processes: Vec<&str> = Vec::new();
    for step in &witness.steps {
        if !processes.contains(&step.process.as_str()) {
            processes.push(&step.process);
        }
    }
    processes
}

/// Where an action stands in its file.
pub(super) fn place<'a>(outline: &'a [Outlined], name: &str) -> Option<&'a Location> {
    outline::named(outline, name).map(|entry| &entry.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn a_race_is_a_look_a_rival_and_a_step_that_goes_wrong() {
        let finding = sample::finding();
        let witness = finding.witness.as_ref().unwrap();
        assert_eq!(race(&finding, witness), Race { look: Some(0), rival: Some(2), wrong: Some(3) });
        assert_eq!(processes(witness), ["order[1]", "order[2]"]);
        assert_eq!(moved(witness, finding.twin.as_ref().unwrap()), Some(1));
        assert_eq!(moved(witness, witness), None);
    }
}
