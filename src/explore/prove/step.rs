//! One abstract step: a process is taken out of its count, steps by the one semantics, and everybody hears of it.

use super::effect::{Cached, Effect, timeless};
use super::relative::{Cell, Coarse, Relative, coarse, item, settle_content};
use super::state::{Count, Kid, Parts, Run, State, add, place};
use crate::explore::table::Memo;
use crate::model::block::{Block, Mark, Memory, Phase};
use crate::model::content::{Content, Lease};
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::Program;
use crate::model::value::Value;
use crate::property::judge::{Judge, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// Settling without a step.
pub(super) const SETTLE: u32 = u32::MAX;

/// Facts about all writes of a relative cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// What is added, over all writes.
    pub summands: BTreeSet<i64>,
    /// Whether some write adds to an earlier value than the current one.
    pub late: bool,
    /// Whether some write has nothing to do with the cell's values.
    pub unrelated: bool,
}

/// Steps abstract states, and remembers what it saw.
#[derive(Debug)]
pub struct Stepper<'p> {
    /// The program.
    pub program: &'p Program,
    /// Its relative columns.
    pub relative: Relative,
    /// Interned parts.
    pub parts: Parts,
    /// The monitors.
    pub judge: Judge,
    pub(super) effects: Vec<Effect>,
    pub(super) cache: Memo<(ClassId, u32, u32, u32), Vec<Cached>>,
    pub(super) heard: Memo<(u32, ClassId, u32, u8), u32>,
    /// By cell: how it is written.
    pub habits: BTreeMap<Cell, Habits>,
    /// By class: what an iteration has done when it ends.
    pub totals: BTreeMap<ClassId, BTreeSet<u32>>,
    /// Whether a run was ended under its iterations.
    pub terminated: bool,
    /// Whether steps in which a rule fires are left out: nothing is learned from them.
    pub clear: bool,
}

/// A state with one process taken out.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) shared: Vec<u32>,
    pub(super) run: Run,
    /// The iteration that steps; `None`: the run itself.
    pub(super) kid: Option<Kid>,
    pub(super) rest: Vec<(u32, Count)>,
}

/// A successor: the state, and the rules that fired on the way.
pub type Next = (State, Vec<Violation>);

impl Scene {
    pub(super) fn content(&self, program: &Program, resource: ResourceId) -> u32 {
        place(program, &self.shared, &self.run.own, self.run.flow, resource)
    }
}

impl<'p> Stepper<'p> {
    /// Nothing seen yet.
    pub fn new(program: &'p Program, relative: Relative, clear: bool) -> Self {
        Self {
            program,
            relative,
            parts: Parts::new(program),
            judge: Judge::new(program),
            effects: Vec::new(),
            cache: Memo::default(),
            heard: Memo::default(),
            habits: BTreeMap::new(),
            totals: BTreeMap::new(),
            terminated: false,
            clear,
        }
    }

    /// Where everything may begin: each flow with one run, or with any number where the scope has several.
    pub fn initial(&mut self) -> Result<Vec<Next>, Coarse> {
        let program = self.program;
        let mut shared = Vec::new();
        let mut all = Vec::new();
        for (index, resource) in program.resources.iter().enumerate() {
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            let mut content = Content::new(&resource.initial);
            settle_content(&self.relative, rid, &mut content, &mut Vec::new())?;
            all.push(self.parts.contents[index].intern(content));
            shared.push(if resource.owner.is_none() { all[index] } else { 0 });
        }
        let mut states = vec![(State { shared, runs: Vec::new() }, Vec::new())];
        for (flow, plan) in program.flows.iter().enumerate() {
            let root = self.intern(plan.class, Block::fresh(program, plan.class));
            let run = Run {
                flow: u32::try_from(flow).unwrap_or(u32::MAX),
                root,
                tally: 0,
                ended: vec![0; plan.loops.len()],
                own: plan.variables.iter().map(|v| all[v.index()]).collect(),
                kids: Vec::new(),
            };
            let mut next = Vec::new();
            for (state, fired) in states {
                let scene = Scene {
                    shared: state.shared.clone(),
                    run: run.clone(),
                    kid: None,
                    rest: state.runs,
                };
                let Some((scene, more)) = self.act(scene, SETTLE)? else { continue };
                if plan.runs > 1 && scene.shared != state.shared {
                    return coarse("a run changes something shared before anything is asked of it");
                }
                let fired: Vec<Violation> = fired.into_iter().chain(more).collect();
                let counts: &[Count] =
                    if plan.runs > 1 { &[Count::One, Count::Many] } else { &[Count::One] };
                for &count in counts {
                    next.push((self.put_back(scene.clone(), count), fired.clone()));
                }
            }
            states = next;
        }
        Ok(states)
    }

