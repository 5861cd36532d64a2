//! The platform by its own marks in the definition (semantics §1.2); strong marks only.

use super::super::ast::Platform;
use super::super::node::Node;
use super::container::text;

/// Kinds of triggers that only Power Automate has.
const BUTTONS: &[&str] =
    &["button", "powerapp", "powerappv2", "apiconnection", "skills", "virtualagent", "geofence"];

/// The platform a definition shows.
pub(super) fn infer(definition: &Node<'_>) -> Option<Platform> {
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

/// The platform a single action or trigger shows.
pub(super) fn sign(action: &Node<'_>) -> Option<Platform> {
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
