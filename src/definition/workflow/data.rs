//! Actions on variables, and those that only compute.

use super::super::ast::ActionKind;
use super::super::expression::Template;
use super::super::node::Node;
use super::Context;
use super::container::text;
use serde_json::Value;

/// The kind of a variable or data action, `None` if the type is none. The type comes in lower case.
pub(super) fn data(cx: &mut Context, lower: &str, node: &Node<'_>) -> Option<ActionKind> {
    let mut input = |key: &str| part(cx, node, &["inputs", key]);
    Some(match lower {
        "setvariable" => {
            let value = input("value");
            ActionKind::Set { variable: variable(cx, node), value }
        }
        "incrementvariable" | "decrementvariable" => {
            let by = node.path(&["inputs", "value"]).map(|by| by.template(&mut cx.problems));
            let by = by.unwrap_or_else(|| Template::Literal(1.into()));
            ActionKind::Increment {
                variable: variable(cx, node),
                by,
                negative: lower.starts_with('d'),
            }
        }
        "appendtoarrayvariable" | "appendtostringvariable" => {
            let value = input("value");
            ActionKind::Append { variable: variable(cx, node), value }
        }
        "query" => {
            let from = input("from");
            let place = node.path(&["inputs", "where"]);
            let condition = place.map(|place| place.condition(&mut cx.problems));
            ActionKind::Query {
                from,
                condition: condition.unwrap_or(Template::Literal(Value::Bool(true))),
            }
        }
        "select" => ActionKind::Select { from: input("from"), select: input("select") },
        "join" => ActionKind::Join { from: input("from"), with: input("joinWith") },
        "table" => ActionKind::Compose { value: input("from") },
        "parsejson" => ActionKind::Compose { value: input("content") },
        "response" => {
            let value = input("body");
            let good = match node.path(&["inputs", "statusCode"]) {
                None => true,
                Some(code) => code.value.as_u64().is_some_and(|n| (200..300).contains(&n)),
            };
            ActionKind::Response { value, good }
        }
        "compose"
        | "expression"
        | "xslt"
        | "xmlvalidation"
        | "xmlparse"
        | "xmlcompose"
        | "liquid"
        | "flatfileencoding"
        | "flatfiledecoding"
        | "integrationaccountartifactlookup"
        | "parsedocument"
        | "chunktext"
        | "javascriptcode"
        | "csharpscriptcode"
        | "powershellcode" => ActionKind::Compose { value: part(cx, node, &["inputs"]) },
        _ => return None,
    })
}

/// The template at the end of a path; null if there is none.
pub(super) fn part(cx: &mut Context, node: &Node<'_>, path: &[&str]) -> Template {
    let absent = Template::Literal(Value::Null);
    node.path(path).map_or(absent, |part| part.template(&mut cx.problems))
}

fn variable(cx: &mut Context, node: &Node<'_>) -> String {
    let name = text(node, &["inputs", "name"]);
    if name.is_none() {
        cx.problems.push(
            node.problem(
                "this action names no variable; expected a text under \"inputs\", \"name\"",
            ),
        );
    }
    name.unwrap_or_default().to_owned()
}

/// One part a variable, with a suffix for its action's name.
pub(super) fn initialize(cx: &mut Context, node: &Node<'_>) -> Vec<(String, ActionKind)> {
    let declared = node.path(&["inputs", "variables"]);
    let declared = declared.as_ref().map_or_else(Vec::new, Node::elements);
    let mut parts = Vec::new();
    for entry in &declared {
        match text(entry, &["name"]) {
            Some(name) => {
                let value = entry.get("value").filter(|value| !value.value.is_null());
                let value = match value {
                    Some(value) => value.template(&mut cx.problems),
                    None => empty(text(entry, &["type"]).unwrap_or_default()),
                };
                parts.push((
                    name.to_owned(),
                    ActionKind::Initialize { variable: name.to_owned(), value },
                ));
            }
            None => cx.problems.push(entry.problem("a variable without \"name\"")),
        }
    }
    if parts.is_empty() {
        cx.problems.push(node.problem(
            "InitializeVariable without variables; expected a list under \"inputs\", \"variables\"",
        ));
    }
    parts
}

/// What a variable without a value starts as.
fn empty(kind: &str) -> Template {
    match kind.to_ascii_lowercase().as_str() {
        "array" => Template::Array(Vec::new()),
        "string" => Template::Text(String::new()),
        "integer" | "float" => Template::Literal(0.into()),
        "object" => Template::Object(Vec::new()),
        "boolean" => Template::Literal(Value::Bool(false)),
        _ => Template::Literal(Value::Null),
    }
}
