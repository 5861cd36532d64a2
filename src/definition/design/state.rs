//! `state`: the cell groups. Values here are constants; an `@` in them is a letter.

use super::super::ast::Group;
use super::super::expression::Template;
use super::super::location::Location;
use super::super::node::Node;
use super::super::problem::Problem;
use super::super::suggest::did_you_mean;
use super::refuse_unknown_keys;
use serde_json::Value;

const KINDS: &[&str] = &["variable", "item", "table", "blob"];

/// The groups in file order.
pub(super) fn state(
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Group, Location)> {
    let mut found = Vec::new();
    if node.is_object(problems) {
        for (name, entry) in node.members() {
            if let Some(group) = group(name, &entry, problems) {
                found.push((name.to_owned(), group, entry.at()));
            }
        }
    }
    found
}

fn group(name: &str, node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<Group> {
    if !node.is_object(problems) {
        return None;
    }
    if name.is_empty() || name.contains('.') {
        problems.push(node.key_problem(
            "a group's name is not empty and has no dot; \"item.Field\" names a cell",
        ));
    }
    let Some(kind) = node.get("kind") else {
        problems.push(node.problem(format!(
            "group \"{name}\" has no \"kind\"; expected one of {}",
            KINDS.join(", ")
        )));
        return None;
    };
    let known: &[&str] = match kind.value.as_str() {
        Some("variable" | "blob") => &["kind", "value"],
        Some("item") => &["kind", "fields"],
        Some("table") => &["kind", "rows", "key", "unique"],
        Some(other) => {
            let near = did_you_mean(other, KINDS.iter().copied());
            problems.push(kind.expected(&format!("one of {}{near}", KINDS.join(", "))));
            return None;
        }
        None => {
            problems.push(kind.expected(&format!("one of {}", KINDS.join(", "))));
            return None;
        }
    };
    let kind = kind.value.as_str().unwrap_or_default();
    refuse_unknown_keys(node, &format!("group \"{name}\""), known, problems);
    Some(match kind {
        "item" => Group::Item { fields: fields(node, problems) },
        "table" => table(node, problems),
        "blob" => Group::Blob { value: node.get("value").map(|value| value.constant()) },
        _ => variable(name, node, problems),
    })
}

fn variable(name: &str, node: &Node<'_>, problems: &mut Vec<Problem>) -> Group {
    let value = node.get("value");
    if value.is_none() {
        problems.push(node.problem(format!("variable \"{name}\" has no \"value\"")));
    }
    let absent = || Template::Literal(Value::Null);
    Group::Variable { value: value.map_or_else(absent, |value| value.constant()) }
}

fn fields(node: &Node<'_>, problems: &mut Vec<Problem>) -> Vec<(String, Template)> {
    let Some(fields) = node.get("fields") else {
        problems
            .push(node.problem("an item has no \"fields\"; expected an object of field to value"));
        return Vec::new();
    };
    row(&fields, problems)
}

fn row(node: &Node<'_>, problems: &mut Vec<Problem>) -> Vec<(String, Template)> {
    node.is_object(problems);
    node.members().iter().map(|(key, value)| ((*key).to_owned(), value.constant())).collect()
}

fn table(node: &Node<'_>, problems: &mut Vec<Problem>) -> Group {
    let mut rows = Vec::new();
    if let Some(list) = node.get("rows")
        && list.is_list(problems)
    {
        rows = list.elements().iter().map(|element| row(element, problems)).collect();
    }
    let mut key = Vec::new();
    if let Some(list) = node.get("key")
        && list.is_list(problems)
    {
        key = list
            .elements()
            .iter()
            .filter_map(|column| column.text(problems))
            .map(str::to_owned)
            .collect();
    }
    let unique = node.get("unique");
    let flag = unique.as_ref().and_then(|flag| flag.boolean(problems)).unwrap_or(false);
    if let (true, true, Some(node)) = (flag, key.is_empty(), unique) {
        problems.push(node.problem("\"unique\" needs \"key\": the columns that must not repeat"));
    }
    Group::Table { rows, key, unique: flag }
}
