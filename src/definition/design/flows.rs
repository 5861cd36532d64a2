//! `flow`, `flows` or `import`: where the steps come from.

use super::super::Parsed;
use super::super::ast::{Definition, Flow, Platform};
use super::super::beside::Beside;
use super::super::node::Node;
use super::super::problem::Problem;
use super::super::workflow;
use super::{Context, parse_within, refuse_unknown_keys, steps};
use std::collections::BTreeMap;

/// The flows, and what came with them from another file.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) flows: Vec<Flow>,
    pub(super) platform: Option<Platform>,
    /// Problems of imported files.
    pub(super) problems: Vec<Problem>,
}

/// The flows of a model; exactly one of the three keys gives them.
pub(super) fn flows(cx: &mut Context<'_>, root: &Node<'_>, name: &str) -> Brought {
    let given: Vec<Node<'_>> =
        ["flow", "flows", "import"].iter().filter_map(|key| root.get(key)).collect();
    if given.is_empty() {
        cx.problems.push(root.problem("no steps; expected one of \"flow\", \"flows\", \"import\""));
    }
    for other in given.iter().skip(1) {
        cx.problems.push(other.key_problem("expected only one of \"flow\", \"flows\", \"import\""));
    }
    if let Some(list) = root.get("flow") {
        let actions = steps::steps(cx, &list);
        Brought { flows: vec![flow(name, None, actions, &list)], ..Brought::default() }
    } else if let Some(several) = root.get("flows") {
        Brought { flows: several_flows(cx, &several), ..Brought::default() }
    } else if let Some(path) = root.get("import") {
        import(cx, &path)
    } else {
        Brought::default()
    }
}

fn flow(name: &str, runs: Option<u64>, actions: Vec<super::Action>, node: &Node<'_>) -> Flow {
    Flow {
        name: name.to_owned(),
        runs,
        trigger: None,
        parameters: BTreeMap::new(),
        actions,
        at: node.at(),
    }
}

fn several_flows(cx: &mut Context<'_>, node: &Node<'_>) -> Vec<Flow> {
    if node.is_object(&mut cx.problems) && node.members().is_empty() {
        cx.problems.push(node.problem("\"flows\" names no flow"));
    }
    let mut found = Vec::new();
    for (name, entry) in node.members() {
        if !entry.is_object(&mut cx.problems) {
            continue;
        }
        refuse_unknown_keys(&entry, &format!("flow \"{name}\""), &["do", "runs"], &mut cx.problems);
        let runs = entry.get("runs").and_then(|runs| runs.whole(1, None, &mut cx.problems));
        match entry.get("do") {
            Some(list) => {
                let actions = steps::steps(cx, &list);
                found.push(flow(name, runs, actions, &entry));
            }
            None => cx.problems.push(entry.problem(format!("flow \"{name}\" without \"do\""))),
        }
    }
    found
}

fn import(cx: &mut Context<'_>, node: &Node<'_>) -> Brought {
    let Some(written) = node.text(&mut cx.problems) else { return Brought::default() };
    if written.contains("://") {
        cx.problems.push(
            node.problem("nothing is fetched from the net; expected a path relative to this file"),
        );
        return Brought::default();
    }
    let path = resolve(&node.doc.path, written);
    if path.is_empty() {
        cx.problems.push(node.expected("the path of a file, relative to this one"));
        return Brought::default();
    }
    if let Some(start) = cx.chain.iter().position(|earlier| resolve("", earlier) == path) {
        let round: Vec<&str> =
            cx.chain[start..].iter().map(String::as_str).chain([path.as_str()]).collect();
        cx.problems.push(
            node.problem(format!("imports go round in a circle: {}", round.join(" imports "))),
        );
        return Brought::default();
    }
    let doc = match (cx.load)(&path) {
        Ok(doc) => doc,
        Err(problem) => {
            cx.problems.push(node.problem(format!("cannot import: {problem}")));
            return Brought::default();
        }
    };
    let read = if super::is_design(&doc.value) {
        let chain = cx.chain.iter().cloned().chain([path]).collect();
        let (definition, problems) = parse_within(&doc, cx.load, chain);
        vec![Parsed { definition, problems }]
    } else {
        workflow::parse(&doc, &Beside::default())
    };
    let count = read.len();
    match read.into_iter().next() {
        Some(parsed) if count == 1 => brought(cx, parsed.definition, parsed.problems),
        Some(_) => {
            let message = format!("\"{written}\" holds {count} flows; expected a file with one");
            cx.problems.push(node.problem(message));
            Brought::default()
        }
        None => {
            cx.problems.push(node.problem(format!("\"{written}\" is no flow")));
            Brought::default()
        }
    }
}

/// An imported model's groups come along; the importing file's own go before them.
fn brought(
    cx: &mut Context<'_>,
    definition: Option<Definition>,
    problems: Vec<Problem>,
) -> Brought {
    let Some(definition) = definition else { return Brought { problems, ..Brought::default() } };
    for group in definition.setup.state {
        if !cx.state.iter().any(|(name, ..)| *name == group.0) {
            cx.state.push(group);
        }
    }
    Brought { flows: definition.flows, platform: definition.platform, problems }
}

/// A path relative to a file, `.` and `..` resolved as far as they go; back-slashes are slashes.
fn resolve(file: &str, written: &str) -> String {
    let written = written.replace('\\', "/");
    let drive = written.as_bytes().get(1) == Some(&b':');
    let folder = file.rfind('/').map_or("", |end| &file[..=end]);
    let joined =
        if written.starts_with('/') || drive { written } else { format!("{folder}{written}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| *last != ".." && !last.is_empty()) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
