//! The engine: states as short vectors of component numbers, and the transitions between them.
//!
//! A state is `[world, resources…, (run block, its variables…, slots of its loops…)…]`. Each component (the content
//! of a resource, the block of a process) is interned once; a state holds only numbers. What a step does depends on
//! its block, the block around it and the resources it reads, so it is computed once for these and then looked up.

use super::layout::{Layout, Place, Unit};
use super::table::{Interner, Memo};
use crate::model::block::{Block, Mark, Memory, NodeState, Phase};
use crate::model::content::{Content, Lease};
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Kind, Program, Status};
use crate::model::settle::length;
use crate::model::transition::{Change, Event, Halt, Machine, World};
use crate::model::value::Value;
use crate::model::view::Store;
use crate::property::judge::{Judge, Violation};
use std::sync::Arc;

/// A state: component numbers by place.
pub type State = Vec<u32>;

/// A choice of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// This process takes its step.
    Step(Unit, NodeId),
    /// The lease that this process holds (or that was left behind) runs out.
    Expire(Option<Unit>, ResourceId),
}

/// A transition that was taken.
#[derive(Clone, Debug)]
pub struct Successor {
    /// What was chosen.
    pub chosen: Move,
    /// The state after it, as it is (not sorted).
    pub state: State,
    /// What happened; empty for an expiry.
    pub events: Arc<Vec<Event>>,
    /// Rules that fired, by their number in [`Engine::violations`].
    pub fired: Arc<Vec<u32>>,
    /// Whether the process that stepped was an iteration and has ended; its slot may hold the next one by now.
    pub ended: bool,
}

/// What one machine run did; computed once for its inputs.
#[derive(Debug)]
struct Effect {
    reads: Vec<(ResourceId, u32)>,
    result: Result<Arc<Done>, Halt>,
}

#[derive(Clone, Debug)]
struct Done {
    block: u32,
    writes: Vec<(ResourceId, u32)>,
    changes: Vec<u32>,
    events: Arc<Vec<Event>>,
    fired: Arc<Vec<u32>>,
    terminated: Option<Status>,
    uncounted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    class: ClassId,
    block: u32,
    parent: u32,
    world: u32,
    node: u32,
    /// The content of the resource that the node is about, so that few results share a key.
    content: u32,
}

/// What is cached about a block.
#[derive(Debug)]
struct Known {
    ready: Vec<NodeId>,
    ended: Option<Status>,
    /// Bits of resources it remembers something about.
    remembers: u64,
    holds: Vec<(ResourceId, u64, Option<u64>)>,
    /// Whether a concurrent loop runs that has items left to start.
    hungry: bool,
}

/// Settling without a step.
const SETTLE: u32 = u32::MAX;

/// The tables of one exploration.
#[derive(Debug)]
pub struct Engine<'p> {
    /// The program.
    pub program: &'p Program,
    /// Where things are in a state.
    pub layout: Layout,
    worlds: Interner<World>,
    contents: Vec<Interner<Content>>,
    blocks: Vec<Interner<Block>>,
    known: Vec<Vec<Known>>,
    changes: Interner<Change>,
    effects: Memo<Key, Vec<Effect>>,
    touched: Memo<(ClassId, u32, u32, bool), u32>,
    folded: Memo<(ClassId, u32, u32), u32>,
    /// All rules that fired anywhere, each once.
    pub violations: Interner<Violation>,
    /// The monitors.
    pub judge: Judge,
    /// A round of an uncounted Until failed otherwise than by a refusal: the counts are needed.
    pub uncounted_violation: bool,
    /// A loop was met with more items than can be listed.
    pub too_many: Option<u64>,
    /// The most items met of each concurrent loop.
    pub lengths: std::collections::BTreeMap<NodeId, u64>,
    /// Whether alike blocks are stepped once only.
    pub symmetry: bool,
    /// Whether nobody wants to be told what happens.
    lean: bool,
    units: Vec<Unit>,
    /// Bits of resources that any block remembers anything about.
    remembered: u64,
    /// By node: the resource it is about.
    about: Vec<Option<ResourceId>>,
}

