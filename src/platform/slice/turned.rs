//! Effects whose condition comes from a cell that another process writes. They take part in what happens at the cell, even
//! where it was read before both and nobody else touches what they change.

use crate::model::analysis::conditions;
use crate::model::guard::Guard;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::Program;
use crate::model::support::support;
use std::collections::{BTreeMap, BTreeSet};

/// The effects of a program that depend on a condition, and the resources that it comes from.
pub(super) struct Conditions {
    of: Vec<(NodeId, BTreeSet<ResourceId>)>,
}

impl Conditions {
    pub(super) fn new(program: &Program) -> Self {
        let mut known = BTreeMap::new();
        let of = program.ids().filter_map(|effect| {
            let mut from = BTreeSet::new();
            for guard in conditions(program, effect) {
                from.extend(
                    known.entry(guard.node()).or_insert_with(|| sources(program, &guard)).iter(),
                );
            }
            (!from.is_empty()).then_some((effect, from))
        });
        Self { of: of.collect() }
    }

    /// The effects beside one of these writers of a cell in one run, whose condition the writer may turn.
    pub(super) fn turned<'c>(
        &'c self,
        program: &'c Program,
        cell: ResourceId,
        writers: &'c [NodeId],
    ) -> impl Iterator<Item = NodeId> + 'c {
        let turned = move |(effect, from): &&(NodeId, BTreeSet<ResourceId>)| {
            from.contains(&cell) && writers.iter().any(|&w| program.overlap_in_run(w, *effect))
        };
        self.of.iter().filter(turned).map(|(effect, _)| *effect)
    }
}

fn sources(program: &Program, guard: &Guard) -> BTreeSet<ResourceId> {
    guard.expressions(program).into_iter().flat_map(|e| support(program, e)).collect()
}
