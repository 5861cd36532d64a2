//! Acceptance at the place: JSON has no comments, but actions have descriptions and notes.

use super::super::ast::Acceptance;
use super::super::node::Node;

/// How an acceptance begins.
const MARK: &str = "flowrace: accept ";

/// What an action's description and metadata accept.
pub(super) fn acceptances(action: &str, node: &Node<'_>) -> Vec<Acceptance> {
    let mut texts: Vec<Node<'_>> = node.get("description").into_iter().collect();
    texts.extend(node.get("metadata").iter().flat_map(Node::members).map(|(_, member)| member));
    let mut found = Vec::new();
    for place in &texts {
        for (at, _) in place.value.as_str().unwrap_or_default().match_indices(MARK) {
            let said = &place.value.as_str().unwrap_or_default()[at + MARK.len()..];
            let said = said.lines().next().unwrap_or_default().trim();
            let (rule, rest) = said.split_once(' ').unwrap_or((said, ""));
            let reason = rest.trim().strip_prefix("because").unwrap_or_default().trim();
            found.push(Acceptance {
                action: action.to_owned(),
                rule: rule.trim_end_matches([',', ':', ';']).to_owned(),
                reason: reason.trim_matches(['.', ':']).trim().to_owned(),
                at: place.at(),
            });
        }
    }
    found
}
