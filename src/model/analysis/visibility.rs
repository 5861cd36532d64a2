//! Which steps others can notice, and the conditions that an effect depends on.

use super::lease::under_lease;
use super::touch::{How, Touch, conflict, reads_back};
use super::{expressions, steps};
use crate::model::content::Missing;
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Guard, Kind, Over, Program, Shape, Status, Step, Visibility};
use crate::model::select::columns_of;
use crate::model::support::{readers, support};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn visibility(
    program: &Program,
    node: NodeId,
    touches: &[Touch],
    effects: &[(NodeId, BTreeSet<ResourceId>)],
) -> Visibility {
    let mut keep_apart: Vec<(NodeId, Expr)> = Vec::new();
    let overlaps = |other: NodeId, resource: ResourceId| overlaps(program, node, other, resource);
    for mine in touches.iter().filter(|t| t.node == node) {
        let variable = program.resource(mine.resource).shape == Shape::Variable;
        let reads = |t: &&Touch| variable && t.resource == mine.resource && t.how == How::Read;
        let readers: Vec<NodeId> = touches.iter().filter(reads).map(|t| t.node).collect();
        for other in touches.iter().filter(|t| overlaps(t.node, t.resource)) {
            match conflict(program, mine, other) {
                None if mine.resource == other.resource
                    && reads_back(program, mine, other, &readers) =>
                {
                    return Visibility::Visible;
                }
                None => {}
                Some(selectors) if selectors.is_empty() => return Visibility::Visible,
                Some(selectors) => keep_apart.push(selectors[0].clone()),
            }
        }
    }
    if is_effect(program, node)
        && effect_support(program, node).into_iter().any(|r| written(node, r, program, touches))
    {
        return Visibility::Visible;
    }
    if turns_an_effect(program, node, touches, effects) {
        return Visibility::Visible;
    }
    if ends_under_way(program, node) {
        return Visibility::Visible;
    }
    // That a lease runs out is the doing of nobody in the flow: what happens under it is noticed by the clock.
    if is_effect(program, node) && under_lease(program, node) {
        return Visibility::Visible;
    }
    if let Kind::Leaf(steps) = &program.node(node).kind
        && steps.iter().any(|s| matches!(s, Step::Wait(_)))
    {
        return if touches.iter().any(|t| t.node == node) {
            Visibility::Visible
        } else {
            Visibility::Local
        };
    }
    keep_apart.dedup();
    if keep_apart.is_empty() { Visibility::Local } else { Visibility::Unless(keep_apart) }
}

/// Untils whose condition hangs on something that another process may write, if only through what its body keeps.
pub(super) fn polls(program: &Program, touches: &[Touch]) -> BTreeSet<NodeId> {
    let all = program.ids().filter(|&until| {
        let Kind::Until { condition, .. } = &program.node(until).kind else { return false };
        let body = program.subtree(until);
        let mut todo: Vec<ResourceId> = support(program, condition).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(resource) = todo.pop() {
            if written(until, resource, program, touches) {
                return true;
            }
            if seen.insert(resource) {
                let kept = |t: &&Touch| {
                    t.resource == resource && t.how != How::Read && body.contains(&t.node)
                };
                let writers = touches.iter().filter(kept).map(|t| t.node);
                todo.extend(writers.flat_map(|w| effect_support(program, w)));
            }
        }
        false
    });
    all.collect()
}

/// Effects, and what their values and conditions come from.
pub(super) fn effects(program: &Program) -> Vec<(NodeId, BTreeSet<ResourceId>)> {
    let all = program.ids().filter(|&n| is_effect(program, n));
    let found = all.map(|n| (n, effect_support(program, n)));
    found.filter(|(_, support)| !support.is_empty()).collect()
}

