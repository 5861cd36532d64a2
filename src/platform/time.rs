//! Time: how long an action can take at most (semantics §6, *request timeout*; §8, lease seconds).
//!
//! The argument. Every action takes a closed interval `[0, most]`; when a ready action starts is open, since ready
//! siblings start with any jitter (semantics §3.1, *start order*). So no lower bound can rule an order of steps out, and
//! all orders are explored. Time comes back in at one place only: a lease runs out when its seconds have passed since
//! the service granted it. In a given order the holder's own chain of actions is what lies between; the time between is
//! at most the sum of what they can take, and can be just that. So it is enough to keep, per held lease, that sum: the
//! lease may run out as soon as what has passed and what is under way can reach its seconds, and never before. The
//! service grants the lease before its answer arrives, so the answer's time counts; waiting for others has no bound; a
//! concurrent loop inside the section takes what list scheduling can take (Graham 1966).

use crate::definition::ast::{Action, ActionKind, TimeLimit};
use crate::model::ids::NodeId;
use crate::model::program::{Access, Kind, Over, Program, Step};

/// Seconds of an outbound call, if nobody says otherwise: the platform's request timeout (LIM, PALIM).
pub const REQUEST: u64 = 120;

/// Gives concurrent loops the longest time that they can take.
pub fn bound_loops(program: &mut Program) {
    for node in program.ids() {
        if matches!(program.node(node).kind, Kind::Loop { degree, .. } if degree > 1) {
            program.nodes[node.index()].takes = longest(program, node);
        }
    }
}

/// What an action takes that stays in the flow: no time, unless it says so (Delay). An Until keeps its time limit here
/// until [`bound_untils`] has seen it.
pub(super) fn inside(action: &Action, leaf: bool) -> u64 {
    match (&action.kind, action.takes) {
        (ActionKind::Until { time: TimeLimit::After(seconds), .. }, _) => *seconds,
        (_, Some((_, most))) if leaf => most,
        _ => 0,
    }
}

/// After which round the time of an Until can be up: as soon as that many rounds can take as long. Before, it cannot be;
/// after it, it may be or not, since every round may be as short as nothing.
pub fn bound_untils(program: &mut Program) {
    for node in program.ids() {
        if !matches!(program.node(node).kind, Kind::Until { .. }) {
            continue;
        }
        let seconds = std::mem::take(&mut program.nodes[node.index()].takes);
        let each = round(program, node);
        if let Kind::Until { limit, early, .. } = &mut program.nodes[node.index()].kind {
            if seconds > 0 && each > 0 {
                *early = Some(seconds.div_ceil(each));
            }
            *early = early.filter(|round| *round < *limit);
        }
    }
}

/// The longest time that a round of an Until can take.
pub fn round(program: &Program, until: NodeId) -> u64 {
    let body = program.node(until).children.iter();
    body.map(|&c| longest(program, c)).fold(0, u64::saturating_add)
}

/// The longest time that a node can take, waiting for others included.
fn longest(program: &Program, node: NodeId) -> u64 {
    let all = || {
        let children = program.node(node).children.iter();
        children.map(|&c| longest(program, c)).fold(0, u64::saturating_add)
    };
    match &program.node(node).kind {
        Kind::Leaf(steps) => {
            program.node(node).takes.saturating_add(steps.iter().map(waits).fold(0, u64::max))
        }
        Kind::Loop { over: Over::Count(n) | Over::Values(_, n), degree } => {
            let (n, degree, each) = (*n, u64::from(*degree).max(1), all());
            if n <= degree {
                return if n == 0 { 0 } else { each };
            }
            // All but the last can keep every slot busy, then the last starts (Graham 1966).
            let before = (n - 1).saturating_mul(each).div_ceil(degree);
            before.saturating_add(each)
        }
        Kind::Until { limit, .. } => all().saturating_mul(*limit),
        Kind::Terminate(_) => 0,
        Kind::Group | Kind::Parallel | Kind::If(_) | Kind::Switch(..) => all(),
    }
}

fn waits(step: &Step) -> u64 {
    match step {
        Step::Wait(_) => u64::MAX,
        Step::Access(_, Access::Acquire { retry: Some((count, interval)), .. }) => {
            count.saturating_mul(*interval)
        }
        Step::Access(..) | Step::Compute(_) | Step::Send(_) | Step::Opaque { .. } => 0,
    }
}
