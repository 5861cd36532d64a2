//! Whole states: the second store under the one semantics. Blocks and contents lie in persistent maps by their place;
//! nothing is numbered, packed, sorted, remembered or looked up, and every block hears of every change.
//!
//! In builds with debug assertions every schedule is run here before it is told, so that what the engine numbers, packs
//! and looks up cannot make up a finding; `tests/stores.rs` holds the engine against it step by step. What a step means
//! is the same code.

mod slots;

use super::engine::delta::Local;
use super::engine::{Engine, Move, arrivals, know, leasable, written_late};
use super::layout::{Layout, Unit};
use super::witness::Schedule;
use crate::model::answers::Answers;
use crate::model::block::{Block, Mark};
use crate::model::choice::answered;
use crate::model::content::{Content, Lease};
use crate::model::delivery::is_start;
use crate::model::fault::{Fault, place_of, strike, struck};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::patience;
use crate::model::program::{Program, Status};
use crate::model::transition::{Change, Event, Halt, Machine, World};
use crate::model::view::Store;
use crate::property::judge::{Judge, Violation};
use im::OrdMap;
use slots::end_run;
use std::sync::Arc;

/// A state.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole {
    /// Choices made.
    pub world: World,
    contents: OrdMap<(ResourceId, u32), Arc<Content>>,
    blocks: OrdMap<Unit, Arc<Block>>,
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The state after it.
    pub state: Whole,
    /// What happened.
    pub events: Vec<Event>,
    /// Rules that fired.
    pub fired: Vec<Violation>,
}

/// Takes steps.
#[derive(Debug)]
pub struct Stepper<'p> {
    program: &'p Program,
    layout: Layout,
    leasable: Vec<ResourceId>,
    written_late: Vec<ResourceId>,
    /// The monitors.
    pub judge: Judge,
}

/// Runs a schedule that the engine ended in `end` on whole states, and insists that it goes there.
pub fn confirm(engine: &Engine<'_>, schedule: &Schedule, end: &[u32]) {
    let mut stepper = Stepper::new(engine.program);
    let first = stepper.initial().into_iter().nth(schedule.start);
    let whole = schedule.choices.iter().fold(first, |state, &(chosen, index)| {
        stepper.take(&state?, chosen).into_iter().nth(index).map(|taken| taken.state)
    });
    let same = whole.is_some_and(|whole| stepper.agrees(engine, end, &whole));
    assert!(same, "internal error: a schedule does not replay on whole states");
}

/// The step is taken as it is, or the machine only settles.
#[derive(Clone, Copy)]
enum Doing {
    Step(NodeId),
    Fault(NodeId, Fault),
    Settle,
}

impl<'p> Stepper<'p> {
    /// For one program.
    pub fn new(program: &'p Program) -> Self {
        Self {
            program,
            layout: Layout::new(program),
            leasable: leasable(program),
            written_late: written_late(program),
            judge: Judge::new(program),
        }
    }

