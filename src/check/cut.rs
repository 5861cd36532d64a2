//! Rounds of an Until that were not explored: where a flow allows sixty and two are tried, the third says nothing about
//! the sixty-first.

use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::explore::ranking::hopeless;
use crate::finding::Finding;
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program};
use crate::platform::lower::{Lowered, outline};
use crate::platform::scenario::Scenario;
use std::collections::BTreeSet;

/// Keeps the findings that a bound is used up only where the bound is the flow's own.
pub(super) fn keep_reached(
    part: &Definition,
    lowered: &Lowered,
    scenario: &Scenario,
    found: &mut Vec<Finding>,
) -> Result<(), Vec<Problem>> {
    if found.iter().any(|f| f.rule == "retry-exhausted") {
        let cut = cut_short(part, lowered, scenario)?;
        let inside = |f: &Finding| f.actions.iter().any(|a| cut.contains(a));
        found.retain(|f| f.rule != "retry-exhausted" || !inside(f));
    }
    Ok(())
}

/// Actions in an Until of which fewer rounds were explored than it allows: that these are used up says nothing.
fn cut_short(
    part: &Definition,
    lowered: &Lowered,
    scenario: &Scenario,
) -> Result<BTreeSet<String>, Vec<Problem>> {
    let written = outline(part, &Scenario { rounds: None, ..scenario.clone() })?.program;
    let limit = |program: &Program, node: NodeId| match program.node(node).kind {
        Kind::Until { limit, .. } => limit,
        _ => 0,
    };
    let cut = written.ids().filter(|&n| limit(&written, n) > limit(&lowered.program, n));
    let cut = cut.filter(|&n| !hopeless(&written, n));
    let inside = cut.flat_map(|n| written.subtree(n));
    Ok(inside.map(|n| written.node(n).name.to_string()).collect())
}
