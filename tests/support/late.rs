//! Late effects in the naive interpreter (semantics §6): what an unanswered call sent is still on its way and arrives at any
//! later moment. It is kept as the step with its inputs put in.

use super::cells::Cells;
use super::expressions::{Env, template};
use super::naive::{Outputs, Path, Slot, State};
use super::outline::{Model, Step};
use serde_json::Value;

/// A step under way.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Late {
    path: Path,
    kind: &'static str,
    step: Value,
}

/// Whether a step does the same whatever it finds.
pub(super) fn is_blind(step: &Step<'_>) -> bool {
    ["update", "create", "upsert", "delete"].contains(&step.kind)
        && step.json.get("ifMatch").is_none_or(|etag| etag == "*")
}

/// The step as it is sent.
pub(super) fn under_way(path: &Path, step: &Step<'_>, inputs: &Env<'_>) -> Option<Late> {
    let mut json = step.json.clone();
    for key in ["set", "where", "row", "key"] {
        if let Some(value) = json.get_mut(key) {
            *value = template(value, inputs).ok()?;
        }
    }
    Some(Late { path: path.clone(), kind: step.kind, step: json })
}

impl Model<'_> {
    /// The states after something under way has arrived.
    pub(super) fn arrivals(&self, state: &State) -> Vec<State> {
        let arrive = |at: usize| {
            let mut next = state.clone();
            let late = next.late.remove(at);
            let (outputs, before) = (Outputs::new(), Cells::default());
            let env = Env { outputs, items: vec![], cells: &before, run: 0 };
            // Whether it is refused nobody hears.
            _ = next.cells.effect(late.kind, &late.step, &env);
            next
        };
        (0..state.late.len()).map(arrive).collect()
    }

    /// A call that is under way is part of its action: without interruption nothing but another attempt comes before it
    /// arrives.
    pub(super) fn keep_calls_whole(&self, state: &State, steps: &mut Vec<(Path, bool)>) {
        let again = |path: &Path| {
            state.late.iter().any(|late| late.path == *path)
                && matches!(self.slot(state, path), Slot::Again(..))
        };
        if !state.late.is_empty() {
            steps.retain(|(path, _)| again(path));
        }
    }
}