/// The resources as numbers of a state, with what was read and written.
struct Words<'a> {
    layout: &'a Layout,
    contents: &'a mut Vec<Interner<Content>>,
    state: &'a mut State,
    run: u32,
    reads: Vec<(ResourceId, u32)>,
    writes: Vec<(ResourceId, u32)>,
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
        let id = self.contents[resource.index()].intern(content);
        self.state[self.layout.resource(resource, self.run)] = id;
        self.writes.retain(|w| w.0 != resource);
        self.writes.push((resource, id));
    }
}

impl<'p> Engine<'p> {
    /// Empty tables.
    pub fn new(program: &'p Program, symmetry: bool) -> Self {
        let classes = program.classes.len();
        let mut engine = Self {
            program,
            layout: Layout::new(program),
            worlds: Interner::default(),
            contents: program.resources.iter().map(|_| Interner::default()).collect(),
            blocks: (0..classes).map(|_| Interner::default()).collect(),
            known: (0..classes).map(|_| Vec::new()).collect(),
            changes: Interner::default(),
            effects: Memo::default(),
            touched: Memo::default(),
            folded: Memo::default(),
            violations: Interner::default(),
            judge: Judge::new(program),
            uncounted_violation: false,
            too_many: None,
            lengths: std::collections::BTreeMap::new(),
            symmetry,
            lean: false,
            units: Vec::new(),
            remembered: 0,
            about: program.nodes.iter().map(about).collect(),
        };
        engine.units = engine.layout.units().collect();
        engine.worlds.intern(World::new());
        for (index, _) in program.classes.iter().enumerate() {
            // Number 0 is the empty slot.
            engine.blocks[index].intern(Block { index: u32::MAX, ..Block::default() });
            engine.known[index].push(Known {
                ready: Vec::new(),
                ended: None,
                remembers: 0,
                holds: Vec::new(),
                hungry: false,
            });
        }
        engine
    }

    /// The content of a resource in a state.
    pub fn content(&self, state: &[u32], resource: ResourceId, run: u32) -> &Arc<Content> {
        self.contents[resource.index()].get(state[self.layout.resource(resource, run)])
    }

    /// The block of a unit.
    pub fn block(&self, state: &[u32], unit: Unit) -> &Arc<Block> {
        self.blocks[self.layout.class(unit).0 as usize].get(state[self.layout.place(unit)])
    }

    /// The choices made in a state.
    pub fn world(&self, state: &[u32]) -> &Arc<World> {
        self.worlds.get(state[0])
    }

    /// How many numbers each kind of component has so far: the width of its field.
    pub fn sizes(&self) -> Vec<u32> {
        let count = |place: &Place| match place {
            Place::World => self.worlds.len(),
            Place::Resource(r) => self.contents[r.index()].len(),
            Place::Block(c) => self.blocks[c.0 as usize].len(),
        };
        self.layout.places.iter().map(|p| u32::try_from(count(p)).unwrap_or(u32::MAX)).collect()
    }

    /// The states in which everything may begin: one, unless unknown conditions come first.
    pub fn initial(&mut self) -> Vec<State> {
        let mut state = vec![0; self.layout.places.len()];
        for (index, resource) in self.program.resources.iter().enumerate() {
            let id = self.contents[index].intern(Content::new(&resource.initial));
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            for at in self.layout.all(rid) {
                state[at] = id;
            }
        }
        let mut results = Vec::new();
        let mut todo = vec![state];
        while let Some(start) = todo.pop() {
            match self.begin(&start) {
                Ok(state) => results.push(state),
                Err(Halt::Choice(question)) => todo.extend(self.answers(&start, &question)),
                Err(Halt::Disabled) => {}
            }
        }
        results
    }

    fn answers(&mut self, state: &State, question: &Value) -> [State; 2] {
        [false, true].map(|answer| {
            let mut world = (**self.worlds.get(state[0])).clone();
            world.insert(question.clone(), answer);
            let mut next = state.clone();
            next[0] = self.worlds.intern(world);
            next
        })
    }

