//! Variables that nobody reads once the race for them is over: whoever sets one last decides nothing.

use crate::finding::Finding;
use crate::model::analysis::expressions;
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Shape, Step};

/// Leaves out what only says which value a variable has in the end, if nobody asks for that. Whoever reads it while the
/// race goes on is told so (iteration-bleed).
pub(super) fn keep_read(program: &Program, cell: ResourceId, found: &mut Vec<Finding>) {
    if program.resource(cell).shape == Shape::Variable {
        found.retain(|f| f.rule != "last-writer-wins" || is_read_later(program, cell, &f.actions));
    }
}

fn is_read_later(program: &Program, variable: ResourceId, writers: &[String]) -> bool {
    let named = |node: &NodeId| writers.iter().any(|name| **name == *program.node(*node).name);
    let writers: Vec<NodeId> = program.ids().filter(named).collect();
    let readers = program.ids().filter(|&node| reads(program, node, variable));
    let later = |reader: NodeId, writer: NodeId| match around(program, writer) {
        Some(looped) => !program.inside(reader, looped),
        None => program.precedes(writer, reader),
    };
    readers.into_iter().any(|reader| writers.iter().any(|&writer| later(reader, writer)))
}

/// The outermost concurrent loop around an action.
fn around(program: &Program, node: NodeId) -> Option<NodeId> {
    let concurrent =
        |n: &NodeId| matches!(program.node(*n).kind, Kind::Loop { degree, .. } if degree > 1);
    program.ancestors(node).filter(concurrent).last()
}

fn reads(program: &Program, node: NodeId, variable: ResourceId) -> bool {
    let mut found = false;
    for expr in expressions(program, node) {
        expr.visit(&mut |e| found |= *e == Expr::Variable(variable));
    }
    let gets = |step: &Step| matches!(step, Step::Access(r, Access::Get) if *r == variable);
    found || matches!(&program.node(node).kind, Kind::Leaf(steps) if steps.iter().any(gets))
}
