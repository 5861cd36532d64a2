//! What a cell depends on, and what depends on it.

use super::turned::Conditions;
use super::{may_fail, reads, writes};
use crate::model::analysis::{chosen_by, expressions};
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Over, Program, Shape, Status, Step};
use crate::model::support::support;
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The actions that a slice keeps.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// As they are.
    pub(super) whole: BTreeSet<NodeId>,
    /// As a symbol for their answer.
    pub(super) symbol: BTreeSet<NodeId>,
}

/// A lease that does not run out.
const FOR_EVER: Expr = Expr::Const(Value::Int(-1));

/// How many effects under one condition are enough to see that it is stale.
const EFFECTS: usize = 12;

/// Everything that can matter to a cell.
pub(super) fn closure(program: &Program, cell: ResourceId, only: Option<&[NodeId]>) -> Kept {
    let mut work = Work {
        program,
        kept: Kept::default(),
        cells: BTreeSet::new(),
        writers: BTreeMap::new(),
        todo: Vec::new(),
    };
    for node in program.ids() {
        if let Some(r) = writes(program, node) {
            work.writers.entry(r).or_default().push(node);
        }
    }
    // With rivals picked out, who comes before or after them all still counts.
    let wanted = |n: NodeId| {
        only.is_none_or(|rivals| {
            rivals.contains(&n)
                || rivals.iter().all(|&r| program.precedes(n, r))
                || rivals.iter().all(|&r| program.precedes(r, n))
        })
    };
    if let Some(writers) = work.writers.get_mut(&cell) {
        writers.retain(|&n| wanted(n));
    }
    work.cell(cell);
    let writers = work.writers.get(&cell).cloned().unwrap_or_default();
    let conditions = Conditions::new(program);
    for effect in conditions.turned(program, cell, &writers).filter(|&n| wanted(n)) {
        work.keep(effect);
        // What is added to a variable is added to something.
        writes(program, effect)
            .filter(|&r| program.resource(r).owner.is_some())
            .into_iter()
            .for_each(|r| work.cell(r));
    }
    for node in program.ids() {
        if wanted(node) && reads(program, node).contains(&cell) {
            work.keep(node);
        }
        if work.turns_on(node, cell) {
            work.effects_below(node);
        }
        if matches!(program.node(node).kind, Kind::Terminate(_)) && work.ends_on(node, cell) {
            work.keep(node);
        }
    }
    work.run();
    work.kept
}

struct Work<'p> {
    program: &'p Program,
    kept: Kept,
    cells: BTreeSet<ResourceId>,
    writers: BTreeMap<ResourceId, Vec<NodeId>>,
    todo: Vec<NodeId>,
}

