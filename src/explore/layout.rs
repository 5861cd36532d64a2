//! Layout: where each component of a state lives, fixed for a program.

use crate::model::ids::{ClassId, ResourceId};
use crate::model::program::Program;

/// A process: a run (slot 0) or an iteration in one of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// Which run, over all flows.
    pub run: u32,
    /// 0, or 1 + the slot.
    pub slot: u32,
}

/// What a number of a state stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The choices made.
    World,
    /// The content of a resource.
    Resource(ResourceId),
    /// A process; 0 if the slot is free.
    Block(ClassId),
}

#[derive(Clone, Debug)]
struct Run {
    flow: u32,
    /// First place.
    base: usize,
    /// One past its last place.
    end: usize,
    /// Class by unit slot.
    classes: Vec<ClassId>,
    /// Place by unit slot.
    places: Vec<usize>,
}

/// Places by index, and their inverse.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What stands where.
    pub places: Vec<Place>,
    runs: Vec<Run>,
    /// By run (or only one entry if shared), then resource.
    at: Vec<Vec<usize>>,
}

impl Layout {
    /// The layout of a program.
    pub fn new(program: &Program) -> Self {
        let mut places = vec![Place::World];
        let mut shared = vec![usize::MAX; program.resources.len()];
        for (index, resource) in program.resources.iter().enumerate() {
            if resource.owner.is_none() {
                shared[index] = places.len();
                places.push(Place::Resource(ResourceId(u32::try_from(index).unwrap_or(u32::MAX))));
            }
        }
        let mut layout = Self { places, runs: Vec::new(), at: Vec::new() };
        for (flow, plan) in program.flows.iter().enumerate() {
            for _ in 0..plan.runs {
                let base = layout.places.len();
                let mut at = shared.clone();
                let mut run = Run {
                    flow: u32::try_from(flow).unwrap_or(u32::MAX),
                    base,
                    end: base,
                    classes: vec![plan.class],
                    places: vec![base],
                };
                layout.places.push(Place::Block(plan.class));
                for &variable in &plan.variables {
                    at[variable.index()] = layout.places.len();
                    layout.places.push(Place::Resource(variable));
                }
                for &class in &plan.loops {
                    for _ in 0..program.class(class).window {
                        run.classes.push(class);
                        run.places.push(layout.places.len());
                        layout.places.push(Place::Block(class));
                    }
                }
                run.end = layout.places.len();
                layout.runs.push(run);
                layout.at.push(at);
            }
        }
        layout
    }

