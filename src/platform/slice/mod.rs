//! Slicing (Weiser 1981): of a large flow, the part that can matter to one cell that two processes share.
//!
//! A slice is a smaller definition, compiled and explored like any other. What it leaves out cannot fail in the model
//! and cannot be noticed by what it keeps; an answer that depends on nothing that anybody writes stays as a symbol.

mod closure;
mod cluster;
mod event;
mod prune;
mod turned;

use crate::definition::ast::Definition;
use crate::model::content::Missing;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Shape, Step};
use std::collections::BTreeSet;
use turned::Conditions;

pub use cluster::{Part, parts};

/// Which processes are to meet at a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// Iterations or branches of one run.
    Within,
    /// Two runs.
    Across,
}

/// The cells at which processes can get into each other's way, in order.
pub fn contested(program: &Program, meeting: Meeting) -> Vec<ResourceId> {
    if meeting == Meeting::Within && !concurrent(program) {
        return Vec::new();
    }
    let touched = Touched::new(program);
    let places = Places::new(program);
    cells(program)
        .filter(|&r| {
            let (reads, writes) = (&touched.reads[r.index()], &touched.writes[r.index()]);
            match meeting {
                Meeting::Across => {
                    let looks = !reads.is_empty() || blind_twice(program, writes, r);
                    program.resource(r).owner.is_none() && !writes.is_empty() && looks
                }
                Meeting::Within => {
                    let writes = places.one_each(program, writes);
                    let all: Vec<NodeId> =
                        writes.iter().copied().chain(places.one_each(program, reads)).collect();
                    writes.iter().any(|&w| all.iter().any(|&t| program.overlap_in_run(w, t)))
                }
            }
        })
        .collect()
}

/// All resources, in order.
fn cells(program: &Program) -> impl Iterator<Item = ResourceId> {
    (0..program.resources.len()).map(|r| ResourceId(u32::try_from(r).unwrap_or(u32::MAX)))
}

/// Whether anything at all runs beside anything else in one run: a loop, or two actions that start together.
fn concurrent(program: &Program) -> bool {
    program.nodes.iter().any(|n| match n.kind {
        Kind::Loop { degree, .. } => degree > 1,
        Kind::Parallel => true,
        Kind::Group => {
            let follows = |before: NodeId| {
                let after = |c: &&NodeId| program.node(**c).run_after.iter().any(|r| r.0 == before);
                n.children.iter().filter(after).count()
            };
            let starts = n.children.iter().filter(|&&c| program.node(c).run_after.is_empty());
            starts.count() > 1 || n.children.iter().any(|&c| follows(c) > 1)
        }
        Kind::If(_) | Kind::Switch(..) | Kind::Until { .. } => false,
        Kind::Terminate(_) | Kind::Leaf(_) => false,
    })
}

/// Whether anybody sets columns there: two runs may then set them differently.
fn blind_twice(program: &Program, writes: &[NodeId], resource: ResourceId) -> bool {
    writes.iter().any(|&w| match &program.node(w).kind {
        Kind::Leaf(steps) => steps.iter().any(|s| {
            matches!(
                s,
                Step::Access(
                    r,
                    Access::Update { .. } | Access::Upsert { .. } | Access::Write { .. } | Access::Acquire { .. }
                ) if *r == resource
            )
        }),
        _ => false,
    })
}

/// No more pairs than this are told.
const ENOUGH: usize = 64;

/// Two branches of one run that touch the cell and are not ordered, one of which writes: each pair once.
pub fn rivals(program: &Program, cell: ResourceId) -> Vec<(NodeId, NodeId)> {
    let touched = Touched::new(program);
    let (reads, writes) = (&touched.reads[cell.index()], &touched.writes[cell.index()]);
    let mut pairs = Vec::new();
    for (index, &a) in writes.iter().enumerate() {
        let later = writes[index + 1..].iter().chain(reads);
        let parted = |b: &&NodeId| program.parted(a, **b);
        pairs.extend(later.filter(parted).map(|&b| (a, b)).take(ENOUGH));
        if pairs.len() > ENOUGH {
            break;
        }
    }
    pairs
}

/// The definition cut down to what can matter to a cell; with `only`, as if these were the only ones to touch it once
/// it is set up.
pub fn slice(
    definition: &Definition,
    program: &Program,
    cell: ResourceId,
    only: Option<&[NodeId]>,
) -> Definition {
    let kept = closure::closure(program, cell, only);
    prune::prune(definition, program, &kept)
}

