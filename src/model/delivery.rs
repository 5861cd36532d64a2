//! Deliveries: one event can start two runs (semantics §4.3, *duplicates at the trigger*).
//!
//! The second run is there from the beginning, asleep: it has ended, as `Skipped`, which no run otherwise does. Being
//! woken is a fault. Both runs of an event see the same of the world outside, so both have the same item; the second is
//! told by its index. What operations for an event have done is written down in a resource that no action can name, the
//! ledger, by event, action and place: a block cannot know it, since nothing outside a block names a block.

use super::block::{Block, Phase};
use super::fault::place_of;
use super::ids::{NodeId, ResourceId};
use super::program::{FlowPlan, Kind, Program, Status};
use super::transition::{Halt, Machine};
use super::value::Value;
use super::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The index of a run that an event started for the second time.
const SECOND: u32 = 1;

impl FlowPlan {
    /// Runs that events of their own start.
    pub fn first(&self) -> u32 {
        self.runs - self.again
    }
}

impl Block {
    /// A run before it has done anything; the `nth` of its flow, the `run`-th of all.
    pub fn run(program: &Program, flow: u32, (nth, run): (u32, u32)) -> Self {
        let plan = &program.flows[flow as usize];
        let mut block = Self::fresh(program, plan.class);
        let again = nth >= plan.first();
        if plan.again > 0 || (plan.told_apart && plan.runs > 1) {
            let event = if again { run - plan.first() } else { run };
            block.item = Value::term("run", vec![Value::Int(i64::from(event))]);
        }
        if again {
            block.index = SECOND;
            block.ended = Some(Status::Skipped);
        }
        block
    }

    /// Makes it wait at its start.
    pub fn queue(&mut self, program: &Program, root: NodeId) {
        self.nodes[program.node(root).slot as usize].phase = Phase::Ready(0);
    }

    /// Whether its event has not been delivered yet.
    pub fn is_asleep(&self) -> bool {
        self.ended == Some(Status::Skipped)
    }

    /// Whether it waits for the trigger to let it start.
    pub fn is_queued(&self, program: &Program, root: NodeId) -> bool {
        let phase = self.nodes.get(program.node(root).slot as usize).map(|s| s.phase);
        self.ended.is_none() && is_start(program, root) && phase == Some(Phase::Ready(0))
    }
}

/// Whether a step of this node is the start of a run: one that waited for the trigger's limit, or that would be over at
/// once, so that nobody could come before it.
pub fn is_start(program: &Program, node: NodeId) -> bool {
    let at = program.node(node);
    at.parent.is_none() && matches!(at.kind, Kind::Group)
}

impl Machine<'_> {
    /// The trigger fires once more for the event of an earlier run.
    pub(super) fn deliver_again(&mut self, root: NodeId) -> Result<(), Halt> {
        if !self.block.is_asleep() {
            return Err(Halt::Disabled);
        }
        let plan = &self.program.flows[self.program.class(self.class).flow as usize];
        self.block.ended = None;
        if plan.limit.is_some_and(|limit| plan.runs > limit) {
            self.block.queue(self.program, root);
        }
        Ok(())
    }

    /// An operation has taken effect: so much is written down, for whoever does it again for the same event.
    pub(super) fn write_down(&mut self, node: NodeId, step: u8, wrote: Value) {
        let Some(ledger) = self.program.ledger else { return };
        let view = self.view(node);
        let key = entry(&view, node, step, view.is_second());
        let before = self.store.read(ledger);
        let mut all = match before.single("value") {
            Value::Object(all) => (*all).clone(),
            _ => BTreeMap::new(),
        };
        all.insert(key, wrote);
        let mut after = (*before).clone();
        if let Some(Some(row)) = after.rows.first_mut() {
            row.columns.insert("value".into(), Value::Object(Arc::new(all)));
            self.store.write(ledger, after);
        }
    }
}

impl View<'_> {
    fn run(&self) -> &Block {
        self.parent.unwrap_or(self.block)
    }

    fn is_second(&self) -> bool {
        self.run().index == SECOND
    }

    /// What the other run for the same event wrote with this operation, if it has taken effect there.
    pub fn done_for_same_event(&mut self, node: NodeId) -> Option<Value> {
        let ledger: ResourceId = self.program.ledger?;
        let step = match self.of(node).map(|s| s.phase) {
            Some(Phase::Ready(step)) => step,
            _ => 0,
        };
        let key = entry(self, node, step, !self.is_second());
        match self.store.read(ledger).single("value") {
            Value::Object(all) => all.get(&key).cloned(),
            _ => None,
        }
    }
}

/// The name of an operation in the ledger: for which event, which action, where, and by which of its two runs.
fn entry(view: &View<'_>, node: NodeId, step: u8, second: bool) -> Arc<str> {
    let mut place = place_of(view.program, view.class, view.block, node);
    if view.parent.is_none() {
        // The item of a run is its event, and its index tells its two runs apart.
        place.drain(..2);
    }
    let event = &view.run().item;
    format!("{event:?} {} {step} {place:?} {second}", node.0).into()
}
