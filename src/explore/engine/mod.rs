//! The engine: states as short vectors of component numbers, and the transitions between them.
//!
//! A state is `[world, resources…, (run block, its variables…, slots of its loops…)…]`. Each component (the content
//! of a resource, the block of a process) is interned once; a state holds only numbers. What a step does depends on
//! its block, the block around it and the resources it reads, so it is computed once for these and then looked up.

pub mod decided;
pub mod delta;
mod effect;
mod elsewhere;
mod faults;
mod hope;
mod known;
mod moves;
mod pause;
mod slots;

use super::layout::{Layout, Place, Unit};
use super::limits::Stop;
use super::table::{Interner, Memo, NONE, Quads};
use crate::model::block::{Block, Mark};
use crate::model::choice::answered;
use crate::model::content::{Content, Lease};
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::patience::Beyond;
use crate::model::program::Program;
use crate::model::transition::{Change, Event, Halt, World};
use crate::model::value::Value;
use crate::property::judge::{Judge, Violation};
use delta::{Learned, Local, Record};
use effect::{Effect, Key, SETTLE};
use elsewhere::Elsewhere;
pub use known::written_late;
use known::{Known, about};
pub(super) use known::{arrivals, know, leasable};
pub use moves::{Move, Successor};
use std::sync::Arc;

/// States in which everything may begin, at most: unknown conditions that come first are answered in all ways.
pub const STARTS: usize = 1 << 16;

/// A state: component numbers by place.
pub type State = Vec<u32>;

