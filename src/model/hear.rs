//! What a block hears: another process changed a resource that it remembers something about.

use super::access::LeaseEvent;
use super::block::{Block, Mark, Memory, Phase};
use super::content::Content;
use super::ids::{ClassId, NodeId, ResourceId};
use super::program::Program;
use super::transition::Change;
use super::value::{Standing, Token, TokenKind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Block {
    /// Another block changed a resource. `related`: it is the block around, or an iteration of this one, so that the
    /// flow may order the two.
    pub fn hear(&mut self, program: &Program, class: ClassId, change: &Change, related: bool) {
        let rid = change.resource;
        let own = self.sent(change);
        self.age_etags(program, class, change, own.then_some(change.node));
        self.follow(program, change, related);
        if let Some(LeaseEvent::Acquired(_) | LeaseEvent::Forgotten) = change.lease {
            self.age_leases(rid, Standing::Stale);
        }
        // Only the current id gives a lease back: whoever holds it has given it away.
        if change.lease == Some(LeaseEvent::Released) {
            self.marks.remove(&Mark::Holds(rid));
            self.age_leases(rid, Standing::Stale);
        }
        if change.lease == Some(LeaseEvent::Broken) {
            self.lose(rid);
        }
        if related {
            self.replace_bled(program, rid, change.node);
        }
        for (row, column) in &change.wrote {
            self.marks.remove(&Mark::ChildLast(rid, *row, column.clone()));
            let mine = self.marks.remove(&Mark::Last(rid, *row, column.clone())).is_some();
            let old = change.before.rows.get(*row as usize).and_then(Option::as_ref);
            let writer = old.and_then(|r| r.marks.get(column)).map(|m| m.node);
            let (Some(writer), Some(old)) = (writer, old) else { continue };
            let variable = program.resource(rid).shape == super::program::Shape::Variable;
            let parted = mine && variable && (!related || program.parted(writer, change.node));
            if parted || program.branches_of(class, rid, (writer, change.node)) {
                self.marks.insert(Mark::Bled(rid, writer), Memory::Value(old.get(column)));
            }
        }
        if related {
            self.keep_around(program, class, change);
        }
        for (mark, memory) in &mut self.marks {
            let others = match mark {
                Mark::BaseAround(_, w) => !related || program.parted(*w, change.node),
                Mark::Base(r, w) => {
                    !(own && program.node(change.node).keeps.contains(r))
                        || program.parted(*w, change.node)
                }
                _ => true,
            };
            if let (Mark::Base(reader, _) | Mark::BaseAround(reader, _), Memory::Content(base)) =
                (mark, memory)
                && program.reads(*reader) == Some(rid)
                && others
            {
                *base = Arc::new(replay(base, change));
            }
        }
        if own {
            self.arrived(program, change);
        }
    }

    /// My own write at this node is what its branch finds in the variable from now on.
    pub(super) fn replace_bled(&mut self, program: &Program, variable: ResourceId, node: NodeId) {
        let replaced =
            |m: &Mark| matches!(m, Mark::Bled(r, n) if *r == variable && !program.parted(*n, node));
        self.marks.retain(|m, _| !replaced(m));
    }

    /// An iteration of mine changed a resource that I have read and that is asked about when the loop has ended.
    fn keep_around(&mut self, program: &Program, class: ClassId, change: &Change) {
        let inner = program.class(program.node(change.node).class);
        let (Some(looped), true) = (inner.looped, inner.parent == Some(class)) else { return };
        for &reader in &program.node(change.node).keeps {
            let at = program.node(reader);
            let done = at.class == class
                && program.reads(reader) == Some(change.resource)
                && matches!(self.nodes[at.slot as usize].phase, Phase::Done(_));
            let later = |&c: &NodeId| {
                c != looped && (program.precedes(looped, c) || program.comes_round(looped, c))
            };
            let kept = |m: &Mark| matches!(m, Mark::BaseAround(r, w) if *r == reader && !program.parted(*w, change.node));
            if done && at.consumers.iter().any(later) && !self.marks.keys().any(kept) {
                let base =
                    self.base(program, reader, change.node).unwrap_or(change.before.settled());
                let mark = Mark::BaseAround(reader, change.node);
                self.marks.insert(mark, Memory::Content(base));
            }
        }
    }

    /// What the resource would hold had I not changed it since I read it, as this node sees it.
    pub(super) fn base(
        &self,
        program: &Program,
        reader: NodeId,
        node: NodeId,
    ) -> Option<Arc<Content>> {
        self.marks.iter().find_map(|(mark, memory)| match (mark, memory) {
            (Mark::Base(r, w), Memory::Content(base))
                if *r == reader && !program.parted(*w, node) =>
            {
                Some(base.clone())
            }
            _ => None,
        })
    }

    /// One of my branches changed a resource: for the others it is somebody else's change.
    pub(super) fn hear_branch(&mut self, program: &Program, change: &Change) {
        for (mark, memory) in &mut self.marks {
            if let (
                Mark::Base(reader, writer) | Mark::BaseAround(reader, writer),
                Memory::Content(base),
            ) = (mark, memory)
                && program.reads(*reader) == Some(change.resource)
                && program.parted(*writer, change.node)
            {
                *base = Arc::new(replay(base, change));
            }
        }
    }

    /// Etags of the changed rows match no longer: spent if the holder changed the row itself, stale otherwise.
    pub fn age_etags(
        &mut self,
        program: &Program,
        class: ClassId,
        change: &Change,
        own: Option<NodeId>,
    ) {
        let of_row = |t: &Token| {
            t.kind == TokenKind::Etag
                && t.standing == Standing::Current
                && t.resource == change.resource.0
                && change.wrote.iter().any(|(row, _)| *row == t.row)
        };
        for (slot, state) in self.nodes.iter_mut().enumerate() {
            for value in [&mut state.output, &mut state.items] {
                if !holds(value, &of_row) {
                    continue;
                }
                let holder = program.class(class).nodes[slot];
                let standing = match own {
                    // What was read while the change was under way is out of date all the same.
                    Some(writer) if change.late.is_some() && !program.precedes(holder, writer) => {
                        Standing::Stale
                    }
                    Some(writer) if !program.parted(holder, writer) => Standing::Spent,
                    _ => Standing::Stale,
                };
                *value = age(value, &of_row, standing);
            }
        }
        if holds(&self.item, &of_row) {
            let standing = if own.is_some() { Standing::Spent } else { Standing::Stale };
            self.item = age(&self.item, &of_row, standing);
        }
    }

    /// A lease that I may have is over.
    pub(super) fn lose(&mut self, rid: ResourceId) {
        if let Some(clock) = self.marks.remove(&Mark::Holds(rid)) {
            self.marks.insert(Mark::Lost(rid), clock);
        }
        self.age_leases(rid, Standing::Spent);
    }

    /// Lease ids of this blob are worth nothing now, or no more than to release the broken lease.
    pub(super) fn age_leases(&mut self, rid: ResourceId, to: Standing) {
        let old = |t: &Token| t.kind == TokenKind::Lease && t.resource == rid.0 && t.standing < to;
        for state in &mut self.nodes {
            if holds(&state.output, &old) {
                state.output = age(&state.output, &old, to);
            }
        }
    }
}

/// A content with another process's change applied.
fn replay(base: &Content, change: &Change) -> Content {
    let mut content = base.clone();
    for (row, column) in &change.wrote {
        let at = *row as usize;
        let after = change.after.rows.get(at).cloned().flatten();
        if content.rows.len() <= at {
            content.rows.resize(at + 1, None);
        }
        match (&mut content.rows[at], after) {
            (Some(row), Some(after)) if !column.is_empty() => {
                row.columns.insert(column.clone(), after.get(column));
            }
            (slot, after) => *slot = after,
        }
    }
    content
}

/// Whether a value holds a token that `which` picks.
fn holds(value: &Value, which: &dyn Fn(&Token) -> bool) -> bool {
    match value {
        Value::Token(token) => which(token),
        Value::Array(items) => items.iter().any(|v| holds(v, which)),
        Value::Object(object) => object.values().any(|v| holds(v, which)),
        _ => false,
    }
}

/// Replaces the standing of the tokens that `which` picks.
fn age(value: &Value, which: &dyn Fn(&Token) -> bool, to: Standing) -> Value {
    match value {
        Value::Token(token) if which(token) => Value::Token(Token { standing: to, ..*token }),
        Value::Array(items) => Value::array(items.iter().map(|v| age(v, which, to)).collect()),
        Value::Object(object) => {
            let aged = object.iter().map(|(k, v)| (k.clone(), age(v, which, to)));
            Value::Object(Arc::new(aged.collect::<BTreeMap<_, _>>()))
        }
        other => other.clone(),
    }
}
