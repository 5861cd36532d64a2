//! What a monitor has to find in the program: who read what a write is made of, what it clashes with.

use super::judge::CALLER;
use crate::model::access::{Act, Caller};
use crate::model::content::Content;
use crate::model::expression::Expr;
use crate::model::external::{identity, wraps};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Columns, Guard, Kind, Over, Program, Shape, Step};
use crate::model::support::{readers, support};
use crate::model::value::Value;
use crate::model::view::View;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A write under judgement.
pub(super) struct Write<'a> {
    pub(super) node: NodeId,
    pub(super) resource: ResourceId,
    pub(super) access: &'a Access,
    pub(super) act: &'a Act,
    pub(super) before: &'a Content,
}

/// The access with its check made in the same step.
pub(super) fn now(access: &Access) -> Access {
    match access {
        Access::CreateIfNone { row, unless, .. } => {
            Access::CreateIfNone { row: row.clone(), unless: unless.clone(), serialized: true }
        }
        other => other.clone(),
    }
}

/// Who repeats an access in thought: what nobody knew of the rows that a statement of SQL found is known by now.
pub(super) fn once_more(access: &Access, done: &Act) -> Caller {
    let found = match (access, done.output.get("rowsAffected")) {
        (Access::Update { sql: true, .. } | Access::Delete(_, true), Value::Int(n)) => Some(n > 0),
        _ => None,
    };
    Caller { found, ..CALLER }
}

pub(super) fn value_at(content: Option<&Content>, row: u32, column: &str) -> Value {
    let row = content.and_then(|c| c.rows.get(row as usize)).and_then(Option::as_ref);
    row.map_or(Value::Null, |r| r.get(column))
}

/// Another live row with the key of the row that was made.
pub(super) fn clash(program: &Program, write: &Write<'_>) -> Option<(usize, Value)> {
    let table = program.resource(write.resource);
    let made = write.act.wrote.iter().find(|(_, c)| c.is_empty())?.0 as usize;
    let new = write.act.after.as_ref()?.rows.get(made)?.as_ref()?;
    if table.key.is_empty() || matches!(write.access, Access::Delete(..)) {
        return None;
    }
    let who = |value: Value| match table.shape {
        Shape::External => identity(&value, program.alias),
        _ => value,
    };
    let same = |row: &crate::model::content::Row| {
        table.key.iter().all(|k| who(row.get(k)) == who(new.get(k)))
    };
    let (row, _) = write.before.live().find(|(_, row)| same(row))?;
    Some((row, new.get(&table.key[0])))
}

/// The expression that a write stores in a column.
pub(super) fn written_expr<'a>(access: &'a Access, column: &str) -> Option<&'a Expr> {
    let find = |list: &'a Columns| list.iter().find(|(c, _)| &**c == column).map(|(_, e)| e);
    match access {
        Access::Update { set, .. } => find(set),
        Access::Create(row) | Access::Upsert { row, .. } | Access::CreateIfNone { row, .. } => {
            find(row)
        }
        Access::Write { value, .. } | Access::Add { value, .. } | Access::Store { value, .. } => {
            Some(value)
        }
        _ => None,
    }
}

/// Whether of a store outside only which row it is was read: nothing is computed from what has changed there.
pub(super) fn only_found(program: &Program, write: &Write<'_>, value: Option<&Expr>) -> bool {
    let computed = |e: &Expr| support(program, e).contains(&write.resource);
    program.resource(write.resource).shape == Shape::External && value.is_some_and(|e| !computed(e))
}

/// The action in which the expression got the resource's value.
pub(super) fn reader_of(program: &Program, expr: &Expr, resource: ResourceId) -> Option<NodeId> {
    let nodes = readers(program, expr);
    let reads =
        |n: NodeId| program.reads(n) == Some(resource) || reads_variable(program, n, resource);
    nodes.into_iter().find(|&n| reads(n))
}

pub(super) fn reads_variable(program: &Program, node: NodeId, variable: ResourceId) -> bool {
    let Kind::Leaf(steps) = &program.node(node).kind else { return false };
    let mut found = false;
    for step in steps {
        let mut look = |expr: &Expr| expr.visit(&mut |e| found |= *e == Expr::Variable(variable));
        match step {
            Step::Compute(expr) | Step::Send(expr) | Step::Wait(expr) => look(expr),
            Step::Access(_, access) => access.expressions().into_iter().for_each(look),
            Step::Opaque { args, .. } => args.iter().for_each(look),
        }
    }
    found
}

