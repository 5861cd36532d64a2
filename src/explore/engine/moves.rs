//! What the scheduler may choose, and what comes of it.

use super::State;
use crate::explore::layout::Unit;
use crate::model::fault::Fault;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::transition::Event;
use std::sync::Arc;

/// A choice of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// This process takes its step.
    Step(Unit, NodeId),
    /// The call that this process is about to make goes wrong, or the whole run is cancelled.
    Fault(Unit, NodeId, Fault),
    /// The lease that this process holds (or that was left behind) runs out.
    Expire(Option<Unit>, ResourceId),
    /// A write arrives that is under way to the resource: which of them.
    Arrives(ResourceId, u32),
}

impl Move {
    /// Whether something goes wrong, which costs one of the budget.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Fault(_, _, fault) if !fault.is_free())
    }
}

/// A transition that was taken.
#[derive(Clone, Debug)]
pub struct Successor {
    /// What was chosen.
    pub chosen: Move,
    /// The state after it, as it is (not sorted).
    pub state: State,
    /// What happened; empty for an expiry.
    pub events: Arc<Vec<Event>>,
    /// Rules that fired, by their number in `Engine::violations`.
    pub fired: Arc<Vec<u32>>,
    /// Whether the process that stepped was an iteration and has ended; its slot may hold the next one by now.
    pub ended: bool,
}

impl Successor {
    /// The iteration that has ended with this step; its slot may hold the next one by now.
    pub fn ended_unit(&self) -> Option<Unit> {
        match self.chosen {
            Move::Step(unit, _) | Move::Fault(unit, ..) if self.ended => Some(unit),
            _ => None,
        }
    }
}
