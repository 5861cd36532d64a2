//! The trigger, as far as it says how many runs overlap.

use super::super::ast::Trigger;
use super::super::node::Node;
use super::super::problem::Problem;
use super::container::text;
use super::settings::{degree, has_option};

/// The first trigger; further ones start the same actions.
pub(super) fn trigger(definition: &Node<'_>, problems: &mut Vec<Problem>) -> Option<Trigger> {
    let (name, node) = definition.get("triggers")?.members().into_iter().next()?;
    let concurrency = node.path(&["runtimeConfiguration", "concurrency", "runs"]);
    let single = has_option(&node, "SingleInstance");
    if let (true, Some(runs)) = (single, &concurrency) {
        problems.push(
            runs.problem(
                "both \"SingleInstance\" and \"runs\"; the platform refuses that; keep one",
            ),
        );
    }
    let runs = concurrency.and_then(|runs| degree(&runs, 100, problems));
    Some(Trigger {
        name: name.to_owned(),
        kind: text(&node, &["type"]).unwrap_or_default().to_owned(),
        operation: text(&node, &["inputs", "host", "operationId"]).unwrap_or_default().to_owned(),
        runs: if single { Some(1) } else { runs },
    })
}
