//! What one machine run does: computed once for its inputs, then looked up.

use super::delta::{Heard, Record};
use super::faults::{NODE, fault_of};
use super::pause::Paused;
use super::{Engine, State, Told};
use crate::explore::layout::{Layout, Unit};
use crate::explore::table::{Interner, NONE};
use crate::explore::weight::{SHARED, Weigh};
use crate::model::answers::Answers;
use crate::model::block::Block;
use crate::model::content::Content;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::patience::Spent;
use crate::model::program::Status;
use crate::model::transition::{Change, Event, Halt, Machine};
use crate::model::view::Store;
use std::sync::Arc;

/// Bytes of an event or a change that waits for the end of its step, with the content that it made, about.
const TOLD: usize = 1000;

/// What one machine run did; computed once for its inputs.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) reads: Arc<[(ResourceId, u32)]>,
    pub(super) result: Result<Arc<Done>, Halt>,
}

#[derive(Clone, Debug)]
pub(super) struct Done {
    block: u32,
    writes: Vec<(ResourceId, u32)>,
    changes: Vec<u32>,
    events: Arc<Vec<Event>>,
    fired: Arc<Vec<u32>>,
    terminated: Option<Status>,
    uncounted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    class: ClassId,
    block: u32,
    /// What it sees of the block around it.
    parent: u32,
    pub(super) world: u32,
    node: u32,
    /// The content of the resource that the node is about, so that few results share a key.
    content: u32,
}

impl Key {
    /// The same inputs under any choices.
    pub(super) fn unworldly(self) -> Self {
        Self { world: 0, ..self }
    }
}

/// Settling without a step.
pub(super) const SETTLE: u32 = u32::MAX;
/// The resources as numbers of a state, with what was read and written.
pub(super) struct Words<'a> {
    pub(super) layout: &'a Layout,
    pub(super) contents: &'a mut Vec<Interner<Content>>,
    pub(super) state: &'a mut State,
    pub(super) run: u32,
    pub(super) reads: Vec<(ResourceId, u32)>,
    pub(super) writes: Vec<(ResourceId, u32)>,
}

impl Store for Words<'_> {
    fn read(&mut self, resource: ResourceId) -> Arc<Content> {
        let id = self.state[self.layout.resource(resource, self.run)];
        if !self.writes.iter().any(|w| w.0 == resource)
            && !self.reads.iter().any(|r| r.0 == resource)
        {
            self.reads.push((resource, id));
        }
        self.contents[resource.index()].get(id).clone()
    }
    fn write(&mut self, resource: ResourceId, content: Content) {
        let id = self.contents[resource.index()].keep(content);
        self.state[self.layout.resource(resource, self.run)] = id;
        self.writes.retain(|w| w.0 != resource);
        self.writes.push((resource, id));
    }
}

