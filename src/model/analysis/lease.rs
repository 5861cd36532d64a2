//! Whether waiting for a lease can be used up.

use super::steps;
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Over, Program, Step};
use crate::model::value::Value;

/// Whether waiting for a lease can be used up: only if count × interval is shorter than the worst-case sections of
/// the other holders together (design.md §4); with so many items in every loop, if given.
pub(super) fn exhaustible(
    program: &Program,
    node: NodeId,
    all: &[NodeId],
    items: Option<u64>,
) -> bool {
    let own = steps(program, node).iter().find_map(|s| match s {
        Step::Access(r, Access::Acquire { retry, .. }) => Some((*r, retry.unwrap_or((0, 0)))),
        _ => None,
    });
    let Some((lease, (count, interval))) = own else { return false };
    count.saturating_mul(interval) < held_by_others(program, node, lease, all, items)
}

/// Whether the process may hold a lease that can run out when it comes to this action.
pub(super) fn under_lease(program: &Program, node: NodeId) -> bool {
    let finite = |step: &Step| match step {
        Step::Access(_, Access::Acquire { seconds: Expr::Const(Value::Int(n)), .. }) => *n >= 0,
        Step::Access(_, Access::Acquire { .. }) => true,
        Step::Access(..)
        | Step::Compute(_)
        | Step::Wait(_)
        | Step::Send(_)
        | Step::Opaque { .. } => false,
    };
    program.ids().any(|acquire| {
        steps(program, acquire).iter().any(finite)
            && (program.precedes(acquire, node) || program.comes_round(acquire, node))
    })
}

/// Further attempts that others cannot use up; `None` if the node acquires no lease, or no number would do.
pub fn attempts_needed(program: &Program, node: NodeId) -> Option<u64> {
    let all: Vec<NodeId> = program.ids().collect();
    let (lease, interval) = steps(program, node).iter().find_map(|s| match s {
        Step::Access(r, Access::Acquire { retry: Some((count, interval)), .. }) if *count > 0 => {
            Some((*r, *interval))
        }
        _ => None,
    })?;
    let held = held_by_others(program, node, lease, &all, None);
    (interval > 0 && held < u64::MAX).then(|| held.div_ceil(interval))
}

/// The longest time for which the other holders together can hold a lease.
fn held_by_others(
    program: &Program,
    node: NodeId,
    lease: ResourceId,
    all: &[NodeId],
    items: Option<u64>,
) -> u64 {
    let mut others = 0u64;
    for &other in all {
        let acquires = steps(program, other)
            .iter()
            .any(|s| matches!(s, Step::Access(r, Access::Acquire { .. }) if *r == lease));
        if !acquires {
            continue;
        }
        let section: u64 = all
            .iter()
            .filter(|&&n| {
                program.precedes(other, n) && !released_before(program, other, n, lease, all)
            })
            .map(|&n| program.node(n).takes)
            // Granted before it is answered.
            .fold(program.node(other).takes, u64::saturating_add);
        let instances = instances(program, other, node, items);
        others = others.saturating_add(section.saturating_mul(instances));
    }
    others
}

pub(super) fn released_before(
    program: &Program,
    acquire: NodeId,
    node: NodeId,
    lease: ResourceId,
    all: &[NodeId],
) -> bool {
    all.iter().any(|&r| {
        steps(program, r)
            .iter()
            .any(|s| matches!(s, Step::Access(l, Access::Release(_)) if *l == lease))
            && program.precedes(acquire, r)
            && program.precedes(r, node)
    })
}

/// How many other processes run `other` beside one that runs `node`.
pub(super) fn instances(program: &Program, other: NodeId, node: NodeId, items: Option<u64>) -> u64 {
    let flow = program.flow_of(other) as usize;
    let runs = u64::from(program.flows[flow].runs);
    let items = program.concurrent_loop(other).map_or(1, |l| match &program.node(l).kind {
        Kind::Loop { over: Over::Count(n) | Over::Values(_, n), .. } => items.unwrap_or(*n),
        _ => 1,
    });
    let all = runs.saturating_mul(items);
    if other == node { all.saturating_sub(1) } else { all }
}

/// Whether no lease acquire that is patient enough for this scope would run out of attempts with so many items.
pub fn patient(program: &Program, items: u64) -> bool {
    let all: Vec<NodeId> = program.ids().collect();
    all.iter()
        .filter(|&&n| !program.node(n).exhaustible)
        .all(|&n| !exhaustible(program, n, &all, Some(items)))
}