    pub(super) fn intern(&mut self, class: ClassId, block: Block) -> u32 {
        self.parts.blocks[class.0 as usize].intern(block)
    }

    /// Everything that can happen next; whether anybody who is there could go on.
    pub fn successors(&mut self, state: &State) -> Result<(Vec<Next>, bool), Coarse> {
        let mut next = Vec::new();
        let mut alive = false;
        for at in 0..state.runs.len() {
            let (id, count) = state.runs[at];
            for left in count.less_one() {
                let mut rest = state.runs.clone();
                match left {
                    None => _ = rest.remove(at),
                    Some(left) => rest[at].1 = *left,
                }
                let run = (**self.parts.runs.get(id)).clone();
                let scene = Scene { shared: state.shared.clone(), run, kid: None, rest };
                alive |= self.of_run(&scene, &mut next)?;
            }
        }
        alive |= self.abandoned(state, &mut next);
        Ok((next, alive))
    }

    fn of_run(&mut self, scene: &Scene, next: &mut Vec<Next>) -> Result<bool, Coarse> {
        let program = self.program;
        let plan = &program.flows[scene.run.flow as usize];
        let root = self.parts.block(plan.class, scene.run.root).clone();
        if root.ended.is_some() {
            return Ok(false);
        }
        let mut alive = self.of_block(scene, plan.class, &root, next)?;
        for at in 0..scene.run.kids.len() {
            let (kid, count) = scene.run.kids[at];
            for left in count.less_one() {
                let mut scene = scene.clone();
                match left {
                    None => _ = scene.run.kids.remove(at),
                    Some(left) => scene.run.kids[at].1 = *left,
                }
                scene.kid = Some(kid);
                let block = self.parts.block(kid.class, kid.block).clone();
                alive |= self.of_block(&scene, kid.class, &block, next)?;
            }
        }
        for (number, &class) in plan.loops.iter().enumerate() {
            let looped = looped(program, class);
            if root.nodes[program.node(looped).slot as usize].phase != Phase::Running {
                continue;
            }
            let empty = !scene.run.kids.iter().any(|(k, _)| k.class == class);
            // A loop with no iteration under way starts one or ends at once: no state of its own.
            alive |= empty;
            self.start(scene, class, next)?;
            if empty {
                self.finish_loop(scene, number, looped, next)?;
            }
        }
        Ok(alive)
    }

    /// The steps of one process.
    fn of_block(
        &mut self,
        scene: &Scene,
        class: ClassId,
        block: &Block,
        next: &mut Vec<Next>,
    ) -> Result<bool, Coarse> {
        let mut alive = false;
        let nodes = &self.program.class(class).nodes;
        let ready: Vec<NodeId> = block
            .nodes
            .iter()
            .zip(nodes)
            .filter(|(s, _)| matches!(s.phase, Phase::Ready(_)))
            .map(|(_, &n)| n)
            .collect();
        for &node in &ready {
            if let Some((scene, fired)) = self.act(scene.clone(), node.0)? {
                alive = true;
                self.ended_or_not(scene, fired, next)?;
            }
        }
        let pending = ready.iter().map(|&n| self.program.node(n).takes).max().unwrap_or(0);
        for (mark, memory) in &block.marks {
            if let (Mark::Holds(r), Memory::Clock(passed, Some(limit))) = (mark, memory)
                && passed.saturating_add(pending) >= *limit
            {
                alive = true;
                let mut scene = scene.clone();
                self.expire(&mut scene.shared, *r);
                let mut block = block.clone();
                block.marks.remove(mark);
                block.marks.insert(Mark::Lost(*r), memory.clone());
                let id = self.intern(class, block);
                match &mut scene.kid {
                    Some(kid) => kid.block = id,
                    None => scene.run.root = id,
                }
                next.push((self.put_back(scene, Count::One), Vec::new()));
            }
        }
        Ok(alive)
    }

