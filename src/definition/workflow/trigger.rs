//! The trigger, as far as it says how many runs overlap.

use super::super::ast::Trigger;
use super::super::node::Node;
use super::super::problem::Problem;
use super::container::text;
use super::settings::{degree, has_option, number};

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
        every: every(&node),
        runs: if single { Some(1) } else { runs },
    })
}

/// Seconds between two ticks; a polling trigger's events do not come by the clock.
fn every(node: &Node<'_>) -> Option<u64> {
    if !text(node, &["type"])?.eq_ignore_ascii_case("recurrence") {
        return None;
    }
    let unit = match text(node, &["recurrence", "frequency"])?.to_ascii_lowercase().as_str() {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        "month" => 2_592_000,
        _ => return None,
    };
    let interval = node.path(&["recurrence", "interval"]).and_then(|n| number(&n)).unwrap_or(1);
    interval.checked_mul(unit)
}
