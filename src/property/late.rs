//! Late effects (semantics §6): a write that arrives after others have written what it writes over did not take their
//! values into account. Where it looked at nothing, whoever comes last decides, and the end is judged as it is for all
//! blind writes (last-writer-wins); where it was computed from the cell, it is a lost-update at once.

use super::lookup::{Write, clash, is_copy, reader_of, value_at, written_expr};
use super::violation::Violation;
use crate::model::access::Act;
use crate::model::ids::ResourceId;
use crate::model::late::{Late, blind_access};
use crate::model::say::said;
use crate::model::view::View;

/// What a late write that is about to be done does to newer values, and to rows that were made since.
pub(super) fn overwrites_newer(
    view: &mut View<'_>,
    resource: ResourceId,
    late: &Late,
    act: &Act,
) -> Vec<Violation> {
    let before = view.store.read(resource);
    let program = view.program;
    let Some((_, access)) = blind_access(program, late.node) else { return Vec::new() };
    let write = Write { node: late.node, resource, access, act, before: &before };
    let mut found = Vec::new();
    for (row, column) in &act.wrote {
        let (old, new) =
            (value_at(Some(&before), *row, column), value_at(act.after.as_ref(), *row, column));
        let same = old == new && !column.is_empty();
        let blind = program.blind(late.node, column);
        let expr = written_expr(access, column);
        let copy = expr.is_some_and(|e| is_copy(program, e, resource, column));
        if !late.newer.contains(&(*row, column.clone())) || (same && (blind || copy)) {
            continue;
        }
        let reader = expr.and_then(|e| reader_of(program, e, resource)).unwrap_or(late.node);
        let now = match &**column {
            "" => "it had been made by then".to_owned(),
            _ => format!("it said {} by then", said(&old)),
        };
        let mut actions = vec![reader, late.node];
        actions.dedup();
        found.push(Violation {
            rule: if copy { "collateral-overwrite" } else { "lost-update" },
            resource: Some(resource),
            column: Some(column.clone()).filter(|c| !c.is_empty()),
            actions,
            detail: format!("sent before, and arrives late; {now}"),
            // Of a blind write the end is judged; and who wrote the same may have counted on from the same read.
            weak: blind || same,
        });
    }
    if let Some((row, key)) = clash(program, &write)
        && let Some(at) = u32::try_from(row).ok().filter(|&r| late.newer.contains(&(r, "".into())))
    {
        let row = before.rows[at as usize].as_ref();
        let other = row.and_then(|r| r.marks.get("")).map_or(late.node, |mark| mark.node);
        let mut actions = vec![other.min(late.node), other.max(late.node)];
        actions.dedup();
        found.push(Violation {
            rule: "duplicate-create",
            resource: Some(resource),
            actions,
            detail: format!("a row with the key {} exists by the time it arrives", said(&key)),
            ..Violation::default()
        });
    }
    found
}
