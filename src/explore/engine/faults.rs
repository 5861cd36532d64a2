//! Moves that are faults: what can go wrong in a state, and what is written down when it does.

use super::{Engine, State, Told};
use crate::explore::layout::Unit;
use crate::model::block::Block;
use crate::model::delivery::is_start;
use crate::model::elapse::may_elapse;
use crate::model::fault::{Fault, place_of, strike, struck};
use crate::model::ids::{ClassId, NodeId};
use crate::model::program::{Program, Status};
use crate::model::transition::Halt;

/// The bits of a memo key's node that name the node; above stands the fault.
pub(super) const NODE: u32 = (1 << FAULT) - 1;
const FAULT: u32 = 24;

/// A node and what goes wrong with it, as one number.
fn coded(node: NodeId, fault: Fault) -> u32 {
    let at = Fault::ALL.iter().position(|f| *f == fault).unwrap_or(0);
    node.0 | (u32::try_from(at).unwrap_or(0) + 1) << FAULT
}

/// The fault of such a number.
pub(super) fn fault_of(node: u32) -> Option<Fault> {
    let at = (node >> FAULT).checked_sub(1)? as usize;
    Fault::ALL.get(at).copied()
}

impl Engine<'_> {
    /// Whether another fault may strike.
    pub(super) fn faults_left(&self, state: &[u32]) -> bool {
        struck(self.worlds.get(state[0])) < self.program.faults as usize
    }

    /// Takes the step of a process.
    pub(super) fn go_on(
        &mut self,
        state: &mut State,
        unit: Unit,
        node: NodeId,
        told: &mut Told,
    ) -> Result<(), Halt> {
        if is_start(self.program, node) && !self.may_start(state, unit) {
            return Err(Halt::Disabled);
        }
        self.run_machine(state, unit, node.0, told)?;
        if unit.slot > 0 && self.known(state, unit).ended.is_some() {
            self.fold(state, unit, told)?;
        }
        self.drive(state, unit.run, told)
    }

    /// Whether the limit of its trigger lets a run start that has waited.
    fn may_start(&self, state: &[u32], unit: Unit) -> bool {
        let flow = self.layout.flow(unit.run);
        let root = self.program.class(self.layout.class(unit)).root;
        let others = (0..self.layout.runs()).filter(|&r| self.layout.flow(r) == flow);
        let under_way = others.filter(|&run| {
            let block = self.block(state, Unit { run, slot: 0 });
            block.ended.is_none() && !block.is_queued(self.program, root)
        });
        let limit = self.program.flows[flow as usize].limit;
        limit.is_none_or(|limit| under_way.count() < limit as usize)
    }

    /// A call goes wrong, a run is cancelled, or one is woken.
    pub(super) fn go_wrong(
        &mut self,
        state: &mut State,
        unit: Unit,
        node: NodeId,
        fault: Fault,
        told: &mut Told,
    ) -> Result<(), Halt> {
        if !fault.is_free() {
            self.strike(state, unit, node, fault);
        }
        if fault == Fault::Cancelled {
            self.end_run(state, unit.run, Status::Cancelled, told);
            return Ok(());
        }
        self.run_machine(state, unit, coded(node, fault), told)?;
        if unit.slot > 0 && self.known(state, unit).ended.is_some() {
            self.fold(state, unit, told)?;
        }
        self.drive(state, unit.run, told)
    }

    /// The fault is written down with the choices made: by action, item and the places of serial loops around.
    fn strike(&mut self, state: &mut State, unit: Unit, node: NodeId, fault: Fault) {
        let block = self.block(state, unit).clone();
        let place = place_of(self.program, self.layout.class(unit), &block, node);
        let world = strike(self.worlds.get(state[0]), fault, node, &place);
        state[0] = self.worlds.keep(world);
    }
}

/// What can go wrong with the calls that a block is about to make.
pub(super) fn faults(
    program: &Program,
    class: ClassId,
    block: &Block,
    ready: &[NodeId],
) -> Vec<(NodeId, Fault)> {
    // Time can be up whatever the budget.
    let slot = |node: NodeId| &block.nodes[program.node(node).slot as usize];
    let mut found: Vec<(NodeId, Fault)> = ready
        .iter()
        .filter(|&&node| may_elapse(program.node(node), slot(node)))
        .map(|&node| (node, Fault::Elapsed))
        .collect();
    if program.faults > 0 && block.is_asleep() {
        found.push((program.class(class).root, Fault::Redelivered));
    }
    if program.faults == 0 || block.ended.is_some() {
        return found;
    }
    for &node in ready {
        let call = &program.node(node).call;
        let attempt = block.nodes[program.node(node).slot as usize].count;
        let more = |fault: &&Fault| !fault.retried() || attempt < call.retries;
        found.extend(call.faults.iter().filter(more).map(|&fault| (node, fault)));
    }
    let run = program.class(class).looped.is_none();
    if run && program.cancellable && block.index != u32::MAX {
        found.push((program.class(class).root, Fault::Cancelled));
    }
    found
}
