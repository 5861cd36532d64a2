//! Conditions that an effect depends on: whether they say now what they said.

use super::again::Again;
use crate::model::block::Phase;
use crate::model::choice::may_be;
use crate::model::evaluate::evaluate;
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Guard, Kind, Status};
use crate::model::support::support;
use crate::model::value::Value;

impl Again<'_, '_> {
    /// Whether a condition that an effect depends on still says what it said.
    pub fn holds(&mut self, guard: &Guard) -> bool {
        self.decides(guard).unwrap_or(true)
    }

    /// What a condition says now; `None` if nobody knows.
    pub(super) fn decides(&mut self, guard: &Guard) -> Option<bool> {
        let program = self.view.program;
        let (node, expected) = match guard {
            Guard::Side(node, side) => (*node, *side),
            Guard::Case(node, chosen) => return self.case_holds(*node, *chosen),
            Guard::Missed(node, _) => return Some(self.met_by_now(*node).is_none()),
            Guard::Listed(node) => return self.is_still_listed(*node),
            Guard::Again(node) => {
                if self.view.of(*node).is_none_or(|s| s.count == 0) {
                    return Some(true);
                }
                (*node, false)
            }
            Guard::Left(node) => {
                let left = self
                    .view
                    .of(*node)
                    .is_some_and(|s| s.phase == Phase::Done(Status::Succeeded) && s.count == 0);
                if !left {
                    return Some(true);
                }
                (*node, true)
            }
        };
        let (Kind::If(condition) | Kind::Until { condition, .. }) = &program.node(node).kind else {
            return Some(true);
        };
        match self.as_reader(node, |me| evaluate(condition, me)) {
            Ok(Value::Bool(now)) => Some(now == expected),
            Ok(now @ Value::Term(_)) => self.may_have_turned(node, condition, &now, expected),
            Ok(_) | Err(_) => Some(false),
        }
    }

    /// A condition that nobody knows: it may say something else by now if it asks about something else by now. What a
    /// variable has to do with it is its own matter (iteration-bleed).
    fn may_have_turned(
        &mut self,
        node: NodeId,
        condition: &Expr,
        now: &Value,
        expected: bool,
    ) -> Option<bool> {
        let program = self.view.program;
        let own = |r: &ResourceId| program.resource(*r).owner.is_some();
        if support(program, condition).iter().any(own) {
            return None;
        }
        let reader = std::mem::replace(&mut self.view.reader, node);
        let then = evaluate(condition, &mut *self.view);
        self.view.reader = reader;
        let turned = then.is_ok_and(|then| then.is_unknown() && then != *now)
            && may_be(self.view.world.all(), now, !expected);
        turned.then_some(false)
    }

    fn case_holds(&mut self, node: NodeId, chosen: Option<usize>) -> Option<bool> {
        let program = self.view.program;
        let Kind::Switch(on, cases) = &program.node(node).kind else { return Some(true) };
        self.as_reader(node, |me| {
            let Ok(value) = evaluate(on, me) else { return Some(false) };
            if value.is_unknown() {
                return None;
            }
            let now = cases.iter().position(|c| evaluate(c, me).is_ok_and(|c| c == value));
            Some(now == chosen)
        })
    }
}
