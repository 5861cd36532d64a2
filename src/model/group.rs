//! All-or-nothing groups: which effects of a group stand, and whether the group is incomplete (semantics §3.4: no
//! platform takes back what was written).
//!
//! For each cell that a member of a group changed, the process remembers what the cell would say without the group.
//! Others' changes are followed: an addition moves both, a replacement leaves nothing of the group. What the process
//! itself writes later is a compensation if it brings the cell back to that.

use super::block::{Block, Mark, Memory, Phase};
use super::content::Content;
use super::ids::{NodeId, ResourceId};
use super::program::{Kind, Program, Shape, Status, Step};
use super::transition::{Change, Machine};
use super::value::Value;
use std::sync::Arc;

/// What a group did to one cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Undo {
    /// The member that changed it first.
    pub node: NodeId,
    /// What it would say without the group; null for a row that would not be there.
    pub base: Value,
    /// What it says.
    pub now: Value,
    /// Whether another process has changed it since.
    pub touched: bool,
}

/// A cell; the empty column stands for the whole row.
pub fn cell(content: &Content, row: u32, column: &str) -> Value {
    let row = content.rows.get(row as usize).and_then(Option::as_ref);
    match row {
        None => Value::Null,
        Some(row) if column.is_empty() => Value::Object(Arc::new(row.columns.clone())),
        Some(row) => row.get(column),
    }
}

impl Machine<'_> {
    /// Keeps account of a write for the groups that the action belongs to, and of what it takes back.
    pub(super) fn account(&mut self, change: &Change) {
        let program = self.program;
        if program.groups.is_empty()
            || program.resource(change.resource).shape == Shape::Variable
            || change.wrote.is_empty()
        {
            return;
        }
        self.take_back(change);
        for &group in &program.node(change.node).groups {
            self.add_effects(group, change);
        }
    }

    fn take_back(&mut self, change: &Change) {
        let rid = change.resource;
        let made = change.wrote.iter().filter(|(_, column)| column.is_empty());
        let made: Vec<Value> = made.map(|(row, _)| cell(&change.after, *row, "")).collect();
        let members = &self.program.node(change.node).groups;
        let mut undone = Vec::new();
        for (mark, memory) in &mut self.block.marks {
            let (Mark::Undo(group, r, row, column), Memory::Undo(undo)) = (mark, memory) else {
                continue;
            };
            if *r != rid {
                continue;
            }
            let now = cell(&change.after, *row, column);
            let again = column.is_empty() && now == Value::Null && made.contains(&undo.base);
            // Whoever writes over another's change in taking back has taken back, and more than that.
            let over = undo.touched && !members.contains(group) && now != undo.now;
            if now == undo.base || again || over {
                undone.push((*group, mark.clone()));
            } else if now != undo.now {
                *undo = Arc::new(Undo { now, ..(**undo).clone() });
            }
        }
        for (group, mark) in undone {
            self.block.marks.remove(&mark);
            self.block.marks.insert(Mark::Undone(group), Memory::Set);
        }
    }

    fn add_effects(&mut self, group: NodeId, change: &Change) {
        for (row, column) in &change.wrote {
            let mark = |column: Arc<str>| Mark::Undo(group, change.resource, *row, column);
            let whole = mark("".into());
            let known = |m: &Mark| self.block.marks.contains_key(m);
            if known(&whole) || known(&mark(column.clone())) {
                continue;
            }
            let (base, now) =
                (cell(&change.before, *row, column), cell(&change.after, *row, column));
            if base != now {
                let undo = Undo { node: change.node, base, now, touched: false };
                let memory = Memory::Undo(Arc::new(undo));
                self.block.marks.insert(mark(column.clone()), memory);
            }
        }
    }

    /// A side effect cannot be taken back.
    pub(super) fn account_sent(&mut self, node: NodeId) {
        for &group in &self.program.node(node).groups {
            self.block.marks.insert(Mark::Sent(group, node), Memory::Set);
        }
    }

    /// A group has ended: whether an effect is missing.
    pub(super) fn close_group(&mut self, group: NodeId, status: Status) {
        if !self.program.groups.contains(&group) {
            return;
        }
        if self.block.missing(self.program, group) {
            self.block.marks.insert(Mark::Broken(group), Memory::Set);
        } else if status == Status::Succeeded {
            self.block.marks.retain(|m, _| m.group() != Some(group));
        }
    }

    /// The iteration of a serial loop is over, and with it the time for taking back.
    pub(super) fn judge_groups_of(&mut self, body: NodeId) {
        let program = self.program;
        for group in program.groups.iter().copied().filter(|&g| program.inside(g, body)) {
            let left = self.block.left_behind(program, group);
            self.block.marks.retain(|m, _| m.group() != Some(group));
            for (resource, column, node) in left {
                let mark = Mark::Left(group, resource, column, node);
                self.block.marks.insert(mark, Memory::Set);
            }
        }
    }
}

