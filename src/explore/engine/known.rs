//! What is known about a block once it has a number, and the moves that follow from it.

use super::delta::Local;
use super::faults::faults;
use super::{Engine, Move};
use crate::explore::layout::Unit;
use crate::explore::table::NONE;
use crate::model::block::{Block, Mark, Memory, NodeState, Phase};
use crate::model::content::Lease;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::late::{Late, blind_access};
use crate::model::program::{Access, Kind, Node, Program, Status, Step};
use crate::model::settle::length;
use crate::model::value::Value;
use std::collections::BTreeSet;

/// What is cached about a block.
#[derive(Debug)]
pub(in crate::explore) struct Known {
    /// Numbers of the moves it offers.
    pub(super) locals: std::ops::Range<u32>,
    pub(super) ended: Option<Status>,
    /// Bits of resources it remembers something about.
    pub(super) remembers: u64,
    pub(super) holds: Vec<ResourceId>,
    /// Whether a concurrent loop runs that has items left to start.
    pub(super) hungry: bool,
    /// Of a run: the number of what its iterations see of it.
    pub(super) around: u32,
}

impl Engine<'_> {
    /// The number of a block, and what is known about it.
    pub(super) fn intern_block(&mut self, class: ClassId, block: Block) -> u32 {
        let table = &mut self.blocks[class.0 as usize];
        let id = table.keep(block);
        if id as usize == self.known[class.0 as usize].len() {
            let mut offered = Vec::new();
            let first = number(self.locals.len());
            let mut known = know(self.program, class, table.get(id), &mut offered);
            known.locals = first..first + number(offered.len());
            self.locals.extend(offered.into_iter().map(|local| {
                let about = match local {
                    Local::Node(node) | Local::Fault(node, _) => self.about[node.index()],
                    Local::Expire(resource) => Some(resource),
                };
                (local, about.map_or(NONE, |r| r.0))
            }));
            if self.program.class(class).looped.is_none() {
                known.around = self.arounds.keep(around(self.program, class, table.get(id)));
            }
            self.remembered |= known.remembers;
            self.known[class.0 as usize].push(known);
        }
        id
    }

    pub(super) fn known(&self, state: &[u32], unit: Unit) -> &Known {
        &self.known[self.layout.class(unit).0 as usize][state[self.layout.place(unit)] as usize]
    }

    /// Whether every run has ended, and nothing is under way.
    pub fn all_ended(&self, state: &[u32]) -> bool {
        let ended = |run| self.known(state, Unit { run, slot: 0 }).ended.is_some();
        (0..self.layout.runs()).all(ended) && self.under_way(state).next().is_none()
    }

    /// Writes that are under way: to which resource, and their place there; alike ones once.
    pub fn under_way(&self, state: &[u32]) -> impl Iterator<Item = (ResourceId, u32)> {
        self.written_late.iter().flat_map(move |&resource| {
            arrivals(&self.content(state, resource, 0).late).map(move |at| (resource, at))
        })
    }

    /// What the scheduler may choose, alike blocks once if symmetry is on.
    pub fn moves(&self, state: &[u32], every: bool) -> Vec<Move> {
        let mut moves = Vec::new();
        self.moves_into(state, every, &mut moves);
        moves
    }

    /// As [`Engine::moves`], into a list that the caller keeps.
    pub fn moves_into(&self, state: &[u32], every: bool, moves: &mut Vec<Move>) {
        moves.clear();
        let faulty = self.program.faults > 0 && self.faults_left(state);
        for &unit in &self.units {
            if state[self.layout.place(unit)] == 0
                || (self.symmetry && !every && self.twin_before(state, unit))
            {
                continue;
            }
            let chosen = self.locals(state, unit).map(|number| self.chosen(unit, number));
            moves.extend(chosen.filter(|m| faulty || !m.is_fault()));
        }
        moves.extend(self.abandoned(state).map(|resource| Move::Expire(None, resource)));
        moves.extend(self.under_way(state).map(|(resource, at)| Move::Arrives(resource, at)));
    }

    /// A local move as a move.
    pub(super) fn chosen(&self, unit: Unit, number: u32) -> Move {
        match self.locals[number as usize].0 {
            Local::Node(node) => Move::Step(unit, node),
            Local::Fault(node, fault) => Move::Fault(unit, node, fault),
            Local::Expire(resource) => Move::Expire(Some(unit), resource),
        }
    }

    /// Finite leases whose holder has ended: they run out by themselves.
    pub fn abandoned(&self, state: &[u32]) -> impl Iterator<Item = ResourceId> {
        self.leasable.iter().copied().filter(|&resource| {
            let live = |&u: &Unit| {
                let known = self.known(state, u);
                known.ended.is_none() && known.holds.contains(&resource)
            };
            self.content(state, resource, 0).lease == Lease::Held(true)
                && !self.units.iter().any(live)
        })
    }

    /// Whether an alike unit stands before this one: stepping both would give the same states.
    pub(super) fn twin_before(&self, state: &[u32], unit: Unit) -> bool {
        if self.layout.run_twin_before(state, unit.run) {
            return true;
        }
        let id = state[self.layout.place(unit)];
        // In a sorted state alike blocks stand side by side.
        unit.slot > 1 && {
            let before = Unit { run: unit.run, slot: unit.slot - 1 };
            self.layout.class(before) == self.layout.class(unit)
                && state[self.layout.place(before)] == id
        }
    }
}

