//! A row that was not there when it was fetched: whether it is there by now.

use super::again::Again;
use super::judge::CALLER;
use crate::model::access::{Caller, act};
use crate::model::expression::Env;
use crate::model::ids::NodeId;
use crate::model::program::{Access, Kind, Status, Step};
use crate::model::value::Value;

impl Again<'_, '_> {
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
