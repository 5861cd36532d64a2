//! Whether a flow can stand in the place of a call of it, and which of its actions come before its answer.

use super::super::ast::{Action, ActionKind, RunAfter, Status};
use super::super::expression::Expr;
use super::super::walk::{every_action, every_expr, parts};
use std::collections::BTreeSet;

/// Why a flow cannot stand in the place of a call of it, whoever calls it.
pub(super) fn refusal(body: &mut [Action]) -> Option<&'static str> {
    let mut why = None;
    every_action(body, &mut |action| match &action.kind {
        ActionKind::Terminate { .. } => why = Some("it can end itself"),
        ActionKind::Response { good: false, .. } => why = Some("it can answer with a failure"),
        _ => {}
    });
    every_expr(body, &mut |expr| {
        if matches!(expr, Expr::Call { name, args } if args.is_empty() && name.eq_ignore_ascii_case("trigger"))
        {
            why = Some("it asks how it was called");
        }
    });
    why
}

/// What a child does until it has answered, and what it does then; `None` if the two cannot be told apart, run side by
/// side, or the second waits for the first to fail.
pub(super) fn split(body: Vec<Action>) -> Option<(Vec<Action>, Vec<Action>)> {
    let mut last = false;
    let answering: Vec<String> = body
        .iter()
        .filter(|action| {
            let answers = answers(action);
            last |= answers && !ends_with_answer(&action.kind);
            answers
        })
        .map(|a| a.name.clone())
        .collect();
    let before = up_to(&body, answering);
    let (first, mut rest): (Vec<Action>, Vec<Action>) =
        body.into_iter().partition(|a| before.contains(&a.name));
    let mut tangled = last;
    for action in &mut rest {
        let alone = action.run_after.is_empty() && !before.is_empty();
        let waits = |r: &RunAfter| before.contains(&r.action) && r.statuses != [Status::Succeeded];
        tangled |= alone || action.run_after.iter().any(waits);
        action.run_after.retain(|r| !before.contains(&r.action));
    }
    (!tangled).then_some((first, rest))
}

/// These siblings and all that come before them.
fn up_to(siblings: &[Action], mut wanted: Vec<String>) -> BTreeSet<String> {
    let mut before = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if before.insert(name.clone()) {
            let found = siblings.iter().filter(|a| a.name == name);
            wanted.extend(found.flat_map(|a| &a.run_after).map(|r| r.action.clone()));
        }
    }
    before
}

/// Whether there is a Response in an action.
fn answers(action: &Action) -> bool {
    let mut found = false;
    every_action(&mut [action.clone()], &mut |a| {
        found |= matches!(a.kind, ActionKind::Response { .. });
    });
    found
}

/// Whether nothing inside an action comes after, or runs beside, a Response inside it.
fn ends_with_answer(kind: &ActionKind) -> bool {
    if matches!(kind, ActionKind::Foreach { .. } | ActionKind::Until { .. }) {
        return false;
    }
    let mut kind = kind.clone();
    parts(&mut kind).0.into_iter().all(|inner| {
        let answering: Vec<&Action> = inner.iter().filter(|a| answers(a)).collect();
        let names = answering.iter().map(|a| a.name.clone()).collect();
        answering.is_empty()
            || (answering.iter().all(|a| ends_with_answer(&a.kind))
                && up_to(inner, names).len() == inner.len())
    })
}
