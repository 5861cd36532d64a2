//! What an expression depends on, through the other actions of the flow.

use super::expression::Expr;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Kind, Over, Program, Step};
use std::collections::BTreeSet;

/// The resources whose reads an expression depends on, directly or through other actions of the flow.
pub fn support(program: &Program, expr: &Expr) -> BTreeSet<ResourceId> {
    let mut resources = BTreeSet::new();
    let mut nodes = BTreeSet::new();
    gather(program, expr, &mut resources, &mut nodes);
    resources
}

/// The read actions that an expression depends on.
pub fn readers(program: &Program, expr: &Expr) -> BTreeSet<NodeId> {
    let mut nodes = BTreeSet::new();
    gather(program, expr, &mut BTreeSet::new(), &mut nodes);
    nodes
}

fn gather(
    program: &Program,
    expr: &Expr,
    resources: &mut BTreeSet<ResourceId>,
    nodes: &mut BTreeSet<NodeId>,
) {
    let settled = settled_items(program, expr);
    expr.visit(&mut |e| match e {
        Expr::Output(n) | Expr::Body(n) | Expr::Action(n) | Expr::Result(n) => {
            through(program, *n, resources, nodes);
        }
        Expr::Variable(r) => {
            resources.insert(*r);
            for writer in program.ids() {
                if let Kind::Leaf(steps) = &program.node(writer).kind
                    && let [Step::Access(w, Access::Update { set, .. })] = steps.as_slice()
                    && w == r
                    && nodes.insert(writer)
                {
                    for (_, value) in set {
                        gather(program, value, resources, nodes);
                    }
                    // Whether it was set at all, or to this and not to that.
                    for condition in around(program, writer) {
                        gather(program, condition, resources, nodes);
                    }
                }
            }
        }
        Expr::Item(looped) if settled.contains(looped) => {}
        Expr::Item(looped) => {
            if nodes.insert(*looped)
                && let Kind::Loop { over: Over::Values(over, _), .. } = &program.node(*looped).kind
            {
                gather(program, over, resources, nodes);
            }
        }
        _ => {}
    });
}

/// The conditions that decide whether an action runs.
fn around(program: &Program, node: NodeId) -> impl Iterator<Item = &Expr> {
    program.ancestors(node).skip(1).filter_map(|outer| match &program.node(outer).kind {
        Kind::If(condition) | Kind::Switch(condition, _) => Some(condition),
        _ => None,
    })
}

fn through(
    program: &Program,
    node: NodeId,
    resources: &mut BTreeSet<ResourceId>,
    nodes: &mut BTreeSet<NodeId>,
) {
    if !nodes.insert(node) {
        return;
    }
    let Kind::Leaf(steps) = &program.node(node).kind else { return };
    for step in steps {
        match step {
            Step::Compute(expr) => gather(program, expr, resources, nodes),
            Step::Access(r, Access::Get) => {
                resources.insert(*r);
            }
            Step::Access(r, Access::Fetch(key)) => {
                resources.insert(*r);
                gather(program, key, resources, nodes);
            }
            Step::Access(r, Access::List(filter) | Access::Select(filter, _)) => {
                resources.insert(*r);
                for (_, expr) in &filter.equal {
                    gather(program, expr, resources, nodes);
                }
            }
            Step::Access(..) | Step::Wait(_) | Step::Send(_) | Step::Opaque { .. } => {}
        }
    }
}

/// Loops over listed rows of whose items the expression looks only at columns that nobody ever changes: which row it
/// is, say.
fn settled_items(program: &Program, expr: &Expr) -> BTreeSet<NodeId> {
    let (mut settled, mut bare, mut fixed) = (BTreeSet::new(), Vec::new(), Vec::new());
    expr.visit(&mut |e| match e {
        Expr::Item(looped) => bare.push(*looped),
        Expr::Index { base, key, .. } => {
            if let (Expr::Item(looped), Expr::Const(super::value::Value::String(column))) =
                (&**base, &**key)
                && listed(program, *looped).is_some_and(|r| !program.changes(r, column))
            {
                fixed.push(*looped);
            }
        }
        _ => {}
    });
    for &looped in &bare {
        let count = |list: &[NodeId]| list.iter().filter(|&&l| l == looped).count();
        if count(&bare) == count(&fixed) {
            settled.insert(looped);
        }
    }
    settled
}

/// The table whose listed rows a loop goes over.
fn listed(program: &Program, looped: NodeId) -> Option<ResourceId> {
    let Kind::Loop { over: Over::Values(Expr::Index { base, key, .. }, _), .. } =
        &program.node(looped).kind
    else {
        return None;
    };
    let (Expr::Output(node) | Expr::Body(node)) = &**base else { return None };
    let whole = **key == Expr::Const(super::value::Value::text("value"));
    if whole { program.reads(*node) } else { None }
}

impl Program {
    /// Whether any action changes this column of existing rows.
    pub fn changes(&self, resource: ResourceId, column: &str) -> bool {
        self.nodes.iter().any(|n| match &n.kind {
            Kind::Leaf(steps) => steps.iter().any(|s| match s {
                Step::Access(r, Access::Update { set, .. }) if *r == resource => {
                    set.iter().any(|(c, _)| &**c == column)
                }
                Step::Access(r, Access::Upsert { row, .. }) if *r == resource => {
                    row.iter().any(|(c, _)| &**c == column)
                }
                _ => false,
            }),
            _ => false,
        })
    }
}
