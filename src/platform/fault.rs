//! Which faults can strike which action, as far as anybody could tell them apart. Leaving out a fault whose outcomes
//! others give too is what keeps a budget of one affordable:
//!
//! * a read has no effect to lose the answer of; repeating it is the same as being later;
//! * so is repeating a call that did nothing, unless its inputs hold a variable that may change meanwhile, or the
//!   process holds a lease, whose clock runs on;
//! * running into the action's own time limit differs from failing only for somebody who asks which it was;
//! * that an effect comes late (`model::late`) is noticed only by somebody who touches the same store after the call, or
//!   by its own retry, if the second to come is refused: otherwise it is as if it had come at once. What is sent names
//!   nobody; what looks at what it finds does no harm late: a statement over the row takes the newer value into account, a
//!   conditional write or a statement with a condition asks for what has changed since, an operation on a lease for the
//!   lease. Members of an all-or-nothing group are not late: nobody can take back what has not arrived, so no group would
//!   be safe, whatever its compensation.

use super::leaf::leaves_the_flow;
use super::retry::policy;
use super::scenario::{Redelivery, Scenario};
use crate::definition::ast::Retry;
use crate::model::content::{Answers, Missing};
use crate::model::expression::Expr;
use crate::model::fault::Fault;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::late::blind_access;
use crate::model::program::{Access, Call, Columns, Kind, Program, Resource, Shape, Status, Step};
use crate::model::value::Value;
use std::collections::BTreeMap;

/// Gives every call of the program its retry policy and the faults that can strike it.
pub fn plan(program: &mut Program, scenario: &Scenario, written: &BTreeMap<NodeId, Retry>) {
    program.faults = scenario.faults;
    program.late = scenario.late && scenario.faults > 0;
    program.cancellable = scenario.cancellable && scenario.faults > 0;
    if program.flows.iter().any(|flow| flow.again > 0) {
        program.ledger = Some(ledger(program));
    }
    if scenario.faults == 0 || scenario.redelivery == Redelivery::Only {
        return;
    }
    for node in program.ids() {
        let Kind::Leaf(steps) = &program.node(node).kind else { continue };
        if !leaves_the_flow(&program.node(node).kind, program) {
            continue;
        }
        let policy = policy(written.get(&node), scenario.platform);
        let faults = faults(program, node, steps, policy.retries > 0);
        program.nodes[node.index()].call =
            Call { retries: policy.retries, waits: policy.waits, faults };
    }
}

/// A resource that no action can name, and nobody sees.
fn ledger(program: &mut Program) -> ResourceId {
    let id = ResourceId(u32::try_from(program.resources.len()).unwrap_or(u32::MAX));
    program.resources.push(Resource {
        name: "".into(),
        shape: Shape::Variable,
        initial: vec![BTreeMap::new()],
        key: Vec::new(),
        unique: false,
        etags: false,
        missing: Missing::Ignored,
        answers: Answers::Plain,
        owner: None,
    });
    id
}

fn faults(program: &Program, node: NodeId, steps: &[Step], retried: bool) -> Vec<Fault> {
    let effect = steps.iter().any(Step::has_effect);
    let asked = asked_how_it_failed(program, node);
    let mut faults = vec![Fault::Failed];
    if asked {
        faults.push(Fault::TimedOut);
    }
    if effect {
        faults.push(Fault::Unanswered);
        if asked {
            faults.push(Fault::TimedOutLate);
        }
        if retried {
            faults.push(Fault::Lost);
        }
    }
    let late = can_be_late(program, node).filter(|_| program.late);
    let noticed = late.is_some_and(|(resource, _)| touched_after(program, node, resource));
    if noticed {
        faults.push(Fault::UnansweredLater);
        if asked {
            faults.push(Fault::TimedOutLater);
        }
    }
    if retried && (noticed || late.is_some_and(|(r, access)| refuses_itself(program, r, access))) {
        faults.push(Fault::LostLater);
    }
    if retried && (keeps_old_inputs(program, node, steps) || may_hold_a_lease(program, node)) {
        faults.push(Fault::Throttled);
    }
    faults
}

/// What the call writes without looking, outside of groups.
fn can_be_late(program: &Program, node: NodeId) -> Option<(ResourceId, &Access)> {
    blind_access(program, node).filter(|_| program.node(node).groups.is_empty())
}

