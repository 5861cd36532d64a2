//! How long the section that a lease guards may take: the parametric answer.
//!
//! A write under a lease of S seconds is safe as long as the answer to the acquire (or renew) and the calls from the
//! first after it up to the write take less than S together: then the lease cannot have run out (`platform/time.rs`).

use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Step};
use crate::model::value::Value;

/// One sentence for each finite lease that guards a write.
pub(super) fn notes(program: &Program) -> Vec<String> {
    let mut notes = Vec::new();
    for node in program.ids() {
        if let Some(lease) = granted(program, node)
            && let Some(seconds) = lease_seconds(program, lease)
        {
            notes.extend(section(program, node, lease, seconds));
        }
    }
    notes
}

/// The blob whose lease's clock starts here.
fn granted(program: &Program, node: NodeId) -> Option<ResourceId> {
    accesses(program, node)
        .find_map(|(r, a)| matches!(a, Access::Acquire { .. } | Access::Renew(_)).then_some(r))
}

fn accesses(program: &Program, node: NodeId) -> impl Iterator<Item = (ResourceId, &Access)> {
    let steps: &[Step] = match &program.node(node).kind {
        Kind::Leaf(steps) => steps,
        _ => &[],
    };
    steps.iter().filter_map(|s| match s {
        Step::Access(r, access) => Some((*r, access)),
        _ => None,
    })
}

/// What every acquire of the lease asks for; `None` if they differ, or it never runs out.
fn lease_seconds(program: &Program, lease: ResourceId) -> Option<u64> {
    let mut all = program.nodes.iter().filter_map(|n| match &n.kind {
        Kind::Leaf(steps) => steps.iter().find_map(|s| match s {
            Step::Access(r, Access::Acquire { seconds, .. }) if *r == lease => Some(seconds),
            _ => None,
        }),
        _ => None,
    });
    let first = all.next()?;
    match first {
        Expr::Const(Value::Int(n)) if all.all(|e| e == first) => u64::try_from(*n).ok(),
        _ => None,
    }
}

fn section(program: &Program, from: NodeId, lease: ResourceId, seconds: u64) -> Option<String> {
    let inside = guarded(program, from, lease);
    let writes = |n: &NodeId| match &program.node(*n).kind {
        Kind::Leaf(steps) => steps.iter().any(Step::has_effect),
        // A concurrent loop stands for what is in it.
        _ => true,
    };
    let last = inside.iter().rposition(writes)?;
    let inside = &inside[..=last];
    let (first, last) = (inside[0], inside[last]);
    let sum = |each: &dyn Fn(&NodeId) -> u64| inside.iter().map(each).fold(0, u64::saturating_add);
    let longest = sum(&|&n| program.node(n).takes);
    let waits = sum(&|&n| program.node(n).call.waits.iter().copied().fold(0, u64::saturating_add));
    let name = |n: NodeId| program.node(n).name.to_string();
    let answer = program.node(from).takes;
    let blob = &program.resource(lease).name;
    let Some(left) = seconds.checked_sub(answer).filter(|left| *left > 0) else {
        return Some(format!(
            "the lease of {blob} lasts {seconds} s and the answer to {} alone can take {answer} s: no section after \
             it is safe",
            name(from)
        ));
    };
    let part =
        if first == last { name(first) } else { format!("{} to {}", name(first), name(last)) };
    let mut text = format!(
        "the lease of {blob} is safe while {part} takes under {left} s; it can take {longest} s"
    );
    if waits > 0 {
        text = format!("{text}, and its retries alone can wait {waits} s");
    }
    Some(text)
}

/// What takes time between the grant and where the clock stops or starts again, in the order of the file.
fn guarded(program: &Program, from: NodeId, lease: ResourceId) -> Vec<NodeId> {
    let all = || program.ids();
    let stops = |n: NodeId| {
        accesses(program, n).any(|(r, a)| {
            let lease_call =
                matches!(a, Access::Release(_) | Access::Renew(_) | Access::Acquire { .. });
            r == lease && lease_call && program.precedes(from, n)
        })
    };
    let over = |n: NodeId| all().any(|e| stops(e) && (e == n || program.precedes(e, n)));
    let in_loop = |n: NodeId| {
        program.ancestors(n).skip(1).any(|l| {
            let concurrent =
                matches!(program.node(l).kind, Kind::Loop { degree, .. } if degree > 1);
            concurrent && !program.inside(from, l)
        })
    };
    let takes_time = |n: &NodeId| {
        program.precedes(from, *n) && program.node(*n).takes > 0 && !over(*n) && !in_loop(*n)
    };
    all().filter(takes_time).collect()
}
