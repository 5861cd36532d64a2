//! Which file this is, where its definitions stand, and what that tells of the platform (semantics §1.1).

use super::super::ast::Platform;
use super::super::beside::Beside;
use super::super::design::stem;
use super::super::expression::Template;
use super::super::json::Document;
use super::super::node::{Node, constant};
use super::arm;
use super::infer::infer;
use super::snippet;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A definition found in a document, and what the document says around it.
#[derive(Debug)]
pub(super) struct Container<'d> {
    /// The definition; owned where it is not in the document as it stands.
    pub(super) definition: Cow<'d, Value>,
    /// Where it is in the document.
    pub(super) pointer: String,
    pub(super) platform: Option<Platform>,
    pub(super) name: String,
    /// Connection or connection reference to connector.
    pub(super) connectors: BTreeMap<String, String>,
    /// Values of parameters, which go before their defaults.
    pub(super) parameters: BTreeMap<String, Template>,
    /// If this is a piece of a larger flow: names and pointers of its actions; names in it may point outside.
    pub(super) pieces: Vec<(String, String)>,
    /// Remarks on what is around.
    pub(super) notes: Vec<String>,
}

/// The definitions of a document, tried from the most telling container to the barest; none if it holds no flow.
pub(super) fn open<'d>(doc: &'d Document, beside: &Beside) -> Vec<Container<'d>> {
    let root = Node::root(doc);
    if arm::is_template(&doc.value) {
        return template(&root);
    }
    if let Some(one) = single(&root, beside) {
        return vec![one];
    }
    // What a REST listing or a command line tool answers.
    let list = root.get("value").unwrap_or(root);
    list.elements().iter().filter_map(|element| single(element, &Beside::default())).collect()
}

fn template<'d>(root: &Node<'d>) -> Vec<Container<'d>> {
    let found = arm::workflows(&root.doc.value).into_iter().filter(|w| has_actions(&w.definition));
    let container = |workflow: arm::Workflow| Container {
        name: Some(workflow.name).filter(|n| !n.is_empty()).unwrap_or_else(|| file_name(root)),
        definition: Cow::Owned(workflow.definition),
        pointer: workflow.pointer,
        platform: Some(Platform::LogicApps),
        connectors: connectors(workflow.connections.iter().map(|(n, c)| (n.as_str(), c))),
        parameters: workflow.parameters.iter().map(|(n, v)| (n.clone(), given(v))).collect(),
        pieces: Vec::new(),
        notes: workflow.notes,
    };
    found.map(container).collect()
}

/// A value of a parameter: a constant, unless only the deployment knows it.
fn given(value: &Value) -> Template {
    match value.as_str() {
        Some(text) if text.contains("parameters('[") => {
            super::super::expression::parse_text(text, &super::Location::default())
                .unwrap_or_else(|_| constant(value))
        }
        _ => constant(value),
    }
}

fn single<'d>(root: &Node<'d>, beside: &Beside) -> Option<Container<'d>> {
    let within = |definition: Node<'d>, platform, name| Container {
        connectors: around(root),
        parameters: values(root),
        pieces: Vec::new(),
        ..Container::of(&definition, platform, name)
    };
    let run = ["properties", "workflow", "properties", "definition"];
    let nested = root.path(&["properties", "definition"]).or_else(|| root.path(&run));
    if let Some(definition) = nested.filter(|d| has_actions(d.value)) {
        let kind = text(root, &["type"]).unwrap_or_default().to_ascii_lowercase();
        let logic_apps = kind.starts_with("microsoft.logic/");
        let platform = if logic_apps { Platform::LogicApps } else { Platform::PowerAutomate };
        let named = text(root, &["properties", "displayName"])
            .or_else(|| text(root, &["name"]).filter(|_| platform == Platform::LogicApps));
        let name = beside.name.as_deref().or(named).map_or_else(|| file_name(root), str::to_owned);
        return Some(within(definition, Some(platform), name));
    }
    if let Some(definition) = root.get("definition").filter(|d| has_actions(d.value)) {
        // Power Automate's own samples use this container too; its signs in the definition go before the container.
        let platform = infer(&definition).unwrap_or(Platform::LogicApps);
        let named = beside.name.as_deref().or_else(|| text(root, &["name"]));
        let name = named.map_or_else(|| file_name(root), str::to_owned);
        return Some(within(definition, Some(platform), name));
    }
    if is_bare(root) {
        return Some(within(root.clone(), None, file_name(root)));
    }
    snippet::open(root)
}