/// Whether an action writes what the value or a condition of somebody else's effect comes from. The effect is
/// re-evaluated with what is there when it happens, even where the read came before both.
fn turns_an_effect(
    program: &Program,
    node: NodeId,
    touches: &[Touch],
    effects: &[(NodeId, BTreeSet<ResourceId>)],
) -> bool {
    let writes = touches.iter().filter(|t| t.node == node && t.how != How::Read);
    writes.map(|t| t.resource).any(|r| {
        let turned = |(effect, support): &(NodeId, BTreeSet<ResourceId>)| {
            support.contains(&r) && overlaps(program, node, *effect, r)
        };
        effects.iter().any(turned)
    })
}

/// Whether a Terminate comes before or after an effect of the same run: it is the one, or the other.
fn ends_under_way(program: &Program, node: NodeId) -> bool {
    let ends = |n: NodeId| matches!(program.node(n).kind, Kind::Terminate(_));
    let (end, effect) = (ends(node), is_effect(program, node));
    let meets = |other: NodeId| {
        program.flow_of(node) == program.flow_of(other) && program.overlap_in_run(node, other)
    };
    (end || effect)
        && program.ids().any(|other| {
            let pair = if end { is_effect(program, other) } else { ends(other) };
            pair && meets(other)
        })
}

pub(super) fn overlaps(program: &Program, a: NodeId, b: NodeId, resource: ResourceId) -> bool {
    if program.resource(resource).owner.is_some() {
        program.flow_of(a) == program.flow_of(b) && program.overlap_in_run(a, b)
    } else {
        program.overlap(a, b)
    }
}

/// Whether a process unordered with this action may write the resource.
pub(super) fn written(
    node: NodeId,
    resource: ResourceId,
    program: &Program,
    touches: &[Touch],
) -> bool {
    touches.iter().any(|t| {
        t.resource == resource && t.how != How::Read && overlaps(program, node, t.node, resource)
    })
}

/// Whether an action does anything that stays.
pub(super) fn is_effect(program: &Program, node: NodeId) -> bool {
    steps(program, node).iter().any(|s| match s {
        Step::Send(_) | Step::Opaque { effect: true, .. } => true,
        Step::Access(_, a) => !matches!(
            a,
            Access::Get
                | Access::Fetch(_)
                | Access::List(_)
                | Access::Select(..)
                | Access::Probe(_)
                | Access::Load
        ),
        Step::Compute(_) | Step::Wait(_) | Step::Opaque { effect: false, .. } => false,
    })
}

/// The resources that an effect's value and conditions come from.
pub(super) fn effect_support(program: &Program, node: NodeId) -> BTreeSet<ResourceId> {
    let mut all = BTreeSet::new();
    for expr in expressions(program, node) {
        all.extend(support(program, expr));
    }
    for guard in &program.node(node).guards {
        all.extend(guard.expressions(program).into_iter().flat_map(|e| support(program, e)));
    }
    all
}

fn is_opaque(program: &Program, node: NodeId) -> bool {
    steps(program, node).iter().any(|s| matches!(s, Step::Opaque { .. }))
}