    /// What a resource holds in a run.
    pub fn content<'s>(&self, state: &'s Whole, resource: ResourceId, run: u32) -> &'s Content {
        &state.contents[&self.key(resource, run)]
    }

    /// The block of a process, if there is one.
    pub fn block<'s>(&self, state: &'s Whole, unit: Unit) -> Option<&'s Block> {
        state.blocks.get(&unit).map(|block| &**block)
    }

    /// Whether a packed state says the same.
    pub fn agrees(&self, engine: &Engine<'_>, packed: &[u32], whole: &Whole) -> bool {
        let contents = whole.contents.iter().all(|(&(resource, run), content)| {
            let owner = self.program.resource(resource).owner;
            owner.is_some_and(|owner| owner != self.layout.flow(run))
                || engine.content(packed, resource, run) == content
        });
        let mut units = self.layout.units();
        let blocks = units.all(|unit| match whole.blocks.get(&unit) {
            None => packed[self.layout.place(unit)] == 0,
            Some(block) => engine.block(packed, unit) == block,
        });
        contents && blocks && **engine.world(packed) == whole.world
    }

    /// The states in which everything may begin.
    pub fn initial(&mut self) -> Vec<Whole> {
        let mut state = Whole::default();
        for (index, resource) in self.program.resources.iter().enumerate() {
            let resource_id = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            let content = Arc::new(Content::new(&resource.initial));
            for run in 0..self.layout.runs() {
                state.contents.insert(self.key(resource_id, run), content.clone());
            }
        }
        let begun = self.each_answer(&state, Self::begin);
        begun.into_iter().map(|taken| taken.state).collect()
    }

    /// What the scheduler may choose.
    pub fn moves(&self, state: &Whole) -> Vec<Move> {
        let mut moves = Vec::new();
        let mut holds = Vec::new();
        let faulty = struck(&state.world) < self.program.faults as usize;
        for (&unit, block) in &state.blocks {
            let mut locals = Vec::new();
            know(self.program, self.layout.class(unit), block, &mut locals);
            moves.extend(locals.into_iter().filter_map(|local| match local {
                Local::Node(node) => Some(Move::Step(unit, node)),
                Local::Fault(node, fault) => {
                    (faulty || fault.is_free()).then_some(Move::Fault(unit, node, fault))
                }
                Local::Expire(resource) => Some(Move::Expire(Some(unit), resource)),
            }));
            if block.ended.is_none() {
                let held = block.marks.keys().filter_map(|mark| match mark {
                    Mark::Holds(resource) => Some(*resource),
                    _ => None,
                });
                holds.extend(held);
            }
        }
        let left = |r: &&ResourceId| {
            self.content(state, **r, 0).lease == Lease::Held(true) && !holds.contains(r)
        };
        moves.extend(self.leasable.iter().filter(left).map(|&r| Move::Expire(None, r)));
        for &resource in &self.written_late {
            let late = &self.content(state, resource, 0).late;
            moves.extend(arrivals(late).map(|at| Move::Arrives(resource, at)));
        }
        moves
    }

    /// Everything a move can lead to, in the engine's order.
    pub fn take(&mut self, state: &Whole, chosen: Move) -> Vec<Taken> {
        self.each_answer(state, |stepper, taken| match chosen {
            Move::Step(unit, node) if is_start(stepper.program, node) => {
                stepper.start_queued(taken, unit, node)
            }
            Move::Step(unit, node) => stepper.go_on(taken, unit, Doing::Step(node)),
            Move::Fault(unit, node, fault) => stepper.go_wrong(taken, unit, node, fault),
            Move::Expire(holder, resource) => {
                stepper.expire(&mut taken.state, holder, resource);
                Ok(())
            }
            Move::Arrives(resource, at) => stepper.arrive(taken, resource, at),
        })
    }

    fn key(&self, resource: ResourceId, run: u32) -> (ResourceId, u32) {
        (resource, if self.program.resource(resource).owner.is_some() { run } else { 0 })
    }

    /// Tries again with both answers whenever an unknown condition is asked.
    fn each_answer(
        &mut self,
        state: &Whole,
        step: impl Fn(&mut Self, &mut Taken) -> Result<(), Halt>,
    ) -> Vec<Taken> {
        let mut results = Vec::new();
        let mut todo = vec![state.clone()];
        while let Some(start) = todo.pop() {
            let mut taken = Taken { state: start.clone(), events: Vec::new(), fired: Vec::new() };
            match step(self, &mut taken) {
                Ok(()) => results.push(taken),
                Err(Halt::Choice(question)) => {
                    let worlds = answered(&start.world, &question).into_iter();
                    todo.extend(worlds.map(|world| Whole { world, ..start.clone() }));
                }
                Err(Halt::Disabled | Halt::Beyond(_)) => {}
            }
        }
        results
    }

    fn begin(&mut self, taken: &mut Taken) -> Result<(), Halt> {
        for run in 0..self.layout.runs() {
            let unit = Unit { run, slot: 0 };
            let nth = self.layout.number(run) - 1;
            let flow = self.layout.flow(run);
            let mut block = Block::run(self.program, flow, (nth, run));
            taken.state.blocks.insert(unit, Arc::new(block.clone()));
            if block.is_asleep() {
                continue;
            }
            let (fresh, events) = (taken.state.clone(), taken.events.len());
            self.machine(taken, unit, Doing::Settle)?;
            self.start(taken, run)?;
            let ended = taken.state.blocks[&unit].ended.is_some();
            if ended && self.program.flows[flow as usize].again > 0 {
                taken.events.truncate(events);
                taken.state = fresh;
                block.queue(self.program, self.program.class(self.layout.class(unit)).root);
                taken.state.blocks.insert(unit, Arc::new(block));
            }
        }
        Ok(())
    }

    fn go_on(&mut self, taken: &mut Taken, unit: Unit, doing: Doing) -> Result<(), Halt> {
        self.machine(taken, unit, doing)?;
        self.end_iteration(taken, unit)?;
        self.start(taken, unit.run)
    }

    /// A run that has waited for the limit of its trigger starts, if fewer than that are under way.
    fn start_queued(&mut self, taken: &mut Taken, unit: Unit, node: NodeId) -> Result<(), Halt> {
        let flow = self.layout.flow(unit.run);
        let under_way = taken.state.blocks.iter().filter(|(other, block)| {
            other.slot == 0
                && self.layout.flow(other.run) == flow
                && block.ended.is_none()
                && !block.is_queued(self.program, node)
        });
        let limit = self.program.flows[flow as usize].limit;
        if limit.is_some_and(|limit| under_way.count() >= limit as usize) {
            return Err(Halt::Disabled);
        }
        self.go_on(taken, unit, Doing::Step(node))
    }

    fn go_wrong(
        &mut self,
        taken: &mut Taken,
        unit: Unit,
        node: NodeId,
        fault: Fault,
    ) -> Result<(), Halt> {
        let class = self.layout.class(unit);
        let place = place_of(self.program, class, &taken.state.blocks[&unit], node);
        if !fault.is_free() {
            taken.state.world = strike(&taken.state.world, fault, node, &place);
        }
        if fault == Fault::Cancelled {
            end_run(&mut taken.state, unit.run, Status::Cancelled);
            return Ok(());
        }
        self.go_on(taken, unit, Doing::Fault(node, fault))
    }

    fn expire(&self, state: &mut Whole, holder: Option<Unit>, resource: ResourceId) {
        let content = Content { lease: Lease::Expired, ..self.content(state, resource, 0).clone() };
        state.contents.insert(self.key(resource, 0), Arc::new(content));
        let Some(unit) = holder else { return };
        let mut block = (*state.blocks[&unit]).clone();
        if let Some(memory) = block.marks.remove(&Mark::Holds(resource)) {
            block.marks.insert(Mark::Lost(resource), memory);
        }
        state.blocks.insert(unit, Arc::new(block));
    }

    /// One process does something and settles; everybody else hears what it changed.
    fn machine(&mut self, taken: &mut Taken, unit: Unit, doing: Doing) -> Result<(), Halt> {
        let (program, class) = (self.program, self.layout.class(unit));
        let root = Unit { run: unit.run, slot: 0 };
        let parent = (unit.slot > 0).then(|| taken.state.blocks[&root].clone());
        let world = taken.state.world.clone();
        let answers = Answers::of(&world);
        let block = (*taken.state.blocks[&unit]).clone();
        let mut store = Shelf { program, run: unit.run, contents: &mut taken.state.contents };
        let mut machine =
            Machine::new(program, (class, block), parent.as_deref(), &mut store, &answers)
                .patient(&patience::endless)
                .watched(&mut self.judge);
        let moved = match doing {
            Doing::Settle => Ok(()),
            Doing::Step(node) => machine.step(node),
            Doing::Fault(node, fault) => machine.fault(node, fault),
        };
        let moved = moved.and_then(|()| machine.settle());
        let Machine { block, changes, events, terminated, .. } = machine;
        let ended = block.ended.is_some() || terminated.is_some();
        self.judge.judge_events(program, &events, class, ended, &block);
        let fired = self.judge.drain();
        moved?;
        taken.fired.extend(fired);
        taken.events.extend(events);
        taken.state.blocks.insert(unit, Arc::new(block));
        changes.iter().for_each(|change| self.spread(&mut taken.state, Some(unit), change));
        if let Some(status) = terminated {
            end_run(&mut taken.state, unit.run, status);
        }
        Ok(())
    }

    /// What is under way arrives: nobody's step.
    fn arrive(&mut self, taken: &mut Taken, resource: ResourceId, at: u32) -> Result<(), Halt> {
        let late = &self.content(&taken.state, resource, 0).late;
        let node = late.get(at as usize).ok_or(Halt::Disabled)?.node;
        let world = taken.state.world.clone();
        let answers = Answers::of(&world);
        let (program, contents) = (self.program, &mut taken.state.contents);
        let mut store = Shelf { program, run: 0, contents };
        let mut machine =
            Machine::nobody(program, node, &mut store, &answers).watched(&mut self.judge);
        let moved = machine.arrive(resource, at as usize);
        let Machine { changes, events, .. } = machine;
        let fired = self.judge.drain();
        moved?;
        taken.fired.extend(fired);
        taken.events.extend(events);
        changes.iter().for_each(|change| self.spread(&mut taken.state, None, change));
        Ok(())
    }

    fn spread(&self, state: &mut Whole, by: Option<Unit>, change: &Change) {
        let private = self.program.resource(change.resource).owner.is_some();
        let others: Vec<Unit> = state.blocks.keys().copied().filter(|&u| Some(u) != by).collect();
        for unit in others {
            let strange = by.is_none_or(|by| unit.run != by.run);
            if private && strange {
                continue;
            }
            let related = !strange && (unit.slot == 0 || by.is_some_and(|by| by.slot == 0));
            let mut block = (*state.blocks[&unit]).clone();
            block.hear(self.program, self.layout.class(unit), change, related);
            state.blocks.insert(unit, Arc::new(block));
        }
    }
}

/// The resources as one run sees them.
struct Shelf<'s> {
    program: &'s Program,
    run: u32,
    contents: &'s mut OrdMap<(ResourceId, u32), Arc<Content>>,
}

impl Shelf<'_> {
    fn key(&self, resource: ResourceId) -> (ResourceId, u32) {
        (resource, if self.program.resource(resource).owner.is_some() { self.run } else { 0 })
    }
}

impl Store for Shelf<'_> {
    fn read(&mut self, resource: ResourceId) -> Arc<Content> {
        self.contents[&self.key(resource)].clone()
    }
    fn write(&mut self, resource: ResourceId, content: Content) {
        self.contents.insert(self.key(resource), Arc::new(content));
    }
}
