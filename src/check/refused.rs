//! A conditional write that is refused and given up: whether the flow looks at that.
//!
//! A flow that goes another way when the write has failed, or asks for its status, has been told: what it does then is
//! its own affair. Where nobody looks, the update is gone, whatever its run is called in the end.

use crate::finding::Finding;
use crate::model::analysis::expressions;
use crate::model::expression::Expr;
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program, Status};
use crate::model::value::Value;

/// Keeps the findings that an update was refused and given up only where nobody looks at the refusal.
pub(super) fn keep_unseen(program: &Program, found: &mut Vec<Finding>) {
    let named = |f: &Finding| {
        let name = f.actions.last()?;
        program.ids().find(|&n| *program.node(n).name == **name)
    };
    found.retain(|f| {
        f.rule != "retry-exhausted"
            || named(f).is_none_or(|n| in_a_loop(program, n) || !looked_at(program, n))
    });
}

fn in_a_loop(program: &Program, node: NodeId) -> bool {
    program.ancestors(node).any(|n| matches!(program.node(n).kind, Kind::Until { .. }))
}

fn looked_at(program: &Program, node: NodeId) -> bool {
    let around: Vec<NodeId> = program.ancestors(node).collect();
    let other_way = |n: NodeId| {
        program.node(n).run_after.iter().any(|(before, statuses)| {
            around.contains(before)
                && statuses.has(Status::Failed)
                && !statuses.has(Status::Succeeded)
        })
    };
    program.ids().any(|n| {
        other_way(n) || expressions(program, n).into_iter().any(|e| asks(e, node, &around))
    })
}

/// Whether an expression asks how the action ended.
fn asks(expr: &Expr, node: NodeId, around: &[NodeId]) -> bool {
    let mut found = false;
    expr.visit(&mut |e| {
        found |= match e {
            Expr::Action(n) | Expr::Result(n) => around.contains(n),
            Expr::Index { base, key, .. } => {
                **key == Expr::Const(Value::text("statusCode")) && **base == Expr::Output(node)
            }
            _ => false,
        };
    });
    found
}
