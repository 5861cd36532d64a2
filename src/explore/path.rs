//! Which process takes a move: its place in the tree of runs, iterations and branches.

use super::engine::{Engine, Move, State, Successor};
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
    /// A round of a loop that goes one at a time: only where it is asked which one ([`path_at`]).
    Nth(NodeId, u32),
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
        Move::Expire(None, _) | Move::Arrives(..) => Vec::new(),
    }
}

/// The process that stepped last: if it was an iteration that has ended, only what is around its loop is left of it.
pub fn last_path(engine: &Engine<'_>, next: &Successor) -> Path {
    left(path(engine, next.chosen), next)
}

/// What is left of the path of the process that stepped last.
pub fn left(mut last: Path, next: &Successor) -> Path {
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

/// As [`path`], with the rounds of the loops around that go one at a time.
pub fn path_at(engine: &Engine<'_>, state: &State, chosen: Move) -> Path {
    let (Move::Step(unit, node) | Move::Fault(unit, node, _)) = chosen else {
        return path(engine, chosen);
    };
    let program = engine.program;
    let round = |looped: NodeId| {
        let own = program.node(looped).class == engine.layout.class(unit);
        let owner = if own { unit } else { Unit { run: unit.run, slot: 0 } };
        Some(engine.block(state, owner).nodes[program.node(looped).slot as usize].count)
    };
    walk(program, unit, node, &round)
}

/// The process that a node of a unit belongs to.
pub fn path_of(program: &Program, unit: Unit, node: NodeId) -> Path {
    walk(program, unit, node, &|_| None)
}

fn walk(
    program: &Program,
    unit: Unit,
    node: NodeId,
    round: &dyn Fn(NodeId) -> Option<u32>,
) -> Path {
    let mut levels = Vec::new();
    let mut inner = node;
    for outer in program.ancestors(node).skip(1) {
        match program.node(outer).kind {
            Kind::Loop { degree, .. } if degree > 1 => levels.push(Level::Slot(unit.slot)),
            Kind::Loop { .. } | Kind::Until { .. } => {
                levels.extend(round(outer).map(|n| Level::Nth(outer, n)));
            }
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
                Level::Branch(..) | Level::Nth(..) => Across::Branches,
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
        Move::Arrives(..) => return "network".to_owned(),
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