/// The tables of one exploration.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is about something else")]
pub struct Engine<'p> {
    /// The program.
    pub program: &'p Program,
    /// Where things are in a state.
    pub layout: Layout,
    worlds: Interner<World>,
    contents: Vec<Interner<Content>>,
    blocks: Vec<Interner<Block>>,
    known: Vec<Vec<Known>>,
    /// Blocks of runs as their iterations see them.
    arounds: Interner<Block>,
    changes: Interner<Change>,
    effects: Memo<Key, Vec<Effect>>,
    elsewhere: Elsewhere,
    /// The number of a block after it heard of a change: by class, number, change, and whether it is an ancestor's or
    /// a child's.
    touched: Quads,
    /// Moves that blocks offer, and the resource that each is about.
    locals: Vec<(Local, u32)>,
    learned: Vec<Learned>,
    deltas: Quads,
    /// What deltas and effects own.
    owned: usize,
    leasable: Vec<ResourceId>,
    written_late: Vec<ResourceId>,
    folded: Memo<(ClassId, u32, u32), u32>,
    /// All rules that fired anywhere, each once.
    pub violations: Interner<Violation>,
    /// The monitors.
    pub judge: Judge,
    /// A round of an uncounted Until failed otherwise than by a refusal: the counts are needed.
    pub uncounted_violation: bool,
    /// A step was met that is too much to be taken.
    pub beyond: Option<Beyond>,
    /// Who is asked during long steps, and how much memory they may take.
    patience: Option<(&'p dyn Stop, u64)>,
    /// Where everything may begin, once it is known.
    starts: Option<Arc<Vec<State>>>,
    /// What happened on the way to each.
    begun: Vec<Vec<Event>>,
    /// How many of them are wanted at most.
    pub most_starts: usize,
    /// The most items met of each concurrent loop.
    pub lengths: std::collections::BTreeMap<NodeId, u64>,
    /// Whether a search has learned all there is.
    pub complete: bool,
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
            arounds: Interner::default(),
            changes: Interner::default(),
            effects: Memo::default(),
            elsewhere: Elsewhere::default(),
            touched: Quads::default(),
            locals: Vec::new(),
            learned: Vec::new(),
            deltas: Quads::default(),
            owned: 0,
            leasable: leasable(program),
            written_late: written_late(program),
            folded: Memo::default(),
            violations: Interner::default(),
            judge: Judge::new(program),
            uncounted_violation: false,
            beyond: None,
            patience: None,
            starts: None,
            begun: Vec::new(),
            most_starts: STARTS,
            lengths: std::collections::BTreeMap::new(),
            complete: false,
            symmetry,
            lean: false,
            units: Vec::new(),
            remembered: 0,
            about: program.nodes.iter().map(about).collect(),
        };
        engine.units = engine.layout.units().collect();
        engine.worlds.keep(World::new());
        for (index, _) in program.classes.iter().enumerate() {
            // Number 0 is the empty slot.
            engine.blocks[index].keep(Block { index: u32::MAX, ..Block::default() });
            engine.known[index].push(Known {
                locals: 0..0,
                ended: None,
                remembers: 0,
                holds: Vec::new(),
                hungry: false,
                around: NONE,
            });
        }
        engine
    }

    /// Whom to ask whether to give up, within a step that takes long, and how many bytes its block may have.
    pub fn ask(&mut self, stop: &'p dyn Stop, most: u64) {
        self.patience = Some((stop, most));
    }

    /// Nobody is asked any more: what is still to be told is told to its end.
    pub fn be_patient(&mut self) {
        (self.patience, self.beyond) = (None, None);
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

    /// Bytes in use, about.
    pub fn bytes(&self) -> u64 {
        let contents: u64 = self.contents.iter().map(Interner::bytes).sum();
        let blocks: u64 = self.blocks.iter().map(Interner::bytes).sum();
        let known: usize = self.known.iter().map(|k| k.capacity() * size_of::<Known>()).sum();
        let learned = self.learned.capacity() * size_of::<Learned>();
        let locals = self.locals.capacity() * size_of::<(Local, u32)>();
        let tables =
            self.effects.bytes() + self.folded.bytes() + self.touched.bytes() + self.deltas.bytes();
        let interned = self.worlds.bytes()
            + self.arounds.bytes()
            + self.changes.bytes()
            + self.violations.bytes()
            + self.elsewhere.bytes();
        contents + blocks + tables + interned + (known + learned + locals + self.owned) as u64
    }

    /// Brings a state into its canonical form, if symmetry is on.
    pub fn sort(&self, state: &mut State) {
        if self.symmetry {
            self.layout.canonical(state, None);
        }
    }

    /// The states in which everything may begin: one, unless unknown conditions come first.
    pub fn initial(&mut self) -> Arc<Vec<State>> {
        if let Some(known) = &self.starts {
            return known.clone();
        }
        let mut state = vec![0; self.layout.places.len()];
        for (index, resource) in self.program.resources.iter().enumerate() {
            let id = self.contents[index].keep(Content::new(&resource.initial));
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            for at in self.layout.all(rid) {
                state[at] = id;
            }
        }
        let mut results = Vec::new();
        let mut todo = vec![state];
        while let Some(start) = todo.pop() {
            if results.len() > self.most_starts {
                break;
            }
            match self.begin(&start) {
                Ok((state, events)) => {
                    results.push(state);
                    self.begun.push(events);
                }
                Err(Halt::Choice(question)) => todo.extend(self.answers(&start, &question)),
                Err(Halt::Disabled | Halt::Beyond(_)) => {}
            }
        }
        self.elsewhere.paused.clear();
        self.starts.insert(Arc::new(results)).clone()
    }

    /// What happened before the first step, if this is a state in which everything may begin.
    pub fn begun(&self, state: &State) -> &[Event] {
        let at = self.starts.as_ref().and_then(|s| s.iter().position(|start| start == state));
        at.map_or(&[], |at| &self.begun[at])
    }

    /// Whether everything may begin in more ways than were listed.
    pub fn more_starts(&self) -> bool {
        self.starts.as_ref().is_some_and(|s| s.len() > self.most_starts)
    }

    fn answers(&mut self, state: &State, question: &Value) -> Vec<State> {
        let worlds = answered(self.worlds.get(state[0]), question);
        let with = |world| [&[self.worlds.keep(world)], &state[1..]].concat();
        worlds.into_iter().map(with).collect()
    }

    fn begin(&mut self, start: &State) -> Result<(State, Vec<Event>), Halt> {
        let mut state = start.clone();
        let mut told = Told::default();
        for run in 0..self.layout.runs() {
            let unit = Unit { run, slot: 0 };
            let class = self.layout.class(unit);
            let nth = self.layout.number(run) - 1;
            let flow = self.layout.flow(run);
            let mut block = Block::run(self.program, flow, (nth, run));
            state[self.layout.place(unit)] = self.intern_block(class, block.clone());
            if block.is_asleep() {
                continue;
            }
            let (fresh, events) = (state.clone(), told.events.len());
            self.run_machine(&mut state, unit, SETTLE, &mut told)?;
            self.drive(&mut state, run, &mut told)?;
            if self.known(&state, unit).ended.is_some()
                && self.program.flows[flow as usize].again > 0
            {
                told.events.truncate(events);
                state = fresh;
                block.queue(self.program, self.program.class(class).root);
                state[self.layout.place(unit)] = self.intern_block(class, block);
            }
        }
        Ok((state, told.events))
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
                Err(Halt::Disabled | Halt::Beyond(_)) => {}
            }
        }
        self.elsewhere.paused.clear();
        results
    }

    /// The states that a move can lead to, and nothing of what happens on the way.
    pub fn lead_to(&mut self, state: &State, chosen: Move) -> Vec<State> {
        self.lean = true;
        let next = self.take(state, chosen);
        self.lean = false;
        next.into_iter().map(|successor| successor.state).collect()
    }

    fn has_ended(&self, chosen: Move, next: &[u32], told: &Told) -> bool {
        let (Move::Step(unit, _) | Move::Fault(unit, ..)) = chosen else { return false };
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
            Move::Step(unit, node) => self.go_on(state, unit, node, told)?,
            Move::Fault(unit, node, fault) => self.go_wrong(state, unit, node, fault, told)?,
            Move::Expire(holder, resource) => self.expire(state, holder, resource),
            Move::Arrives(resource, at) => self.arrive(state, resource, at, told)?,
        }
        Ok(())
    }

    fn expire(&mut self, state: &mut State, holder: Option<Unit>, resource: ResourceId) {
        let at = self.layout.resource(resource, 0);
        let mut content = (**self.contents[resource.index()].get(state[at])).clone();
        content.lease = Lease::Expired;
        state[at] = self.contents[resource.index()].keep(content);
        let Some(unit) = holder else { return };
        let mut block = (**self.block(state, unit)).clone();
        if let Some(memory) = block.marks.remove(&Mark::Holds(resource)) {
            block.marks.insert(Mark::Lost(resource), memory);
        }
        let class = self.layout.class(unit);
        state[self.layout.place(unit)] = self.intern_block(class, block);
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
    /// What was read and written, if somebody wants to know.
    record: Option<Record>,
}
