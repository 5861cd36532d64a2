//! Deltas: what a move changes in the numbers of a state, learned once and then looked up without taking the step.
//!
//! Learning needs the engine for itself; looking up does not, so any number of threads can do it at once.

use super::{Engine, Move, State, Told};
use crate::explore::layout::Unit;
use crate::explore::table::NONE;
use crate::explore::witness::gave_up;
use crate::model::delivery::is_start;
use crate::model::fault::Fault;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::transition::Halt;

/// A move that a block offers: its step at a node, or the end of a lease that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// The node's next step.
    Node(NodeId),
    /// The node's call goes wrong.
    Fault(NodeId, Fault),
    /// The lease runs out.
    Expire(ResourceId),
}

/// What a move leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Delta {
    /// Nothing: it is not enabled.
    Disabled,
    /// More than can be said here: it has to be taken.
    Slow,
    /// New numbers.
    Plain(Plain),
}

/// New numbers after a move.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// Of the choices made.
    pub world: u32,
    /// Of the block that stepped; 0 if its slot is free now.
    pub block: u32,
    /// Of the run's own block, if that is another.
    pub root: u32,
    /// Whether the run has ended at once, and its iterations with it.
    pub cleared: bool,
    /// Of resources.
    pub writes: Box<[(ResourceId, u32)]>,
    /// Changes that all other blocks hear of.
    pub heard: Box<[Heard]>,
}

/// A change that others hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its number.
    pub change: u32,
    /// What was changed.
    pub resource: ResourceId,
    /// Whether the run's own block made it, and no iteration.
    pub by_root: bool,
}

/// A delta, with what it rests on beside its key.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) reads: Box<[(ResourceId, u32)]>,
    /// The content of the resource that the move is about.
    pub(super) content: u32,
    pub(super) delta: Delta,
    /// Its local move.
    pub(super) local: u32,
    /// Whether a rule fires, or a retry is given up.
    pub(super) fired: bool,
    /// Another one with the same key.
    next: u32,
}

/// What a transition read and wrote, over all the machine runs it consists of.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) reads: Vec<(ResourceId, u32)>,
    pub(super) writes: Vec<(ResourceId, u32)>,
    pub(super) changes: Vec<Heard>,
    /// The run was ended at once.
    pub(super) cleared: bool,
}

impl Record {
    /// One machine run more.
    pub(super) fn add(
        &mut self,
        reads: &[(ResourceId, u32)],
        writes: &[(ResourceId, u32)],
        changes: impl Iterator<Item = Heard>,
    ) {
        for &(r, id) in reads {
            let known = self.writes.iter().chain(&self.reads).any(|(other, _)| *other == r);
            if !known {
                self.reads.push((r, id));
            }
        }
        for &(r, id) in writes {
            self.writes.retain(|(other, _)| *other != r);
            self.writes.push((r, id));
        }
        self.changes.extend(changes);
    }
}

