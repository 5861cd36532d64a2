//! partial-failure: some of an all-or-nothing group took effect, and nobody took it back; or somebody did, and took
//! back another process's change with it.

use super::judge::Violation;
use crate::model::access::Act;
use crate::model::block::{Block, Mark, Memory};
use crate::model::expression::Expr;
use crate::model::group::cell;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Program, Status};
use crate::model::value::Value;
use crate::model::view::View;
use std::sync::Arc;

/// What incomplete groups leave behind when their process has ended.
pub(super) fn left_behind(program: &Program, class: ClassId, block: &Block) -> Vec<Violation> {
    let mut found = Vec::new();
    // Of a group around a concurrent loop an iteration knows only its own part.
    for &group in program.groups.iter().filter(|&&g| program.node(g).class == class) {
        let left = block.left_behind(program, group);
        found.extend(left.into_iter().map(|(r, column, node)| violation(r, &column, node, group)));
    }
    for mark in block.marks.keys() {
        if let Mark::Left(group, resource, column, node) = mark {
            found.push(violation(*resource, column, *node, *group));
        }
    }
    found
}

fn violation(
    resource: Option<ResourceId>,
    column: &Arc<str>,
    node: NodeId,
    group: NodeId,
) -> Violation {
    Violation {
        rule: "partial-failure",
        resource,
        column: (!column.is_empty()).then(|| column.clone()),
        actions: vec![node, group],
        detail: "stays, though the rest of it did not happen".to_owned(),
        weak: false,
    }
}

/// Whether a write takes back what a group did although another process has changed the cell since: that change goes.
pub(super) fn undoes_another(
    view: &View<'_>,
    node: NodeId,
    resource: ResourceId,
    done: &Act,
) -> Option<Violation> {
    let after = done.after.as_ref()?;
    view.block.marks.iter().find_map(|(mark, memory)| {
        let (Mark::Undo(group, r, row, column), Memory::Undo(undo)) = (mark, memory) else {
            return None;
        };
        let wrote = |(at, c): &(u32, Arc<str>)| at == row && c == column;
        let member = view.program.node(node).groups.contains(group);
        let now = cell(after, *row, column);
        // What only the group changed may be brought back; what another changed, too, only by what the group did.
        let undoes = *r == resource
            && undo.touched
            && !member
            && done.wrote.iter().any(wrote)
            && (now != undo.base || column.is_empty());
        undoes.then(|| Violation {
            rule: "partial-failure",
            resource: Some(resource),
            column: (!column.is_empty()).then(|| column.clone()),
            actions: vec![undo.node, node],
            detail: "undoes a change that another process has made since".to_owned(),
            weak: false,
        })
    })
}

/// Functions in which a missing answer is looked at, not used.
const LOOKS: &[&str] = &["coalesce", "if", "empty", "equals", "and", "or", "not", "contains"];

/// A failure that a widened *run after* hides: an effect goes on with the answer of an action that has failed. Asked
/// only where faults are, so that a budget of 0 says what it says without them.
pub(super) fn masked(
    view: &View<'_>,
    node: NodeId,
    resource: Option<ResourceId>,
    exprs: &[&Expr],
) -> Option<Violation> {
    if view.program.faults == 0 {
        return None;
    }
    let mut used = Vec::new();
    exprs.iter().for_each(|e| answers(e, &mut used));
    let failed = |n: &NodeId| matches!(view.status(*n), Some(Status::Failed | Status::TimedOut));
    let critical = used.into_iter().find(failed)?;
    Some(Violation {
        rule: "partial-failure",
        resource,
        column: None,
        actions: vec![critical, node],
        detail: "goes on without an answer: the action that it needs has failed".to_owned(),
        weak: false,
    })
}

/// The actions whose answers an expression uses, other than for their status.
fn answers(expr: &Expr, used: &mut Vec<NodeId>) {
    match expr {
        Expr::Output(n) | Expr::Body(n) => used.push(*n),
        Expr::Index { base, key, .. } => {
            let status = **key == Expr::Const(Value::text("statusCode"));
            if !(status && matches!(**base, Expr::Output(_) | Expr::Body(_))) {
                answers(base, used);
                answers(key, used);
            }
        }
        Expr::Call(function, _) if LOOKS.contains(&function.name()) => {}
        Expr::Concat(parts)
        | Expr::Array(parts)
        | Expr::Call(_, parts)
        | Expr::Opaque(_, parts) => {
            parts.iter().for_each(|e| answers(e, used));
        }
        Expr::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            answers(k, used);
            answers(v, used);
        }),
        Expr::Filter(a, b) | Expr::Map(a, b) => {
            answers(a, used);
            answers(b, used);
        }
        _ => {}
    }
}