/// Calls that may do harm late and are not tried so: members of groups, and what looks at what it finds other than by its
/// etag, which says what the call had seen.
pub fn in_time(program: &Program) -> Vec<NodeId> {
    let left_out = |&node: &NodeId| {
        let Kind::Leaf(steps) = &program.node(node).kind else { return false };
        let looks = |step: &Step| match step {
            Step::Access(
                _,
                Access::Update { if_match: Some(_), .. }
                | Access::Write { lease: None, if_match: Some(_), .. },
            ) => false,
            Step::Access(r, _) => step.has_effect() && touched_after(program, node, *r),
            Step::Compute(_) | Step::Wait(_) | Step::Send(_) | Step::Opaque { .. } => false,
        };
        let blind = blind_access(program, node);
        let grouped = !program.node(node).groups.is_empty();
        program.node(node).call.faults.contains(&Fault::Unanswered)
            && match blind {
                Some((r, _)) => grouped && touched_after(program, node, r),
                None => steps.iter().any(looks),
            }
    };
    if program.late { program.ids().filter(left_out).collect() } else { Vec::new() }
}

/// Whether a write that has been done is refused when it is done again: then it matters which of two attempts is first.
fn refuses_itself(program: &Program, resource: ResourceId, access: &Access) -> bool {
    let both = |a: &Columns, b: &Columns| a.iter().any(|(c, _)| b.iter().any(|(d, _)| c == d));
    match access {
        Access::Create(_) => program.resource(resource).unique,
        Access::Delete(..) => true,
        Access::Update { filter, set, .. } => both(&filter.equal, set),
        Access::Upsert { key, row } => both(key, row),
        _ => false,
    }
}

/// Whether somebody touches the store after the call.
fn touched_after(program: &Program, node: NodeId, resource: ResourceId) -> bool {
    let touches = |other: NodeId| match &program.node(other).kind {
        Kind::Leaf(steps) => {
            steps.iter().any(|s| matches!(s, Step::Access(r, _) if *r == resource))
        }
        _ => false,
    };
    let several = program.flows[program.flow_of(node) as usize].runs > 1;
    let after = |other: NodeId| {
        several
            || program.overlap_in_run(other, node)
            || program.comes_round(node, other)
            || (other != node && !program.precedes(other, node))
    };
    program.ids().any(|other| touches(other) && after(other))
}

/// Whether anybody tells *has failed* from *has timed out*.
fn asked_how_it_failed(program: &Program, node: NodeId) -> bool {
    let tells = program.nodes.iter().flat_map(|n| &n.run_after).any(|(before, statuses)| {
        *before == node && statuses.has(Status::Failed) != statuses.has(Status::TimedOut)
    });
    let mut asked = tells;
    for reader in program.ids() {
        for expr in crate::model::analysis::expressions(program, reader) {
            asked |= reads_status(program, expr, node);
        }
    }
    asked
}

/// Whether an expression looks at how the node ended, or at all of its answer.
fn reads_status(program: &Program, expr: &Expr, node: NodeId) -> bool {
    let (mut asked, mut whole, mut parts) = (false, 0, 0);
    expr.visit(&mut |e| match e {
        Expr::Action(n) => asked |= *n == node,
        Expr::Result(n) => asked |= program.inside(node, *n),
        Expr::Output(n) | Expr::Body(n) if *n == node => whole += 1,
        Expr::Index { base, key, .. } => {
            if let (Expr::Output(n) | Expr::Body(n), Expr::Const(key)) = (&**base, &**key)
                && *n == node
            {
                parts += 1;
                asked |= *key == Value::text("statusCode");
            }
        }
        _ => {}
    });
    asked || whole > parts
}

/// Whether the inputs hold a variable that an unordered process of the run may change meanwhile.
fn keeps_old_inputs(program: &Program, node: NodeId, steps: &[Step]) -> bool {
    let mut variables = Vec::new();
    for step in steps {
        step.visit(&mut |e| {
            if let Expr::Variable(v) = e {
                variables.push(*v);
            }
        });
    }
    program.ids().any(|other| {
        let Kind::Leaf(steps) = &program.node(other).kind else { return false };
        let writes = steps.iter().any(|s| {
            matches!(s, Step::Access(r, a) if variables.contains(r) && !matches!(a, Access::Get | Access::Load))
        });
        writes && program.overlap_in_run(node, other)
    })
}

/// Whether an acquire comes before it: in the flow, or around a loop that it is in.
fn may_hold_a_lease(program: &Program, node: NodeId) -> bool {
    program.ids().any(|other| {
        let Kind::Leaf(steps) = &program.node(other).kind else { return false };
        steps.iter().any(|s| matches!(s, Step::Access(_, Access::Acquire { .. })))
            && program.precedes(other, node)
    })
}
