//! What follows from a program before it is run: who can notice which step, whose outputs live how long, which
//! writes are blind, which conditions an effect depends on.

mod blind;
mod lease;
mod output;
mod touch;
mod visibility;

use super::expression::Expr;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Kind, Over, Program, Shape, Step, Visibility};
use super::version;
use blind::{blind, tracked};
pub use lease::attempts_needed;
use lease::exhaustible;
pub use lease::patient;
use output::{collected, consumers, keeps, used};
use std::collections::BTreeSet;
use touch::{How, Touch, touches};
pub use visibility::{chosen_by, conditions};
use visibility::{effects, guards, polls, visibility};

/// Variables of which a condition decides whether they are set, or to what.
fn chosen(program: &Program) -> BTreeSet<ResourceId> {
    let conditional = |node: &NodeId| {
        let mut around = program.ancestors(*node).skip(1);
        around.any(|n| matches!(program.node(n).kind, Kind::If(_) | Kind::Switch(..)))
    };
    let set = program.ids().filter(conditional).flat_map(|node| steps(program, node));
    set.filter_map(|step| match step {
        Step::Access(r, Access::Update { .. }) if program.resource(*r).shape == Shape::Variable => {
            Some(*r)
        }
        _ => None,
    })
    .collect()
}

/// Fills in the derived fields of all nodes. Without `merge`, every access of something that anybody writes is a step
/// of its own, whether or not another process can notice it.
pub fn analyse(program: &mut Program, merge: bool) {
    let all: Vec<NodeId> = program.ids().collect();
    let used = used(program, &all);
    let touched = all.iter().flat_map(|&n| touches(program, n, used[n.index()].as_ref()));
    let touches: Vec<Touch> = touched.collect();
    for &node in &all {
        let guards = guards(program, node, &touches);
        program.nodes[node.index()].guards = guards;
        let blind = blind(program, node);
        program.nodes[node.index()].blind = blind;
    }
    program.tracked = tracked(program, &touches);
    program.chosen = chosen(program);
    program.kept = version::kept(program);
    program.polls = polls(program, &touches);
    let effects = effects(program);
    for &node in &all {
        let mut visibility = visibility(program, node, &touches, &effects);
        if !merge
            && touches.iter().any(|t| {
                t.node == node
                    && touches.iter().any(|o| o.resource == t.resource && o.how != How::Read)
            })
        {
            visibility = Visibility::Visible;
        }
        program.nodes[node.index()].visibility = visibility;
        let exhaustible = exhaustible(program, node, &all, None);
        program.nodes[node.index()].exhaustible = exhaustible;
    }
    collected(program, &all);
    consumers(program, &all);
    for (&node, used) in all.iter().zip(used) {
        program.nodes[node.index()].used = used;
        let keeps = keeps(program, node, &all);
        program.nodes[node.index()].keeps = keeps;
    }
    for class in 0..program.classes.len() {
        let looped = program.classes[class].looped;
        let uses = looped.is_some_and(|l| mentions_item(program, l, &all));
        program.classes[class].uses_item = uses;
        program.classes[class].indexed =
            looped.is_some_and(|l| !program.node(l).collected.is_empty());
    }
}

/// The steps of a node, if it has any.
fn steps(program: &Program, node: NodeId) -> &[Step] {
    match &program.node(node).kind {
        Kind::Leaf(steps) => steps,
        _ => &[],
    }
}

/// Every expression that a node evaluates.
pub fn expressions(program: &Program, node: NodeId) -> Vec<&Expr> {
    match &program.node(node).kind {
        Kind::If(e) | Kind::Until { condition: e, .. } => vec![e],
        Kind::Switch(e, cases) => std::iter::once(e).chain(cases).collect(),
        Kind::Loop { over: Over::Values(e, _), .. } => vec![e],
        Kind::Loop { over: Over::Count(_), .. }
        | Kind::Group
        | Kind::Parallel
        | Kind::Terminate(_) => Vec::new(),
        Kind::Leaf(steps) => steps
            .iter()
            .flat_map(|s| match s {
                Step::Compute(e) | Step::Wait(e) | Step::Send(e) => vec![e],
                Step::Access(_, access) => access.expressions(),
                Step::Opaque { args, .. } => args.iter().collect(),
            })
            .collect(),
    }
}

fn mentions_item(program: &Program, looped: NodeId, all: &[NodeId]) -> bool {
    all.iter().any(|&n| {
        program.inside(n, looped)
            && (expressions(program, n).into_iter().any(|e| {
                let mut found = false;
                e.visit(&mut |x| found |= *x == Expr::Item(looped));
                found
            }) || steps(program, n).iter().any(|s| matches!(s, Step::Opaque { .. })))
    })
}

impl Program {
    /// Whether two runs can meet at this resource.
    pub fn overlap_across_runs(&self, a: NodeId, b: NodeId, resource: ResourceId) -> bool {
        self.resource(resource).owner.is_none()
            && (self.flow_of(a) != self.flow_of(b) || self.flows[self.flow_of(a) as usize].runs > 1)
    }
}
