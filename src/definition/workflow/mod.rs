//! Workflow definitions as Power Automate and Logic Apps write them, whatever file they come in.

mod acceptance;
mod actions;
mod arm;
mod calls;
pub(crate) mod container;
mod control;
mod data;
mod infer;
mod limits;
mod settings;
mod snippet;
#[cfg(test)]
mod tests;
mod trigger;

use super::Parsed;
use super::ast::{Acceptance, Action, Definition, Flow, Setup};
use super::beside::Beside;
use super::expression::{FAULT, Template};
use super::json::Document;
use super::location::Location;
use super::node::{Node, constant};
use super::problem::Problem;
use super::secret::{cover, is_secret_key};
use container::Container;
use std::collections::BTreeMap;

/// What is known while one definition is read.
struct Context {
    /// Action names without case, and where they stand.
    names: BTreeMap<String, Location>,
    /// Connection name to connector, from the references beside the definition.
    connectors: BTreeMap<String, String>,
    /// Iterations at once of a Foreach that says nothing, if the project says it.
    degree: Option<u64>,
    /// Workflow settings of the project, if it is one of Logic Apps Standard.
    host: Option<BTreeMap<String, String>>,
    /// Findings accepted in descriptions.
    accepts: Vec<Acceptance>,
    /// What is wrong but leaves a meaning: told as remarks.
    odd: Vec<Problem>,
    /// Actions that nobody has filled in.
    unfinished: Vec<String>,
    problems: Vec<Problem>,
}

/// Reads every definition of an export; none if this is no flow at all. With problems a definition holds what could
/// be read.
pub fn parse(doc: &Document, beside: &Beside) -> Vec<Parsed> {
    if beside.foreign {
        return Vec::new();
    }
    match rows(doc, beside) {
        rows if rows.is_empty() => {
            container::open(doc, beside).iter().map(|found| one(doc, found, beside)).collect()
        }
        rows => rows,
    }
}

/// Rows of Dataverse's table of workflows: `clientdata` is the text of a solution's file.
fn rows(doc: &Document, beside: &Beside) -> Vec<Parsed> {
    let root = Node::root(doc);
    let list = root.get("value").unwrap_or_else(|| root.clone()).elements();
    let rows = if list.is_empty() { vec![root] } else { list };
    let mut found = Vec::new();
    for row in rows {
        let Some(text) = row.get("clientdata").filter(|text| text.value.is_string()) else {
            continue;
        };
        let named = container::text(&row, &["name"]).map(str::to_owned);
        let beside = Beside { name: named.or_else(|| beside.name.clone()), ..beside.clone() };
        match doc.embedded(&text.pointer) {
            Ok(inner) => found.extend(parse(&inner, &beside)),
            Err(problem) => found.push(Parsed { definition: None, problems: vec![problem] }),
        }
    }
    found
}

fn one(doc: &Document, found: &Container<'_>, beside: &Beside) -> Parsed {
    let node = Node { doc, value: &found.definition, pointer: found.pointer.clone() };
    let mut connectors = beside.connectors.clone();
    connectors.extend(found.connectors.clone());
    let mut cx = Context {
        names: BTreeMap::new(),
        connectors,
        degree: beside.degree,
        host: beside.host.clone(),
        accepts: Vec::new(),
        odd: Vec::new(),
        unfinished: Vec::new(),
        problems: ["actions", "triggers"]
            .iter()
            .flat_map(|part| doc.duplicates(&format!("{}/{part}", found.pointer)))
            .collect(),
    };
    let flow = Flow {
        name: found.name.clone(),
        runs: None,
        trigger: trigger::trigger(&mut cx, &node),
        parameters: parameters(&node, found, beside),
        actions: root_actions(&mut cx, &node, found),
        at: node.at(),
    };
    let triggers = node.get("triggers").map_or(0, |triggers| triggers.members().len());
    let triggers = found.pieces.is_empty().then_some(triggers);
    let mut notes = limits::remarks(&flow, triggers);
    notes.extend(found.notes.clone());
    let definition = Definition {
        name: found.name.clone(),
        path: doc.path.clone(),
        platform: found.platform.or_else(|| infer::infer(&node)),
        flows: vec![flow],
        setup: Setup::default(),
        notes,
        accepts: std::mem::take(&mut cx.accepts),
    };
    concluded(definition, cx, beside)
}

