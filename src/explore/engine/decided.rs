//! What a condition said when it was decided, for those who tell a schedule.

use super::{Engine, State};
use crate::explore::layout::Unit;
use crate::model::answers::Answers;
use crate::model::block::Phase;
use crate::model::content::Content;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::Kind;
use crate::model::transition::{Machine, World};
use crate::model::value::Value;
use crate::model::view::Store;
use std::sync::Arc;

/// What an action that decides decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A condition was true or false.
    Condition(bool),
    /// A switch took the case of this value, or the default.
    Case(Option<Value>),
    /// A Do until goes into its first round.
    Begins,
}

/// The resources of a state, to look at only.
struct Look<'e, 'p> {
    engine: &'e Engine<'p>,
    state: &'e State,
    run: u32,
}

impl Store for Look<'_, '_> {
    fn read(&mut self, resource: ResourceId) -> Arc<Content> {
        self.engine.content(self.state, resource, self.run).clone()
    }
    fn write(&mut self, _: ResourceId, _: Content) {
        unreachable!("internal error: a condition writes nothing")
    }
}

impl Engine<'_> {
    /// What this action decides from this state on, unknown conditions answered as in `world`; `None` if it fails or
    /// decides nothing.
    pub fn decided(
        &self,
        before: &State,
        unit: Unit,
        node: NodeId,
        world: &World,
    ) -> Option<Decided> {
        let block = (**self.block(before, unit)).clone();
        let root = (unit.slot > 0).then(|| self.block(before, Unit { run: unit.run, slot: 0 }));
        let mut look = Look { engine: self, state: before, run: unit.run };
        let class = (self.layout.class(unit), block);
        let answers = Answers::of(world);
        let root = root.map(|b| &**b);
        let mut machine = Machine::new(self.program, class, root, &mut look, &answers);
        match &self.program.node(node).kind {
            Kind::Until { .. } if machine.at(node).phase == Phase::Ready(0) => {
                Some(Decided::Begins)
            }
            Kind::If(condition) | Kind::Until { condition, .. } => {
                machine.truth(node, condition).ok()?.ok().map(Decided::Condition)
            }
            Kind::Switch(on, cases) => {
                let value = machine.value(node, on).ok()?;
                let cases = cases.iter().map(|case| machine.value(node, case));
                let cases: Vec<Value> = cases.filter_map(Result::ok).collect();
                let taken = |case: &Value| {
                    let asked = Value::term("equals", vec![value.clone(), case.clone()]);
                    *case == value || world.get(&asked) == Some(&true)
                };
                Some(Decided::Case(cases.into_iter().find(taken)))
            }
            _ => None,
        }
    }
}