impl Engine<'_> {
    /// One step (or none) and settling, of one block, looked up or computed.
    pub(super) fn run_machine(
        &mut self,
        state: &mut State,
        unit: Unit,
        node: u32,
        told: &mut Told,
    ) -> Result<(), Halt> {
        let class = self.layout.class(unit);
        let root = Unit { run: unit.run, slot: 0 };
        let parent = if unit.slot > 0 { self.known(state, root).around } else { NONE };
        let about = self.about.get((node & NODE) as usize).copied().flatten();
        let content = about.map_or(u32::MAX, |r| state[self.layout.resource(r, unit.run)]);
        let block = state[self.layout.place(unit)];
        let key = Key { class, block, parent, world: state[0], node, content };
        let found = self
            .effects
            .get(&key)
            .and_then(|list| list.iter().find(|e| self.layout.holds(&e.reads, state, unit.run)));
        let done = if let Some(effect) = found {
            note(&mut told.record, effect, unit, &self.changes);
            effect.result.clone()?
        } else {
            let known = self.known_elsewhere(state, unit, key);
            let effect = known.unwrap_or_else(|| self.compute(state, unit, key));
            note(&mut told.record, &effect, unit, &self.changes);
            let result = effect.result.clone();
            self.effects.entry(key, Vec::new).push(effect);
            result?
        };
        for &(r, id) in &done.writes {
            let at = self.layout.resource(r, unit.run);
            state[at] = id;
        }
        state[self.layout.place(unit)] = done.block;
        self.uncounted_violation |= done.uncounted;
        if !self.lean {
            told.events.extend(done.events.iter().cloned());
            told.fired.extend(done.fired.iter().copied());
        }
        for &change in &done.changes {
            self.touch_others(state, Some(unit), change);
        }
        if let Some(status) = done.terminated {
            self.end_run(state, unit.run, status, told);
        }
        Ok(())
    }

    fn compute(&mut self, state: &State, unit: Unit, key: Key) -> Effect {
        let (moved, terminated, mut ran) = self.run(state, unit, key);
        if let (Err(Halt::Choice(question)), Some(_)) = (&moved, ran.walk) {
            self.pause(key, question, &ran);
        }
        let over = ran.block.ended.is_some() || terminated.is_some();
        self.judge.judge_events(self.program, &ran.events, key.class, over, &ran.block);
        ran.fired.append(&mut self.judge.drain());
        ran.fired.sort();
        ran.fired.dedup();
        let fired = ran.fired.into_iter().map(|v| self.violations.keep(v)).collect();
        if let Err(Halt::Beyond(beyond)) = moved {
            self.beyond.get_or_insert(beyond);
        }
        let result = moved.map(|()| {
            Arc::new(Done {
                block: self.intern_block(key.class, ran.block),
                writes: ran.writes,
                changes: ran.changes.into_iter().map(|c| self.changes.keep(c)).collect(),
                events: Arc::new(ran.events),
                fired: Arc::new(fired),
                terminated,
                uncounted: ran.uncounted,
            })
        });
        let effect = Effect { reads: ran.reads.into(), result };
        self.owned += effect.weight();
        if let Some(asked) = ran.asked {
            self.keep_elsewhere(key, asked, effect.clone());
        }
        effect
    }

    /// One run of the machine, from where it was paused if it was; how it ended, and where it stands now.
    fn run(
        &mut self,
        state: &State,
        unit: Unit,
        key: Key,
    ) -> (Result<(), Halt>, Option<Status>, Paused) {
        let from = self.resumed(state, unit, key).unwrap_or_else(|| Paused {
            block: (**self.blocks[key.class.0 as usize].get(key.block)).clone(),
            ..Paused::default()
        });
        let parent = (key.parent != NONE).then(|| self.arounds.get(key.parent).clone());
        let world = self.worlds.get(state[0]).clone();
        let answers = Answers::of(&world);
        let mut scratch = state.clone();
        for &(r, id) in &from.writes {
            scratch[self.layout.resource(r, unit.run)] = id;
        }
        let mut store = Words {
            layout: &self.layout,
            contents: &mut self.contents,
            state: &mut scratch,
            run: unit.run,
            reads: from.reads,
            writes: from.writes,
        };
        let (program, asked) = (self.program, self.patience);
        let patience = |spent: Spent, block: &Block| {
            asked.is_some_and(|(stop, most)| {
                stop.stopped().is_some() || (block.weight() + spent.told * TOLD) as u64 > most
            })
        };
        let mut machine =
            Machine::new(program, (key.class, from.block), parent.as_deref(), &mut store, &answers)
                .patient(&patience)
                .watched(&mut self.judge);
        (machine.changes, machine.events) = (from.changes, from.events);
        (machine.uncounted_violation, machine.effort) = (from.uncounted, from.effort);
        machine.walk = from.walk;
        let moved = match (key.node, fault_of(key.node)) {
            (SETTLE, _) => Ok(()),
            _ if machine.walk.is_some() => Ok(()),
            (node, Some(fault)) => machine.fault(NodeId(node & NODE), fault),
            (node, None) => machine.step(NodeId(node)),
        };
        let moved = moved.and_then(|()| machine.settle());
        let Machine { block, changes, events, uncounted_violation: uncounted, .. } = machine;
        let Machine { terminated, effort, walk, .. } = machine;
        let (reads, writes) = (store.reads, store.writes);
        let before = from.asked.unwrap_or_default();
        let asked = answers.asked().map(|new| [before, self.numbered(new)].concat());
        let fired = [from.fired, self.judge.drain()].concat();
        let ran = Paused {
            asked,
            block,
            changes,
            events,
            fired,
            uncounted,
            effort,
            walk,
            reads,
            writes,
            ..Paused::default()
        };
        (moved, terminated, ran)
    }

    /// What is under way arrives: nobody's step, of which everybody hears.
    pub(super) fn arrive(
        &mut self,
        state: &mut State,
        resource: ResourceId,
        at: u32,
        told: &mut Told,
    ) -> Result<(), Halt> {
        let late = &self.content(state, resource, 0).late;
        let node = late.get(at as usize).ok_or(Halt::Disabled)?.node;
        let world = self.worlds.get(state[0]).clone();
        let answers = Answers::of(&world);
        let mut store = Words {
            layout: &self.layout,
            contents: &mut self.contents,
            state,
            run: 0,
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let mut machine =
            Machine::nobody(self.program, node, &mut store, &answers).watched(&mut self.judge);
        let moved = machine.arrive(resource, at as usize);
        let Machine { changes, events, .. } = machine;
        let fired = self.judge.drain();
        moved?;
        told.events.extend(events);
        told.fired.extend(fired.into_iter().map(|v| self.violations.keep(v)));
        for change in changes {
            let change = self.changes.keep(change);
            self.touch_others(state, None, change);
        }
        Ok(())
    }

    /// Lets every other block that remembers something about a changed resource hear of it.
    fn touch_others(&mut self, state: &mut State, by: Option<Unit>, change: u32) {
        let resource = self.changes.get(change).resource;
        let bit = 1u64 << (resource.0 % 64);
        if self.remembered & bit == 0 {
            return;
        }
        let private = self.program.resource(resource).owner.is_some();
        for index in 0..self.units.len() {
            let other = self.units[index];
            let at = self.layout.place(other);
            let strange = by.is_none_or(|by| other.run != by.run);
            if Some(other) == by || state[at] == 0 || (private && strange) {
                continue;
            }
            if self.known(state, other).remembers & bit == 0 {
                continue;
            }
            let related = !strange && (other.slot == 0 || by.is_some_and(|by| by.slot == 0));
            state[at] = self.hear(state, other, change, related);
        }
    }

    /// The number of a block after it heard of a change.
    pub(super) fn hear(&mut self, state: &[u32], unit: Unit, change: u32, related: bool) -> u32 {
        let class = self.layout.class(unit);
        let number = state[self.layout.place(unit)];
        let key = [class.0, number, change, u32::from(related)];
        if let Some(id) = self.touched.get(key) {
            return id;
        }
        let mut block = (**self.blocks[class.0 as usize].get(number)).clone();
        block.hear(self.program, class, self.changes.get(change), related);
        let id = self.intern_block(class, block);
        self.touched.set(key, id);
        id
    }
}

impl Effect {
    /// Bytes it owns.
    fn weight(&self) -> usize {
        let done = self.result.as_ref().map_or(0, |done| {
            let events: usize = done.events.iter().map(|e| size_of_val(e) + e.weight()).sum();
            let lists = done.writes.len() * 8 + done.changes.len() * 4 + done.fired.len() * 4;
            3 * SHARED + size_of::<Done>() + 2 * size_of::<Vec<u32>>() + events + lists
        });
        size_of::<Self>() + self.reads.len() * 8 + done
    }
}

/// Keeps what a machine run read and wrote.
fn note(record: &mut Option<Record>, effect: &Effect, unit: Unit, changes: &Interner<Change>) {
    let Some(record) = record else { return };
    match &effect.result {
        Err(_) => record.add(&effect.reads, &[], std::iter::empty()),
        Ok(done) => {
            let heard = done.changes.iter().map(|&change| Heard {
                change,
                resource: changes.get(change).resource,
                by_root: unit.slot == 0,
            });
            record.add(&effect.reads, &done.writes, heard);
        }
    }
}
