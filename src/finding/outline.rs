//! The flow as its maker sees it: every action with its container and what it waits for, in file order. Plain data
//! for pictures, and for the place of an action that a schedule names.

use crate::definition::ast::{Action, ActionKind, Definition, Over, RunAfter, Status};
use crate::definition::expression::Template;
use crate::definition::location::Location;
use serde_json::Value as Json;

/// One action, or a flow when a document has several.
#[derive(Clone, Debug)]
pub struct Outlined {
    /// As written.
    pub name: String,
    /// What it is, in the designer's words: `Apply to each`, `Condition`, `Increment variable`, `PatchItem`.
    pub kind: String,
    /// What matters about it: `5 items, 5 at once`.
    pub detail: String,
    /// Its container, by position in the list; `None` at the top.
    pub inside: Option<usize>,
    /// Which side of its container: `yes`, `no`, a case, a branch; empty where there is only one.
    pub side: String,
    /// What it waits for, with the statuses unless plain success.
    pub after: Vec<(String, Vec<&'static str>)>,
    /// Where it stands.
    pub at: Location,
}

/// All actions of a document.
pub fn outline(definition: &Definition) -> Vec<Outlined> {
    let mut list = Vec::new();
    for flow in &definition.flows {
        let mut inside = None;
        if definition.flows.len() > 1 {
            let runs = flow.runs.map_or(String::new(), |n| format!("{n} runs"));
            inside = Some(list.len());
            list.push(Outlined {
                name: flow.name.clone(),
                kind: "Flow".into(),
                detail: runs,
                inside: None,
                side: String::new(),
                after: Vec::new(),
                at: flow.at.clone(),
            });
        }
        add(&flow.actions, inside, "", &mut list);
    }
    list
}

/// The innermost action whose text holds a place.
pub fn at<'a>(outline: &'a [Outlined], place: &Location) -> Option<&'a Outlined> {
    let holds = |entry: &&Outlined| {
        let rest = place.pointer.strip_prefix(&entry.at.pointer);
        entry.at.path == place.path
            && !entry.at.pointer.is_empty()
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    outline.iter().filter(holds).max_by_key(|entry| entry.at.pointer.len())
}

/// The action of that name.
pub fn named<'a>(outline: &'a [Outlined], name: &str) -> Option<&'a Outlined> {
    outline.iter().find(|entry| entry.name == name)
}

/// Where the designer shows an action: `Apply to each > Condition > Update item`. The designer writes blanks for the
/// underscores of the definition.
pub fn path(outline: &[Outlined], entry: &Outlined) -> String {
    let mut names = Vec::new();
    let mut next = Some(entry);
    while let Some(entry) = next {
        names.push(entry.name.replace('_', " "));
        next = entry.inside.and_then(|at| outline.get(at));
    }
    names.reverse();
    names.join(" > ")
}

fn add(actions: &[Action], inside: Option<usize>, side: &str, list: &mut Vec<Outlined>) {
    for action in actions {
        let own = Some(list.len());
        let (kind, detail) = says(&action.kind);
        list.push(Outlined {
            name: action.name.clone(),
            kind,
            detail,
            inside,
            side: side.to_owned(),
            after: action.run_after.iter().map(waits).collect(),
            at: action.at.clone(),
        });
        match &action.kind {
            ActionKind::Scope { actions, .. }
            | ActionKind::Foreach { actions, .. }
            | ActionKind::Until { actions, .. } => add(actions, own, "", list),
            ActionKind::Parallel { branches } => {
                for (n, branch) in branches.iter().enumerate() {
                    add(branch, own, &format!("{}.{}", action.name, n + 1), list);
                }
            }
            ActionKind::If { then, otherwise, .. } => {
                add(then, own, "if yes", list);
                add(otherwise, own, "if no", list);
            }
            ActionKind::Switch { cases, default, .. } => {
                for (case, actions) in cases {
                    add(actions, own, &format!("case {}", constant(case)), list);
                }
                add(default, own, "default", list);
            }
            _ => {}
        }
    }
}

fn waits(after: &RunAfter) -> (String, Vec<&'static str>) {
    let plain = after.statuses == [Status::Succeeded];
    let name = |status: &Status| match status {
        Status::Succeeded => "has succeeded",
        Status::Failed => "has failed",
        Status::Skipped => "is skipped",
        Status::TimedOut => "has timed out",
        Status::Cancelled => "is cancelled",
    };
    let statuses = if plain { Vec::new() } else { after.statuses.iter().map(name).collect() };
    (after.action.clone(), statuses)
}

fn says(kind: &ActionKind) -> (String, String) {
    let plain = |kind: &str| (kind.to_owned(), String::new());
    match kind {
        ActionKind::Scope { .. } => plain("Scope"),
        ActionKind::Parallel { .. } => plain("Parallel branches"),
        ActionKind::If { .. } => plain("Condition"),
        ActionKind::Switch { .. } => plain("Switch"),
        ActionKind::Foreach { over, concurrency, .. } => {
            ("Apply to each".into(), looped(over, *concurrency))
        }
        ActionKind::Until { limit, .. } => {
            ("Do until".into(), limit.map_or(String::new(), |n| format!("at most {n} rounds")))
        }
        ActionKind::Terminate { .. } => plain("Terminate"),
        ActionKind::Initialize { variable, .. } => ("Initialize variable".into(), variable.clone()),
        ActionKind::Set { variable, .. } => ("Set variable".into(), variable.clone()),
        ActionKind::Increment { variable, negative: false, .. } => {
            ("Increment variable".into(), variable.clone())
        }
        ActionKind::Increment { variable, negative: true, .. } => {
            ("Decrement variable".into(), variable.clone())
        }
        ActionKind::Append { variable, .. } => ("Append to variable".into(), variable.clone()),
        ActionKind::Compose { .. } => plain("Compose"),
        ActionKind::Response { .. } => plain("Response"),
        ActionKind::Query { .. } => plain("Filter array"),
        ActionKind::Select { .. } => plain("Select"),
        ActionKind::Join { .. } => plain("Join"),
        ActionKind::Wait { .. } => plain("Wait"),
        ActionKind::Delay => plain("Delay"),
        ActionKind::Call(call) => {
            let target = call.parameters.get("target").map_or(String::new(), constant);
            (call.operation.clone(), target)
        }
    }
}

fn looped(over: &Over, concurrency: Option<u64>) -> String {
    let items = match over {
        Over::Count(n) => Some(format!("{n} items")),
        Over::Values(Template::Array(items)) => Some(format!("{} items", items.len())),
        Over::Values(_) => None,
    };
    let at_once =
        concurrency.map(|n| if n == 1 { "one at a time".into() } else { format!("{n} at once") });
    items.into_iter().chain(at_once).collect::<Vec<_>>().join(", ")
}

/// A constant's text; nothing for an expression, which may hold what is nobody's business.
fn constant(template: &Template) -> String {
    match template {
        Template::Text(text) | Template::Literal(Json::String(text)) => text.clone(),
        Template::Literal(json) => json.to_string(),
        _ => String::new(),
    }
}
