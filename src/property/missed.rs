//! A row that was not there when it was fetched, or that a query found: whether it is so by now.

use super::again::Again;
use super::judge::CALLER;
use crate::model::access::{Caller, act};
use crate::model::evaluate::evaluate;
use crate::model::expression::Env;
use crate::model::external::SYMBOL;
use crate::model::ids::NodeId;
use crate::model::program::{Access, Kind, Over, Status, Step};
use crate::model::support::support;
use crate::model::value::Value;

impl Again<'_, '_> {
    /// Whether the query of a loop would find the row of this iteration now; `None` if that cannot be told.
    pub(super) fn is_still_listed(&mut self, looped: NodeId) -> Option<bool> {
        let Kind::Loop { over: Over::Values(over, _), .. } = &self.view.program.node(looped).kind
        else {
            return None;
        };
        // What a variable has to do with the query is its own matter.
        let program = self.view.program;
        if support(program, over).iter().any(|r| program.resource(*r).owner.is_some()) {
            return None;
        }
        let row = self.view.item(looped).ok()?.get(SYMBOL);
        let now = self.as_reader(looped, |me| evaluate(over, me)).ok()?;
        let Value::Array(rows) = now else { return None };
        row.is_unknown().then(|| rows.iter().any(|now| now.get(SYMBOL) == row))
    }

    /// What a fetch that was answered 404 would answer now; `None` if it was not, or if the row is still not there.
    pub(super) fn met_by_now(&mut self, node: NodeId) -> Option<Value> {
        let program = self.view.program;
        let Kind::Leaf(steps) = &program.node(node).kind else { return None };
        let [Step::Access(resource, access @ Access::Fetch(_))] = steps.as_slice() else {
            return None;
        };
        let failed = self.view.status(node) == Some(Status::Failed);
        if !failed || !self.refresh.covers(*resource) {
            return None;
        }
        // It may also have failed because of a fault.
        if self.view.output(node).ok()?.get("statusCode") != Value::Int(404) {
            return None;
        }
        let content = self.left(node, *resource);
        let caller = Caller { found: Some(false), ..CALLER };
        let again =
            self.as_reader(node, |me| act(program, *resource, access, &content, me, caller));
        again.ok().filter(|act| act.refused.is_none()).map(|act| act.output)
    }
}
