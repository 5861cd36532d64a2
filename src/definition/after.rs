//! `runAfter` and the statuses it lists: written alike in exports and design models.

use super::ast::{RunAfter, Status};
use super::node::{Node, elide};
use super::problem::Problem;
use super::suggest::did_you_mean;

const STATUSES: &[&str] = &["Succeeded", "Failed", "Skipped", "TimedOut", "Cancelled"];

impl Status {
    /// Reads a status, whatever its case: the designers write `Succeeded`, some services `SUCCEEDED`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" | "faulted" => Self::Failed,
            "skipped" | "ignored" => Self::Skipped,
            "timedout" => Self::TimedOut,
            "cancelled" | "canceled" | "aborted" => Self::Cancelled,
            _ => return None,
        })
    }
}

/// Predecessors in file order. `null` and `[]` stand for none, an empty list of statuses for Succeeded.
pub(super) fn run_after(node: &Node<'_>, problems: &mut Vec<Problem>) -> Vec<RunAfter> {
    let nothing = node.value.is_null() || node.value.as_array().is_some_and(Vec::is_empty);
    if !nothing && !node.value.is_object() {
        problems.push(node.expected("an object of action name to list of statuses"));
    }
    let members = node.members();
    members
        .iter()
        .map(|(action, list)| RunAfter {
            action: (*action).to_owned(),
            statuses: statuses(list, problems),
            at: list.key_at(),
        })
        .collect()
}

fn statuses(node: &Node<'_>, problems: &mut Vec<Problem>) -> Vec<Status> {
    let mut found = Vec::new();
    if !node.value.is_array() {
        problems.push(node.expected("a list of statuses"));
    }
    for element in node.elements() {
        match element.value.as_str().map(|text| (text, Status::parse(text))) {
            Some((_, Some(status))) if found.contains(&status) => {}
            Some((_, Some(status))) => found.push(status),
            Some((text, None)) => {
                let near = did_you_mean(text, STATUSES.iter().copied());
                let known = STATUSES.join(", ");
                let shown = elide(text);
                problems.push(
                    element.problem(format!(
                        "unknown status \"{shown}\"; expected one of {known}{near}"
                    )),
                );
            }
            None => problems.push(element.expected(&format!("one of {}", STATUSES.join(", ")))),
        }
    }
    if found.is_empty() {
        found.push(Status::Succeeded);
    }
    found
}
