//! Queries that could not be read: what they may touch, and who else does.

use crate::model::ids::ResourceId;
use crate::model::program::{Kind, Program, Step};
use std::collections::BTreeSet;

/// A query that could not be read, and what it may touch.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The action.
    pub action: String,
    /// Stores outside.
    pub tables: BTreeSet<ResourceId>,
    /// Whether it may change them.
    pub writes: bool,
    /// Whether it names tables, and calls no procedure.
    pub named: bool,
}

impl Unread {
    /// Whether two runs of it meet at the tables that it names.
    pub fn alone(&self) -> Option<String> {
        (self.writes && self.named).then(|| {
            format!("the SQL of {} cannot be read, and two runs meet at its table", self.action)
        })
    }

    /// Why each of those that meet somebody makes a run unsure.
    pub fn in_the_way(all: &[Self], program: &Program) -> Vec<String> {
        let beside = |u: &Self| all.iter().find_map(|other| u.beside(other, program));
        all.iter().filter_map(|u| u.met(program).or_else(|| beside(u))).collect()
    }

    /// Whether it meets another that cannot be read, or itself, within one run: in a concurrent loop, or in two branches.
    fn beside(&self, other: &Self, program: &Program) -> Option<String> {
        let node = |u: &Self| program.ids().find(|&n| *program.node(n).name == *u.action);
        let (a, b) = (node(self)?, node(other)?);
        let may = self.writes && self.named && other.named;
        // Tables that nobody else touches have no name here: they may be the same one.
        let unnamed = self.tables.is_empty() && other.tables.is_empty();
        let meet = unnamed || !self.tables.is_disjoint(&other.tables);
        (may && meet && program.overlap_in_run(a, b)).then(|| {
            format!(
                "the SQL of {} cannot be read, and {} may meet it at its table",
                self.action, other.action
            )
        })
    }

    /// Who else touches what it may touch, in a way that can matter.
    fn met(&self, program: &Program) -> Option<String> {
        let touches = |step: &Step| match step {
            Step::Access(r, access) => {
                self.tables.contains(r) && (self.writes || !access.only_reads())
            }
            Step::Compute(_) | Step::Wait(_) | Step::Send(_) | Step::Opaque { .. } => false,
        };
        let mut nodes = program.nodes.iter();
        let other =
            nodes.find(|n| matches!(&n.kind, Kind::Leaf(all) if all.iter().any(touches)))?;
        Some(format!(
            "the SQL of {} cannot be read, and {} touches its table",
            self.action, other.name
        ))
    }
}
