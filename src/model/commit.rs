//! Commit: what a write leaves behind beside its values: who wrote last, what was replaced, how leases stand.

use super::access::{Act, LeaseEvent};
use super::block::{Mark, Memory, Phase};
use super::content::{Answers, Content, WriteMark};
use super::external;
use super::fault::Fault;
use super::ids::{NodeId, ResourceId};
use super::late::Late;
use super::program::Shape;
use super::transition::{Change, Machine};
use super::value::{Standing, Value};
use std::sync::Arc;

impl Machine<'_> {
    pub(super) fn own_lease(&self, rid: ResourceId) -> Option<Standing> {
        if self.block.marks.contains_key(&Mark::Holds(rid)) {
            return Some(Standing::Current);
        }
        self.block.marks.contains_key(&Mark::Lost(rid)).then_some(Standing::Stale)
    }

    /// A call takes time: the clocks of held leases run.
    pub(super) fn pass_time(&mut self, node: NodeId) {
        self.pass(self.program.node(node).takes);
    }

    /// The lease is granted when the call takes effect; its answer can be as long on its way as the call may take.
    fn start_clock(&mut self, node: NodeId, rid: ResourceId, limit: Option<u64>) {
        let answer = self.program.node(node).takes.min(limit.unwrap_or(0));
        self.block.marks.insert(Mark::Holds(rid), Memory::Clock(answer, limit));
    }

    /// A call that goes wrong takes its time, too, and so do the waits before the next attempts.
    pub(super) fn pass_retry(&mut self, node: NodeId, fault: Fault) {
        let call = &self.program.node(node).call;
        let attempt = self.at(node).count as usize;
        let wait = |n: usize| call.waits.get(n).or(call.waits.last()).copied().unwrap_or(0);
        let takes = self.program.node(node).takes;
        // After an effect the step itself has passed its time.
        let own = if fault.after_effect() { 0 } else { takes };
        let seconds = match fault {
            // Retry-After may ask for any wait, whatever the policy says.
            Fault::Throttled => u64::MAX,
            Fault::Lost | Fault::LostLater => own.saturating_add(wait(attempt)),
            Fault::Failed | Fault::Unanswered | Fault::UnansweredLater => (attempt
                ..call.retries as usize)
                .map(|n| wait(n).saturating_add(takes))
                .fold(own, u64::saturating_add),
            Fault::TimedOut | Fault::TimedOutLate | Fault::TimedOutLater => own,
            Fault::Cancelled | Fault::Redelivered | Fault::Elapsed => 0,
        };
        self.pass(seconds);
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        for (mark, memory) in &mut self.block.marks {
            if let (Mark::Holds(_), Memory::Clock(passed, Some(limit))) = (mark, memory) {
                *passed = passed.saturating_add(seconds).min(*limit);
            }
        }
    }

    pub(super) fn commit(
        &mut self,
        node: NodeId,
        rid: ResourceId,
        before: Arc<Content>,
        done: &Act,
        late: Option<&Late>,
    ) {
        let Some(after) = &done.after else { return };
        let mut after = after.clone();
        self.mark_writes(node, rid, (&before, &mut after), &done.wrote, late);
        let own = late.is_none() && self.at(node).count > 0;
        let own = own.then(|| self.block.marks.get(&Mark::Late(rid, node))).flatten();
        after.note_newer(self.program, node, own, &done.wrote);
        if !done.wrote.is_empty() || done.lease.is_some() {
            self.keep_bases(node, &before);
        }
        let after = Arc::new(after);
        let change = Change {
            resource: rid,
            wrote: done.wrote.clone(),
            node,
            before,
            after: after.clone(),
            lease: done.lease,
            late: late.map(Late::inputs),
        };
        if !done.wrote.is_empty() {
            self.block.hear_branch(self.program, &change);
            self.block.age_etags(self.program, self.class, &change, Some(node));
            if self.program.kept.contains(&rid) {
                self.block.note_versions(rid, &after, done);
            }
        }
        match done.lease {
            Some(LeaseEvent::Acquired(limit)) => {
                self.block.marks.remove(&Mark::Lost(rid));
                // The id of an older lease of its own is as dead as anybody's.
                self.block.age_leases(rid, Standing::Stale);
                self.start_clock(node, rid, limit);
            }
            Some(LeaseEvent::Renewed) => {
                let limit = match self
                    .block
                    .marks
                    .get(&Mark::Holds(rid))
                    .or(self.block.marks.get(&Mark::Lost(rid)))
                {
                    Some(Memory::Clock(_, limit)) => *limit,
                    _ => None,
                };
                self.block.marks.remove(&Mark::Lost(rid));
                self.start_clock(node, rid, limit);
            }
            Some(LeaseEvent::Released) => {
                self.block.marks.remove(&Mark::Holds(rid));
                self.block.marks.remove(&Mark::Lost(rid));
                self.block.age_leases(rid, Standing::Stale);
            }
            Some(LeaseEvent::Broken) => self.block.lose(rid),
            Some(LeaseEvent::Forgotten) | None => {}
        }
        self.store.write(rid, (*after).clone());
        self.account(&change);
        self.changes.push(change);
    }

    /// Who wrote tracked columns last, and whether they are contested now (design.md §6, last-writer-wins).
    fn mark_writes(
        &mut self,
        node: NodeId,
        rid: ResourceId,
        (before, after): (&Content, &mut Content),
        wrote: &[(u32, Arc<str>)],
        late: Option<&Late>,
    ) {
        for (row, column) in wrote {
            if !self.program.tracked.contains(&(rid, column.clone())) {
                continue;
            }
            let old_row = before.rows.get(*row as usize).and_then(Option::as_ref);
            let old = old_row.and_then(|r| r.marks.get(column));
            let blind = self.program.blind(node, column);
            let unordered =
                old.is_some_and(|m| self.unordered_writer(rid, *row, column, m.node, node));
            let old_value = old_row.map_or(Value::Null, |r| r.get(column));
            let Some(Some(new_row)) = after.rows.get_mut(*row as usize) else { continue };
            let resource = self.program.resource(rid);
            let outside = resource.shape == Shape::External || resource.answers != Answers::Plain;
            let differs = if old.is_none() {
                false
            } else if outside {
                let (new, key) = (new_row.get(column), new_row.get(external::KEY));
                external::differ(&new, &old_value, &key)
                    || self.program.has_several_runs() && external::hangs_on_event(&new, &key)
            } else {
                !is_one_etag(&new_row.get(column), &old_value) && new_row.get(column) != old_value
            };
            let newer = |late: &Late| late.newer.contains(&(*row, column.clone()));
            let contested = match (old, late) {
                // What arrives late is unordered with everything that was written since it was sent, and with that alone.
                (Some(m), Some(late)) if differs => (blind && newer(late)).then_some(m.node),
                (Some(m), Some(_)) => m.contested,
                (Some(m), None) if blind && m.blind && unordered && differs => Some(m.node),
                (Some(m), None) if unordered && !differs => m.contested,
                _ => None,
            };
            let blind = blind && late.is_none();
            new_row.marks.insert(column.clone(), WriteMark { node, blind, contested });
            if let Some(m) = old
                && (self.block.marks.contains_key(&Mark::Last(rid, *row, column.clone()))
                    && self.program.parted(m.node, node)
                    || self.program.branches_of(self.class, rid, (m.node, node)))
            {
                self.block.marks.insert(Mark::Bled(rid, m.node), Memory::Value(old_value));
            }
            self.block.replace_bled(self.program, rid, node);
            self.block.marks.remove(&Mark::ChildLast(rid, *row, column.clone()));
            self.block.marks.insert(Mark::Last(rid, *row, column.clone()), Memory::Set);
        }
    }

    /// Whether the last writer of a column is a process unordered with this one.
    pub fn unordered_writer(
        &self,
        rid: ResourceId,
        row: u32,
        column: &Arc<str>,
        old: NodeId,
        node: NodeId,
    ) -> bool {
        let last = Mark::Last(rid, row, column.clone());
        if self.block.marks.contains_key(&last)
            || self.parent.is_some_and(|p| p.marks.contains_key(&last))
        {
            return self.program.parted(old, node);
        }
        if self.block.marks.contains_key(&Mark::ChildLast(rid, row, column.clone())) {
            return self.program.parted(old, node);
        }
        true
    }

    /// Reads that somebody may ask again: what they would see had this process not written (design.md §6).
    fn keep_bases(&mut self, node: NodeId, before: &Arc<Content>) {
        for &reader in &self.program.node(node).keeps {
            let slot = self.program.node(reader).slot as usize;
            let own = self.program.node(reader).class == self.class;
            let block = if own { Some(&self.block) } else { self.parent };
            let done = block
                .and_then(|b| b.nodes.get(slot))
                .is_some_and(|s| matches!(s.phase, Phase::Done(_)));
            let program = self.program;
            let mine = |m: &Mark| matches!(m, Mark::Base(r, w) if *r == reader && !program.parted(*w, node));
            if done && !self.block.marks.keys().any(mine) {
                // What the run changed before its loop is no stranger's change to the iterations either.
                let around = self.parent.and_then(|p| p.base(program, reader, node));
                let base = around.unwrap_or(before.settled());
                self.block.marks.insert(Mark::Base(reader, node), Memory::Content(base));
            }
        }
    }
}

/// Whether both are etags of one row: how old they are is nothing that anybody sees in the end.
fn is_one_etag(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Token(a), Value::Token(b)) => {
            (a.resource, a.row, a.kind) == (b.resource, b.row, b.kind)
        }
        _ => false,
    }
}
