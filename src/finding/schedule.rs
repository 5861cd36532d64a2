//! What makes a schedule run again on a flow that was edited since: its steps by name (they stand in the witness), which
//! of them must come before which, and what was assumed of conditions nobody knows.

use super::show;
use crate::explore::engine::{Engine, Move, State, Successor};
use crate::explore::path::{Path, path};
use crate::model::expression::Expr;
use crate::model::fault::{Fault, is_fault};
use crate::model::ids::ResourceId;
use crate::model::program::{Kind, Program, Step};
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The order that matters: Lamport's happens-before (1978) between processes, without what follows from the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// By step: the earlier steps of other processes that it meets in a cell and must follow.
    pub after: Vec<BTreeSet<usize>>,
    /// By step: what goes wrong with the call.
    pub faults: Vec<Option<Fault>>,
    /// Conditions that nobody knows, and what they were taken to be.
    pub answers: BTreeMap<String, bool>,
}

impl Schedule {
    /// Whether it rests on an effect that comes late.
    pub fn arrives_late(&self) -> bool {
        self.faults.iter().flatten().any(|fault| fault.arrives_later())
    }
}

/// The order and the answers of a schedule that was run.
pub(crate) fn schedule(engine: &Engine<'_>, steps: &[(State, Successor)]) -> Schedule {
    let mut cells: BTreeMap<(ResourceId, u32), Cell> = BTreeMap::new();
    let paths: Vec<Path> = steps.iter().map(|(_, next)| path(engine, next.chosen)).collect();
    let mut after = vec![BTreeSet::new(); steps.len()];
    for (at, (_, next)) in steps.iter().enumerate() {
        for (resource, writes) in footprint(engine.program, next) {
            // Each run has variables of its own.
            let run = match (engine.program.resource(resource).owner, next.chosen) {
                (
                    Some(_),
                    Move::Step(unit, _) | Move::Fault(unit, ..) | Move::Expire(Some(unit), _),
                ) => unit.run,
                (None, _) | (_, Move::Expire(None, _) | Move::Arrives(..)) => 0,
            };
            let cell = cells.entry((resource, run)).or_default();
            let before = if writes && !cell.readers.is_empty() {
                std::mem::take(&mut cell.readers)
            } else {
                cell.writer.into_iter().collect()
            };
            after[at].extend(before.into_iter().filter(|&b| paths[b] != paths[at]));
            if writes {
                *cell = Cell { writer: Some(at), readers: Vec::new() };
            } else {
                cell.readers.push(at);
            }
        }
    }
    let world = steps.last().map(|(_, next)| engine.world(&next.state).clone());
    let answers = world.iter().flat_map(|world| world.iter()).filter(|(q, _)| !is_fault(q));
    let answers = answers.map(|(q, &a)| (question(engine.program, q), a)).collect();
    let fault = |next: &Successor| match next.chosen {
        Move::Fault(_, _, fault) => Some(fault),
        Move::Step(..) | Move::Expire(..) | Move::Arrives(..) => None,
    };
    let faults = steps.iter().map(|(_, next)| fault(next)).collect();
    Schedule { after, faults, answers }
}

/// Who touched a cell last.
#[derive(Default)]
struct Cell {
    writer: Option<usize>,
    /// Since then.
    readers: Vec<usize>,
}

/// The resources that a step meets others in, and whether it may change them.
fn footprint(program: &Program, next: &Successor) -> BTreeMap<ResourceId, bool> {
    let mut found = BTreeMap::new();
    let mut touch = |resource, writes: bool| *found.entry(resource).or_default() |= writes;
    match next.chosen {
        Move::Expire(_, resource) | Move::Arrives(resource, _) => touch(resource, true),
        Move::Step(_, node) | Move::Fault(_, node, _) => match &program.node(node).kind {
            Kind::If(expr) | Kind::Switch(expr, _) | Kind::Until { condition: expr, .. } => {
                variables(expr, &mut |r| touch(r, false));
            }
            Kind::Group | Kind::Parallel | Kind::Loop { .. } => {}
            Kind::Terminate(_) | Kind::Leaf(_) => {}
        },
    }
    for event in next.events.iter() {
        let Kind::Leaf(list) = &program.node(event.node).kind else { continue };
        match list.get(usize::from(event.step)) {
            Some(Step::Access(resource, access)) => {
                let writes = event.refused.is_none() && !access.only_reads();
                touch(*resource, writes);
                access
                    .expressions()
                    .into_iter()
                    .for_each(|e| variables(e, &mut |r| touch(r, false)));
            }
            Some(Step::Compute(expr) | Step::Wait(expr) | Step::Send(expr)) => {
                variables(expr, &mut |r| touch(r, false));
            }
            Some(Step::Opaque { args, .. }) => {
                args.iter().for_each(|e| variables(e, &mut |r| touch(r, false)));
            }
            None => {}
        }
    }
    found
}

fn variables(expr: &Expr, tell: &mut dyn FnMut(ResourceId)) {
    expr.visit(&mut |e| {
        if let Expr::Variable(resource) | Expr::State(resource) = e {
            tell(*resource);
        }
    });
}

/// A condition nobody knows, as a text in which actions stand by their names.
pub(crate) fn question(program: &Program, question: &Value) -> String {
    let text = show::text(question);
    let mut parts = text.split('#');
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let node = part[..digits].parse::<usize>().ok().and_then(|n| program.nodes.get(n));
        named.push('#');
        named.push_str(node.map_or(&part[..digits], |n| &n.name));
        named.push_str(&part[digits..]);
    }
    named
}
