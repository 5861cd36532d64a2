//! Variables that nobody reads once the race for them is over: whoever sets one last decides nothing.

use crate::finding::Finding;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Kind, Program, Shape};
use crate::platform::slice::reads;

/// Leaves out what only says which value a variable has in the end, if nobody asks for that: whoever reads it does so
/// while the race goes on, and is told that it gets somebody else's (iteration-bleed).
pub(super) fn keep_read(program: &Program, cell: ResourceId, found: &mut Vec<Finding>) {
    if program.resource(cell).shape != Shape::Variable {
        return;
    }
    let bled = found.iter().filter(|f| f.rule == "iteration-bleed");
    let told: Vec<String> = bled.filter_map(|f| f.actions.last().cloned()).collect();
    let name = |node: NodeId| &*program.node(node).name;
    let readers = program.ids().filter(|&node| reads(program, node).contains(&cell));
    let readers: Vec<NodeId> = readers.collect();
    let matters = |finding: &Finding| {
        let writers = program.ids().filter(|&n| finding.actions.iter().any(|a| **a == *name(n)));
        let writers: Vec<NodeId> = writers.collect();
        readers.iter().any(|&reader| {
            let later = writers.iter().any(|&writer| is_later(program, reader, writer));
            later || !told.iter().any(|told| **told == *name(reader))
        })
    };
    found.retain(|f| f.rule != "last-writer-wins" || matters(f));
}

/// Whether an action reads when the race that a writer takes part in is over.
fn is_later(program: &Program, reader: NodeId, writer: NodeId) -> bool {
    let concurrent =
        |n: &NodeId| matches!(program.node(*n).kind, Kind::Loop { degree, .. } if degree > 1);
    match program.ancestors(writer).filter(concurrent).last() {
        Some(looped) => !program.inside(reader, looped),
        None => program.precedes(writer, reader),
    }
}
