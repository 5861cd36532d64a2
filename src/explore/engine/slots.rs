//! Slots: iterations that end and iterations that start.

use super::effect::{SETTLE, Words};
use super::{Engine, State, Told};
use crate::explore::layout::Unit;
use crate::model::answers::Answers;
use crate::model::block::{Block, NodeState, Phase};
use crate::model::ids::{ClassId, NodeId};
use crate::model::patience::Beyond;
use crate::model::program::{Kind, Status};
use crate::model::settle::length;
use crate::model::transition::{Halt, Machine};
use crate::model::value::Value;

impl Engine<'_> {
    pub(super) fn end_run(&mut self, state: &mut State, run: u32, status: Status, told: &mut Told) {
        if let Some(record) = &mut told.record {
            record.cleared = true;
        }
        let root = Unit { run, slot: 0 };
        for unit in self.layout.units().collect::<Vec<_>>() {
            if unit.run == run && unit.slot > 0 {
                state[self.layout.place(unit)] = 0;
            }
        }
        let class = self.layout.class(root);
        let mut block = (**self.block(state, root)).clone();
        block.terminate(status);
        state[self.layout.place(root)] = self.intern_block(class, block);
    }

    /// An iteration has ended: its loop counts it, and its slot is free.
    pub(super) fn fold(
        &mut self,
        state: &mut State,
        unit: Unit,
        told: &mut Told,
    ) -> Result<(), Halt> {
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
        let answers = Answers::of(&world);
        let mut machine = Machine::new(
            self.program,
            (class, (*child).clone()),
            Some(&parent),
            &mut store,
            &answers,
        );
        let kept = machine.collect(looped, &kept, i64::from(child.index));
        let mut block = (*parent).clone();
        block.fold(self.program, looped, &child, kept);
        self.end_if_complete(&mut block, looped);
        self.intern_block(root_class, block)
    }

    /// After its last iteration a loop has ended, and what its iterations wrote is the run's own.
    fn end_if_complete(&self, block: &mut Block, looped: NodeId) {
        let state = &block.nodes[self.program.node(looped).slot as usize];
        if u64::from(state.count) >= length(&state.items) {
            block.complete(self.program, looped);
        }
    }

    /// Starts iterations as long as their loop has items and a free slot.
    pub(super) fn drive(
        &mut self,
        state: &mut State,
        run: u32,
        told: &mut Told,
    ) -> Result<(), Halt> {
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
                let beyond = Beyond::Items(total);
                self.beyond = Some(beyond);
                return Err(Halt::Beyond(beyond));
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
        self.layout
            .slots(root.run)
            .find(|&unit| state[self.layout.place(unit)] == 0 && self.has_items_left(block, unit))
    }

    /// Whether the loop of a slot runs and has items left to start.
    pub(super) fn has_items_left(&self, root: &Block, unit: Unit) -> bool {
        let looped = self.program.class(self.layout.class(unit)).looped;
        looped.is_some_and(|l| {
            let loop_state = &root.nodes[self.program.node(l).slot as usize];
            loop_state.phase == Phase::Running
                && matches!(self.program.node(l).kind, Kind::Loop { .. })
                && u64::from(loop_state.started) < length(&loop_state.items)
        })
    }
}