/// A condition of which one side ends the run: the side on which whatever comes later happens.
fn ends_otherwise(program: &Program, node: NodeId) -> Option<bool> {
    if !matches!(program.node(node).kind, Kind::If(_)) {
        return None;
    }
    let ends = |side: &NodeId| {
        program
            .node(*side)
            .children
            .iter()
            .any(|&c| matches!(program.node(c).kind, Kind::Terminate(_)))
    };
    match program.node(node).children.as_slice() {
        [then, otherwise] => match (ends(then), ends(otherwise)) {
            (true, false) => Some(false),
            (false, true) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// The fetches whose failure an action waits for: it happens because a row was not there.
fn missed(program: &Program, node: NodeId) -> Vec<Guard> {
    let after = program.node(node).run_after.iter();
    let failed = after.filter(|(_, on)| on.has(Status::Failed) && !on.has(Status::Succeeded));
    let below = failed.flat_map(|&(before, _)| program.subtree(before));
    let fetches = below.filter(|&n| {
        matches!(&program.node(n).kind, Kind::Leaf(steps)
            if matches!(steps.as_slice(), [Step::Access(r, Access::Fetch(_))] if program.resource(*r).missing == Missing::Minded))
    });
    fetches.map(|n| Guard::Missed(n, Expr::Output(n))).collect()
}

/// The columns by which a query has chosen these rows, if they are rows outside.
pub fn chosen_by(program: &Program, over: &Expr) -> BTreeSet<Arc<str>> {
    let mut columns = BTreeSet::new();
    for reader in readers(program, over) {
        if let [Step::Access(r, Access::List(filter) | Access::Select(filter, _))] =
            steps(program, reader)
            && program.resource(*r).shape == Shape::External
        {
            columns.extend(filter.equal.iter().map(|(column, _)| column.clone()));
            columns.extend(columns_of(&filter.meets));
        }
    }
    columns
}

/// The conditions that an effect depends on and that another process can turn.
pub(super) fn guards(program: &Program, node: NodeId, touches: &[Touch]) -> Vec<Guard> {
    let mut guards = conditions(program, node);
    let turned = |guard: &Guard| {
        let resources = guard.expressions(program).into_iter().flat_map(|e| support(program, e));
        resources.into_iter().any(|r| written(node, r, program, touches))
    };
    guards.retain(turned);
    guards
}

/// Whether the other side of an If does the same to a store outside, whatever else it does.
fn on_both_sides(program: &Program, node: NodeId, condition: NodeId, side: usize) -> bool {
    let [Step::Access(cell, access)] = steps(program, node) else { return false };
    let sides = &program.node(condition).children;
    let Some(&other) =
        sides.get(1 - side.min(1)).filter(|_| program.resource(*cell).shape == Shape::External)
    else {
        return false;
    };
    let always = |n: NodeId| {
        let mut around = program.ancestors(n).skip(1).take_while(|&a| a != condition);
        around.all(|a| matches!(program.node(a).kind, Kind::Group))
    };
    program.subtree(other).into_iter().any(|n| {
        matches!(steps(program, n), [Step::Access(r, a)] if r == cell && a == access) && always(n)
    })
}

/// The conditions that an effect depends on, whether or not anybody can turn them.
pub fn conditions(program: &Program, node: NodeId) -> Vec<Guard> {
    if !is_effect(program, node) {
        return Vec::new();
    }
    let mut guards = Vec::new();
    let mut inner = node;
    for outer in program.ancestors(node).skip(1) {
        guards.extend(missed(program, inner));
        let position = program.node(outer).children.iter().position(|&c| c == inner);
        match (&program.node(outer).kind, position) {
            (Kind::If(_), Some(side)) if on_both_sides(program, node, outer, side) => {}
            (Kind::If(_), Some(side)) => guards.push(Guard::Side(outer, side == 0)),
            (Kind::Switch(_, cases), Some(at)) => {
                guards.push(Guard::Case(outer, (at < cases.len()).then_some(at)));
            }
            // One round more of a call that nobody knows loses nothing.
            (Kind::Until { .. }, _) if !is_opaque(program, node) => {
                guards.push(Guard::Again(outer));
            }
            (Kind::Loop { over: Over::Values(over, _), .. }, _)
                if !chosen_by(program, over).is_empty() =>
            {
                guards.push(Guard::Listed(outer));
            }
            (Kind::Group, _) => {
                for &sibling in &program.node(outer).children {
                    if let Some(stays) = ends_otherwise(program, sibling)
                        && program.precedes(sibling, inner)
                    {
                        guards.push(Guard::Side(sibling, stays));
                    }
                    if matches!(program.node(sibling).kind, Kind::Until { .. })
                        && program.precedes(sibling, inner)
                    {
                        guards.push(Guard::Left(sibling));
                    }
                }
            }
            _ => {}
        }
        inner = outer;
    }
    guards
}
