//! Variables that nobody reads once the race for them is over: whoever sets one last decides nothing.

use crate::finding::{Finding, Severity};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Kind, Program, Resource, Shape};
use crate::platform::slice::reads;

/// Leaves out what only says which value a variable has in the end, if nobody asks for that: whoever reads it does so
/// while the race goes on, and is told that it gets somebody else's (iteration-bleed).
pub(super) fn keep_read(program: &Program, found: &mut Vec<Finding>) {
    let sure = |f: &&Finding| f.severity == Severity::Error;
    let bled = found.iter().filter(|f| f.rule == "iteration-bleed").filter(sure);
    let told: Vec<(String, String)> =
        bled.filter_map(|f| Some((f.cell.clone(), f.actions.last()?.clone()))).collect();
    let variable = |finding: &Finding| {
        let is = |r: &Resource| r.shape == Shape::Variable && *r.name == *finding.cell;
        let at = program.resources.iter().position(is)?;
        u32::try_from(at).ok().map(ResourceId)
    };
    let unread = |finding: &Finding| {
        let Some(cell) = variable(finding) else { return false };
        let name = |node: NodeId| &*program.node(node).name;
        let writers = program.ids().filter(|&n| finding.actions.iter().any(|a| **a == *name(n)));
        let writers: Vec<NodeId> = writers.collect();
        let mut readers = program.ids().filter(|&node| reads(program, node).contains(&cell));
        readers.all(|reader| {
            let during = !writers.iter().any(|&writer| is_later(program, reader, writer));
            during && told.iter().any(|(of, by)| *of == finding.cell && **by == *name(reader))
        })
    };
    found.retain(|f| f.rule != "last-writer-wins" || !unread(f));
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
