//! Fault: what can become of a call beside its answer (semantics §6), and which faults have struck in a schedule.
//!
//! A call is made in attempts; each is *effect*, then *answer*. The answer can be lost after the effect, the effect can
//! fail to happen, and both can happen for good: then no further attempt gets through. Faults that have struck are kept
//! with the choices made ([`World`]), so that outcomes are compared within the same faults and no fault is mistaken for
//! a race. A fault names the action and the item it struck, never a block: blocks are interchangeable.

use super::block::Block;
use super::ids::{ClassId, NodeId};
use super::program::{Kind, Program};
use super::transition::World;
use super::value::Value;

/// One thing that goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// 429 with Retry-After: nothing was done, the call is repeated.
    Throttled,
    /// No attempt gets through: nothing was done, the action has failed.
    Failed,
    /// It took effect, its answer was lost, the call is repeated.
    Lost,
    /// It took effect, and no attempt ever gets an answer: the action has failed all the same.
    Unanswered,
    /// The action's own time limit ran out before the effect.
    TimedOut,
    /// The action's own time limit ran out after the effect.
    TimedOutLate,
    /// Its answer does not come, the call is repeated; it takes effect later ([`super::late`]).
    LostLater,
    /// No attempt is ever answered, the action has failed; one of them takes effect later.
    UnansweredLater,
    /// The action's own time limit ran out; it takes effect later.
    TimedOutLater,
    /// The run is cancelled or crashes between two steps.
    Cancelled,
    /// The trigger fires once more for the event of an earlier run.
    Redelivered,
    /// No fault, and free: the time of an Until is up before its rounds are.
    Elapsed,
}

/// A call to somebody else: how often it is repeated, and which faults can strike it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// Further attempts after the first.
    pub retries: u32,
    /// The longest wait before each further attempt, in seconds.
    pub waits: Vec<u64>,
    /// What can go wrong, as far as anybody could tell it apart.
    pub faults: Vec<Fault>,
}

/// The marker of a fault among the choices made.
const STRUCK: &str = "fault";

impl Fault {
    /// All of them, by number.
    pub const ALL: [Self; 12] = [
        Self::Throttled,
        Self::Failed,
        Self::Lost,
        Self::Unanswered,
        Self::TimedOut,
        Self::TimedOutLate,
        Self::LostLater,
        Self::UnansweredLater,
        Self::TimedOutLater,
        Self::Cancelled,
        Self::Redelivered,
        Self::Elapsed,
    ];

    /// Whether it is of no account: nothing went wrong, only time has passed.
    pub fn is_free(self) -> bool {
        self == Self::Elapsed
    }

    /// Whether the call took effect before it went wrong.
    pub fn after_effect(self) -> bool {
        matches!(self, Self::Lost | Self::Unanswered | Self::TimedOutLate)
    }

    /// Whether the call takes effect at some later moment.
    pub fn arrives_later(self) -> bool {
        matches!(self, Self::LostLater | Self::UnansweredLater | Self::TimedOutLater)
    }

    /// Whether the platform makes another attempt.
    pub fn retried(self) -> bool {
        matches!(self, Self::Throttled | Self::Lost | Self::LostLater)
    }

    /// The code that run history shows. Whether a 504 came before or after the effect is what nobody can tell
    /// (semantics §6, *ambiguous outcome*), so both have one code.
    pub fn code(self) -> u16 {
        match self {
            Self::Throttled => 429,
            Self::Failed | Self::Lost | Self::Unanswered => 504,
            Self::LostLater | Self::UnansweredLater => 504,
            Self::TimedOut | Self::TimedOutLate | Self::TimedOutLater => 408,
            Self::Cancelled | Self::Redelivered | Self::Elapsed => 0,
        }
    }

    /// A name for files and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Unanswered => "unanswered",
            Self::TimedOut => "timed out",
            Self::TimedOutLate => "timed out late",
            Self::LostLater => "lost, arrives later",
            Self::UnansweredLater => "unanswered, arrives later",
            Self::TimedOutLater => "timed out, arrives later",
            Self::Cancelled => "cancelled",
            Self::Redelivered => "delivered again",
            Self::Elapsed => "time is up",
        }
    }
}

/// How often anything has gone wrong so far.
pub fn struck(world: &World) -> usize {
    world.keys().filter(|k| is_fault(k)).count()
}

/// Whether a choice made is a fault that struck, not the answer to a question.
pub fn is_fault(choice: &Value) -> bool {
    matches!(choice, Value::Term(t) if &*t.op == STRUCK)
}

/// The choices made, and this fault. `place` tells apart what is not interchangeable: items, and the places of serial
/// loops around.
#[must_use]
pub fn strike(world: &World, fault: Fault, node: NodeId, place: &[Value]) -> World {
    let mut world = world.clone();
    let key = |nth: i64| {
        let mut args = vec![Value::text(fault.name()), Value::Int(i64::from(node.0))];
        args.extend(place.iter().cloned());
        args.push(Value::Int(nth));
        Value::term(STRUCK, args)
    };
    let mut nth = 1;
    while world.contains_key(&key(nth)) {
        nth += 1;
    }
    world.insert(key(nth), true);
    world
}

/// Where in its run a fault strikes, without a name of the block: the item, and the places of serial loops around.
pub fn place_of(program: &Program, class: ClassId, block: &Block, node: NodeId) -> Vec<Value> {
    let mut place = vec![block.item.clone(), Value::Int(i64::from(block.index))];
    for outer in program.ancestors(node).skip(1) {
        if matches!(program.node(outer).kind, Kind::Loop { degree, .. } if degree <= 1)
            && program.node(outer).class == class
        {
            let count = block.nodes[program.node(outer).slot as usize].count;
            place.push(Value::Int(i64::from(count)));
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_and_told_apart() {
        let node = NodeId(3);
        let one = strike(&World::new(), Fault::Lost, node, &[]);
        let two = strike(&one, Fault::Lost, node, &[]);
        assert_eq!((struck(&World::new()), struck(&one), struck(&two)), (0, 1, 2));
        let ways = [
            strike(&one, Fault::Lost, node, &[Value::Int(1)]),
            strike(&one, Fault::Failed, node, &[]),
            strike(&one, Fault::Lost, NodeId(4), &[]),
        ];
        for (at, way) in ways.iter().enumerate() {
            assert!(ways[at + 1..].iter().all(|other| other != way) && *way != two);
        }
    }

    #[test]
    fn the_order_of_two_faults_does_not_matter() {
        let (a, b) = (NodeId(1), NodeId(2));
        let ab = strike(&strike(&World::new(), Fault::Lost, a, &[]), Fault::Failed, b, &[]);
        let ba = strike(&strike(&World::new(), Fault::Failed, b, &[]), Fault::Lost, a, &[]);
        assert_eq!(ab, ba);
    }
}
