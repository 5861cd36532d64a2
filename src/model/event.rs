//! What a transition tells: the event for people and monitors, the change for whoever remembers the resource.

use super::access::{Act, LeaseEvent};
use super::content::Content;
use super::expression::Expr;
use super::fault::Fault;
use super::ids::{NodeId, ResourceId};
use super::late::Late;
use super::program::Access;
use super::value::Value;
use super::view::View;
use std::sync::Arc;

/// A change of a resource, for whoever remembers something about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// What was changed.
    pub resource: ResourceId,
    /// Columns by row.
    pub wrote: Vec<(u32, Arc<str>)>,
    /// The action.
    pub node: NodeId,
    /// The content before.
    pub before: Arc<Content>,
    /// The content after.
    pub after: Arc<Content>,
    /// Whether lease ids given out before are worth nothing now.
    pub lease: Option<LeaseEvent>,
    /// What it was sent with, if it came late.
    pub late: Option<Value>,
}

/// A step that was taken, for people and for monitors.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The action.
    pub node: NodeId,
    /// Which of its steps.
    pub step: u8,
    /// What it answered.
    pub output: Value,
    /// How the action stands: refused with this code, or not.
    pub refused: Option<u16>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// Which further attempt it was; 0 for the first.
    pub attempt: u32,
    /// Whether a lease acquire used up its attempts.
    pub exhausted: bool,
    /// What came after a round of an Until.
    pub round: Option<Round>,
    /// Values written.
    pub wrote: Vec<(ResourceId, u32, Arc<str>, Value)>,
}

impl Event {
    /// An action has answered.
    pub fn new(node: NodeId, output: Value) -> Self {
        Self {
            node,
            step: 0,
            output,
            refused: None,
            fault: None,
            attempt: 0,
            exhausted: false,
            round: None,
            wrote: Vec::new(),
        }
    }

    /// Row, column and value of everything written.
    pub fn written(&self) -> Value {
        let each = |(_, row, column, value): &(ResourceId, u32, Arc<str>, Value)| {
            let column = Value::String(column.clone());
            Value::array(vec![Value::Int(i64::from(*row)), column, value.clone()])
        };
        Value::array(self.wrote.iter().map(each).collect())
    }
}

/// What came after a round of an Until that did not end it by its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another one.
    Again,
    /// The limit was reached.
    Limit,
    /// The limit was reached, and the last round refused because of another process.
    GivenUp,
}

/// Sees each effect before it happens.
pub trait Observer {
    /// An access is about to be committed: `act` says what it will do.
    fn effect(
        &mut self,
        view: &mut View<'_>,
        node: NodeId,
        resource: ResourceId,
        access: &Access,
        act: &Act,
    );
    /// What is under way is about to arrive.
    fn arrives(&mut self, view: &mut View<'_>, resource: ResourceId, late: &Late, act: &Act);
    /// A side effect without a resource.
    fn sent(&mut self, view: &mut View<'_>, node: NodeId);
    /// Inputs are about to be evaluated.
    fn reads(&mut self, view: &mut View<'_>, node: NodeId, expr: &Expr);
}
