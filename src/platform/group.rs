//! Which scopes are all-or-nothing, and which actions are their members: said by the model, or told by a handler that
//! deletes what the scope creates.

use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Status, Step};
use std::collections::BTreeSet;

/// Names the groups of a program and the members of each. `stated` are those that the model names.
pub fn plan(program: &mut Program, stated: BTreeSet<NodeId>, infer: bool) {
    program.groups = stated;
    if infer {
        for node in program.ids() {
            if is_compensated(program, node) {
                program.groups.insert(node);
            }
        }
    }
    for node in program.ids() {
        let member =
            |g: &NodeId| *g != node && program.inside(node, *g) && !handles(program, node, *g);
        program.nodes[node.index()].groups =
            program.groups.iter().copied().filter(member).collect();
    }
}

/// Whether the action, or one around it inside the group, runs only because of a failure: a handler, whose effects are
/// not the group's.
fn handles(program: &Program, node: NodeId, group: NodeId) -> bool {
    program.ancestors(node).take_while(|&n| n != group).any(|n| after_failure(program, n))
}

fn after_failure(program: &Program, node: NodeId) -> bool {
    program.node(node).run_after.iter().any(|&(before, statuses)| {
        !statuses.has(Status::Succeeded) || after_failure(program, before)
    })
}

/// A scope beside which something that runs on failure only deletes what the scope creates.
fn is_compensated(program: &Program, scope: NodeId) -> bool {
    if !program.node(scope).written || !matches!(program.node(scope).kind, Kind::Group) {
        return false;
    }
    let Some(parent) = program.node(scope).parent else { return false };
    let created = touched(program, scope, |a| {
        matches!(a, Access::Create(_) | Access::CreateIfNone { .. } | Access::Upsert { .. })
    });
    program.node(parent).children.iter().any(|&beside| {
        let handler = program
            .node(beside)
            .run_after
            .iter()
            .any(|(n, statuses)| *n == scope && !statuses.has(Status::Succeeded));
        handler
            && touched(program, beside, |a| matches!(a, Access::Delete(..)))
                .iter()
                .any(|r| created.contains(r))
    })
}

fn touched(program: &Program, root: NodeId, how: impl Fn(&Access) -> bool) -> BTreeSet<ResourceId> {
    let mut found = BTreeSet::new();
    for node in program.subtree(root) {
        let Kind::Leaf(steps) = &program.node(node).kind else { continue };
        found.extend(steps.iter().filter_map(|s| match s {
            Step::Access(r, access) if how(access) => Some(*r),
            _ => None,
        }));
    }
    found
}
