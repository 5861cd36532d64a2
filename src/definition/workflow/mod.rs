//! Workflow definitions as Power Automate and Logic Apps write them, whatever file they come in.

mod actions;
mod calls;
mod container;
mod control;
mod data;
mod settings;
#[cfg(test)]
mod tests;
mod trigger;

use super::ast::{Definition, Flow, Setup};
use super::expression::Template;
use super::json::Document;
use super::location::Location;
use super::node::{Node, constant};
use super::problem::Problem;
use std::collections::BTreeMap;

/// What is known while one definition is read.
struct Context {
    /// Action names without case, and where they stand.
    names: BTreeMap<String, Location>,
    /// Connection name to connector, from the references beside the definition.
    connectors: BTreeMap<String, String>,

    problems: Vec<Problem>,
}

/// Reads an export; `None` if this is no flow at all. With problems the definition holds what could be read.
pub fn parse(doc: &Document) -> Option<(Option<Definition>, Vec<Problem>)> {
    let root = Node::root(doc);
    let found = container::find(&root)?;
    let mut cx = Context {
        names: BTreeMap::new(),
        connectors: container::connectors(&root),
        problems: Vec::new(),
    };
    let Some(list) = found.definition.get("actions") else {
        cx.problems.push(found.definition.problem("a definition without \"actions\""));
        return Some((None, cx.problems));
    };
    let actions = actions::actions(&mut cx, &list);
    let flow = Flow {
        name: found.name.clone(),
        runs: None,
        trigger: trigger::trigger(&found.definition, &mut cx.problems),
        parameters: parameters(&root, &found.definition),
        actions,
        at: found.definition.at(),
    };
    let definition = Definition {
        name: found.name,
        path: doc.path.clone(),
        platform: found.platform.or_else(|| container::infer(&found.definition)),
        flows: vec![flow],
        setup: Setup::default(),
    };
    Some((Some(definition), cx.problems))
}

/// Defaults of the definition, replaced by the values beside it. They are constants: no expression is evaluated there.
fn parameters(root: &Node<'_>, definition: &Node<'_>) -> BTreeMap<String, Template> {
    let mut found = BTreeMap::new();
    for (name, parameter) in definition.get("parameters").iter().flat_map(Node::members) {
        if let Some(value) = parameter.get("defaultValue") {
            found.insert(name.to_owned(), constant(value.value));
        }
    }
    let beside = [root.get("parameters"), root.path(&["properties", "parameters"])];
    for (name, parameter) in beside.iter().flatten().flat_map(Node::members) {
        if let Some(value) = parameter.get("value") {
            found.insert(name.to_owned(), constant(value.value));
        }
    }
    found
}
