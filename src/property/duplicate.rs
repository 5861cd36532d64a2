//! retry-duplicate: one operation takes effect twice, because the answer to the first time was lost (semantics §6), or
//! because the trigger fired twice for one event (§4.3).
//!
//! The second time does no harm if it changes nothing, or if it is the same operation again and doing it twice is doing
//! it once: a blind set, an upsert by a fixed key. A unique key and an etag refuse it, so it has no effect to judge. But
//! who answers the refusal by reading again and writing again has made the change twice, and that is found here too.

use super::judge::CALLER;
use super::lookup::{Write, reader_of, written_expr};
use super::violation::Violation;
use crate::model::access::act;
use crate::model::block::{Mark, Memory};
use crate::model::content::Content;
use crate::model::expression::Expr;
use crate::model::external::{KEY, differ};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Program, Shape};
use crate::model::support::support;
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
pub(super) fn takes_effect_twice(view: &mut View<'_>, write: &Write<'_>) -> bool {
    applied(view, write.node).is_some_and(|first| repeats(view, write, &first, false))
}

/// Whether this effect is the second for one event, whose trigger fired twice, and does what the first did once more.
/// Unlike a repeated attempt the second run looks again: what it then sets blindly may be another value, and is the
/// newer one. Only a value made of what the cell itself said before counts on from the first time.
pub(super) fn takes_effect_for_same_event(view: &mut View<'_>, write: &Write<'_>) -> bool {
    if view.program.resource(write.resource).owner.is_some() {
        return false;
    }
    let Some(first) = view.done_for_same_event(write.node) else { return false };
    let columns = write.act.wrote.iter().filter_map(|(_, c)| written_expr(write.access, c));
    let counts_on = columns.into_iter().any(|e| support(view.program, e).contains(&write.resource));
    repeats(view, write, &first, !counts_on)
}

/// Whether a write changes something that the first time, which wrote `first`, had not settled. `newer`: another value
/// than then only takes its place.
fn repeats(view: &mut View<'_>, write: &Write<'_>, first: &Value, newer: bool) -> bool {
    let Some(once) = &write.act.after else { return false };
    let key = &view.program.resource(write.resource).key;
    let same = newer || written_before(key, first, once, &write.act.wrote);
    let harmless = once.same_data(write.before)
        || (same && idempotent(view, write.resource, write.access, once));
    !harmless
}

/// A row that the flow made in a store outside although, by now, it would have found one and written there.
pub(super) fn made_again(program: &Program, write: &Write<'_>) -> Option<Violation> {
    let outside = program.resource(write.resource).shape == Shape::External;
    let deletes = matches!(write.access, Access::Delete(..));
    let made = !deletes && write.act.wrote.iter().any(|(_, column)| column.is_empty());
    let said = Expr::Array(write.access.expressions().into_iter().cloned().collect());
    let reader = reader_of(program, &said, write.resource).unwrap_or(write.node);
    (outside && made).then(|| Violation {
        rule: "duplicate-create",
        resource: Some(write.resource),
        actions: if reader == write.node { vec![reader] } else { vec![reader, write.node] },
        detail: "a row with this key exists by then".to_owned(),
        ..Violation::default()
    })
}

/// Whether a row outside says after an update what it has said before it, as far as two runs about it say the same.
pub(super) fn sets_the_same(write: &Write<'_>) -> bool {
    let row = |content: &Content, at: u32| content.rows.get(at as usize).cloned().flatten();
    let Some(after) = &write.act.after else { return false };
    write.act.wrote.iter().all(|(at, column)| {
        let (Some(old), Some(new)) = (row(write.before, *at), row(after, *at)) else {
            return false;
        };
        let key = new.get(KEY);
        let written = !column.is_empty() && key.is_unknown() && old.columns.contains_key(column);
        written && !differ(&old.get(column), &new.get(column), &key)
    })
}

/// Whether doing it twice is doing it once.
fn idempotent(view: &mut View<'_>, resource: ResourceId, access: &Access, once: &Content) -> bool {
    let twice = act(view.program, resource, access, once, view, CALLER);
    twice.is_ok_and(|t| t.after.is_none_or(|after| after.same_data(once)))
}

/// Whether every value that is written now was written the first time, too. Which row it is may have changed: somebody
/// deleted it in between, and it was made anew.
fn written_before(
    key: &[Arc<str>],
    first: &Value,
    after: &Content,
    wrote: &[(u32, Arc<str>)],
) -> bool {
    let Value::Array(first) = first else { return false };
    let values = wrote.iter().filter(|(_, column)| !column.is_empty() && !key.contains(column));
    values.into_iter().all(|(row, column)| {
        let now = after.rows.get(*row as usize).and_then(Option::as_ref);
        let now = now.map_or(Value::Null, |r| r.get(column));
        let wanted = [Value::String(column.clone()), now];
        first.iter().any(|entry| matches!(entry, Value::Array(e) if e[1..] == wanted))
    })
}