impl Engine<'_> {
    fn key(&self, state: &[u32], unit: Unit, number: u32) -> [u32; 4] {
        let root = if unit.slot == 0 { 0 } else { state[self.layout.root(unit.run)] };
        self.key_in(state, self.layout.resources(unit.run), root, number)
    }

    fn key_in(&self, state: &[u32], places: &[usize], root: u32, number: u32) -> [u32; 4] {
        let about = self.locals[number as usize].1;
        let content = if about == NONE { NONE } else { state[places[about as usize]] };
        [number, root, state[0], content]
    }

    /// The local moves of a unit, by their numbers.
    pub fn locals(&self, state: &[u32], unit: Unit) -> std::ops::Range<u32> {
        self.known(state, unit).locals.clone()
    }

    /// The local moves of a block.
    pub fn locals_of(&self, class: ClassId, block: u32) -> std::ops::Range<u32> {
        self.known[class.0 as usize][block as usize].locals.clone()
    }

    /// What a local move leads to, if that has been learned.
    pub fn delta(&self, state: &[u32], unit: Unit, number: u32) -> Option<&Delta> {
        let root = if unit.slot == 0 { 0 } else { state[self.layout.root(unit.run)] };
        self.delta_in(state, self.layout.resources(unit.run), root, number)
    }

    /// As [`Engine::delta`], with the places of the run's resources and the number of the block around (0: none).
    pub fn delta_in(
        &self,
        state: &[u32],
        places: &[usize],
        root: u32,
        number: u32,
    ) -> Option<&Delta> {
        let mut at = self.deltas.get(self.key_in(state, places, root, number))?;
        loop {
            let learned = &self.learned[at as usize];
            if learned.reads.iter().all(|&(r, id)| state[places[r.index()]] == id) {
                return Some(&learned.delta);
            }
            if learned.next == NONE {
                return None;
            }
            at = learned.next;
        }
    }

    /// The number of another block after it heard of a change, if that has been learned.
    pub fn heard(&self, state: &[u32], unit: Unit, change: u32, related: bool) -> Option<u32> {
        let class = self.layout.class(unit).0;
        self.touched.get([class, state[self.layout.place(unit)], change, u32::from(related)])
    }

    /// Whether a block that remembers something about the changed resource has to hear of the change.
    pub fn must_hear(&self, state: &[u32], unit: Unit, by: Unit, resource: ResourceId) -> bool {
        let private = self.program.resource(resource).owner.is_some();
        state[self.layout.place(unit)] != 0
            && !(private && unit.run != by.run)
            && self.known(state, unit).remembers & (1u64 << (resource.0 % 64)) != 0
    }

    /// Whether anybody at all remembers something about the changed resource.
    pub fn anybody_hears(&self, resource: ResourceId) -> bool {
        self.remembered & (1u64 << (resource.0 % 64)) != 0
    }

    /// Learns what all moves of a state lead to, as far as that is not known.
    pub fn learn(&mut self, state: &State) {
        for index in 0..self.units.len() {
            let unit = self.units[index];
            if state[self.layout.place(unit)] == 0
                || (self.symmetry && self.twin_before(state, unit))
            {
                continue;
            }
            for number in self.locals(state, unit) {
                match self.delta(state, unit, number) {
                    None => self.learn_one(state, unit, number),
                    // Who else hears of it may be new.
                    Some(Delta::Plain(plain)) if !plain.heard.is_empty() => {
                        let chosen = self.chosen(unit, number);
                        self.take_into(state, chosen, &mut State::new());
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Learns what one move leads to.
    pub fn learn_one(&mut self, state: &State, unit: Unit, number: u32) {
        let learned = self.record(state, unit, number);
        self.remember(state, unit, number, learned);
    }

    /// A local move by its number.
    pub fn local(&self, number: u32) -> Local {
        self.locals[number as usize].0
    }

    /// Whether anybody may take a lease.
    pub fn leases(&self) -> bool {
        !self.leasable.is_empty()
    }

    fn remember(&mut self, state: &State, unit: Unit, number: u32, mut learned: Learned) {
        let key = self.key(state, unit, number);
        learned.content = key[3];
        let id = u32::try_from(self.learned.len()).expect("internal error: too many deltas");
        learned.next = self.deltas.get(key).unwrap_or(NONE);
        self.owned += learned.reads.len() * size_of::<(ResourceId, u32)>()
            + match &learned.delta {
                Delta::Plain(p) => p.writes.len() * 8 + p.heard.len() * size_of::<Heard>(),
                Delta::Disabled | Delta::Slow => 0,
            };
        self.learned.push(learned);
        self.deltas.set(key, id);
    }

    /// Takes the step and sees what it does.
    fn record(&mut self, state: &State, unit: Unit, number: u32) -> Learned {
        let chosen = self.chosen(unit, number);
        let beyond = chosen.is_fault() && !self.faults_left(state);
        let mut next = state.clone();
        let mut told = Told { record: Some(Record::default()), ..Told::default() };
        let result =
            if beyond { Err(Halt::Disabled) } else { self.step_in(&mut next, chosen, &mut told) };
        let mut record = told.record.take().unwrap_or_default();
        if let Move::Expire(_, resource) = chosen {
            record.writes.push((resource, next[self.layout.resource(resource, unit.run)]));
        }
        let about = self.locals[number as usize].1;
        record.reads.retain(|(r, _)| r.0 != about);
        let root = self.layout.root(unit.run);
        let waits = matches!(chosen, Move::Step(_, node) if is_start(self.program, node));
        let delta = match result {
            Err(Halt::Disabled) if waits => Delta::Slow,
            Err(Halt::Disabled) if self.beyond.is_none() => Delta::Disabled,
            Err(_) => Delta::Slow,
            // Whether a run may start depends on the others, which are not part of the key.
            Ok(()) if waits => Delta::Slow,
            Ok(()) if self.starts_elsewhere(state, unit, &told) => Delta::Slow,
            Ok(()) => Delta::Plain(Plain {
                world: next[0],
                cleared: record.cleared,
                block: next[self.layout.place(unit)],
                root: next[root],
                writes: record.writes.into(),
                heard: record.changes.into(),
            }),
        };
        let strong = |id: &u32| !self.violations.get(*id).weak;
        let fired = told.fired.iter().any(strong) || gave_up(&told.events);
        Learned {
            reads: record.reads.into(),
            delta,
            local: number,
            content: NONE,
            fired,
            next: NONE,
        }
    }

    /// Whether an iteration started that does not simply follow the one that stepped in its slot: which slots are
    /// free is not part of the key, and only then does it not matter.
    fn starts_elsewhere(&self, state: &State, unit: Unit, told: &Told) -> bool {
        let root = self.block(state, Unit { run: unit.run, slot: 0 });
        told.started.iter().any(|&(started, _)| {
            started != unit || unit.slot == 0 || !self.has_items_left(root, unit)
        })
    }
}