impl<'d> Container<'d> {
    /// A definition as it stands in the document, with nothing known around it.
    pub(super) fn of(definition: &Node<'d>, platform: Option<Platform>, name: String) -> Self {
        Container {
            definition: Cow::Borrowed(definition.value),
            pointer: definition.pointer.clone(),
            platform,
            name,
            connectors: BTreeMap::new(),
            parameters: BTreeMap::new(),
            pieces: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// The name a file gives its flow: without the identifier that solutions append; in a Logic Apps Standard project the
/// folder names the workflow.
pub(super) fn file_name(root: &Node<'_>) -> String {
    let path = &root.doc.path;
    let file = stem(path);
    let folder = path.rsplit('/').nth(1).filter(|f| !f.is_empty() && !matches!(*f, "." | ".."));
    match folder {
        Some(folder) if file == "workflow" => folder.to_owned(),
        Some(_) | None => without_identifier(&file).to_owned(),
    }
}

/// `Orders` of `Orders-1AD90513-B7A0-ED11-AAD1-0022482A43B9`.
fn without_identifier(name: &str) -> &str {
    const LENGTHS: [usize; 5] = [12, 4, 4, 4, 8];
    let mut parts = name.rsplitn(6, '-');
    let hexadecimal = |length: usize, part: Option<&str>| {
        part.is_some_and(|p| p.len() == length && p.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let all = LENGTHS.iter().all(|length| hexadecimal(*length, parts.next()));
    parts.next().filter(|rest| all && !rest.is_empty()).unwrap_or(name)
}

fn has_actions(definition: &Value) -> bool {
    ["actions", "triggers"].iter().any(|key| definition.get(key).is_some_and(Value::is_object))
}

/// A definition without container; other formats have `actions` too, so it takes a second sign.
fn is_bare(root: &Node<'_>) -> bool {
    let Some(actions) = root.get("actions").filter(|actions| actions.value.is_object()) else {
        return false;
    };
    let schema =
        text(root, &["$schema"]).is_some_and(|schema| schema.contains("workflowdefinition.json"));
    let triggers = root.get("triggers").is_some_and(|triggers| triggers.value.is_object());
    let members = actions.members();
    let typed =
        !members.is_empty() && members.iter().all(|(_, action)| text(action, &["type"]).is_some());
    (schema || triggers || typed) && root.get("type").is_none()
}

/// A text at the end of a path.
pub(super) fn text<'d>(node: &Node<'d>, path: &[&str]) -> Option<&'d str> {
    node.path(path)?.value.as_str()
}

/// The connections that stand in the document, beside the definition.
fn around(root: &Node<'_>) -> BTreeMap<String, String> {
    let places: [&[&str]; 5] = [
        &["properties", "connectionReferences"],
        &["connectionReferences"],
        &["properties", "parameters", "$connections", "value"],
        &["parameters", "$connections", "value"],
        &["$connections", "value"],
    ];
    let nodes: Vec<Node<'_>> = places.iter().filter_map(|path| root.path(path)).collect();
    connectors(nodes.iter().flat_map(Node::members).map(|(name, entry)| (name, entry.value)))
}

/// Connection to connector, by what an entry says of its service.
pub(crate) fn connectors<'v>(
    entries: impl Iterator<Item = (&'v str, &'v Value)>,
) -> BTreeMap<String, String> {
    const PLACES: [&str; 4] = ["/api/name", "/api/id", "/serviceProvider/id", "/id"];
    let id = |entry: &'v Value| PLACES.iter().find_map(|place| entry.pointer(place)?.as_str());
    entries
        .filter_map(|(name, entry)| Some((name.to_owned(), last_segment(id(entry)?).to_owned())))
        .collect()
}

/// The values that stand beside the definition. They are constants: no expression is evaluated there.
fn values(root: &Node<'_>) -> BTreeMap<String, Template> {
    let beside = [root.get("parameters"), root.path(&["properties", "parameters"])];
    let all = beside.iter().flatten().flat_map(Node::members);
    all.filter_map(|(name, parameter)| Some((name.to_owned(), parameter.get("value")?.constant())))
        .collect()
}

/// `shared_x` of `/providers/…/apis/shared_x`.
pub(crate) fn last_segment(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}
