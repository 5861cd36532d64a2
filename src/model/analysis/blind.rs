//! Writes that look at nothing, and cells whose last writer a rule asks for.

use super::touch::{How, Touch};
use super::visibility::{chosen_by, overlaps};
use super::{expressions, steps};
use crate::model::expression::Expr;
use crate::model::external::literal_name;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Guard, Program, Shape, Step};
use crate::model::support::{readers, support};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Columns that the action writes without having looked at them: neither value nor conditions read them, no
/// increment, no etag.
pub(super) fn blind(program: &Program, node: NodeId) -> BTreeSet<Arc<str>> {
    let mut blind = BTreeSet::new();
    for step in steps(program, node) {
        let Step::Access(r, access) = step else { continue };
        let (columns, etag): (Vec<Arc<str>>, Option<&Expr>) = match access {
            Access::Update { set, if_match, .. } => {
                (set.iter().map(|(c, _)| c.clone()).collect(), if_match.as_ref())
            }
            Access::Write { if_match, .. } => (vec!["value".into()], if_match.as_ref()),
            Access::Upsert { row, .. } => (row.iter().map(|(c, _)| c.clone()).collect(), None),
            _ => continue,
        };
        if etag.is_some_and(|e| *e != Expr::Const(crate::model::value::Value::text("*"))) {
            continue;
        }
        // Which row of a store outside it is says nothing about the value, nor do the values of other columns.
        let of_value = |column: &Arc<str>| match access {
            Access::Update { set, .. } | Access::Upsert { row: set, .. }
                if program.resource(*r).shape == Shape::External =>
            {
                set.iter().filter(|(c, _)| c == column).map(|(_, e)| e).collect()
            }
            _ => expressions(program, node),
        };
        let asks = |e: &Expr| {
            if program.resource(*r).shape != Shape::External {
                return support(program, e).contains(r);
            }
            let of_it = |&n: &NodeId| program.reads(n) == Some(*r) && !beside(program, n, access);
            readers(program, e).iter().any(of_it)
        };
        // A query that has found the row has looked at what it asks for; so has who counts what it has found.
        let conditions = |column: &str| {
            let mut all = program.node(node).guards.iter().flat_map(|guard| {
                let listed = matches!(guard, Guard::Listed(_));
                guard.expressions(program).into_iter().map(move |e| (e, listed))
            });
            let chosen = |e| chosen_by(program, e).iter().any(|c| c.eq_ignore_ascii_case(column));
            all.any(|(e, listed)| asks(e) && (!(listed || counts(program, e)) || chosen(e)))
        };
        for column in columns {
            let reads = conditions(&column) || of_value(&column).into_iter().any(asks);
            let over_itself = match access {
                Access::Update { set, .. } => set.iter().any(|(c, e)| {
                    let mut own = false;
                    e.visit(&mut |x| own |= matches!(x, Expr::Column(k) if *k == column));
                    *c == column && own
                }),
                _ => false,
            };
            let reads = reads && column_read(program, node, *r, &column);
            if !reads && !over_itself {
                blind.insert(column);
            }
        }
    }
    blind
}

/// Whether a condition looks at no more of the lists that it reads than how many rows they have.
fn counts(program: &Program, expr: &Expr) -> bool {
    let outside = |r: ResourceId| program.resource(r).shape == Shape::External;
    let list = |e: &Expr| matches!(e, Expr::Output(n) | Expr::Body(n) if program.reads(*n).is_some_and(outside));
    let mut counted = 0;
    let mut read = 0;
    let mut other = false;
    expr.visit(&mut |e| match e {
        Expr::Call(f, args) if ["length", "empty"].contains(&f.name()) => {
            counted += usize::from(list(args.first().map_or(e, rows_of)));
        }
        e if list(e) => read += 1,
        Expr::Output(_) | Expr::Body(_) | Expr::Item(_) | Expr::Variable(_) => other = true,
        _ => {}
    });
    counted == read && read > 0 && !other
}

/// What `body('List')?['value']` is a part of.
fn rows_of(expr: &Expr) -> &Expr {
    match expr {
        Expr::Index { base, key, .. } if matches!(**key, Expr::Const(_)) => rows_of(base),
        other => other,
    }
}

