//! The time of an Until: looked at between rounds, beside the number of rounds (semantics §4.4).
//!
//! A round takes anything between no time and the longest that its actions can take. So the time can be up as soon as
//! so many rounds can have taken as long (`early`, see `platform::time`), and need not be up then: the test may go
//! either way, which is a move of its own, free of the budget of faults.

use super::block::{NodeState, Phase};
use super::fault::Fault;
use super::ids::NodeId;
use super::program::{Kind, Node, Program};
use super::transition::{Halt, Machine};

/// Whether the time of an Until can be up now, at its test (semantics §4.4).
pub fn may_elapse(node: &Node, state: &NodeState) -> bool {
    let Kind::Until { early: Some(round), counted: true, .. } = node.kind else { return false };
    state.phase == Phase::Ready(1) && u64::from(state.count) + 1 >= round
}

/// Whether the time of any Until can be up.
pub fn can_elapse(program: &Program) -> bool {
    let timed = |n: &Node| matches!(n.kind, Kind::Until { early: Some(_), counted: true, .. });
    program.nodes.iter().any(timed)
}

impl Machine<'_> {
    /// The time of an Until is up although its condition does not hold.
    pub(super) fn elapse(&mut self, node: NodeId) -> Result<(), Halt> {
        let Kind::Until { condition, fail_at_limit, .. } = &self.program.node(node).kind else {
            return Err(Halt::Disabled);
        };
        if !may_elapse(self.program.node(node), self.at(node))
            || self.truth(node, condition)? != Ok(false)
        {
            return Err(Halt::Disabled);
        }
        self.next_round(node, false, 0, *fail_at_limit, true);
        if let Some(event) = self.events.last_mut() {
            event.fault = Some(Fault::Elapsed);
        }
        Ok(())
    }
}
