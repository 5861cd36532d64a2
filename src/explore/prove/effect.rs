//! What one run of the machine does: computed once for a block, the block around it and what it reads.

use super::relative::{Cell, Coarse, Stored, Written, coarse, settle_content, stored};
use super::state::Parts;
use super::step::{SETTLE, Scene, Stepper};
use crate::model::answers::Answers;
use crate::model::block::{Block, Phase};
use crate::model::content::Content;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Kind, Program, Status};
use crate::model::transition::{Change, Halt, Machine, World};
use crate::model::value::Value;
use crate::model::view::Store;
use crate::property::judge::Violation;
use std::sync::Arc;

/// What one run of the machine did, over the symbols from before.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) block: Block,
    /// What is written, relative cells still as they were stored.
    pub(super) writes: Vec<(ResourceId, Content)>,
    pub(super) changes: Vec<Change>,
    /// New numbers of the contents, and what the relative cells became.
    pub(super) contents: Vec<(ResourceId, u32)>,
    pub(super) written: Vec<Written>,
    pub(super) stored: Vec<(Cell, Stored)>,
    pub(super) terminated: Option<Status>,
    pub(super) fired: Vec<Violation>,
}

#[derive(Debug)]
pub(super) struct Cached {
    reads: Vec<(ResourceId, u32)>,
    /// `None`: it waits.
    effect: Option<u32>,
}

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

impl Stepper<'_> {
    /// One step (or none) and settling of the process that was taken out; `None` if it has to wait.
    pub(super) fn act(
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
        let answers = Answers::of(&world);
        let mut machine = Machine::new(
            program,
            (class, (**self.parts.block(class, block)).clone()),
            above.as_deref(),
            &mut store,
            &answers,
        )
        .watched(&mut self.judge);
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
            Err(Halt::Beyond(_)) => return coarse("a step takes too long to be looked through"),
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
}

/// Without the numbers of iterations: how many have started and ended is not told.
pub(super) fn timeless(program: &Program, class: ClassId, mut block: Block) -> Block {
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
