//! Containers: their kinds, the statuses they name, and their branches, which are the maximal chains of actions.

use crate::definition::ast::{Action, ActionKind, Status as WrittenStatus};
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program, Status};
use std::collections::BTreeMap;

/// Numbers the maximal chains of actions with one predecessor and one successor: the branches of a container.
pub(super) fn chains(program: &mut Program, container: NodeId) {
    let children = program.node(container).children.clone();
    let mut followers: BTreeMap<NodeId, usize> = BTreeMap::new();
    for &child in &children {
        for &(before, _) in &program.node(child).run_after {
            *followers.entry(before).or_default() += 1;
        }
    }
    let before = |child: NodeId| match program.node(child).run_after.as_slice() {
        &[(before, _)] if followers[&before] == 1 => Some(before),
        _ => None,
    };
    let mut heads: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for &child in &children {
        // Back to the first of the chain, or to one whose first is known; in a circle there is none.
        let mut passed = vec![child];
        let mut at = child;
        while let Some(earlier) = before(at).filter(|_| passed.len() <= children.len()) {
            at = earlier;
            if let Some(&first) = heads.get(&at) {
                at = first;
                break;
            }
            passed.push(at);
        }
        heads.extend(passed.into_iter().map(|each| (each, at)));
    }
    for (child, first) in heads {
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
