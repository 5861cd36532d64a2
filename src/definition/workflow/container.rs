//! Which file this is, where its definition stands, and what that tells of the platform.

use super::super::ast::Platform;
use super::super::design::stem;
use super::super::node::Node;
use std::collections::BTreeMap;

/// A definition found in a document.
pub(super) struct Found<'d> {
    pub(super) definition: Node<'d>,
    pub(super) platform: Option<Platform>,
    pub(super) name: String,
}

/// The definition of a document, tried from the most telling container to the barest.
pub(super) fn find<'d>(root: &Node<'d>) -> Option<Found<'d>> {
    let file = stem(&root.doc.path);
    if let Some(definition) = root.path(&["properties", "definition"]).filter(is_definition) {
        let kind = text(root, &["type"]).unwrap_or_default();
        let logic_apps = kind.eq_ignore_ascii_case("Microsoft.Logic/workflows");
        let platform = if logic_apps { Platform::LogicApps } else { Platform::PowerAutomate };
        let named = text(root, &["properties", "displayName"]);
        let named = named.or_else(|| text(root, &["name"]).filter(|_| logic_apps));
        let name = named.map_or(file, str::to_owned);
        return Some(Found { definition, platform: Some(platform), name });
    }
    if let Some(definition) = root.get("definition").filter(is_definition) {
        // In a Logic Apps Standard project the folder names the workflow.
        let folder =
            root.doc.path.rsplit('/').nth(1).filter(|folder| !folder.is_empty() && *folder != ".");
        let name = if file == "workflow" { folder.map_or(file, str::to_owned) } else { file };
        // Power Automate's own samples use this container too; its signs in the definition go before the container.
        let platform = infer(&definition).unwrap_or(Platform::LogicApps);
        return Some(Found { definition, platform: Some(platform), name });
    }
    is_bare(root).then(|| Found { definition: root.clone(), platform: None, name: file })
}

fn is_definition(node: &Node<'_>) -> bool {
    let actions = node.get("actions").is_some_and(|actions| actions.value.is_object());
    actions || node.get("triggers").is_some_and(|triggers| triggers.value.is_object())
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
    schema || triggers || typed
}

/// A text at the end of a path.
pub(super) fn text<'d>(node: &Node<'d>, path: &[&str]) -> Option<&'d str> {
    node.path(path)?.value.as_str()
}

/// The platform by its own marks in the definition; strong marks only.
pub(super) fn infer(definition: &Node<'_>) -> Option<Platform> {
    const BUTTONS: &[&str] = &[
        "button",
        "powerapp",
        "powerappv2",
        "apiconnection",
        "skills",
        "virtualagent",
        "geofence",
    ];
    if definition.path(&["parameters", "$authentication"]).is_some() {
        return Some(Platform::PowerAutomate);
    }
    for (_, trigger) in definition.get("triggers").iter().flat_map(Node::members) {
        let kind = text(&trigger, &["kind"]).unwrap_or_default().to_ascii_lowercase();
        if BUTTONS.contains(&kind.as_str()) {
            return Some(Platform::PowerAutomate);
        }
        if let Some(platform) = sign(&trigger) {
            return Some(platform);
        }
    }
    let mut open: Vec<Node<'_>> = definition.get("actions").into_iter().collect();
    while let Some(node) = open.pop() {
        for (key, member) in node.members() {
            if let Some(platform) = sign(&member) {
                return Some(platform);
            }
            // Inputs hold data, not actions.
            if key != "inputs" && key != "metadata" {
                open.push(member);
            }
        }
    }
    None
}

fn sign(action: &Node<'_>) -> Option<Platform> {
    let kind = text(action, &["type"])?.to_ascii_lowercase();
    let has = |path: &[&str]| action.path(path).is_some();
    match kind.as_str() {
        kind if kind.starts_with("openapiconnection") => Some(Platform::PowerAutomate),
        "serviceprovider" => Some(Platform::LogicApps),
        kind if kind.starts_with("apiconnection") => {
            has(&["inputs", "host", "connection"]).then_some(Platform::LogicApps)
        }
        "workflow" if has(&["inputs", "host", "workflowReferenceName"]) => {
            Some(Platform::PowerAutomate)
        }
        "workflow" if has(&["inputs", "host", "workflow"]) => Some(Platform::LogicApps),
        _ => None,
    }
}

/// Connection name to connector, as the references beside the definition say.
pub(super) fn connectors(root: &Node<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let references =
        [root.path(&["properties", "connectionReferences"]), root.get("connectionReferences")];
    let values = ["parameters", "properties"].map(|key| match key {
        "properties" => root.path(&["properties", "parameters", "$connections", "value"]),
        _ => root.path(&["parameters", "$connections", "value"]),
    });
    for (name, reference) in references.iter().chain(&values).flatten().flat_map(Node::members) {
        let id = [&["api", "name"][..], &["api", "id"], &["id"]]
            .iter()
            .find_map(|path| text(&reference, path));
        if let Some(id) = id {
            found.insert(name.to_owned(), last_segment(id).to_owned());
        }
    }
    found
}

/// `shared_x` of `/providers/…/apis/shared_x`.
pub(super) fn last_segment(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}