impl Work<'_> {
    fn keep(&mut self, node: NodeId) {
        if self.kept.whole.insert(node) {
            self.todo.push(node);
        }
    }

    /// Everybody who writes a cell is kept.
    fn cell(&mut self, cell: ResourceId) {
        if self.cells.insert(cell) {
            for node in self.writers.get(&cell).cloned().unwrap_or_default() {
                self.keep(node);
            }
        }
    }

    /// Whether a condition looks at the cell.
    fn turns_on(&self, node: NodeId, cell: ResourceId) -> bool {
        let asks = match &self.program.node(node).kind {
            Kind::If(_) | Kind::Switch(..) | Kind::Until { .. } => true,
            Kind::Loop { over: Over::Values(over, _), .. } => {
                !chosen_by(self.program, over).is_empty()
            }
            _ => false,
        };
        asks && expressions(self.program, node)
            .into_iter()
            .any(|e| support(self.program, e).contains(&cell))
    }

    fn ends_on(&self, node: NodeId, cell: ResourceId) -> bool {
        self.program.ancestors(node).skip(1).any(|n| self.turns_on(n, cell))
    }

    /// Effects whose condition this is: those below, and for an Until also those after it.
    fn effects_below(&mut self, node: NodeId) {
        let program = self.program;
        let effect = |n: &NodeId| match &program.node(*n).kind {
            Kind::Leaf(steps) => {
                steps.iter().any(|s| matches!(s, Step::Send(_) | Step::Opaque { effect: true, .. }))
                    || writes(program, *n).is_some_and(|r| program.resource(r).owner.is_none())
            }
            _ => false,
        };
        let mut roots = vec![node];
        if leaves(program, node) {
            let siblings = program.node(node).parent.map_or(&[][..], |p| &program.node(p).children);
            roots.extend(siblings.iter().filter(|&&s| program.precedes(node, s)));
        }
        let below = roots.into_iter().flat_map(|n| program.subtree(n));
        let below: Vec<NodeId> = below.filter(effect).take(EFFECTS).collect();
        for node in below {
            self.keep(node);
        }
    }

    fn run(&mut self) {
        loop {
            self.follow();
            let program = self.program;
            let ends = |n: &NodeId| matches!(program.node(*n).kind, Kind::Terminate(_));
            let left = |n: &NodeId| !self.kept.whole.contains(n) && self.cuts(*n);
            let cutting: Vec<NodeId> = program.ids().filter(|n| ends(n) && left(n)).collect();
            if cutting.is_empty() {
                return;
            }
            cutting.into_iter().for_each(|n| self.keep(n));
        }
    }

    /// Whether the end of a run can come before something that is kept.
    fn cuts(&self, end: NodeId) -> bool {
        let program = self.program;
        let again =
            |n: &NodeId| matches!(program.node(*n).kind, Kind::Loop { .. } | Kind::Until { .. });
        let round = program.ancestors(end).filter(again).last();
        let mut leaves =
            self.kept.whole.iter().filter(|&&n| matches!(program.node(n).kind, Kind::Leaf(_)));
        leaves.any(|&n| {
            program.flow_of(n) == program.flow_of(end)
                && (round.is_some_and(|r| program.inside(n, r)) || !program.precedes(n, end))
        })
    }

    fn follow(&mut self) {
        while let Some(node) = self.todo.pop() {
            for expr in expressions(self.program, node) {
                self.sources(expr);
            }
            for outer in self.program.ancestors(node).skip(1) {
                self.keep(outer);
            }
            self.handlers(node);
            self.lease(node);
            for &(before, _) in &self.program.node(node).run_after {
                self.status(before);
            }
        }
    }

    /// Whoever comes after a failure answers for it: without it, what is around has failed too (semantics §3.3).
    fn handlers(&mut self, node: NodeId) {
        let program = self.program;
        let Some(parent) = program.node(node).parent.filter(|_| may_fail(program, node)) else {
            return;
        };
        for &sibling in &program.node(parent).children {
            let mut after = program.node(sibling).run_after.iter();
            if after.any(|(before, on)| *before == node && on.has(Status::Failed)) {
                self.keep(sibling);
            }
        }
    }

    /// Whoever meets a lease meets all who ask for it or give it back; and while one runs, whatever takes time.
    fn lease(&mut self, node: NodeId) {
        let program = self.program;
        let Kind::Leaf(steps) = &program.node(node).kind else { return };
        for step in steps {
            let Step::Access(r, access) = step else { continue };
            if program.resource(*r).shape == Shape::Blob {
                self.cell(*r);
            }
            if matches!(access, Access::Acquire { seconds, .. } if *seconds != FOR_EVER) {
                for later in program.ids() {
                    let takes = program.node(later).takes > 0 && program.precedes(node, later);
                    if takes && matches!(program.node(later).kind, Kind::Leaf(_)) {
                        self.keep(later);
                    }
                }
            }
        }
    }

    /// A predecessor matters if it can fail.
    fn status(&mut self, node: NodeId) {
        let mut seen = BTreeSet::new();
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            if !seen.insert(node) || self.kept.whole.contains(&node) {
                continue;
            }
            let below = self.program.subtree(node);
            if below.iter().any(|&n| may_fail(self.program, n)) {
                for n in below.into_iter().filter(|&n| may_fail(self.program, n)) {
                    self.keep(n);
                }
            }
            todo.extend(self.program.node(node).run_after.iter().map(|&(n, _)| n));
        }
    }

    /// Where an expression's value comes from.
    fn sources(&mut self, expr: &Expr) {
        let mut nodes = Vec::new();
        let mut cells = Vec::new();
        expr.visit(&mut |e| match e {
            Expr::Output(n) | Expr::Body(n) | Expr::Action(n) | Expr::Item(n) => nodes.push(*n),
            Expr::Result(n) => nodes.extend(self.program.subtree(*n)),
            Expr::Variable(v) => cells.push(*v),
            _ => {}
        });
        for cell in cells {
            self.cell(cell);
        }
        for node in nodes {
            let call = match &self.program.node(node).kind {
                Kind::Leaf(steps) => steps.iter().all(|s| match s {
                    Step::Opaque { .. } | Step::Access(..) => true,
                    Step::Compute(_) | Step::Wait(_) | Step::Send(_) => false,
                }),
                _ => false,
            };
            if !call || matters(self.program, node, &self.writers) {
                self.keep(node);
                if let Some(read) = self.program.reads(node) {
                    self.cell(read);
                }
            } else {
                self.kept.symbol.insert(node);
            }
        }
    }
}

/// Whether what comes after depends on the condition too: a poll, or a side that ends the run.
fn leaves(program: &Program, node: NodeId) -> bool {
    matches!(program.node(node).kind, Kind::Until { .. })
        || program
            .subtree(node)
            .into_iter()
            .any(|n| matches!(program.node(n).kind, Kind::Terminate(_)))
}

/// Whether an answer depends on anything that somebody writes.
fn matters(program: &Program, node: NodeId, writers: &BTreeMap<ResourceId, Vec<NodeId>>) -> bool {
    if !matches!(program.node(node).kind, Kind::Leaf(_)) || may_fail(program, node) {
        return true;
    }
    let written = |r: &ResourceId| writers.contains_key(r);
    // What an action makes has a place in its store.
    writes(program, node).is_some()
        || support(program, &Expr::Output(node)).iter().any(written)
        || expressions(program, node).into_iter().any(|e| support(program, e).iter().any(written))
}