/// Containers whose actions are not simply one after another.
struct Places {
    branching: BTreeSet<NodeId>,
}

impl Places {
    fn new(program: &Program) -> Self {
        let all = program.ids();
        let branching = all.filter(|&n| match program.node(n).kind {
            Kind::Parallel => true,
            Kind::Group => !program.order.is_chain(&program.node(n).children),
            Kind::Loop { degree, .. } => degree > 1,
            Kind::If(_) | Kind::Switch(..) | Kind::Until { .. } => false,
            Kind::Terminate(_) | Kind::Leaf(_) => false,
        });
        Self { branching: branching.collect() }
    }

    /// One action for each place: what stands in one branch and one loop overlaps with the same others.
    fn one_each(&self, program: &Program, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut seen = BTreeSet::new();
        let place = |node: NodeId| -> Vec<NodeId> {
            program
                .ancestors(node)
                .filter(|&n| program.node(n).parent.is_some_and(|p| self.branching.contains(&p)))
                .collect()
        };
        nodes.iter().copied().filter(|&n| seen.insert(place(n))).collect()
    }
}

/// Which actions read and write which resource. An effect whose condition comes from a resource reads it when it happens,
/// as far as anybody beside it writes there.
struct Touched {
    reads: Vec<Vec<NodeId>>,
    writes: Vec<Vec<NodeId>>,
}

impl Touched {
    fn new(program: &Program) -> Self {
        let none = vec![Vec::new(); program.resources.len()];
        let mut touched = Self { reads: none.clone(), writes: none };
        for node in program.ids() {
            for r in reads(program, node) {
                touched.reads[r.index()].push(node);
            }
            if let Some(r) = writes(program, node) {
                touched.writes[r.index()].push(node);
            }
        }
        let conditions = Conditions::new(program);
        for (reads, (cell, writes)) in
            touched.reads.iter_mut().zip(cells(program).zip(&touched.writes))
        {
            reads.extend(conditions.turned(program, cell, writes));
        }
        touched
    }
}

/// What an action reads by itself.
pub fn reads(program: &Program, node: NodeId) -> BTreeSet<ResourceId> {
    let mut found = BTreeSet::new();
    for expr in crate::model::analysis::expressions(program, node) {
        expr.visit(&mut |e| {
            if let crate::model::expression::Expr::Variable(v) = e {
                found.insert(*v);
            }
        });
    }
    found.extend(program.reads(node));
    if let Kind::Leaf(steps) = &program.node(node).kind {
        found.extend(steps.iter().filter_map(|s| match s {
            Step::Access(r, Access::Probe(_) | Access::CreateIfNone { .. }) => Some(*r),
            _ => None,
        }));
    }
    found
}

/// What an action writes.
fn writes(program: &Program, node: NodeId) -> Option<ResourceId> {
    let Kind::Leaf(steps) = &program.node(node).kind else { return None };
    steps.iter().find_map(|s| match s {
        Step::Access(
            _,
            Access::Get
            | Access::Fetch(_)
            | Access::List(_)
            | Access::Select(..)
            | Access::Probe(_)
            | Access::Load,
        ) => None,
        Step::Access(r, _) => Some(*r),
        Step::Compute(_) | Step::Wait(_) | Step::Send(_) | Step::Opaque { .. } => None,
    })
}

/// Whether an action can end other than by success, as far as the model knows.
pub fn may_fail(program: &Program, node: NodeId) -> bool {
    // Whatever fault strikes it, who comes after it hears of it.
    if !program.node(node).call.faults.is_empty() {
        return true;
    }
    match &program.node(node).kind {
        Kind::Leaf(steps) => steps.iter().any(|s| match s {
            Step::Access(_, Access::Update { if_match, .. }) => if_match.is_some(),
            Step::Access(r, Access::Create(_)) => program.resource(*r).unique,
            Step::Access(r, Access::Fetch(_)) => program.resource(*r).missing == Missing::Minded,
            Step::Access(r, Access::Delete(..)) => program.resource(*r).shape != Shape::External,
            Step::Access(
                _,
                Access::Acquire { .. }
                | Access::Renew(_)
                | Access::Release(_)
                | Access::Write { .. },
            ) => true,
            Step::Access(..) => false,
            Step::Compute(_) | Step::Wait(_) | Step::Send(_) | Step::Opaque { .. } => false,
        }),
        _ => false,
    }
}
