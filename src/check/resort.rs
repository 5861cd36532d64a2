//! The finding that stands for an outcome which no serial order gives and no monitor reported.

use crate::explore::ending::{Joint, outcome};
use crate::explore::engine::{Engine, State, Successor};
use crate::explore::resort::{Resort, access, resorts};
use crate::model::external::conditional;
use crate::model::ids::NodeId;
use crate::model::program::{Access, Kind, Program, Step};
use crate::model::say::say;
use crate::model::support::support;
use crate::model::value::Value;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// Whether the flow has a conditional write outside any loop.
pub(super) fn may_be_refused(program: &Program) -> bool {
    program.ids().any(|node| {
        let Kind::Leaf(steps) = &program.node(node).kind else { return false };
        let looped = |n: NodeId| matches!(program.node(n).kind, Kind::Until { .. });
        steps.iter().any(|s| matches!(s, Step::Access(_, access) if conditional(access)))
            && !program.ancestors(node).any(looped)
    })
}

/// Whether unknown data has a say in how a flow ends: its runs get answers of their own from outside, and look at them.
pub(super) fn decided_outside(program: &Program) -> bool {
    program.flows.iter().any(|f| f.told_apart) && program.has_unknown_data()
}

/// What explains such a schedule. Where unknown data has a say only a refusal that was given up does.
pub(super) fn last_resort(
    engine: &Engine<'_>,
    steps: &[(State, Successor)],
    serial: &BTreeSet<Joint>,
) -> Option<Violation> {
    let first = resorts(engine, steps).into_iter().next();
    if decided_outside(engine.program) {
        let refused = first.filter(|r| matches!(r, Resort::Refused(..)));
        return refused.and_then(|resort| violation(engine.program, resort));
    }
    let explained = first.and_then(|resort| violation(engine.program, resort));
    Some(explained.unwrap_or_else(|| {
        let end = steps.last().map(|(_, next)| outcome(engine, &next.state));
        let at = end.map_or(0, |end| odd_one(&end, serial));
        let cell = engine.program.observed.get(at);
        Violation {
            rule: "unclassified",
            resource: cell.map(|o| o.resource),
            column: cell.and_then(|o| o.column.clone()),
            actions: Vec::new(),
            detail: "no serial order ends like this".to_owned(),
            weak: true,
        }
    }))
}

/// The first cell in which an outcome differs from the serial one that is most like it.
fn odd_one((world, values): &Joint, serial: &BTreeSet<Joint>) -> usize {
    let differs = |other: &[Value]| {
        let differ: Vec<usize> =
            (0..values.len()).filter(|&at| other.get(at) != values.get(at)).collect();
        (differ.len(), differ.first().copied().unwrap_or(0))
    };
    let alike = serial.iter().filter(|(choices, _)| choices == world);
    alike.map(|(_, other)| differs(other)).min().map_or(0, |(_, at)| at)
}

fn violation(program: &Program, resort: Resort) -> Option<Violation> {
    Some(match resort {
        Resort::Refused(node, step) => {
            let (resource, access) = access(program, node, step)?;
            let column = match access {
                Access::Update { set, .. } => set.first().map(|(c, _)| c.clone()),
                _ => Some("value".into()),
            };
            Violation {
                rule: "retry-exhausted",
                resource: Some(resource),
                column,
                actions: vec![node],
                detail: "refused because of another process, and given up".to_owned(),
                weak: true,
            }
        }
        Resort::Polled(node) => {
            let Kind::Until { condition, .. } = &program.node(node).kind else { return None };
            Violation {
                rule: "retry-exhausted",
                resource: support(program, condition).into_iter().next(),
                column: None,
                actions: vec![node],
                detail: "its limit was reached before what it waits for".to_owned(),
                weak: true,
            }
        }
        Resort::Stale(violation) => violation,
        Resort::ReadBack(found) => Violation {
            rule: "iteration-bleed",
            resource: Some(found.resource),
            column: Some(found.column),
            actions: vec![found.writer, found.reader],
            detail: format!("wrote {} and reads back {}", say(&found.own), say(&found.read)),
            weak: true,
        },
    })
}
