//! Iterations of whole states: they end, and others start in their slots.

use super::{Doing, Shelf, Stepper, Taken, Whole};
use crate::explore::layout::Unit;
use crate::model::answers::Answers;
use crate::model::block::{Block, NodeState, Phase};
use crate::model::ids::NodeId;
use crate::model::program::Status;
use crate::model::settle::length;
use crate::model::transition::{Halt, Machine};
use crate::model::value::Value;
use std::sync::Arc;

impl Stepper<'_> {
    /// If an iteration has ended, its loop counts it and its slot is free.
    pub(super) fn end_iteration(&mut self, taken: &mut Taken, unit: Unit) -> Result<(), Halt> {
        let ended = taken.state.blocks.get(&unit).is_some_and(|block| block.ended.is_some());
        if unit.slot == 0 || !ended {
            return Ok(());
        }
        let class = self.layout.class(unit);
        let looped = self.looped(unit);
        let root = Unit { run: unit.run, slot: 0 };
        let child = taken.state.blocks.remove(&unit).expect("internal error: it has just ended");
        let mut parent = (*taken.state.blocks[&root]).clone();
        let slot = self.program.node(looped).slot as usize;
        let around = parent.clone();
        let mut contents = taken.state.contents.clone();
        let mut store = Shelf { program: self.program, run: unit.run, contents: &mut contents };
        let answers = Answers::of(&taken.state.world);
        let mut machine = Machine::new(
            self.program,
            (class, (*child).clone()),
            Some(&around),
            &mut store,
            &answers,
        );
        let kept = machine.collect(looped, &around.nodes[slot].output, i64::from(child.index));
        parent.fold(self.program, looped, &child, kept);
        if u64::from(parent.nodes[slot].count) >= length(&parent.nodes[slot].items) {
            parent.complete(self.program, looped);
        }
        taken.state.blocks.insert(root, Arc::new(parent));
        self.machine(taken, root, Doing::Settle)
    }

    /// Starts iterations as long as a loop has items and a free slot.
    pub(super) fn start(&mut self, taken: &mut Taken, run: u32) -> Result<(), Halt> {
        let root = Unit { run, slot: 0 };
        while let Some(unit) = self.startable(&taken.state, root) {
            let looped = self.looped(unit);
            let mut parent = (*taken.state.blocks[&root]).clone();
            let state = &mut parent.nodes[self.program.node(looped).slot as usize];
            let index = state.started;
            state.started += 1;
            let plan = self.program.class(self.layout.class(unit));
            let item = match &state.items {
                Value::Array(items) => items.get(index as usize).cloned().unwrap_or(Value::Null),
                _ => Value::Int(i64::from(index) + 1),
            };
            let block = Block {
                item: if plan.uses_item { item } else { Value::Null },
                index: if plan.indexed { index } else { 0 },
                nodes: vec![NodeState::default(); plan.nodes.len()],
                ..Block::default()
            };
            taken.state.blocks.insert(root, Arc::new(parent));
            taken.state.blocks.insert(unit, Arc::new(block));
            self.machine(taken, unit, Doing::Settle)?;
            self.end_iteration(taken, unit)?;
        }
        Ok(())
    }

    fn startable(&self, state: &Whole, root: Unit) -> Option<Unit> {
        let block = &state.blocks[&root];
        let waiting = |unit: &Unit| {
            let at = &block.nodes[self.program.node(self.looped(*unit)).slot as usize];
            at.phase == Phase::Running && u64::from(at.started) < length(&at.items)
        };
        let free = |unit: &Unit| !state.blocks.contains_key(unit);
        let mut slots = self.layout.slots(root.run).filter(|unit| free(unit) && waiting(unit));
        slots.next().filter(|_| block.ended.is_none())
    }

    fn looped(&self, unit: Unit) -> NodeId {
        let class = self.program.class(self.layout.class(unit));
        class.looped.expect("internal error: a slot without a loop")
    }
}

pub(super) fn end_run(state: &mut Whole, run: u32, status: Status) {
    let iterations: Vec<Unit> =
        state.blocks.keys().copied().filter(|u| u.run == run && u.slot > 0).collect();
    iterations.iter().for_each(|unit| _ = state.blocks.remove(unit));
    let root = Unit { run, slot: 0 };
    let mut block = (*state.blocks[&root]).clone();
    block.terminate(status);
    state.blocks.insert(root, Arc::new(block));
}
