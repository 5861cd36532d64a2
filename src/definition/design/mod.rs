//! The design model: a race question small enough to write by hand. All problems of a file are found at once.

mod alias;
mod expect;
mod flows;
mod kinds;
mod names;
mod setup;
mod state;
mod steps;
#[cfg(test)]
mod tests;

use super::ast::{Action, ActionKind, Definition, Group, Platform};
use super::json::Document;
use super::location::Location;
use super::node::{Node, elide};
use super::order;
use super::problem::Problem;
use super::suggest::did_you_mean;
use names::Names;
use serde_json::Value;

/// How an import's text is fetched; the path given is already resolved against the importing file.
pub type Load<'l> = dyn Fn(&str) -> Result<Document, Problem> + 'l;

/// The version of the format read here.
const VERSION: u64 = 1;

/// The keys of a design model.
const KEYS: &[&str] = &[
    "flowrace",
    "$schema",
    "name",
    "description",
    "platform",
    "state",
    "flow",
    "flows",
    "import",
    "scope",
    "observe",
    "finally",
    "expect",
    "takes",
    "assume",
];

/// What is known while one file is read.
struct Context<'l> {
    load: &'l Load<'l>,
    /// The files being imported, outermost first.
    chain: Vec<String>,
    state: Vec<(String, Group, Location)>,
    names: Names,
    /// Text of a forEach to the name of its action, where they differ.
    aliases: Vec<(String, String)>,
    problems: Vec<Problem>,
}

/// Whether a document says it is a design model.
pub fn is_design(value: &Value) -> bool {
    value.get("flowrace").is_some()
}

/// Reads a design model. There is a definition only if there is no problem: a half-read model answers no question.
pub fn parse(doc: &Document, load: &Load<'_>) -> (Option<Definition>, Vec<Problem>) {
    parse_within(doc, load, vec![doc.path.clone()])
}

fn parse_within(
    doc: &Document,
    load: &Load<'_>,
    chain: Vec<String>,
) -> (Option<Definition>, Vec<Problem>) {
    let root = Node::root(doc);
    let mut problems = Vec::new();
    if !version(&root, &mut problems) {
        return (None, problems);
    }
    let names = Names::reserving(&doc.value);
    let mut cx = Context { load, chain, state: Vec::new(), names, aliases: Vec::new(), problems };
    refuse_unknown_keys(&root, "a design model", KEYS, &mut cx.problems);
    let name = root
        .get("name")
        .and_then(|node| node.text(&mut cx.problems))
        .map_or_else(|| stem(&doc.path), str::to_owned);
    if let Some(node) = root.get("description") {
        node.text(&mut cx.problems);
    }
    let platform = root.get("platform").and_then(|node| platform(&node, &mut cx.problems));
    if let Some(node) = root.get("state") {
        cx.state = state::state(&node, &mut cx.problems);
    }
    let brought = flows::flows(&mut cx, &root, &name);
    let setup = setup::setup(&mut cx, &root, &brought.flows);
    let mut problems = cx.problems;
    for problem in brought.problems {
        problems.push(problem);
    }
    problems.sort_by(|a, b| (&a.at, &a.message).cmp(&(&b.at, &b.message)));
    problems.sort_by(|a, b| {
        (a.at.path != doc.path, a.at.line, a.at.column).cmp(&(
            b.at.path != doc.path,
            b.at.line,
            b.at.column,
        ))
    });
    problems.dedup();
    let definition = Definition {
        name,
        path: doc.path.clone(),
        platform: platform.or(brought.platform),
        flows: brought.flows,
        setup,
        notes: Vec::new(),
        accepts: Vec::new(),
    };
    (problems.is_empty().then_some(definition), problems)
}

fn version(root: &Node<'_>, problems: &mut Vec<Problem>) -> bool {
    let Some(node) = root.get("flowrace") else {
        problems
            .push(root.problem("no key \"flowrace\"; a design model starts with \"flowrace\": 1"));
        return false;
    };
    match super::node::whole(node.value) {
        Some(VERSION) => true,
        Some(newer) if newer > VERSION => {
            problems
                .push(node.problem(format!("made for a newer flowrace; this one reads {VERSION}")));
            false
        }
        Some(_) | None => {
            problems.push(node.expected(&VERSION.to_string()));
            false
        }
    }
}

fn platform(node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<Platform> {
    match node.value.as_str() {
        Some("power-automate") => Some(Platform::PowerAutomate),
        Some("logic-apps") => Some(Platform::LogicApps),
        Some(_) | None => {
            problems.push(node.expected("\"power-automate\" or \"logic-apps\""));
            None
        }
    }
}

/// The file's name without folders and ending.
pub(super) fn stem(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".json").unwrap_or(file).to_owned()
}

/// Reports every member whose key is not among the known ones.
fn refuse_unknown_keys(node: &Node<'_>, what: &str, known: &[&str], problems: &mut Vec<Problem>) {
    for (key, member) in node.members() {
        if !known.contains(&key) {
            let near = did_you_mean(key, known.iter().copied());
            let hint = if near.is_empty() {
                format!("; expected one of {}", known.join(", "))
            } else {
                near
            };
            problems.push(
                member.key_problem(format!("unknown key \"{}\" in {what}{hint}", elide(key))),
            );
        }
    }
}

/// Every loop over items, wherever it stands: its name, and its count if it has one.
fn loops(actions: &[Action]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Vec<&[Action]> = vec![actions];
    while let Some(actions) = open.pop() {
        for action in actions {
            if matches!(action.kind, ActionKind::Foreach { .. }) {
                found.push(action.name.as_str());
            }
            open.extend(order::containers(&action.kind));
        }
    }
    found
}
