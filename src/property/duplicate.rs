//! retry-duplicate: one operation takes effect twice, because the answer to the first time was lost (semantics §6).
//!
//! The second time does no harm if it changes nothing, or if it is the same operation again and doing it twice is doing
//! it once: a blind set, an upsert by a fixed key. A unique key and an etag refuse it, so it has no effect to judge. But
//! who answers the refusal by reading again and writing again has made the change twice, and that is found here too.

use super::judge::CALLER;
use crate::model::access::{Act, act};
use crate::model::block::{Mark, Memory};
use crate::model::content::Content;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::Access;
use crate::model::value::Value;
use crate::model::view::View;
use std::sync::Arc;

/// What the node's call wrote when its answer was lost, if that has happened.
pub(super) fn applied(view: &View<'_>, node: NodeId) -> Option<Value> {
    match view.block.marks.get(&Mark::Applied(node)) {
        Some(Memory::Value(wrote)) => Some(wrote.clone()),
        _ => None,
    }
}

/// Whether this effect is the second of one operation, and does what the first did once more.
pub(super) fn takes_effect_twice(
    view: &mut View<'_>,
    node: NodeId,
    resource: ResourceId,
    access: &Access,
    done: &Act,
    before: &Content,
) -> bool {
    let Some(first) = applied(view, node) else { return false };
    // Not even a row that somebody deleted in between is there twice.
    if view.program.resource(resource).unique && matches!(access, Access::Create(_)) {
        return false;
    }
    let Some(once) = &done.after else { return false };
    if once.same_data(before) {
        return false;
    }
    let twice = act(view.program, resource, access, once, view, CALLER);
    let idempotent = twice.is_ok_and(|t| t.after.is_none_or(|after| after.same_data(once)));
    !(idempotent && written_before(&first, once, &done.wrote))
}

/// Whether everything that is written now was written the first time, too.
fn written_before(first: &Value, after: &Content, wrote: &[(u32, Arc<str>)]) -> bool {
    let Value::Array(first) = first else { return false };
    wrote.iter().all(|(row, column)| {
        let now = after.rows.get(*row as usize).and_then(Option::as_ref);
        let now = now.map_or(Value::Null, |r| r.get(column));
        let column = Value::String(column.clone());
        let entry = Value::array(vec![Value::Int(i64::from(*row)), column, now]);
        first.contains(&entry)
    })
}
