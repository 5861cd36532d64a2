//! What is known about a block once it has a number, and the moves that follow from it.

use super::faults::faults;
use super::{Engine, Move};
use crate::explore::layout::Unit;
use crate::model::block::{Block, Mark, Memory, NodeState, Phase};
use crate::model::content::Lease;
use crate::model::fault::Fault;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Kind, Node, Program, Status, Step};
use crate::model::settle::length;
use crate::model::value::Value;

/// What is cached about a block.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) ready: Vec<NodeId>,
    pub(super) ended: Option<Status>,
    /// Bits of resources it remembers something about.
    pub(super) remembers: u64,
    pub(super) holds: Vec<(ResourceId, u64, Option<u64>)>,
    /// What can go wrong with its calls.
    pub(super) faults: Vec<(NodeId, Fault)>,
    /// Whether a concurrent loop runs that has items left to start.
    pub(super) hungry: bool,
}

impl Engine<'_> {
    pub(super) fn known(&self, state: &[u32], unit: Unit) -> &Known {
        &self.known[self.layout.class(unit).0 as usize][state[self.layout.place(unit)] as usize]
    }

    /// Whether every run has ended.
    pub fn all_ended(&self, state: &[u32]) -> bool {
        (0..self.layout.runs()).all(|run| self.known(state, Unit { run, slot: 0 }).ended.is_some())
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
            let known = self.known(state, unit);
            moves.extend(known.ready.iter().map(|&n| Move::Step(unit, n)));
            if faulty {
                moves.extend(known.faults.iter().map(|&(n, fault)| Move::Fault(unit, n, fault)));
            }
            for &(resource, passed, limit) in &known.holds {
                let pending =
                    known.ready.iter().map(|&n| self.program.node(n).takes).max().unwrap_or(0);
                if limit.is_some_and(|l| passed.saturating_add(pending) >= l)
                    && known.ended.is_none()
                {
                    moves.push(Move::Expire(Some(unit), resource));
                }
            }
        }
        self.abandoned(state, moves);
    }

    /// Finite leases whose holder has ended run out by themselves.
    fn abandoned(&self, state: &[u32], moves: &mut Vec<Move>) {
        for (index, resource) in self.program.resources.iter().enumerate() {
            if resource.owner.is_some() {
                continue;
            }
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            if self.content(state, rid, 0).lease != Lease::Held(true) {
                continue;
            }
            let live = |u: Unit| {
                let known = self.known(state, u);
                known.ended.is_none() && known.holds.iter().any(|h| h.0 == rid)
            };
            if !self.layout.units().any(live) {
                moves.push(Move::Expire(None, rid));
            }
        }
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

pub(super) fn about(node: &Node) -> Option<ResourceId> {
    let Kind::Leaf(steps) = &node.kind else { return None };
    steps.iter().find_map(|s| match s {
        Step::Access(r, _) => Some(*r),
        _ => None,
    })
}

pub(super) fn know(program: &Program, class: ClassId, block: &Block) -> Known {
    let nodes = &program.class(class).nodes;
    let is_ready = |(slot, state): (usize, &NodeState)| {
        matches!(state.phase, Phase::Ready(_)).then(|| nodes[slot])
    };
    let ready: Vec<NodeId> = block.nodes.iter().enumerate().filter_map(is_ready).collect();
    let faults = faults(program, class, block, &ready);
    let mut remembers = 0u64;
    let mut holds = Vec::new();
    for (mark, memory) in &block.marks {
        let resource = match mark {
            Mark::Last(r, ..)
            | Mark::ChildLast(r, ..)
            | Mark::Bled(r, _)
            | Mark::Holds(r)
            | Mark::Lost(r) => Some(*r),
            Mark::Base(_) => None,
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
            holds.push((*r, *passed, *limit));
        }
    }
    let values = block.nodes.iter().flat_map(|n| [&n.output, &n.items]).chain([&block.item]);
    for value in values {
        tokens(value, &mut remembers);
    }
    let left = |s: &NodeState| s.phase == Phase::Running && u64::from(s.started) < length(&s.items);
    let hungry = block.nodes.iter().any(left);
    Known { ready, ended: block.ended, remembers, holds, faults, hungry }
}

fn tokens(value: &Value, bits: &mut u64) {
    match value {
        Value::Token(t) => *bits |= 1 << (t.resource % 64),
        Value::Array(items) => items.iter().for_each(|v| tokens(v, bits)),
        Value::Object(object) => object.values().for_each(|v| tokens(v, bits)),
        _ => {}
    }
}