    fn expire(&mut self, shared: &mut [u32], resource: ResourceId) {
        let table = &mut self.parts.contents[resource.index()];
        let mut content = (**table.get(shared[resource.index()])).clone();
        content.lease = Lease::Expired;
        shared[resource.index()] = table.intern(content);
    }

    /// Finite leases whose holder has ended run out by themselves.
    fn abandoned(&mut self, state: &State, next: &mut Vec<Next>) -> bool {
        let mut any = false;
        for index in 0..self.program.resources.len() {
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            if self.program.resource(rid).owner.is_some()
                || self.parts.contents[index].get(state.shared[index]).lease != Lease::Held(true)
            {
                continue;
            }
            let holds = |b: &Block| b.ended.is_none() && b.marks.contains_key(&Mark::Holds(rid));
            let held = state.runs.iter().any(|&(id, _)| {
                let run = self.parts.runs.get(id);
                let class = self.program.flows[run.flow as usize].class;
                holds(self.parts.block(class, run.root))
                    || run.kids.iter().any(|(k, _)| holds(self.parts.block(k.class, k.block)))
            });
            if !held {
                any = true;
                let mut state = state.clone();
                self.expire(&mut state.shared, rid);
                next.push((state, Vec::new()));
            }
        }
        any
    }

    /// Another iteration begins.
    fn start(&mut self, scene: &Scene, class: ClassId, next: &mut Vec<Next>) -> Result<(), Coarse> {
        let plan = self.program.class(class);
        let mut block = Block::fresh(self.program, class);
        if plan.uses_item {
            block.item = item();
        }
        let block = self.intern(class, block);
        let mut scene = scene.clone();
        scene.kid = Some(Kid { class, block, tally: 0 });
        match self.act(scene, SETTLE)? {
            Some((scene, fired)) => self.ended_or_not(scene, fired, next),
            None => Ok(()),
        }
    }

    /// No iteration is under way and none is left.
    fn finish_loop(
        &mut self,
        scene: &Scene,
        number: usize,
        looped: NodeId,
        next: &mut Vec<Next>,
    ) -> Result<(), Coarse> {
        let class = self.program.flows[scene.run.flow as usize].class;
        let mut scene = scene.clone();
        let mut root = (**self.parts.block(class, scene.run.root)).clone();
        root.complete(self.program, looped);
        scene.run.root = self.intern(class, root);
        scene.run.ended[number] = (scene.run.ended[number] + 1).min(2);
        if let Some((scene, fired)) = self.act(scene, SETTLE)? {
            next.push((self.put_back(scene, Count::One), fired));
        }
        Ok(())
    }

    /// Puts the process back; an iteration that has ended goes into its loop.
    fn ended_or_not(
        &mut self,
        mut scene: Scene,
        mut fired: Vec<Violation>,
        next: &mut Vec<Next>,
    ) -> Result<(), Coarse> {
        if let Some(kid) = scene.kid {
            let child = self.parts.block(kid.class, kid.block).clone();
            if child.ended.is_some() {
                if !(self.clear && fired.iter().any(|v| !v.weak)) {
                    self.totals.entry(kid.class).or_default().insert(kid.tally);
                }
                scene.kid = None;
                let class = self.program.flows[scene.run.flow as usize].class;
                let mut root = (**self.parts.block(class, scene.run.root)).clone();
                let looped = looped(self.program, kid.class);
                root.fold(self.program, looped, &child, Value::Null);
                scene.run.root = self.intern(class, timeless(self.program, class, root));
                let Some((after, more)) = self.act(scene, SETTLE)? else { return Ok(()) };
                scene = after;
                fired.extend(more);
            }
        }
        next.push((self.put_back(scene, Count::One), fired));
        Ok(())
    }

    fn put_back(&mut self, mut scene: Scene, count: Count) -> State {
        if let Some(kid) = scene.kid.take() {
            add(&mut scene.run.kids, kid, Count::One);
        }
        let id = self.parts.runs.intern(scene.run);
        add(&mut scene.rest, id, count);
        State { shared: scene.shared, runs: scene.rest }
    }
}

/// The loop of a class of iterations.
fn looped(program: &Program, class: ClassId) -> NodeId {
    program.class(class).looped.expect("internal error: iterations without a loop")
}