    fn begin(&mut self, start: &State) -> Result<State, Halt> {
        let mut state = start.clone();
        for run in 0..self.layout.runs() {
            let unit = Unit { run, slot: 0 };
            let class = self.layout.class(unit);
            let nodes = vec![NodeState::default(); self.program.class(class).nodes.len()];
            let block = Block { nodes, ..Block::default() };
            state[self.layout.place(unit)] = self.intern_block(class, block);
            let mut told = Told::default();
            self.run_machine(&mut state, unit, SETTLE, &mut told)?;
            self.drive(&mut state, run, &mut told)?;
        }
        Ok(state)
    }

    fn intern_block(&mut self, class: ClassId, block: Block) -> u32 {
        let table = &mut self.blocks[class.0 as usize];
        let id = table.intern(block);
        if id as usize == self.known[class.0 as usize].len() {
            let known = know(self.program, class, table.get(id));
            self.remembered |= known.remembers;
            self.known[class.0 as usize].push(known);
        }
        id
    }

    fn known(&self, state: &[u32], unit: Unit) -> &Known {
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
        for &unit in &self.units {
            if state[self.layout.place(unit)] == 0
                || (self.symmetry && !every && self.twin_before(state, unit))
            {
                continue;
            }
            let known = self.known(state, unit);
            moves.extend(known.ready.iter().map(|&n| Move::Step(unit, n)));
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
    fn twin_before(&self, state: &[u32], unit: Unit) -> bool {
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

    /// Everything a move can lead to: nothing if it is not enabled, several if it asks an unknown condition.
    pub fn take(&mut self, state: &State, chosen: Move) -> Vec<Successor> {
        let mut results = Vec::new();
        let mut todo = vec![state.clone()];
        while let Some(start) = todo.pop() {
            match self.take_one(&start, chosen) {
                Ok((next, told)) => results.push(Successor {
                    chosen,
                    ended: self.has_ended(chosen, &next, &told),
                    state: next,
                    events: Arc::new(told.events),
                    fired: Arc::new(told.fired),
                }),
                Err(Halt::Choice(question)) => todo.extend(self.answers(&start, &question)),
                Err(Halt::Disabled) => {}
            }
        }
        results
    }

    fn has_ended(&self, chosen: Move, next: &[u32], told: &Told) -> bool {
        let Move::Step(unit, _) = chosen else { return false };
        let free = next[self.layout.place(unit)] == 0;
        unit.slot > 0 && (free || told.started.iter().any(|(u, _)| *u == unit))
    }

    /// As [`Engine::take`], into a state that the caller keeps: `Some` if the move has just this one result.
    pub fn take_into(&mut self, state: &State, chosen: Move, next: &mut State) -> bool {
        next.clone_from(state);
        self.lean = true;
        let result = self.step_in(next, chosen, &mut Told::default());
        self.lean = false;
        result.is_ok()
    }

    fn take_one(&mut self, start: &State, chosen: Move) -> Result<(State, Told), Halt> {
        let mut state = start.clone();
        let mut told = Told::default();
        self.step_in(&mut state, chosen, &mut told)?;
        Ok((state, told))
    }

    fn step_in(&mut self, state: &mut State, chosen: Move, told: &mut Told) -> Result<(), Halt> {
        match chosen {
            Move::Step(unit, node) => {
                self.run_machine(state, unit, node.0, told)?;
                if unit.slot > 0 && self.known(state, unit).ended.is_some() {
                    self.fold(state, unit, told)?;
                }
                self.drive(state, unit.run, told)?;
            }
            Move::Expire(holder, resource) => self.expire(state, holder, resource),
        }
        Ok(())
    }

    fn expire(&mut self, state: &mut State, holder: Option<Unit>, resource: ResourceId) {
        let at = self.layout.resource(resource, 0);
        let mut content = (**self.contents[resource.index()].get(state[at])).clone();
        content.lease = Lease::Expired;
        state[at] = self.contents[resource.index()].intern(content);
        let Some(unit) = holder else { return };
        let mut block = (**self.block(state, unit)).clone();
        if let Some(memory) = block.marks.remove(&Mark::Holds(resource)) {
            block.marks.insert(Mark::Lost(resource), memory);
        }
        let class = self.layout.class(unit);
        state[self.layout.place(unit)] = self.intern_block(class, block);
    }

    /// One step (or none) and settling, of one block, looked up or computed.
    fn run_machine(
        &mut self,
        state: &mut State,
        unit: Unit,
        node: u32,
        told: &mut Told,
    ) -> Result<(), Halt> {
        let class = self.layout.class(unit);
        let root = Unit { run: unit.run, slot: 0 };
        let parent = if unit.slot > 0 { state[self.layout.place(root)] } else { 0 };
        let about = self.about.get(node as usize).copied().flatten();
        let content = about.map_or(u32::MAX, |r| state[self.layout.resource(r, unit.run)]);
        let block = state[self.layout.place(unit)];
        let key = Key { class, block, parent, world: state[0], node, content };
        let found = self.effects.get(&key).and_then(|list| {
            list.iter().find(|e| {
                e.reads.iter().all(|&(r, id)| state[self.layout.resource(r, unit.run)] == id)
            })
        });
        let done = if let Some(effect) = found {
            effect.result.clone()?
        } else {
            let effect = self.compute(state, unit, key);
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
            self.touch_others(state, unit, change);
        }
        if let Some(status) = done.terminated {
            self.end_run(state, unit.run, status);
        }
        Ok(())
    }

    fn compute(&mut self, state: &State, unit: Unit, key: Key) -> Effect {
        let mut scratch = state.clone();
        let block = (**self.blocks[key.class.0 as usize].get(key.block)).clone();
        let root = self.layout.class(Unit { run: unit.run, slot: 0 });
        let parent = (key.parent > 0).then(|| self.blocks[root.0 as usize].get(key.parent).clone());
        let world = self.worlds.get(state[0]).clone();
        let mut store = Words {
            layout: &self.layout,
            contents: &mut self.contents,
            state: &mut scratch,
            run: unit.run,
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let program = self.program;
        let mut machine = Machine {
            program,
            class: key.class,
            block,
            parent: parent.as_deref(),
            store: &mut store,
            world: &world,
            observer: Some(&mut self.judge),
            exhaustible: &|node| program.node(node).exhaustible,
            changes: Vec::new(),
            events: Vec::new(),
            uncounted_violation: false,
            terminated: None,
        };
        let moved = if key.node == SETTLE { Ok(()) } else { machine.step(NodeId(key.node)) };
        let moved = moved.and_then(|()| machine.settle());
        let Machine { block, changes, events, uncounted_violation, terminated, .. } = machine;
        let (reads, writes) = (store.reads, store.writes);
        self.judge.judge_events(
            program,
            &events,
            block.ended.is_some() || terminated.is_some(),
            &block,
        );
        let fired = self.judge.drain();
        let fired = fired.into_iter().map(|v| self.violations.intern(v)).collect();
        let result = moved.map(|()| {
            Arc::new(Done {
                block: self.intern_block(key.class, block),
                writes,
                changes: changes.into_iter().map(|c| self.changes.intern(c)).collect(),
                events: Arc::new(events),
                fired: Arc::new(fired),
                terminated,
                uncounted: uncounted_violation,
            })
        });
        Effect { reads, result }
    }

    /// Lets every other block that remembers something about a changed resource hear of it.
    fn touch_others(&mut self, state: &mut State, unit: Unit, change: u32) {
        let resource = self.changes.get(change).resource;
        let bit = 1u64 << (resource.0 % 64);
        if self.remembered & bit == 0 {
            return;
        }
        let private = self.program.resource(resource).owner.is_some();
        for index in 0..self.units.len() {
            let other = self.units[index];
            let at = self.layout.place(other);
            if other == unit || state[at] == 0 || (private && other.run != unit.run) {
                continue;
            }
            if self.known(state, other).remembers & bit == 0 {
                continue;
            }
            let related = other.run == unit.run && (other.slot == 0 || unit.slot == 0);
            let class = self.layout.class(other);
            let key = (class, state[at], change, related);
            if let Some(&id) = self.touched.get(&key) {
                state[at] = id;
                continue;
            }
            let mut block = (**self.blocks[class.0 as usize].get(state[at])).clone();
            block.hear(self.program, class, self.changes.get(change), related);
            let id = self.intern_block(class, block);
            self.touched.entry(key, || id);
            state[at] = id;
        }
    }

    fn end_run(&mut self, state: &mut State, run: u32, status: Status) {
        let root = Unit { run, slot: 0 };
        for unit in self.layout.units().collect::<Vec<_>>() {
            if unit.run == run && unit.slot > 0 {
                state[self.layout.place(unit)] = 0;
            }
        }
        let class = self.layout.class(root);
        let mut block = (**self.block(state, root)).clone();
        block.ended = Some(status);
        for node in &mut block.nodes {
            *node = NodeState::default();
        }
        state[self.layout.place(root)] = self.intern_block(class, block);
    }

    /// An iteration has ended: its loop counts it, and its slot is free.
    fn fold(&mut self, state: &mut State, unit: Unit, told: &mut Told) -> Result<(), Halt> {
        let root = Unit { run: unit.run, slot: 0 };
        let class = self.layout.class(unit);
        let (child, parent) = (state[self.layout.place(unit)], state[self.layout.place(root)]);
        state[self.layout.place(unit)] = 0;
        let key = (class, child, parent);
        let id = if let Some(&id) = self.folded.get(&key) {
            id
        } else {
            let id = self.fold_blocks(state, unit, class, child, parent);
            self.folded.entry(key, || id);
            id
        };
        state[self.layout.place(root)] = id;
        self.run_machine(state, root, SETTLE, told)
    }

    fn fold_blocks(
        &mut self,
        state: &State,
        unit: Unit,
        class: ClassId,
        child: u32,
        parent: u32,
    ) -> u32 {
        let root_class = self.layout.class(Unit { run: unit.run, slot: 0 });
        let child = self.blocks[class.0 as usize].get(child).clone();
        let parent = self.blocks[root_class.0 as usize].get(parent).clone();
        let looped =
            self.program.class(class).looped.expect("internal error: a slot without a loop");
        let slot = self.program.node(looped).slot as usize;
        let kept = parent.nodes[slot].output.clone();
        let mut scratch = state.clone();
        let world = self.worlds.get(state[0]).clone();
        let mut store = Words {
            layout: &self.layout,
            contents: &mut self.contents,
            state: &mut scratch,
            run: unit.run,
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let mut machine = Machine {
            program: self.program,
            class,
            block: (*child).clone(),
            parent: Some(&parent),
            store: &mut store,
            world: &world,
            observer: None,
            exhaustible: &|_| false,
            changes: Vec::new(),
            events: Vec::new(),
            uncounted_violation: false,
            terminated: None,
        };
        let kept = machine.collect(looped, &kept, i64::from(child.index));
        let mut block = (*parent).clone();
        let state = &mut block.nodes[slot];
        state.output = kept;
        state.count += 1;
        state.flag |= child.ended == Some(Status::Failed);
        for (mark, memory) in &child.marks {
            if let Mark::Last(r, row, column) = mark {
                block.marks.insert(Mark::ChildLast(*r, *row, column.clone()), memory.clone());
            }
        }
        self.end_if_complete(&mut block, looped);
        self.intern_block(root_class, block)
    }

    /// After its last iteration a loop has ended, and what its iterations wrote is the run's own.
    fn end_if_complete(&self, block: &mut Block, looped: NodeId) {
        let slot = self.program.node(looped).slot as usize;
        let state = &mut block.nodes[slot];
        if u64::from(state.count) < length(&state.items) {
            return;
        }
        let status = if state.flag { Status::Failed } else { Status::Succeeded };
        let output = std::mem::take(&mut state.output);
        *state = NodeState { phase: Phase::Done(status), output, ..NodeState::default() };
        let children: Vec<Mark> =
            block.marks.keys().filter(|m| matches!(m, Mark::ChildLast(..))).cloned().collect();
        for mark in children {
            if let Mark::ChildLast(r, row, column) = &mark {
                block.marks.insert(Mark::Last(*r, *row, column.clone()), Memory::Set);
            }
            block.marks.remove(&mark);
        }
    }

    /// Starts iterations as long as their loop has items and a free slot.
    fn drive(&mut self, state: &mut State, run: u32, told: &mut Told) -> Result<(), Halt> {
        let root = Unit { run, slot: 0 };
        while let Some(unit) = self.startable(state, root) {
            let class = self.layout.class(unit);
            let looped =
                self.program.class(class).looped.expect("internal error: a slot without a loop");
            let slot = self.program.node(looped).slot as usize;
            let mut parent = (**self.block(state, root)).clone();
            let total = length(&parent.nodes[slot].items);
            let longest = self.lengths.entry(looped).or_default();
            *longest = total.max(*longest);
            if total > 100_000 {
                self.too_many = Some(total);
                return Err(Halt::Disabled);
            }
            let index = parent.nodes[slot].started;
            parent.nodes[slot].started += 1;
            let item = match &parent.nodes[slot].items {
                Value::Array(items) => items.get(index as usize).cloned().unwrap_or(Value::Null),
                _ => Value::Int(i64::from(index) + 1),
            };
            let root_class = self.layout.class(root);
            state[self.layout.place(root)] = self.intern_block(root_class, parent);
            let plan = self.program.class(class);
            let block = Block {
                item: if plan.uses_item { item } else { Value::Null },
                index: if plan.indexed { index } else { 0 },
                nodes: vec![NodeState::default(); plan.nodes.len()],
                ..Block::default()
            };
            state[self.layout.place(unit)] = self.intern_block(class, block);
            told.started.push((unit, index));
            self.run_machine(state, unit, SETTLE, told)?;
            if state[self.layout.place(unit)] != 0 && self.known(state, unit).ended.is_some() {
                self.fold(state, unit, told)?;
            }
        }
        Ok(())
    }

    /// A free slot of a running loop that has items left.
    fn startable(&self, state: &State, root: Unit) -> Option<Unit> {
        let known = self.known(state, root);
        if known.ended.is_some() || !known.hungry {
            return None;
        }
        let block = self.block(state, root);
        self.layout.slots(root.run).find(|&unit| {
            let looped = self.program.class(self.layout.class(unit)).looped;
            looped.is_some_and(|l| {
                let loop_state = &block.nodes[self.program.node(l).slot as usize];
                loop_state.phase == Phase::Running
                    && matches!(self.program.node(l).kind, Kind::Loop { .. })
                    && u64::from(loop_state.started) < length(&loop_state.items)
                    && state[self.layout.place(unit)] == 0
            })
        })
    }
}

/// What a transition tells.
#[derive(Debug, Default)]
pub struct Told {
    /// What happened.
    pub events: Vec<Event>,
    /// Rules that fired.
    pub fired: Vec<u32>,
    /// Iterations that started, with their index.
    pub started: Vec<(Unit, u32)>,
}

/// The first resource that the steps of a node name.
fn about(node: &crate::model::program::Node) -> Option<ResourceId> {
    let Kind::Leaf(steps) = &node.kind else { return None };
    steps.iter().find_map(|s| match s {
        crate::model::program::Step::Access(r, _) => Some(*r),
        _ => None,
    })
}

fn know(program: &Program, class: ClassId, block: &Block) -> Known {
    let nodes = &program.class(class).nodes;
    let is_ready = |(slot, state): (usize, &NodeState)| {
        matches!(state.phase, Phase::Ready(_)).then(|| nodes[slot])
    };
    let ready = block.nodes.iter().enumerate().filter_map(is_ready).collect();
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
    Known { ready, ended: block.ended, remembers, holds, hungry }
}

fn tokens(value: &Value, bits: &mut u64) {
    match value {
        Value::Token(t) => *bits |= 1 << (t.resource % 64),
        Value::Array(items) => items.iter().for_each(|v| tokens(v, bits)),
        Value::Object(object) => object.values().for_each(|v| tokens(v, bits)),
        _ => {}
    }
}
