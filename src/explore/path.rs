//! Which process takes a move: its place in the tree of runs, iterations and branches.

use super::engine::{Engine, Move, Successor};
use super::layout::Unit;
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program};

/// One step down the tree of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A run.
    Run(u32),
    /// A slot of a concurrent loop.
    Slot(u32),
    /// A maximal chain of a container, by its first action.
    Branch(NodeId, NodeId),
}

/// Whose processes met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Across {
    /// Of one loop.
    Iterations,
    /// Of one run.
    Branches,
    /// Of one flow or several.
    Runs,
}

/// From the run down.
pub type Path = Vec<Level>;

/// The process that takes a move.
pub fn path(engine: &Engine<'_>, chosen: Move) -> Path {
    match chosen {
        Move::Step(unit, node) | Move::Fault(unit, node, _) => path_of(engine.program, unit, node),
        Move::Expire(Some(unit), _) => path_of_unit(engine.program, unit),
        Move::Expire(None, _) => Vec::new(),
    }
}

/// The process that stepped last: if it was an iteration that has ended, only what is around its loop is left of it.
pub fn last_path(engine: &Engine<'_>, next: &Successor) -> Path {
    let mut last = path(engine, next.chosen);
    if next.ended
        && let Some(at) = last.iter().position(|l| matches!(l, Level::Slot(_)))
    {
        last.truncate(at);
    }
    last
}

fn path_of_unit(_program: &Program, unit: Unit) -> Path {
    let mut path = vec![Level::Run(unit.run)];
    if unit.slot > 0 {
        path.push(Level::Slot(unit.slot));
    }
    path
}

/// The process that a node of a unit belongs to.
pub fn path_of(program: &Program, unit: Unit, node: NodeId) -> Path {
    let mut levels = Vec::new();
    let mut inner = node;
    for outer in program.ancestors(node).skip(1) {
        match program.node(outer).kind {
            Kind::Loop { degree, .. } if degree > 1 => levels.push(Level::Slot(unit.slot)),
            Kind::Parallel => levels.push(Level::Branch(outer, inner)),
            Kind::Group => {
                let mut chains =
                    program.node(outer).children.iter().map(|&c| program.node(c).chain);
                let first = chains.next();
                if chains.any(|c| Some(c) != first) {
                    levels.push(Level::Branch(outer, NodeId(program.node(inner).chain)));
                }
            }
            _ => {}
        }
        inner = outer;
    }
    levels.push(Level::Run(unit.run));
    levels.reverse();
    levels
}

/// Where two processes part.
pub fn parts(a: &Path, b: &Path) -> Option<Across> {
    for (x, y) in a.iter().zip(b) {
        if x != y {
            return Some(match x {
                Level::Run(_) => Across::Runs,
                Level::Slot(_) => Across::Iterations,
                Level::Branch(..) => Across::Branches,
            });
        }
    }
    None
}

/// The name of the process, with iteration numbers from `index`.
pub fn name(
    engine: &Engine<'_>,
    chosen: Move,
    index: impl Fn(Unit) -> u32,
    serial: impl Fn(NodeId) -> u32,
) -> String {
    let (unit, node) = match chosen {
        Move::Step(unit, node) | Move::Fault(unit, node, _) => (unit, Some(node)),
        Move::Expire(Some(unit), _) => (unit, None),
        Move::Expire(None, _) => return "time".to_owned(),
    };
    let program = engine.program;
    let mut parts = Vec::new();
    let class = program.class(engine.layout.class(unit));
    let start = node.unwrap_or(class.root);
    let mut inner = start;
    for outer in program.ancestors(start).skip(usize::from(node.is_some())) {
        match program.node(outer).kind {
            Kind::Loop { degree, .. } if degree > 1 => {
                parts.push(format!("{}[{}]", program.node(outer).name, index(unit) + 1));
            }
            Kind::Loop { .. } => {
                parts.push(format!("{}[{}]", program.node(outer).name, serial(outer) + 1));
            }
            Kind::Parallel => parts.push(program.node(inner).name.to_string()),
            Kind::Group => {
                let mut chains =
                    program.node(outer).children.iter().map(|&c| program.node(c).chain);
                let first = chains.next();
                if chains.any(|c| Some(c) != first) && program.node(inner).parent == Some(outer) {
                    parts.push(program.node(NodeId(program.node(inner).chain)).name.to_string());
                }
            }
            _ => {}
        }
        inner = outer;
    }
    let many = engine.layout.runs() > 1;
    if many || parts.is_empty() {
        let flow = if program.flows.len() > 1 {
            &program.flows[engine.layout.flow(unit.run) as usize].name
        } else {
            "run"
        };
        parts.push(format!("{flow}[{}]", engine.layout.number(unit.run)));
    }
    parts.reverse();
    parts.join("/")
}