/// Whether a read is of another row than an access: both are named in the flow, and differently.
fn beside(program: &Program, reader: NodeId, access: &Access) -> bool {
    let key = match steps(program, reader) {
        [Step::Access(_, read)] => read.row_key(),
        _ => None,
    };
    let name = |key: Option<&Expr>| key.and_then(literal_name);
    name(key).zip(name(access.row_key())).is_some_and(|(one, other)| one != other)
}

/// Whether the action's values or conditions look at this column (of an item; any column of a table).
pub(super) fn column_read(
    program: &Program,
    node: NodeId,
    resource: ResourceId,
    column: &str,
) -> bool {
    if program.resource(resource).shape != Shape::Item {
        return true;
    }
    let mut exprs: Vec<&Expr> = expressions(program, node);
    for guard in &program.node(node).guards {
        exprs.extend(guard.expressions(program));
    }
    let mut nodes = BTreeSet::new();
    for e in &exprs {
        nodes.extend(readers(program, e));
    }
    let own = exprs.iter().copied();
    let through = nodes.iter().flat_map(|&n| expressions(program, n));
    let mut found = false;
    for expr in own.chain(through) {
        let mut indexed = BTreeSet::new();
        expr.visit(&mut |e| {
            if let Expr::Index { base, key, .. } = e
                && let Expr::Output(n) | Expr::Body(n) = &**base
            {
                indexed.insert(*n);
                let is_get = program.reads(*n) == Some(resource);
                found |= is_get
                    && match &**key {
                        Expr::Const(crate::model::value::Value::String(c)) => &**c == column,
                        _ => true,
                    };
            }
        });
        expr.visit(&mut |e| {
            if let Expr::Output(n) | Expr::Body(n) = e {
                found |= program.reads(*n) == Some(resource) && !indexed.contains(n);
            }
        });
    }
    found
}

/// Cells whose last writer a rule asks for: unordered blind writes, variables read back, rows with a business key.
pub(super) fn tracked(program: &Program, touches: &[Touch]) -> BTreeSet<(ResourceId, Arc<str>)> {
    let mut tracked = BTreeSet::new();
    // What may arrive late is a rival to whatever was written since.
    let late = |t: &&Touch| program.node(t.node).call.faults.iter().any(|f| f.arrives_later());
    for touch in touches.iter().filter(late) {
        let made = (touch.existence && !program.resource(touch.resource).key.is_empty())
            .then(|| Arc::from(""));
        let columns = program.node(touch.node).blind.iter().cloned().chain(made);
        tracked.extend(columns.map(|column| (touch.resource, column)));
    }
    for touch in touches.iter().filter(|t| t.how == How::Write) {
        for column in &program.node(touch.node).blind {
            let rival = |t: &&Touch| {
                t.resource == touch.resource
                    && program.node(t.node).blind.contains(column)
                    && overlaps(program, touch.node, t.node, touch.resource)
            };
            if touches.iter().any(|t| rival(&t)) {
                tracked.insert((touch.resource, column.clone()));
            }
        }
    }
    for (index, resource) in program.resources.iter().enumerate() {
        let id = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
        let writers = || touches.iter().filter(move |t| t.resource == id && t.how != How::Read);
        if resource.shape == Shape::Variable {
            let read_back = touches.iter().any(|t| t.resource == id && t.how == How::Read);
            let raced = writers().any(|a| writers().any(|b| overlaps(program, a.node, b.node, id)));
            let computed = writers().any(|a| {
                expressions(program, a.node)
                    .into_iter()
                    .any(|e| support(program, e).into_iter().any(|r| r != id))
            });
            if read_back && (raced || computed) {
                tracked.insert((id, "value".into()));
            }
        }
        if !resource.key.is_empty() {
            let makes = || {
                touches
                    .iter()
                    .filter(move |t| t.resource == id && t.existence && t.how != How::Read)
            };
            if makes().any(|a| makes().any(|b| overlaps(program, a.node, b.node, id))) {
                tracked.insert((id, "".into()));
            }
        }
    }
    tracked
}