/// Whether the value is the read of that very column and nothing else.
pub(super) fn is_copy(program: &Program, expr: &Expr, resource: ResourceId, column: &str) -> bool {
    match expr {
        Expr::Index { base, key, .. } => {
            let column = **key == Expr::Const(Value::text(column));
            let base = match &**base {
                Expr::Index { base: inner, key, .. } if matches!(&**key, Expr::Const(Value::String(k)) if wraps(k)) => {
                    inner
                }
                _ => base,
            };
            let read = matches!(**base, Expr::Output(n) | Expr::Body(n) if program.reads(n) == Some(resource));
            column && read
        }
        Expr::Output(n) => match &program.node(*n).kind {
            Kind::Leaf(steps) => match steps.as_slice() {
                [Step::Compute(inner)] => is_copy(program, inner, resource, column),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

/// The conditional write, create or lease acquire inside an Until that others can refuse.
pub(super) fn contended(
    program: &Program,
    until: NodeId,
) -> Option<(NodeId, ResourceId, Option<Arc<str>>)> {
    program.subtree(until).into_iter().find_map(|node| {
        let Kind::Leaf(steps) = &program.node(node).kind else { return None };
        steps.iter().find_map(|s| match s {
            Step::Access(r, Access::Update { if_match: Some(_), set, .. }) => {
                Some((node, *r, set.first().map(|(c, _)| c.clone())))
            }
            Step::Access(r, Access::Write { .. } | Access::Acquire { .. }) => {
                Some((node, *r, Some("value".into())))
            }
            Step::Access(r, Access::Create(_)) => Some((node, *r, None)),
            _ => None,
        })
    })
}

/// The condition of a guard.
pub(super) fn condition<'a>(program: &'a Program, guard: &'a Guard) -> Option<&'a Expr> {
    if let Guard::Missed(_, answer) = guard {
        return Some(answer);
    }
    match &program.node(guard.node()).kind {
        Kind::If(expr)
        | Kind::Switch(expr, _)
        | Kind::Until { condition: expr, .. }
        | Kind::Loop { over: Over::Values(expr, _), .. } => Some(expr),
        _ => None,
    }
}

pub(super) fn guard_reader(program: &Program, guard: &Guard, resource: ResourceId) -> NodeId {
    let found = condition(program, guard).and_then(|expr| {
        reader_of(program, expr, resource)
            .or_else(|| readers(program, expr).into_iter().find(|&r| program.reads(r).is_some()))
    });
    found.unwrap_or(guard.node())
}

/// The column of an item that a condition reads, if it is only one.
pub(super) fn only_column(
    program: &Program,
    resource: ResourceId,
    expr: &Expr,
) -> Option<Arc<str>> {
    match program.resource(resource).shape {
        Shape::Variable | Shape::Blob => Some("value".into()),
        Shape::Table | Shape::External => None,
        Shape::Item => {
            let mut columns = BTreeSet::new();
            expr.visit(&mut |e| {
                if let Expr::Index { key, .. } = e
                    && let Expr::Const(Value::String(c)) = &**key
                    && program.resource(resource).initial.first().is_some_and(|r| r.contains_key(c))
                {
                    columns.insert(c.clone());
                }
            });
            if columns.len() == 1 { columns.pop_first() } else { None }
        }
    }
}

/// The acquires of a lease by the process of this action or the one around it.
pub(super) fn acquires(program: &Program, node: NodeId, lease: ResourceId) -> Vec<NodeId> {
    let class = program.node(node).class;
    let around = program.class(class).parent;
    let nodes = around.into_iter().chain([class]).flat_map(|c| program.class(c).nodes.clone());
    nodes.filter(|&n| takes_lease(program, n, lease)).collect()
}

pub(super) fn takes_lease(program: &Program, node: NodeId, lease: ResourceId) -> bool {
    matches!(&program.node(node).kind, Kind::Leaf(steps) if steps
        .iter()
        .any(|s| matches!(s, Step::Access(r, Access::Acquire { .. }) if *r == lease)))
}

/// Whether what a reader finds in a variable is a sum of branches that it has waited for: nobody's value was taken for
/// another's.
pub(super) fn joined(
    view: &mut View<'_>,
    variable: ResourceId,
    (writer, reader): (NodeId, NodeId),
) -> bool {
    let content = view.store.read(variable);
    let last = content.live().next().and_then(|(_, row)| row.marks.get("value").map(|m| m.node));
    let program = view.program;
    let adds = |node: NodeId| {
        let step = |s: &Step| matches!(s, Step::Access(r, Access::Add { .. }) if *r == variable);
        matches!(&program.node(node).kind, Kind::Leaf(steps) if steps.iter().any(step))
    };
    last.is_some_and(|last| adds(writer) && adds(last) && !program.overlap_in_run(last, reader))
}
