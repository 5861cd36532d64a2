//! Last resorts: what explains an outcome that no serial order gives and in which no rule fired (design.md §6).

use super::ending::{Joint, judge_end, outcome};
use super::engine::{Engine, Move, State, Successor};
use super::layout::Unit;
use super::limits::Stop;
use super::table::Interner;
use super::witness::{Choice, Schedule, fired_in, gave_up, reached};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Shape, Step};
use crate::model::transition::{Event, Round};
use crate::model::value::Value;
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// An explanation; of several the first one counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resort {
    /// A conditional write or an acquire outside any loop was refused, and given up.
    Refused(NodeId, u8),
    /// A poll reached its limit.
    Polled(NodeId),
    /// A value was computed from another cell that changed since.
    Stale(Violation),
    /// A process read back what it wrote and got another's value.
    ReadBack(ReadBack),
}

/// A cell that was read back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadBack {
    /// Who wrote it.
    pub writer: NodeId,
    /// Who read it afterwards.
    pub reader: NodeId,
    /// The cell.
    pub resource: ResourceId,
    /// Its column.
    pub column: Arc<str>,
    /// What was written.
    pub own: Value,
    /// What was read.
    pub read: Value,
}

/// What each process wrote last, as far as somebody reads it back: by process, writer, resource, row and column.
type Written = BTreeMap<(Unit, NodeId, ResourceId, u32, Arc<str>), Value>;

/// A schedule so far, and what explains it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Memory {
    written: Written,
    resorts: BTreeSet<Resort>,
}

/// What explains a schedule, first things first.
pub fn resorts(engine: &Engine<'_>, steps: &[(State, Successor)]) -> BTreeSet<Resort> {
    let again = read_back(engine.program);
    let mut memory = steps.first().map_or_else(Memory::default, |(s, _)| Memory::begin(engine, s));
    steps.iter().for_each(|(before, next)| memory.step(engine, &again, before, next));
    memory.resorts
}

/// Schedules in which no monitor fires and that end in one of the wanted outcomes: the shortest for each set of last
/// resorts that would explain it; and whether all were looked at. Ends are the last that a search by layers comes to: of
/// more `states` than the cap it has seen none after a tenth of it, and goes deep until it meets one.
pub fn unexplained(
    engine: &mut Engine<'_>,
    wanted: &BTreeSet<Joint>,
    (states, cap): (u64, usize),
    stop: &dyn Stop,
) -> (Vec<Schedule>, bool) {
    let again = read_back(engine.program);
    let hope = engine.hope();
    let mut nodes: Vec<Node> = Vec::new();
    let mut memories = Interner::default();
    let mut seen = Interner::default();
    let mut found: BTreeMap<BTreeSet<Resort>, Schedule> = BTreeMap::new();
    nodes.extend(engine.initial().iter().map(|state| Node {
        state: state.clone(),
        memory: memories.intern(Memory::begin(engine, state)),
        from: None,
    }));
    let mut todo: VecDeque<usize> = (0..nodes.len()).collect();
    let mut deep = false;
    while nodes.len() < cap && stop.stopped().is_none() && (!deep || found.is_empty()) {
        deep |= states > cap as u64 && nodes.len() > cap / 10 && found.is_empty();
        let next = if deep { todo.pop_back() } else { todo.pop_front() };
        let Some(at) = next else { break };
        let state = nodes[at].state.clone();
        let memory: Arc<Memory> = memories.get(nodes[at].memory).clone();
        if engine.all_ended(&state) {
            let end = outcome(engine, &state);
            if wanted.contains(&end) && judge_end(engine, &state).is_empty() {
                let schedule = || reached(at, |at| nodes[at].from);
                found.entry(memory.resorts.clone()).or_insert_with(schedule);
            }
            continue;
        }
        let first = nodes.len();
        // What is remembered names processes, so that alike ones are not the same.
        for chosen in engine.moves(&state, !memory.written.is_empty()) {
            for (index, next) in engine.take(&state, chosen).into_iter().enumerate() {
                if fired_in(engine, &next).iter().any(|v| !v.weak)
                    || gave_up(&next.events)
                    || engine.is_hopeless(&hope, &next.state)
                {
                    continue;
                }
                let mut memory = (*memory).clone();
                memory.step(engine, &again, &state, &next);
                let mut key = next.state.clone();
                if engine.symmetry && memory.written.is_empty() {
                    engine.layout.canonical(&mut key, None);
                }
                let memory = memories.intern(memory);
                let before = seen.len();
                seen.intern((key, memory));
                if seen.len() > before {
                    let from = Some((at, (chosen, index)));
                    nodes.push(Node { state: next.state, memory, from });
                }
            }
        }
        if deep {
            todo.extend((first..nodes.len()).rev());
        } else {
            todo.extend(first..nodes.len());
        }
    }
    (found.into_values().collect(), todo.is_empty())
}

struct Node {
    state: State,
    /// Its number.
    memory: u32,
    from: Option<(usize, Choice)>,
}

impl Memory {
    /// What happened before the first step.
    fn begin(engine: &Engine<'_>, state: &State) -> Self {
        let mut memory = Self::default();
        memory.note(engine.program, engine.begun(state));
        memory
    }

