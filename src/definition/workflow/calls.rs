//! Everything that leaves the flow: which connector, which operation, with what.

use super::super::ast::Call;
use super::super::expression::Template;
use super::super::node::Node;
use super::super::secret;
use super::Context;
use super::container::{last_segment, text};
use std::collections::BTreeMap;

/// A call of any type, also of one never heard of. The type comes in lower case.
pub(super) fn call(cx: &mut Context, lower: &str, node: &Node<'_>) -> Call {
    match lower {
        kind if kind.starts_with("openapiconnection") => open_api(cx, node),
        kind if kind.starts_with("apiconnection") => api(cx, node),
        "http" => http(cx, node),
        "serviceprovider" => service_provider(cx, node),
        _ => other(cx, lower, node),
    }
}

fn open_api(cx: &mut Context, node: &Node<'_>) -> Call {
    let host = |key: &str| text(node, &["inputs", "host", key]);
    let by_id = host("apiId").map(|id| last_segment(id).to_owned());
    let name = host("connectionName")
        .or_else(|| host("connection"))
        .or_else(|| host("connectionReferenceName"));
    let connector = by_id.or_else(|| name.map(|name| connector(cx, name))).unwrap_or_default();
    let operation = host("operationId").unwrap_or_default().to_owned();
    Call { connector, operation, parameters: members(cx, node, &["inputs", "parameters"]) }
}

fn api(cx: &mut Context, node: &Node<'_>) -> Call {
    let host = |key: &str| text(node, &["inputs", "host", "connection", key]);
    let name =
        host("referenceName").or_else(|| host("name").map(connection_name)).unwrap_or_default();
    let path = text(node, &["inputs", "path"]).unwrap_or_default();
    let operation = format!("{} {}", method(node), secret::shown(path, "")).trim().to_owned();
    let parameters = inputs(cx, node, &["method", "path", "queries", "headers", "body"]);
    Call { connector: connector(cx, name), operation, parameters }
}

fn http(cx: &mut Context, node: &Node<'_>) -> Call {
    let parameters = inputs(cx, node, &["uri", "headers", "queries", "body"]);
    Call { connector: "http".to_owned(), operation: method(node), parameters }
}

fn service_provider(cx: &mut Context, node: &Node<'_>) -> Call {
    let setting = |key: &str| {
        text(node, &["inputs", "serviceProviderConfiguration", key]).unwrap_or_default()
    };
    let connector = last_segment(setting("serviceProviderId")).to_owned();
    let operation = setting("operationId").to_owned();
    Call { connector, operation, parameters: members(cx, node, &["inputs", "parameters"]) }
}

/// An unknown type: its inputs are its parameters, whatever they mean.
fn other(cx: &mut Context, lower: &str, node: &Node<'_>) -> Call {
    let mut parameters = members(cx, node, &["inputs"]);
    if let Some(whole) = node.get("inputs").filter(|inputs| !inputs.value.is_object()) {
        parameters.insert("inputs".to_owned(), whole.template(&mut cx.problems));
    }
    let operation = text(node, &["kind"]).unwrap_or_default().to_owned();
    Call { connector: lower.to_owned(), operation, parameters }
}

fn method(node: &Node<'_>) -> String {
    text(node, &["inputs", "method"]).unwrap_or_default().to_ascii_uppercase()
}

/// Those of these inputs that are there.
fn inputs(cx: &mut Context, node: &Node<'_>, keys: &[&str]) -> BTreeMap<String, Template> {
    let mut found = BTreeMap::new();
    for key in keys {
        if let Some(value) = node.path(&["inputs", key]) {
            found.insert((*key).to_owned(), value.template(&mut cx.problems));
        }
    }
    found
}

/// All members of an object, flattened names (`item/Title`) as written. A policy is no parameter.
fn members(cx: &mut Context, node: &Node<'_>, path: &[&str]) -> BTreeMap<String, Template> {
    let mut found = BTreeMap::new();
    for (key, value) in node.path(path).iter().flat_map(Node::members) {
        if !matches!(key, "retryPolicy" | "authentication") {
            found.insert(key.to_owned(), value.template(&mut cx.problems));
        }
    }
    found
}

/// `x` of `@parameters('$connections')['x']['connectionId']`.
fn connection_name(written: &str) -> &str {
    let quoted: Vec<&str> = written.split('\'').collect();
    match quoted[..] {
        [_, "$connections", _, name, ..] => name,
        _ => written,
    }
}

/// The connector behind a connection: by the references, else the name without its running number.
fn connector(cx: &Context, name: &str) -> String {
    if let Some(connector) = cx.connectors.get(name) {
        return connector.clone();
    }
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match bare.strip_suffix(['_', '-']) {
        Some(stripped) if bare.len() < name.len() => stripped.to_owned(),
        Some(_) | None => name.to_owned(),
    }
}
