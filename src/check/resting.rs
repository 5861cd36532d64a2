//! What a safe verdict of an export rests on: rows that are taken for different ones because nothing says that they are
//! the same.

use super::explore::explore;
use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::explore::limits::{Config, Stop};
use crate::finding::Assumption;
use crate::model::expression::Expr;
use crate::model::external::literal_name;
use crate::model::identity::Alias;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Kind, Over, Program, Shape, Step};
use crate::model::support::readers;
use crate::platform::lower::{lower, outline};
use crate::platform::scenario::Scenario;
use crate::platform::slice::slice;

/// States that it may take to see whether an assumption matters.
const STATES: u64 = 400;
/// The largest slice that is looked at once more.
const LARGE: usize = 60;

/// The assumptions that keep processes apart at these cells, and whether the verdict would be another without them.
pub(super) fn resting(
    definition: &Definition,
    full: &Program,
    cells: &[(ResourceId, Scenario)],
    (config, stop): (&Config, &dyn Stop),
) -> Result<Vec<Assumption>, Vec<Problem>> {
    let mut found = Vec::new();
    for (id, alias) in [("item-rows", Alias::Items), ("named-rows", Alias::All)] {
        let rests = |(cell, _): &&(ResourceId, Scenario)| match alias {
            Alias::Items => by_item(full, *cell),
            _ => by_name(full, *cell),
        };
        let cells: Vec<_> = cells.iter().filter(rests).collect();
        let mut flips = false;
        for (cell, scenario) in &cells {
            flips = flips || matters(definition, full, *cell, scenario, alias, (config, stop))?;
        }
        if !cells.is_empty() {
            found.push(Assumption { id: id.into(), value: "different".into(), flips });
        }
    }
    Ok(found)
}

/// Whether anything goes wrong at the cell if what was taken for different is one.
fn matters(
    definition: &Definition,
    full: &Program,
    cell: ResourceId,
    scenario: &Scenario,
    alias: Alias,
    (config, stop): (&Config, &dyn Stop),
) -> Result<bool, Vec<Problem>> {
    let part = slice(definition, full, cell, None);
    if outline(&part, scenario)?.program.nodes.len() > LARGE {
        return Ok(false);
    }
    let mut lowered = lower(&part, scenario)?;
    lowered.program.alias = alias;
    let few = Config { max_states: Some(STATES), kept: false, fuzz: None, ..config.clone() };
    Ok(!explore(&mut lowered, &few, stop).violations.is_empty())
}

/// Whether concurrent iterations write rows that their items name. Rows that a store has listed are different.
fn by_item(program: &Program, cell: ResourceId) -> bool {
    keyed(program, cell).into_iter().any(|(node, key, writes)| {
        let Some(looped) = program.concurrent_loop(node).filter(|_| writes) else { return false };
        let listed = match &program.node(looped).kind {
            Kind::Loop { over: Over::Values(over, _), .. } => readers(program, over)
                .into_iter()
                .filter_map(|n| program.reads(n))
                .any(|r| program.resource(r).shape == Shape::External),
            _ => false,
        };
        !listed && readers(program, key).contains(&looped)
    })
}

/// Whether two that may overlap name rows differently, and one of them writes.
fn by_name(program: &Program, cell: ResourceId) -> bool {
    let all = keyed(program, cell);
    all.iter().any(|(a, one, writes)| {
        *writes
            && all.iter().any(|(b, other, _)| {
                one != other
                    && literal_name(one).zip(literal_name(other)).is_none()
                    && program.overlap(*a, *b)
            })
    })
}

/// Who touches rows of an external store by a key, by which, and whether it writes.
fn keyed(program: &Program, cell: ResourceId) -> Vec<(NodeId, &Expr, bool)> {
    if program.resource(cell).shape != Shape::External {
        return Vec::new();
    }
    let of_node = |node: NodeId| {
        let steps: &[Step] = match &program.node(node).kind {
            Kind::Leaf(steps) => steps,
            _ => &[],
        };
        steps.iter().filter_map(move |step| match step {
            Step::Access(r, access) if *r == cell => {
                Some((node, access.row_key()?, !access.only_reads()))
            }
            _ => None,
        })
    };
    program.ids().flat_map(of_node).collect()
}
