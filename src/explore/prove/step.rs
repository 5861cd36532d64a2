//! One abstract step: a process is taken out of its count, steps by the one semantics, and everybody hears of it.

use super::relative::{
    Cell, Coarse, Relative, Renaming, Stored, Written, coarse, item, settle_content, stored,
};
use super::state::{Count, Kid, Parts, Run, State, Tally, add, place};
use crate::explore::table::Memo;
use crate::model::block::{Block, Mark, Memory, Phase};
use crate::model::content::{Content, Lease};
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Kind, Program, Status};
use crate::model::transition::{Change, Halt, Machine, World};
use crate::model::value::Value;
use crate::model::view::Store;
use crate::property::judge::{Judge, Violation};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Settling without a step.
const SETTLE: u32 = u32::MAX;

/// What one run of the machine did, over the symbols from before.
#[derive(Debug)]
struct Effect {
    block: Block,
    /// What is written, relative cells still as they were stored.
    writes: Vec<(ResourceId, Content)>,
    changes: Vec<Change>,
    /// New numbers of the contents, and what the relative cells became.
    contents: Vec<(ResourceId, u32)>,
    written: Vec<Written>,
    stored: Vec<(Cell, Stored)>,
    terminated: Option<Status>,
    fired: Vec<Violation>,
}

#[derive(Debug)]
struct Cached {
    reads: Vec<(ResourceId, u32)>,
    /// `None`: it waits.
    effect: Option<u32>,
}

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
    effects: Vec<Effect>,
    cache: Memo<(ClassId, u32, u32, u32), Vec<Cached>>,
    heard: Memo<(u32, ClassId, u32, u8), u32>,
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
struct Scene {
    shared: Vec<u32>,
    run: Run,
    /// The iteration that steps; `None`: the run itself.
    kid: Option<Kid>,
    rest: Vec<(u32, Count)>,
}

/// A successor: the state, and the rules that fired on the way.
pub type Next = (State, Vec<Violation>);

struct Reading<'a> {
    program: &'a Program,
    parts: &'a Parts,
    scene: &'a Scene,
    reads: Vec<(ResourceId, u32)>,
    writes: Vec<(ResourceId, Content)>,
}

impl Store for Reading<'_> {
    fn read(&mut self, resource: ResourceId) -> Arc<Content> {
        if let Some((_, content)) = self.writes.iter().find(|w| w.0 == resource) {
            return Arc::new(content.clone());
        }
        let id = self.scene.content(self.program, resource);
        if !self.reads.contains(&(resource, id)) {
            self.reads.push((resource, id));
        }
        self.parts.contents[resource.index()].get(id).clone()
    }
    fn write(&mut self, resource: ResourceId, content: Content) {
        self.writes.retain(|w| w.0 != resource);
        self.writes.push((resource, content));
    }
}