/// Shared resources whose lease somebody may take.
pub(in crate::explore) fn leasable(program: &Program) -> Vec<ResourceId> {
    let acquired = |node: &Node| match &node.kind {
        Kind::Leaf(steps) => steps
            .iter()
            .filter_map(|s| match s {
                Step::Access(r, Access::Acquire { .. }) => Some(*r),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut found: Vec<ResourceId> = program.nodes.iter().flat_map(acquired).collect();
    found.sort_unstable();
    found.dedup();
    found.retain(|r| program.resource(*r).owner.is_none());
    found
}

/// Resources that a write may be under way to.
pub fn written_late(program: &Program) -> Vec<ResourceId> {
    let late = |n: &NodeId| program.node(*n).call.faults.iter().any(|f| f.arrives_later());
    let nodes = program.ids().filter(late);
    let found = nodes.filter_map(|n| blind_access(program, n)).map(|(resource, _)| resource);
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The places of those that are no repetition of the one before.
pub(in crate::explore) fn arrivals(late: &[Late]) -> impl Iterator<Item = u32> {
    let first = |at: &usize| *at == 0 || late[at - 1] != late[*at];
    (0..late.len()).filter(first).map(|at| u32::try_from(at).unwrap_or(u32::MAX))
}

pub(super) fn about(node: &Node) -> Option<ResourceId> {
    let Kind::Leaf(steps) = &node.kind else { return None };
    steps.iter().find_map(|s| match s {
        Step::Access(r, _) => Some(*r),
        _ => None,
    })
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("internal error: too many moves")
}

/// What follows from a block; its moves are added to `locals`.
pub(in crate::explore) fn know(
    program: &Program,
    class: ClassId,
    block: &Block,
    locals: &mut Vec<Local>,
) -> Known {
    let nodes = &program.class(class).nodes;
    let is_ready = |(slot, state): (usize, &NodeState)| {
        matches!(state.phase, Phase::Ready(_)).then(|| nodes[slot])
    };
    let ready: Vec<NodeId> = block.nodes.iter().enumerate().filter_map(is_ready).collect();
    let pending = pending(program, class, block);
    let faults = faults(program, class, block, &ready);
    locals.extend(ready.into_iter().map(Local::Node));
    locals.extend(faults.into_iter().map(|(node, fault)| Local::Fault(node, fault)));
    let mut remembers = 0u64;
    let mut holds = Vec::new();
    for (mark, memory) in &block.marks {
        let resource = match mark {
            // What a process counted by itself does not change by what others do.
            Mark::Version(..) => continue,
            Mark::Last(r, ..)
            | Mark::ChildLast(r, ..)
            | Mark::Bled(r, _)
            | Mark::Holds(r)
            | Mark::Lost(r)
            | Mark::Late(r, _) => Some(*r),
            Mark::Base(..) | Mark::BaseAround(..) => None,
            Mark::Undo(_, r, ..) => Some(*r),
            Mark::Applied(_)
            | Mark::Disturbed(_)
            | Mark::Sent(..)
            | Mark::Broken(_)
            | Mark::Undone(_)
            | Mark::Left(..) => continue,
        };
        match resource {
            Some(r) => remembers |= 1 << (r.0 % 64),
            None => remembers = u64::MAX,
        }
        if let (Mark::Holds(r), Memory::Clock(passed, limit)) = (mark, memory) {
            holds.push(*r);
            let late = limit.is_some_and(|l| passed.saturating_add(pending) >= l);
            if late && block.ended.is_none() {
                locals.push(Local::Expire(*r));
            }
        }
    }
    let values = block.nodes.iter().flat_map(|n| [&n.output, &n.items]).chain([&block.item]);
    for value in values {
        tokens(value, &mut remembers);
    }
    // What a run has read it looks at again when a loop has ended whose iterations write it.
    if program.classes.iter().any(|c| c.parent == Some(class)) {
        let done = |slot: &usize| matches!(block.nodes[*slot].phase, Phase::Done(_));
        let read = (0..block.nodes.len()).filter(done).map(|slot| program.class(class).nodes[slot]);
        read.filter_map(|n| program.reads(n)).for_each(|r| remembers |= 1 << (r.0 % 64));
    }
    let left = |s: &NodeState| s.phase == Phase::Running && u64::from(s.started) < length(&s.items);
    let hungry = block.nodes.iter().any(left);
    Known { locals: 0..0, ended: block.ended, remembers, holds, hungry, around: NONE }
}

/// What an iteration sees of the block around it: all but how many iterations have started and ended.
pub(super) fn around(program: &Program, class: ClassId, block: &Block) -> Block {
    let mut around = block.clone();
    let loops = program.classes.iter().filter(|c| c.parent == Some(class));
    for looped in loops.filter_map(|c| c.looped) {
        let state = &mut around.nodes[program.node(looped).slot as usize];
        (state.count, state.started) = (0, 0);
    }
    around
}

/// The longest time that what a block is about to do can take: its call, its waiting for others, its concurrent loop.
fn pending(program: &Program, class: ClassId, block: &Block) -> u64 {
    let each = block.nodes.iter().enumerate().map(|(slot, state)| {
        let node = program.node(program.class(class).nodes[slot]);
        match (&node.kind, state.phase) {
            (Kind::Leaf(steps), Phase::Ready(_)) => {
                let waits = steps.iter().map(|s| match s {
                    Step::Wait(_) => u64::MAX,
                    Step::Access(_, Access::Acquire { retry: Some((count, interval)), .. }) => {
                        count.saturating_mul(*interval)
                    }
                    _ => 0,
                });
                node.takes.saturating_add(waits.max().unwrap_or(0))
            }
            (Kind::Loop { degree, .. }, Phase::Running) if *degree > 1 => node.takes,
            _ => 0,
        }
    });
    each.max().unwrap_or(0)
}

fn tokens(value: &Value, bits: &mut u64) {
    match value {
        Value::Token(t) => *bits |= 1 << (t.resource % 64),
        Value::Array(items) => items.iter().for_each(|v| tokens(v, bits)),
        Value::Object(object) => object.values().for_each(|v| tokens(v, bits)),
        _ => {}
    }
}
