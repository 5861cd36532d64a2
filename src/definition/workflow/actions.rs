//! Actions of a container. Their order in the file means nothing; `runAfter` does.

use super::super::after::run_after;
use super::super::ast::{Action, ActionKind, RunAfter, Status};
use super::super::expression::Template;
use super::super::node::{Node, elide};
use super::acceptance::acceptances;
use super::container::text;
use super::{Context, calls, control, data, settings};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// All actions of an `actions` object.
pub(super) fn actions(cx: &mut Context, node: &Node<'_>) -> Vec<Action> {
    if !node.is_object(&mut cx.problems) {
        return Vec::new();
    }
    listed(cx, node.members().into_iter())
}

/// Actions side by side, by name.
pub(super) fn listed<'d>(
    cx: &mut Context,
    entries: impl Iterator<Item = (&'d str, Node<'d>)>,
) -> Vec<Action> {
    let mut found = Vec::new();
    for (name, entry) in entries {
        action(cx, name, &entry, &mut found);
    }
    spell_alike(&mut found);
    found
}

/// The actions under a path of keys; none if there are none.
pub(super) fn inside(cx: &mut Context, node: &Node<'_>, path: &[&str]) -> Vec<Action> {
    node.path(path).map_or_else(Vec::new, |list| actions(cx, &list))
}

fn action(cx: &mut Context, name: &str, node: &Node<'_>, found: &mut Vec<Action>) {
    take_name(cx, name, node);
    if !node.is_object(&mut cx.problems) {
        return;
    }
    let after =
        node.get("runAfter").map_or_else(Vec::new, |after| run_after(&after, &mut cx.problems));
    let Some(written) = text(node, &["type"]) else {
        let message = format!("action \"{}\" has no \"type\"; expected a text", elide(name));
        cx.problems.push(node.problem(message));
        return;
    };
    cx.accepts.extend(acceptances(name, node));
    let kinds = kind(cx, name, written, node);
    let mut retry = settings::retry(node, &mut cx.problems);
    let mut takes = settings::takes(node);
    if let Some(host) = &cx.host {
        settings::by_host(host, written, &mut retry, &mut takes);
    }
    let mut run_after = after;
    let last = kinds.len();
    for (n, (suffix, kind)) in kinds.into_iter().enumerate() {
        // Whoever waits for this action waits for its last part.
        let name = if n + 1 == last { name.to_owned() } else { format!("{name}.{suffix}") };
        let next =
            RunAfter { action: name.clone(), statuses: vec![Status::Succeeded], at: node.key_at() };
        let run_after = std::mem::replace(&mut run_after, vec![next]);
        found.push(Action { name, kind, run_after, at: node.at(), takes, retry: retry.clone() });
    }
}

/// What a type means; more than one part only where an action declares several variables.
fn kind(cx: &mut Context, name: &str, written: &str, node: &Node<'_>) -> Vec<(String, ActionKind)> {
    let lower = written.to_ascii_lowercase();
    if lower.ends_with("variable") && is_unfinished(node) {
        cx.unfinished.push(name.to_owned());
        return vec![(
            String::new(),
            ActionKind::Compose { value: Template::Literal(Value::Null) },
        )];
    }
    if lower == "initializevariable" {
        return data::initialize(cx, node);
    }
    let kind = control::control(cx, &lower, node)
        .or_else(|| data::data(cx, &lower, node))
        .unwrap_or_else(|| ActionKind::Call(calls::call(cx, &lower, node)));
    vec![(String::new(), kind)]
}

/// Whether an action has no inputs at all, as the designer leaves one that nobody has filled in yet.
fn is_unfinished(node: &Node<'_>) -> bool {
    node.get("inputs").is_none_or(|inputs| inputs.value.as_object().is_some_and(Map::is_empty))
}

fn take_name(cx: &mut Context, name: &str, node: &Node<'_>) {
    let key = name.to_lowercase();
    if let Some(first) = cx.names.get(&key) {
        let message = format!(
            "action name \"{}\" is used twice; first at line {} column {}; names are unique, whatever their case",
            elide(name),
            first.line,
            first.column
        );
        cx.problems.push(node.key_problem(message));
    } else {
        cx.names.insert(key, node.key_at());
    }
}

/// `runAfter` may differ from the name in case; from here on it does not.
fn spell_alike(actions: &mut [Action]) {
    let names: BTreeMap<String, String> =
        actions.iter().map(|action| (action.name.to_lowercase(), action.name.clone())).collect();
    for after in actions.iter_mut().flat_map(|action| &mut action.run_after) {
        if let Some(name) = names.get(&after.action.to_lowercase()) {
            after.action.clone_from(name);
        }
    }
}
