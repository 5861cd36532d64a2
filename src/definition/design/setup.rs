//! `scope`, `observe`, `finally`, `takes`, `assume`: what is asked of the flows.

use super::super::ast::{Flow, Group, Setup};
use super::super::location::Location;
use super::super::node::{Node, elide};
use super::super::suggest::did_you_mean;
use super::kinds::GroupKind;
use super::{Context, expect, loops, refuse_unknown_keys, steps};
use std::collections::BTreeMap;

/// Reads everything that is neither state nor steps, and takes the state over.
pub(super) fn setup(cx: &mut Context<'_>, root: &Node<'_>, flows: &[Flow]) -> Setup {
    let mut setup = Setup::default();
    if let Some(node) = root.get("scope") {
        scope(cx, &node, flows, &mut setup);
    }
    // An export has cells of its own that "state" need not list.
    let closed = root.get("import").is_none();
    if let Some(node) = root.get("observe") {
        setup.observe = observe(cx, &node, closed);
    }
    if let Some(node) = root.get("finally")
        && node.is_list(&mut cx.problems)
    {
        for entry in node.elements() {
            let holds = entry.condition(&mut cx.problems);
            setup.finally.push((holds, entry.at()));
        }
    }
    setup.expect = root.get("expect").and_then(|node| expect::expect(cx, &node, closed));
    setup.takes = root.get("takes").and_then(|node| steps::takes(&node, &mut cx.problems));
    if let Some(node) = root.get("assume") {
        setup.assume = assume(cx, &node);
    }
    setup.state = std::mem::take(&mut cx.state);
    setup
}

fn scope(cx: &mut Context<'_>, node: &Node<'_>, flows: &[Flow], setup: &mut Setup) {
    if !node.is_object(&mut cx.problems) {
        return;
    }
    refuse_unknown_keys(node, "\"scope\"", &["items", "runs", "faults"], &mut cx.problems);
    setup.runs = node.get("runs").and_then(|runs| runs.whole(1, None, &mut cx.problems));
    setup.faults = node.get("faults").and_then(|faults| faults.whole(0, None, &mut cx.problems));
    let Some(items) = node.get("items") else { return };
    items.is_object(&mut cx.problems);
    let known: Vec<&str> = flows.iter().flat_map(|flow| loops(&flow.actions)).collect();
    for (written, count) in items.members() {
        let aliased =
            cx.aliases.iter().find(|(text, _)| text == written).map(|(_, name)| name.as_str());
        let name = aliased.unwrap_or(written);
        let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            let near = did_you_mean(written, known.iter().copied());
            cx.problems.push(
                count.key_problem(format!("no loop \"{}\" over items{near}", elide(written))),
            );
            continue;
        };
        if let Some(count) = count.whole(0, None, &mut cx.problems) {
            setup.items.insert((*found).to_owned(), count);
        }
    }
}

fn observe(cx: &mut Context<'_>, node: &Node<'_>, closed: bool) -> Vec<(String, Location)> {
    let mut found = Vec::new();
    if node.is_list(&mut cx.problems) {
        for entry in node.elements() {
            if let Some(cell) = entry.text(&mut cx.problems) {
                if closed {
                    check_cell(cx, cell, &entry, false);
                }
                found.push((cell.to_owned(), entry.at()));
            }
        }
    }
    found
}

fn assume(cx: &mut Context<'_>, node: &Node<'_>) -> BTreeMap<String, String> {
    node.is_object(&mut cx.problems);
    let members = node.members();
    let texts = members.iter().filter_map(|(key, value)| {
        Some(((*key).to_owned(), value.text(&mut cx.problems)?.to_owned()))
    });
    texts.collect()
}

/// Reports a cell that cannot be: no such group, or a part of one that has none.
pub(super) fn check_cell(cx: &mut Context<'_>, cell: &str, node: &Node<'_>, at_key: bool) {
    let (group, part) =
        cell.split_once('.').map_or((cell, None), |(group, part)| (group, Some(part)));
    let found = cx.state.iter().find(|(name, ..)| name == group).map(|(_, group, _)| group);
    let shown = elide(cell);
    let message = match (found, part) {
        (None, _) => {
            let near = did_you_mean(group, cx.state.iter().map(|(name, ..)| name.as_str()));
            format!("no cell \"{shown}\": \"state\" has no group \"{}\"{near}", elide(group))
        }
        (Some(Group::Variable { .. } | Group::Blob { .. }), Some(_)) => {
            let is = found.map_or("", |group| GroupKind::of(group).name());
            format!("no cell \"{shown}\": \"{group}\" is {is} and has no parts")
        }
        (Some(Group::Item { .. } | Group::Table { .. }), _) | (Some(_), None) => return,
    };
    cx.problems.push(if at_key { node.key_problem(message) } else { node.problem(message) });
}
