//! What the platform would refuse or never start: told as remarks, because a definition is checked as it is written.

use super::super::ast::{Action, Flow};
use super::super::order::containers;

/// Actions of one flow.
const ACTIONS: usize = 500;
/// Actions inside actions (semantics §11).
const NESTING: usize = 8;

/// Remarks on a whole flow; pieces of one are not asked for triggers.
pub(super) fn remarks(flow: &Flow, triggers: Option<usize>) -> Vec<String> {
    let mut notes = Vec::new();
    let (number, depth) = size(&flow.actions);
    if number > ACTIONS {
        notes.push(format!("{number} actions; the platform takes {ACTIONS} in a flow"));
    }
    if depth > NESTING {
        notes.push(format!("actions stand {depth} deep; the platform takes {NESTING}"));
    }
    match triggers {
        Some(0) => notes.push("no trigger: nothing starts this flow".to_owned()),
        Some(several) if several > 1 => {
            notes.push(format!("{several} triggers: each of them starts the same actions"));
        }
        Some(_) if number == 0 => notes.push("no actions: this flow does nothing".to_owned()),
        Some(_) | None => {}
    }
    notes
}

/// How many actions, and how deep the containers around the deepest.
fn size(actions: &[Action]) -> (usize, usize) {
    let (mut number, mut deepest) = (0, 0);
    let mut open = vec![(actions, 0)];
    while let Some((actions, depth)) = open.pop() {
        number += actions.len();
        if !actions.is_empty() {
            deepest = deepest.max(depth);
        }
        let inner = actions.iter().flat_map(|action| containers(&action.kind));
        open.extend(inner.map(|actions| (actions, depth + 1)));
    }
    (number, deepest)
}
