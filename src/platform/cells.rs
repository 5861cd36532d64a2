//! Cells: what a resource is made of, by name, and which of them are wanted.

use super::leaf;
use crate::definition::ast::Setup;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Kind, Observed, Program, Shape, Step};
use crate::model::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The cells whose outcomes are wanted: `observe`, or all that somebody may look at afterwards.
pub(super) fn observed(program: &Program, setup: &Setup) -> Vec<Observed> {
    let one_run = program.flows.iter().map(|f| f.runs).sum::<u32>() == 1;
    let mut all = Vec::new();
    for (index, resource) in program.resources.iter().enumerate() {
        let id = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
        if program.ledger == Some(id) {
            continue;
        }
        if resource.owner.is_some() && (!one_run || scratch(program, id, setup)) {
            continue;
        }
        all.extend(cells(program, id));
    }
    if !setup.observe.is_empty() {
        let group = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        all.retain(|o| setup.observe.iter().any(|(w, _)| *w == o.name || (*w == group(&o.name))));
    }
    all
}

/// A variable that the flow declares by itself and that nobody reads once its writers are done: what it says in the
/// end is nobody's business.
fn scratch(program: &Program, variable: ResourceId, setup: &Setup) -> bool {
    let resource = program.resource(variable);
    if setup.state.iter().any(|(name, ..)| **name == *resource.name) {
        return false;
    }
    let nodes = || program.ids();
    let writes = |n: NodeId| match &program.node(n).kind {
        Kind::Leaf(steps) => {
            steps.iter().any(|s| matches!(s, Step::Access(r, _) if *r == variable))
        }
        _ => false,
    };
    let reads = |n: NodeId| {
        let mut found = false;
        for expr in crate::model::analysis::expressions(program, n) {
            expr.visit(&mut |e| found |= *e == crate::model::expression::Expr::Variable(variable));
        }
        found
    };
    let writers: Vec<NodeId> = nodes().filter(|&n| writes(n)).collect();
    !nodes().any(|n| reads(n) && writers.iter().any(|&w| program.precedes(w, n)))
}

/// The cells of a resource, by name (design.md §4, *Cells*).
pub(super) fn cells(program: &Program, id: ResourceId) -> Vec<Observed> {
    let resource = program.resource(id);
    let cell = |name: String, column: Option<Arc<str>>| Observed { name, resource: id, column };
    let by_column = |columns: BTreeSet<Arc<str>>| -> Vec<Observed> {
        columns.into_iter().map(|c| cell(format!("{}.{c}", resource.name), Some(c))).collect()
    };
    match resource.shape {
        Shape::Variable => vec![cell(resource.name.to_string(), Some("value".into()))],
        Shape::Blob => {
            let written = program.nodes.iter().any(|n| leaf::writes_blob(n, id));
            let known =
                resource.initial.first().is_some_and(|r| r.get("value") != Some(&Value::Null));
            if written || known {
                vec![cell(resource.name.to_string(), Some("value".into()))]
            } else {
                Vec::new()
            }
        }
        Shape::Item => by_column(leaf::columns_of(program, id)),
        // One row that stays has names for its columns, beside the table's own.
        Shape::Table if resource.initial.len() == 1 && !leaf::grows(program, id) => {
            let mut all = vec![cell(resource.name.to_string(), None)];
            all.extend(by_column(leaf::columns_of(program, id)));
            all
        }
        Shape::Table | Shape::External => vec![cell(resource.name.to_string(), None)],
    }
}