/// A cell, if there is one, and the action that changed it.
pub type Trace = (Option<ResourceId>, Arc<str>, NodeId);

impl Block {
    /// Effects of an incomplete group that stand; none if the group is complete, or nothing of it stands.
    pub fn left_behind(&self, program: &Program, group: NodeId) -> Vec<Trace> {
        let running = self.nodes.get(program.node(group).slot as usize);
        let cut = self.ended.is_none() && running.is_some_and(|n| n.phase == Phase::Running);
        let broken = self.marks.contains_key(&Mark::Broken(group))
            || self.marks.contains_key(&Mark::Undone(group))
            || (cut && self.missing(program, group));
        if !broken {
            return Vec::new();
        }
        let stands = |(mark, memory): (&Mark, &Memory)| match (mark, memory) {
            (Mark::Undo(g, r, _, column), Memory::Undo(undo)) if *g == group => {
                (undo.now != undo.base).then(|| (Some(*r), column.clone(), undo.node))
            }
            (Mark::Sent(g, node), _) if *g == group => Some((None, "".into(), *node)),
            _ => None,
        };
        self.marks.iter().filter_map(stands).collect()
    }

    /// Whether an effect of the group did not come about: a member failed without it, or was skipped for a failure.
    fn missing(&self, program: &Program, group: NodeId) -> bool {
        program.node(group).children.iter().any(|&child| {
            let has_effects = program.subtree(child).into_iter().any(|n| {
                program.node(n).groups.contains(&group)
                    && matches!(&program.node(n).kind, Kind::Leaf(steps) if steps.iter().any(Step::has_effect))
            });
            has_effects
                && match self.phase(program, child) {
                    Phase::Done(Status::Succeeded) => false,
                    Phase::Done(Status::Skipped) => self.skipped_for_a_failure(program, child),
                    _ => !self.marks.contains_key(&Mark::Applied(child)),
                }
        })
    }

    fn phase(&self, program: &Program, node: NodeId) -> Phase {
        self.nodes.get(program.node(node).slot as usize).map_or(Phase::Waiting, |n| n.phase)
    }

    fn skipped_for_a_failure(&self, program: &Program, node: NodeId) -> bool {
        program.node(node).run_after.iter().any(|&(before, statuses)| {
            match self.phase(program, before) {
                Phase::Done(status) if statuses.has(status) => false,
                Phase::Done(Status::Skipped) => self.skipped_for_a_failure(program, before),
                Phase::Done(Status::Succeeded) => false,
                _ => true,
            }
        })
    }

    /// Another process changed a cell that a group changed.
    pub(super) fn follow(&mut self, program: &Program, change: &Change, related: bool) {
        if program.groups.is_empty() {
            return;
        }
        for (mark, memory) in &mut self.marks {
            let (Mark::Undo(_, r, row, column), Memory::Undo(undo)) = (mark, memory) else {
                continue;
            };
            let touched =
                |(at, c): &(u32, Arc<str>)| at == row && (c == column || column.is_empty());
            if *r != change.resource || !change.wrote.iter().any(touched) {
                continue;
            }
            let (was, now) =
                (cell(&change.before, *row, column), cell(&change.after, *row, column));
            let base = match (&undo.base, &was, &now) {
                (Value::Int(base), Value::Int(was), Value::Int(new))
                    if !program.blind(change.node, column) =>
                {
                    new.checked_sub(*was)
                        .and_then(|by| base.checked_add(by))
                        .map_or(now.clone(), Value::Int)
                }
                (base, _, new) if column.is_empty() && *new != Value::Null => (*base).clone(),
                _ => now.clone(),
            };
            let touched = undo.touched || !related;
            *undo = Arc::new(Undo { node: undo.node, base, now, touched });
        }
    }
}

impl Mark {
    /// The group whose account it belongs to.
    pub fn group(&self) -> Option<NodeId> {
        match self {
            Self::Undo(group, ..)
            | Self::Sent(group, _)
            | Self::Broken(group)
            | Self::Undone(group) => Some(*group),
            _ => None,
        }
    }
}