    /// Refusals that were given up, and polls at their limit.
    fn note(&mut self, program: &Program, events: &[Event]) {
        for event in events {
            let outside = || {
                let mut around = program.ancestors(event.node);
                !around.any(|n| matches!(program.node(n).kind, Kind::Until { .. }))
            };
            let given_up = match (access(program, event.node, event.step), event.refused) {
                (Some(_), Some(412)) => true,
                (Some((_, Access::Acquire { .. })), Some(409)) => true,
                (_, _) => false,
            };
            if given_up && outside() {
                self.resorts.insert(Resort::Refused(event.node, event.step));
            }
            if event.round == Some(Round::Limit) && program.polls.contains(&event.node) {
                self.resorts.insert(Resort::Polled(event.node));
            }
        }
    }

    fn step(
        &mut self,
        engine: &Engine<'_>,
        again: &BTreeSet<ResourceId>,
        before: &State,
        next: &Successor,
    ) {
        let program = engine.program;
        self.note(program, &next.events);
        for violation in fired_in(engine, next).into_iter().filter(|v| v.weak) {
            self.resorts.insert(Resort::Stale(violation));
        }
        if !again.is_empty()
            && let Move::Step(unit, _) | Move::Fault(unit, ..) = next.chosen
        {
            self.read(engine, again, before, next, unit);
            self.write(engine, again, next, unit);
        }
    }

    /// Whoever reads what it wrote before finds it, or finds another's value.
    fn read(
        &mut self,
        engine: &Engine<'_>,
        again: &BTreeSet<ResourceId>,
        before: &State,
        next: &Successor,
        unit: Unit,
    ) {
        let program = engine.program;
        for event in next.events.iter().filter(|e| e.refused.is_none()) {
            let Some(resource) = program.reads(event.node).filter(|r| again.contains(r)) else {
                continue;
            };
            let content = engine.content(before, resource, unit.run);
            let unit = whose(engine, unit, event.node);
            for ((who, writer, cell, row, column), own) in &self.written {
                let rows = content.rows.get(*row as usize).and_then(Option::as_ref);
                let read = rows.map_or(Value::Null, |r| r.get(column));
                if *who == unit
                    && *cell == resource
                    && looks_at(program, event.node, resource, column)
                    && read != *own
                    && !program.parted(*writer, event.node)
                {
                    self.resorts.insert(Resort::ReadBack(ReadBack {
                        writer: *writer,
                        reader: event.node,
                        resource,
                        column: column.clone(),
                        own: own.clone(),
                        read,
                    }));
                }
            }
        }
    }

    fn write(
        &mut self,
        engine: &Engine<'_>,
        again: &BTreeSet<ResourceId>,
        next: &Successor,
        unit: Unit,
    ) {
        let program = engine.program;
        for event in next.events.iter() {
            let unit = whose(engine, unit, event.node);
            for (resource, row, column, value) in &event.wrote {
                if !again.contains(resource) || column.is_empty() {
                    continue;
                }
                let cell =
                    |r: &ResourceId, n: &u32, c: &Arc<str>| (r, n, c) == (resource, row, column);
                // Whatever it wrote there before, in this branch, is written over.
                self.written.retain(|(who, writer, r, n, c), _| {
                    *who != unit || !cell(r, n, c) || program.parted(*writer, event.node)
                });
                let key = (unit, event.node, *resource, *row, column.clone());
                self.written.insert(key, value.clone());
            }
        }
        if next.ended {
            self.written.retain(|(who, ..), _| *who != unit);
        }
    }
}

/// Whether a reader of an item looks at this column of it; of other stores it may be any.
fn looks_at(program: &Program, reader: NodeId, resource: ResourceId, column: &Arc<str>) -> bool {
    program.resource(resource).shape != Shape::Item
        || program.node(reader).used.as_ref().is_none_or(|used| used.contains(column))
}

/// Whose doing an event of a step by `unit` is: what is around a loop may go on in the step that ends an iteration.
fn whose(engine: &Engine<'_>, unit: Unit, node: NodeId) -> Unit {
    let own = engine.program.node(node).class == engine.layout.class(unit);
    if own { unit } else { Unit { slot: 0, ..unit } }
}

/// The access of a step, and what it is about.
pub fn access(program: &Program, node: NodeId, step: u8) -> Option<(ResourceId, &Access)> {
    let Kind::Leaf(steps) = &program.node(node).kind else { return None };
    match steps.get(usize::from(step))? {
        Step::Access(resource, access) => Some((*resource, access)),
        Step::Compute(_) | Step::Send(_) | Step::Wait(_) | Step::Opaque { .. } => None,
    }
}

/// Cells other than variables that some process may read after it wrote them; of variables a monitor knows.
fn read_back(program: &Program) -> BTreeSet<ResourceId> {
    let nodes = || program.ids();
    let writes = |node: NodeId, resource: ResourceId| {
        let Kind::Leaf(steps) = &program.node(node).kind else { return false };
        steps
            .iter()
            .any(|s| matches!(s, Step::Access(r, access) if *r == resource && !access.only_reads()))
    };
    let after = |writer: NodeId, reader: NodeId| {
        let mut around = program.ancestors(writer).skip(1);
        program.precedes(writer, reader)
            || around.any(|n| match program.node(n).kind {
                Kind::Until { .. } | Kind::Loop { .. } => program.inside(reader, n),
                Kind::Leaf(_) | Kind::Group | Kind::Parallel | Kind::Terminate(_) => false,
                Kind::If(_) | Kind::Switch(..) => false,
            })
    };
    let read = nodes().filter_map(|reader| Some((reader, program.reads(reader)?)));
    let found = read.filter(|&(reader, resource)| {
        program.resource(resource).shape != Shape::Variable
            && nodes().any(|writer| writes(writer, resource) && after(writer, reader))
    });
    found.map(|(_, resource)| resource).collect()
}