/// What is only odd becomes a remark: an export came from the platform, and an expression that cannot be read is a
/// value that nobody knows.
fn concluded(definition: Definition, cx: Context, beside: &Beside) -> Parsed {
    let (odd, problems): (Vec<_>, Vec<_>) =
        cx.problems.into_iter().partition(|problem| problem.message.starts_with(FAULT));
    let mut notes = beside.notes.clone();
    notes.extend(definition.notes.clone());
    notes.extend(cx.odd.iter().map(ToString::to_string));
    notes
        .extend(odd.iter().map(|problem| format!("{problem}; taken as a value that nobody knows")));
    if let [first, rest @ ..] = cx.unfinished.as_slice() {
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        notes.push(format!(
            "{first}{more} without inputs: nobody has filled them in; they do nothing"
        ));
    }
    Parsed { definition: Some(Definition { notes, ..definition }), problems }
}

fn root_actions(cx: &mut Context, node: &Node<'_>, found: &Container<'_>) -> Vec<Action> {
    if found.pieces.is_empty() {
        // A flow that only has a trigger does nothing, and nothing wrong.
        let list = node.get("actions");
        let mut found = list.map_or_else(Vec::new, |list| actions::actions(cx, &list));
        // Agents run after their trigger, by name.
        let triggers = node.get("triggers");
        let triggers: Vec<&str> =
            triggers.iter().flat_map(Node::members).map(|(name, _)| name).collect();
        for action in &mut found {
            action.run_after.retain(|after| !triggers.contains(&after.action.as_str()));
        }
        return found;
    }
    let pieces = found.pieces.iter().filter_map(|(name, pointer)| {
        let value = node.doc.value.pointer(pointer)?;
        Some((name.as_str(), Node { doc: node.doc, value, pointer: pointer.clone() }))
    });
    let mut found = actions::listed(cx, pieces);
    // What a piece runs after may have stayed behind.
    let names: Vec<String> = found.iter().map(|action| action.name.clone()).collect();
    for action in &mut found {
        action.run_after.retain(|after| names.contains(&after.action));
    }
    found
}

/// Whether a template is to put something here when it is deployed.
fn is_unresolved(node: &Node<'_>) -> bool {
    let text = node.value.as_str().unwrap_or_default();
    text.starts_with('[') && text.ends_with(']') && !text.starts_with("[[")
}

/// Defaults of the definition, replaced by the values beside it. They are constants: no expression is evaluated there.
fn parameters(
    definition: &Node<'_>,
    found: &Container<'_>,
    beside: &Beside,
) -> BTreeMap<String, Template> {
    let own = definition.get("parameters");
    let own = own.iter().flat_map(Node::members).filter_map(|(name, parameter)| {
        // What a template says only when it is deployed is not known yet.
        let default = parameter.get("defaultValue").filter(|d| !is_unresolved(d))?;
        Some((name.to_owned(), default.constant()))
    });
    let project = beside.parameters.iter().map(|(name, value)| (name.clone(), constant(value)));
    let document = found.parameters.iter().map(|(name, value)| (name.clone(), value.clone()));
    let beside = project.chain(document).map(|(name, value)| {
        let place = ["parameters", &name, "type"];
        let kind = container::text(definition, &place).unwrap_or_default().to_ascii_lowercase();
        let secret = kind.starts_with("secure") || is_secret_key(&name);
        (name, cover(value, secret, &definition.doc.secrets))
    });
    own.chain(beside).collect()
}
