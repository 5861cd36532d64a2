//! Pieces of flows that people paste: one action from the code view, or what *copy action* leaves on the clipboard.
//! Names may point outside.

use super::super::ast::Platform;
use super::super::node::Node;
use super::container::{Container, file_name, text};
use super::infer::sign;

/// The keys an action can have.
const KEYS: &[&str] = &[
    "type",
    "inputs",
    "runAfter",
    "metadata",
    "description",
    "kind",
    "actions",
    "expression",
    "else",
    "cases",
    "default",
    "foreach",
    "limit",
    "operationOptions",
    "runtimeConfiguration",
    "trackedProperties",
    "retryPolicy",
    "correlation",
    "conditions",
    "recurrence",
    "splitOn",
    "evaluatedRecurrence",
    "tools",
];

/// A piece as a definition of one action.
pub(super) fn open<'d>(root: &Node<'d>) -> Option<Container<'d>> {
    if let Some(action) = root.get("operationDefinition").filter(is_action) {
        let name = text(root, &["operationName"]).or_else(|| text(root, &["id"]));
        return Some(piece(root, &action, name, Some(Platform::PowerAutomate)));
    }
    // The newer designer's clipboard, for scopes.
    if let Some(action) = root.get("serializedOperation").filter(is_action) {
        return Some(piece(root, &action, text(root, &["nodeId"]), sign(&action)));
    }
    if let Some(action) = Some(root).filter(|node| is_action(node)) {
        return Some(piece(root, action, None, sign(action)));
    }
    named(root)
}

/// `"Get_items": {…}` in braces: actions without a definition around them.
fn named<'d>(root: &Node<'d>) -> Option<Container<'d>> {
    let members = root.members();
    let all = !members.is_empty() && members.iter().all(|(_, member)| is_action(member));
    let platform = members.iter().find_map(|(_, member)| sign(member));
    let pieces = members.iter().map(|(name, member)| ((*name).to_owned(), member.pointer.clone()));
    all.then(|| Container {
        pieces: pieces.collect(),
        ..Container::of(root, platform, file_name(root))
    })
}

fn piece<'d>(
    root: &Node<'d>,
    action: &Node<'d>,
    name: Option<&str>,
    platform: Option<Platform>,
) -> Container<'d> {
    let name = name.map_or_else(|| file_name(root), str::to_owned);
    Container {
        pieces: vec![(name.clone(), action.pointer.clone())],
        ..Container::of(action, platform, name)
    }
}

/// Whether this can only be an action: a type, what an action does or follows, and nothing foreign.
fn is_action(node: &Node<'_>) -> bool {
    let typed = text(node, &["type"]).is_some_and(|kind| !kind.is_empty());
    let has = |key: &str| node.get(key).is_some_and(|value| value.value.is_object());
    let acts = has("inputs") || has("actions") || (node.get("inputs").is_some() && has("runAfter"));
    typed && acts && node.members().iter().all(|(key, _)| KEYS.contains(key))
}