impl Scene {
    fn content(&self, program: &Program, resource: ResourceId) -> u32 {
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

    fn intern(&mut self, class: ClassId, block: Block) -> u32 {
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

    /// One step (or none) and settling of the process that was taken out; `None` if it has to wait.
    fn act(
        &mut self,
        mut scene: Scene,
        node: u32,
    ) -> Result<Option<(Scene, Vec<Violation>)>, Coarse> {
        let root_class = self.program.flows[scene.run.flow as usize].class;
        let (class, block, parent) = match scene.kid {
            Some(kid) => (kid.class, kid.block, scene.run.root),
            None => (root_class, scene.run.root, u32::MAX),
        };
        let key = (class, block, parent, node);
        let known = self.cache.get(&key).and_then(|list| {
            list.iter()
                .find(|c| c.reads.iter().all(|&(r, id)| scene.content(self.program, r) == id))
                .map(|c| c.effect)
        });
        let effect = match known {
            Some(effect) => effect,
            None => self.compute(&scene, class, block, parent, node)?,
        };
        let Some(effect) = effect else { return Ok(None) };
        self.apply(&mut scene, effect)?;
        Ok(Some((scene, self.effects[effect as usize].fired.clone())))
    }

    fn compute(
        &mut self,
        scene: &Scene,
        class: ClassId,
        block: u32,
        parent: u32,
        node: u32,
    ) -> Result<Option<u32>, Coarse> {
        let program = self.program;
        let root_class = program.flows[scene.run.flow as usize].class;
        let above = scene.kid.map(|_| self.parts.block(root_class, parent).clone());
        let mut store =
            Reading { program, parts: &self.parts, scene, reads: Vec::new(), writes: Vec::new() };
        let world = World::new();
        let mut machine = Machine {
            program,
            class,
            block: (**self.parts.block(class, block)).clone(),
            parent: above.as_deref(),
            store: &mut store,
            world: &world,
            observer: Some(&mut self.judge),
            exhaustible: &|n| program.node(n).exhaustible,
            changes: Vec::new(),
            events: Vec::new(),
            uncounted_violation: false,
            terminated: None,
        };
        let moved = if node == SETTLE { Ok(()) } else { machine.step(NodeId(node)) };
        let moved = moved.and_then(|()| machine.settle());
        let Machine { block: after, changes, events, uncounted_violation, terminated, .. } =
            machine;
        let ended = after.ended.is_some() || terminated.is_some();
        self.judge.judge_events(program, &events, class, ended, &after);
        let fired = self.judge.drain();
        let Reading { reads, writes, .. } = store;
        if uncounted_violation {
            return coarse("an Until can go on for another reason than a refusal by others");
        }
        let effect = match moved {
            Err(Halt::Disabled) => None,
            Err(Halt::Choice(_)) => return coarse("a condition depends on what nobody knows"),
            Ok(()) => {
                let stored = changes.iter().flat_map(|c| stored(&self.relative, c)).collect();
                let block = timeless(program, class, after);
                let mut effect = Effect {
                    block,
                    writes,
                    changes,
                    contents: Vec::new(),
                    written: Vec::new(),
                    stored,
                    terminated,
                    fired,
                };
                self.settle_contents(&mut effect)?;
                self.effects.push(effect);
                Some(u32::try_from(self.effects.len() - 1).unwrap_or(u32::MAX))
            }
        };
        self.cache
            .entry((class, scene.kid.map_or(scene.run.root, |k| k.block), parent, node), Vec::new)
            .push(Cached { reads, effect });
        Ok(effect)
    }

    fn settle_contents(&mut self, effect: &mut Effect) -> Result<(), Coarse> {
        for (resource, content) in &effect.writes {
            if content.rows.len() > 12 {
                return coarse("a table grows with every iteration");
            }
            let mut content = content.clone();
            settle_content(&self.relative, *resource, &mut content, &mut effect.written)?;
            let id = self.parts.contents[resource.index()].intern(content);
            effect.contents.push((*resource, id));
        }
        if self.clear && effect.fired.iter().any(|v| !v.weak) {
            return Ok(());
        }
        for (cell, how) in &effect.stored {
            let habits = self.habits.entry(cell.clone()).or_default();
            match how {
                Stored::Current(k) => _ = habits.summands.insert(*k),
                Stored::Earlier(k) => {
                    habits.summands.insert(*k);
                    habits.late = true;
                }
                Stored::Unrelated => habits.unrelated = true,
            }
        }
        Ok(())
    }

    /// The effect on everybody.
    fn apply(&mut self, scene: &mut Scene, effect: u32) -> Result<(), Coarse> {
        let program = self.program;
        let root_class = program.flows[scene.run.flow as usize].class;
        let what = &self.effects[effect as usize];
        let quiet = what.changes.is_empty() && what.written.is_empty();
        let terminated = what.terminated;
        for &(resource, id) in &what.contents {
            if program.resource(resource).owner.is_none() {
                scene.shared[resource.index()] = id;
            } else {
                let variables = &program.flows[scene.run.flow as usize].variables;
                if let Some(at) = variables.iter().position(|v| *v == resource) {
                    scene.run.own[at] = id;
                }
            }
        }
        let tally = scene.kid.map_or(scene.run.tally, |k| k.tally);
        let tally = self.tallied(tally, effect)?;
        let class = scene.kid.map_or(root_class, |k| k.class);
        let block = self.renamed_own(class, effect)?;
        if let Some(kid) = &mut scene.kid {
            *kid = Kid { block, tally, ..*kid };
        } else {
            (scene.run.root, scene.run.tally) = (block, tally);
        }
        if !quiet {
            if scene.kid.is_some() {
                scene.run.root = self.hear(effect, root_class, scene.run.root, RELATED)?;
            }
            let how = if scene.kid.is_some() { SIBLING } else { RELATED };
            scene.run.kids = self.hear_kids(effect, &scene.run.kids, how)?;
            scene.rest = self.hear_runs(effect, &scene.rest)?;
        }
        if let Some(status) = terminated {
            self.terminated = true;
            scene.kid = None;
            scene.run.kids.clear();
            let mut root = (**self.parts.block(root_class, scene.run.root)).clone();
            root.terminate(status);
            scene.run.root = self.intern(root_class, root);
        }
        Ok(())
    }

    fn tallied(&mut self, tally: u32, effect: u32) -> Result<u32, Coarse> {
        let stored = &self.effects[effect as usize].stored;
        if stored.is_empty() {
            return Ok(tally);
        }
        let mut tally: Tally = (**self.parts.tallies.get(tally)).clone();
        for (cell, how) in stored {
            let entry = tally.entry(cell.clone()).or_default();
            entry.0 += 1;
            if let Stored::Current(k) | Stored::Earlier(k) = how {
                entry.1 += k;
            }
            if entry.0 > 64 {
                return coarse("a process writes a growing cell without limit");
            }
        }
        Ok(self.parts.tallies.intern(tally))
    }

    fn renamed_own(&mut self, class: ClassId, effect: u32) -> Result<u32, Coarse> {
        let what = &self.effects[effect as usize];
        let mut block = what.block.clone();
        let renaming = Renaming { written: &what.written, own: true };
        renaming.block(self.program, class, &mut block)?;
        Ok(self.intern(class, block))
    }

    /// A block after it has heard of the changes and its symbols are renamed.
    fn hear(&mut self, effect: u32, class: ClassId, block: u32, how: u8) -> Result<u32, Coarse> {
        let key = (effect, class, block, how);
        if let Some(&id) = self.heard.get(&key) {
            return Ok(id);
        }
        let program = self.program;
        let what = &self.effects[effect as usize];
        let mut heard = (**self.parts.block(class, block)).clone();
        let reaches = |r: ResourceId| how != FOREIGN || program.resource(r).owner.is_none();
        for change in what.changes.iter().filter(|c| reaches(c.resource)) {
            heard.hear(program, class, change, how == RELATED);
        }
        let written: Vec<Written> =
            what.written.iter().filter(|w| reaches(w.cell.resource)).cloned().collect();
        Renaming { written: &written, own: false }.block(program, class, &mut heard)?;
        let id = self.intern(class, heard);
        self.heard.entry(key, || id);
        Ok(id)
    }

    fn hear_kids(
        &mut self,
        effect: u32,
        kids: &[(Kid, Count)],
        how: u8,
    ) -> Result<Vec<(Kid, Count)>, Coarse> {
        let mut heard = Vec::with_capacity(kids.len());
        for &(kid, count) in kids {
            let block = self.hear(effect, kid.class, kid.block, how)?;
            add(&mut heard, Kid { block, ..kid }, count);
        }
        Ok(heard)
    }

    fn hear_runs(
        &mut self,
        effect: u32,
        runs: &[(u32, Count)],
    ) -> Result<Vec<(u32, Count)>, Coarse> {
        let mut heard = Vec::with_capacity(runs.len());
        for &(id, count) in runs {
            let mut run = (**self.parts.runs.get(id)).clone();
            let class = self.program.flows[run.flow as usize].class;
            run.root = self.hear(effect, class, run.root, FOREIGN)?;
            run.kids = self.hear_kids(effect, &run.kids, FOREIGN)?;
            let id = self.parts.runs.intern(run);
            add(&mut heard, id, count);
        }
        Ok(heard)
    }
}

/// How the listener stands to the process that changed something: another iteration of the same loop, the run
/// around it (or an iteration inside it), or a process of another run.
const SIBLING: u8 = 0;
const RELATED: u8 = 1;
const FOREIGN: u8 = 2;

/// The loop of a class of iterations.
fn looped(program: &Program, class: ClassId) -> NodeId {
    program.class(class).looped.expect("internal error: iterations without a loop")
}

/// Without the numbers of iterations: how many have started and ended is not told.
fn timeless(program: &Program, class: ClassId, mut block: Block) -> Block {
    for (slot, state) in block.nodes.iter_mut().enumerate() {
        let node = program.class(class).nodes[slot];
        if matches!(program.node(node).kind, Kind::Loop { degree, .. } if degree > 1)
            && state.phase == Phase::Running
        {
            state.count = 0;
            state.started = 0;
            state.items = match &state.items {
                Value::Int(_) => Value::Int(1),
                _ => Value::Null,
            };
        }
    }
    block
}