    /// How many runs there are, over all flows.
    pub fn runs(&self) -> u32 {
        u32::try_from(self.runs.len()).unwrap_or(u32::MAX)
    }
    /// The flow of a run.
    pub fn flow(&self, run: u32) -> u32 {
        self.runs[run as usize].flow
    }
    /// Which run of its flow it is, from 1.
    pub fn number(&self, run: u32) -> u32 {
        let flow = self.flow(run);
        let before = self.runs[..run as usize].iter().filter(|r| r.flow == flow).count();
        u32::try_from(before).unwrap_or(u32::MAX) + 1
    }
    /// Where a unit's block is.
    pub fn place(&self, unit: Unit) -> usize {
        self.runs[unit.run as usize].places[unit.slot as usize]
    }
    /// The class of a unit's block.
    pub fn class(&self, unit: Unit) -> ClassId {
        self.runs[unit.run as usize].classes[unit.slot as usize]
    }
    /// Where the block of a run is.
    pub fn root(&self, run: u32) -> usize {
        self.runs[run as usize].base
    }
    /// Where a resource is, for a run.
    pub fn resource(&self, resource: ResourceId, run: u32) -> usize {
        self.at[run as usize][resource.index()]
    }
    /// Whether what was read is what is there, for a run.
    pub fn holds(&self, reads: &[(ResourceId, u32)], state: &[u32], run: u32) -> bool {
        reads.iter().all(|&(resource, content)| state[self.resource(resource, run)] == content)
    }
    /// Where all resources are, for a run.
    pub fn resources(&self, run: u32) -> &[usize] {
        &self.at[run as usize]
    }
    /// Everywhere a resource is.
    pub fn all(&self, resource: ResourceId) -> impl Iterator<Item = usize> + '_ {
        self.places
            .iter()
            .enumerate()
            .filter(move |(_, p)| **p == Place::Resource(resource))
            .map(|(i, _)| i)
    }
    /// All units, runs in order, each before its iterations.
    pub fn units(&self) -> impl Iterator<Item = Unit> + '_ {
        (0..self.runs()).flat_map(|run| {
            let slots = u32::try_from(self.runs[run as usize].places.len()).unwrap_or(u32::MAX);
            (0..slots).map(move |slot| Unit { run, slot })
        })
    }
    /// The iteration slots of a run.
    pub fn slots(&self, run: u32) -> impl Iterator<Item = Unit> + '_ {
        let slots = u32::try_from(self.runs[run as usize].places.len()).unwrap_or(u32::MAX);
        (1..slots).map(move |slot| Unit { run, slot })
    }
    /// The slots of the same loop before this one.
    pub fn slots_before(&self, unit: Unit) -> impl Iterator<Item = Unit> + '_ {
        let class = self.class(unit);
        let run = unit.run;
        (1..unit.slot).map(move |slot| Unit { run, slot }).filter(move |&u| self.class(u) == class)
    }
    /// Whether an earlier run of the same flow stands exactly alike.
    pub fn run_twin_before(&self, state: &[u32], run: u32) -> bool {
        let me = &self.runs[run as usize];
        self.runs[..run as usize]
            .iter()
            .any(|r| r.flow == me.flow && state[r.base..r.end] == state[me.base..me.end])
    }

    /// Sorts what is interchangeable: the slots of each loop, then the runs of each flow. A marked unit is kept
    /// apart: it comes first among its kind, and its new place is returned.
    pub fn canonical(&self, state: &mut [u32], mark: Option<Unit>) -> Option<Unit> {
        let mut mark = mark;
        for (index, run) in self.runs.iter().enumerate() {
            let mut from = 1;
            while from < run.classes.len() {
                let same =
                    run.classes[from..].iter().take_while(|c| **c == run.classes[from]).count();
                let marked = mark.filter(|m| {
                    m.run as usize == index && (from..from + same).contains(&(m.slot as usize))
                });
                let mut start = run.places[from];
                let end = start + same;
                if let Some(m) = marked {
                    let at = run.places[m.slot as usize];
                    state.swap(start, at);
                    mark = Some(Unit { run: m.run, slot: u32::try_from(from).unwrap_or(u32::MAX) });
                    start += 1;
                }
                state[start..end].sort_unstable_by(|a, b| b.cmp(a));
                from += same;
            }
        }
        self.sort_runs(state, mark)
    }

    fn sort_runs(&self, state: &mut [u32], mark: Option<Unit>) -> Option<Unit> {
        let mut mark = mark;
        let mut from = 0;
        while from < self.runs.len() {
            let flow = self.runs[from].flow;
            let same = self.runs[from..].iter().take_while(|r| r.flow == flow).count();
            if same > 1 {
                let segment = |i: usize| self.runs[i].base..self.runs[i].end;
                let marked = mark.filter(|m| (from..from + same).contains(&(m.run as usize)));
                let mut order: Vec<usize> = (from..from + same).collect();
                let first = |i: usize| marked.is_some_and(|m| m.run as usize == i);
                order.sort_by(|&a, &b| {
                    first(b).cmp(&first(a)).then_with(|| state[segment(b)].cmp(&state[segment(a)]))
                });
                let sorted: Vec<u32> =
                    order.iter().flat_map(|&i| state[segment(i)].to_vec()).collect();
                state[self.runs[from].base..self.runs[from + same - 1].end]
                    .copy_from_slice(&sorted);
                if let Some(m) = marked {
                    mark =
                        Some(Unit { run: u32::try_from(from).unwrap_or(u32::MAX), slot: m.slot });
                }
            }
            from += same;
        }
        mark
    }
}
