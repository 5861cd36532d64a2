//! Containers: their kinds, the statuses they name, and their branches, which are the maximal chains of actions.

use crate::definition::ast::{Action, ActionKind, Status as WrittenStatus};
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program, Status};

/// Numbers the maximal chains of actions with one predecessor and one successor: the branches of a container.
pub(super) fn chains(program: &mut Program, container: NodeId) {
    let children = program.node(container).children.clone();
    let head = |child: NodeId| {
        let mut at = child;
        for _ in &children {
            let &[(before, _)] = program.node(at).run_after.as_slice() else { break };
            let follows =
                |c: &&NodeId| program.node(**c).run_after.iter().any(|&(n, _)| n == before);
            if children.iter().filter(follows).count() != 1 {
                break;
            }
            at = before;
        }
        at
    };
    let heads: Vec<NodeId> = children.iter().map(|&c| head(c)).collect();
    for (&child, &first) in children.iter().zip(&heads) {
        program.nodes[child.index()].chain = first.0;
    }
}

/// A status as written.
pub(super) fn status(written: WrittenStatus) -> Status {
    match written {
        WrittenStatus::Succeeded => Status::Succeeded,
        WrittenStatus::Failed => Status::Failed,
        WrittenStatus::Skipped => Status::Skipped,
        WrittenStatus::TimedOut => Status::TimedOut,
        WrittenStatus::Cancelled => Status::Cancelled,
    }
}

/// The kind of a container that needs nothing but its shape.
pub(super) fn container_kind(action: &Action) -> Option<Kind> {
    match &action.kind {
        ActionKind::Scope { .. } => Some(Kind::Group),
        ActionKind::Parallel { .. } => Some(Kind::Parallel),
        ActionKind::Terminate { status: how } => Some(Kind::Terminate(status(*how))),
        _ => None,
    }
}
