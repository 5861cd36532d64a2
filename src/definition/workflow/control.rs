//! Actions that hold actions, and those that end or delay the run.

use super::super::ast::{ActionKind, Over, Status, TimeLimit};
use super::super::expression::{Template, unreadable};
use super::super::node::Node;
use super::Context;
use super::actions::inside;
use super::container::text;
use super::settings::{degree, has_option, is_expression, number, seconds};

/// The kind of a control action, `None` if the type is none. The type comes in lower case.
pub(super) fn control(cx: &mut Context, lower: &str, node: &Node<'_>) -> Option<ActionKind> {
    Some(match lower {
        "scope" => {
            ActionKind::Scope { actions: inside(cx, node, &["actions"]), all_or_nothing: false }
        }
        "if" => ActionKind::If {
            condition: condition(cx, node),
            then: inside(cx, node, &["actions"]),
            otherwise: inside(cx, node, &["else", "actions"]),
        },
        "switch" => switch(cx, node),
        "foreach" => for_each(cx, node),
        "until" => until(cx, node),
        "terminate" => ActionKind::Terminate { status: terminate(cx, node) },
        "wait" | "delay" | "delayuntil" => ActionKind::Delay,
        _ => return None,
    })
}

fn condition(cx: &mut Context, node: &Node<'_>) -> Template {
    match node.get("expression") {
        Some(expression) => expression.condition(&mut cx.problems),
        None => missing(cx, node, "expression"),
    }
}

/// A template that must be there.
fn needed(cx: &mut Context, node: &Node<'_>, key: &str) -> Template {
    match node.get(key) {
        Some(value) => value.template(&mut cx.problems),
        None => missing(cx, node, key),
    }
}

fn missing(cx: &mut Context, node: &Node<'_>, key: &str) -> Template {
    let message = format!("this action needs \"{key}\"; taken as a value that nobody knows");
    cx.odd.push(node.problem(message));
    unreadable(&node.at())
}

fn switch(cx: &mut Context, node: &Node<'_>) -> ActionKind {
    let on = needed(cx, node, "expression");
    let mut cases = Vec::new();
    for (_, case) in node.get("cases").iter().flat_map(Node::members) {
        let value = needed(cx, &case, "case");
        cases.push((value, inside(cx, &case, &["actions"])));
    }
    ActionKind::Switch { on, cases, default: inside(cx, node, &["default", "actions"]) }
}

fn for_each(cx: &mut Context, node: &Node<'_>) -> ActionKind {
    let over = Over::Values(needed(cx, node, "foreach"));
    let repetitions = node.path(&["runtimeConfiguration", "concurrency", "repetitions"]);
    let sequential = has_option(node, "Sequential");
    if let (true, Some(repetitions)) = (sequential, &repetitions) {
        let message =
            "both \"Sequential\" and \"repetitions\"; the platform refuses that; keep one";
        cx.problems.push(repetitions.problem(message));
    }
    let explicit = repetitions.and_then(|repetitions| degree(cx, &repetitions, 50));
    let concurrency = if sequential { Some(1) } else { explicit.or(cx.degree) };
    ActionKind::Foreach { over, concurrency, actions: inside(cx, node, &["actions"]) }
}

fn until(cx: &mut Context, node: &Node<'_>) -> ActionKind {
    let condition = condition(cx, node);
    let count = node.path(&["limit", "count"]).filter(|count| !count.value.is_null());
    let limit = count.as_ref().and_then(number).filter(|n| *n > 0);
    match count {
        Some(count) if limit.is_none() && !is_expression(&count) => {
            cx.problems.push(count.expected("a whole number from 1 up"));
        }
        _ if limit.is_none() => {
            let message = "an Until without a number of rounds; taken as 60, the platform's own";
            cx.odd.push(node.problem(message));
        }
        Some(_) | None => {}
    }
    let fail_at_limit = has_option(node, "FailWhenLimitsReached");
    // The platform's own is an hour (semantics §4.4).
    let after = text(node, &["limit", "timeout"]).and_then(seconds).unwrap_or(3_600);
    let time = TimeLimit::After(after);
    let actions = inside(cx, node, &["actions"]);
    ActionKind::Until { condition, limit, time, fail_at_limit, actions }
}

fn terminate(cx: &mut Context, node: &Node<'_>) -> Status {
    let Some(status) = node.path(&["inputs", "runStatus"]) else {
        cx.odd.push(node.problem("Terminate without \"runStatus\"; taken as Failed"));
        return Status::Failed;
    };
    let found = status.value.as_str().and_then(Status::parse);
    if let Some(found) = found
        .filter(|found| matches!(found, Status::Succeeded | Status::Failed | Status::Cancelled))
    {
        found
    } else {
        if !is_expression(&status) {
            cx.problems.push(status.expected("\"Succeeded\", \"Failed\" or \"Cancelled\""));
        }
        Status::Failed
    }
}
