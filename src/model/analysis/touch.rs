//! How each action touches each resource, and whether two touches can notice each other's order.

use super::{expressions, steps};
use crate::model::content::Missing;
use crate::model::expression::Expr;
use crate::model::external::KEY;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Adding, Filter, Program, Shape, Step};
use crate::model::select::columns_of;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One way in which an action touches a resource.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) node: NodeId,
    pub(super) resource: ResourceId,
    /// `None`: all.
    pub(super) columns: Option<BTreeSet<Arc<str>>>,
    pub(super) how: How,
    /// Rows, if selected by equal columns.
    pub(super) rows: Vec<(Arc<str>, Expr)>,
    /// Whether it makes or removes rows (or must see that).
    pub(super) existence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Read,
    Write,
    /// Increments and appends among themselves come to the same in any order.
    Add,
    /// New rows among themselves do, too, as long as nobody lists them.
    Make,
}

/// All touches of an action, of whose output these properties are read (`None`: all).
pub(super) fn touches(
    program: &Program,
    node: NodeId,
    used: Option<&BTreeSet<Arc<str>>>,
) -> Vec<Touch> {
    let mut all = Vec::new();
    for expr in expressions(program, node) {
        expr.visit(&mut |e| {
            if let Expr::Variable(v) = e {
                all.push(Touch::of(node, *v, How::Read, None, &Filter::default(), false));
            }
        });
    }
    for step in steps(program, node) {
        if let Step::Access(r, access) = step {
            all.extend(of_access(program, node, *r, access, used));
        }
    }
    all
}

type Columns = Option<BTreeSet<Arc<str>>>;

impl Touch {
    fn of(
        node: NodeId,
        resource: ResourceId,
        how: How,
        columns: Columns,
        rows: &Filter,
        existence: bool,
    ) -> Self {
        let rows = if rows.rest.is_none() { rows.equal.clone() } else { Vec::new() };
        Self { node, resource, columns, how, rows, existence }
    }
}

fn of_access(
    program: &Program,
    node: NodeId,
    r: ResourceId,
    access: &Access,
    used: Option<&BTreeSet<Arc<str>>>,
) -> Vec<Touch> {
    let none = Filter::default();
    let by = |equal: &[(Arc<str>, Expr)]| Filter { equal: equal.to_vec(), ..Filter::default() };
    let touch =
        |how, columns, rows: &Filter, existence| Touch::of(node, r, how, columns, rows, existence);
    let lease = || Some(BTreeSet::from(["#lease".into()]));
    match access {
        Access::Get | Access::Load => {
            // An etag changes with every column.
            let columns = used
                .filter(|u| !u.contains("etag"))
                .map(|u| u.iter().filter(|c| &***c != "statusCode").cloned().collect());
            vec![touch(How::Read, columns, &none, false)]
        }
        Access::Fetch(key) => {
            let row = by(&[(KEY.into(), key.clone())]);
            vec![touch(How::Read, None, &row, program.resource(r).missing == Missing::Minded)]
        }
        Access::List(f) | Access::Select(f, _) | Access::Probe(f) => {
            vec![touch(How::Read, None, f, true)]
        }
        Access::Update { filter, set, if_match, sql } => {
            let columns = set.iter().map(|(c, _)| c.clone()).collect();
            let plain = if_match.is_none() && *sql && set.iter().all(|(c, e)| is_increment(c, e));
            let how = if plain { How::Add } else { How::Write };
            let mut all = vec![touch(how, Some(columns), filter, false)];
            let seen = looked_at(filter, set);
            if !seen.is_empty() || filter.limit.is_some() {
                all.push(touch(How::Read, Some(seen), filter, filter.limit.is_some()));
            }
            if if_match.is_some() {
                all.push(touch(How::Read, None, filter, false));
            }
            all
        }
        Access::Add { .. } => vec![touch(How::Add, None, &none, false)],
        Access::Store { .. } => vec![touch(How::Write, None, &none, false)],
        Access::Write { .. } => {
            vec![touch(How::Write, None, &none, false), touch(How::Read, lease(), &none, false)]
        }
        Access::Create(row) => vec![touch(How::Make, None, &by(row), true)],
        Access::CreateIfNone { row, unless, .. } => {
            let made = by(row);
            vec![touch(How::Write, None, unless, true), touch(How::Write, None, &made, true)]
        }
        Access::Upsert { key, .. } => vec![touch(How::Write, None, &by(key), true)],
        Access::Delete(f, _) => vec![touch(How::Write, None, f, true)],
        Access::Acquire { .. } | Access::Renew(_) | Access::Release(_) => {
            vec![touch(How::Write, lease(), &none, false)]
        }
    }
}

/// Columns whose values decide which rows an UPDATE changes, or what into; what an increment adds to is not one.
fn looked_at(filter: &Filter, set: &[(Arc<str>, Expr)]) -> BTreeSet<Arc<str>> {
    let changed = set.iter().filter(|(c, e)| !is_increment(c, e)).map(|(_, e)| e);
    let conditions =
        filter.rest.iter().chain(&filter.meets).chain(filter.order.iter().map(|key| &key.by));
    let mut seen: BTreeSet<Arc<str>> = filter.equal.iter().map(|(c, _)| c.clone()).collect();
    seen.extend(columns_of(conditions.chain(changed)));
    seen
}

/// `c = c + k` or `c = c - k` over the row, with a constant `k`.
pub(super) fn is_increment(column: &str, expr: &Expr) -> bool {
    let Expr::Call(function, args) = expr else { return false };
    let name = function.name();
    match args.as_slice() {
        [Expr::Column(c), Expr::Const(_)] => &**c == column && (name == "add" || name == "sub"),
        [Expr::Const(_), Expr::Column(c)] => &**c == column && name == "add",
        _ => false,
    }
}

/// Whether the two, in unordered processes, can notice each other's order. The selectors are what would keep their
/// rows apart.
pub(super) fn conflict(program: &Program, a: &Touch, b: &Touch) -> Option<Vec<(NodeId, Expr)>> {
    if a.resource != b.resource || (a.how == How::Read && b.how == How::Read) {
        return None;
    }
    let resource = program.resource(a.resource);
    if a.how == How::Add && b.how == How::Add {
        let ordered = resource.shape == Shape::Variable && is_array_read(program, a.resource);
        return ordered.then(Vec::new);
    }
    if a.how == How::Make
        && b.how == How::Make
        && resource.key.is_empty()
        && !is_listed(program, a.resource)
    {
        return None;
    }
    let structure = a.existence && b.existence;
    if let (Some(x), Some(y)) = (&a.columns, &b.columns)
        && x.is_disjoint(y)
        && !structure
    {
        return None;
    }
    Some(selectors(program, a, b))
}

/// Whether anybody looks at the order of what was appended.
pub(super) fn is_array_read(program: &Program, variable: ResourceId) -> bool {
    program.ids().any(|node| {
        steps(program, node)
            .iter()
            .any(|s| matches!(s, Step::Access(r, Access::Add { how: Adding::Append, .. }) if *r == variable))
    }) && readers(program, variable).next().is_some()
}

/// Whether the process of one of two additions to a variable reads it while the other may still come: it notices who
/// wrote last. `readers`: of the variable.
pub(super) fn reads_back(program: &Program, a: &Touch, b: &Touch, readers: &[NodeId]) -> bool {
    let own = |node: NodeId, reader: NodeId| {
        program.node(node).class == program.node(reader).class && !program.parted(node, reader)
    };
    let both = a.how == How::Add && b.how == How::Add;
    both && readers.iter().any(|&r| {
        (own(a.node, r) && program.overlap(r, b.node))
            || (own(b.node, r) && program.overlap(r, a.node))
    })
}

fn readers(program: &Program, variable: ResourceId) -> impl Iterator<Item = NodeId> {
    let all = program.ids();
    all.filter(move |&node| {
        let mut reads = false;
        for e in expressions(program, node) {
            e.visit(&mut |e| reads |= *e == Expr::Variable(variable));
        }
        reads || program.reads(node) == Some(variable)
    })
}

pub(super) fn is_listed(program: &Program, table: ResourceId) -> bool {
    program.ids().any(|node| program.reads(node) == Some(table)) || program.resource(table).unique
}

/// Selections by the same expression over the items of one concurrent loop, on a column that is never changed.
pub(super) fn selectors(program: &Program, a: &Touch, b: &Touch) -> Vec<(NodeId, Expr)> {
    let Some(looped) = program.concurrent_loop(a.node) else { return Vec::new() };
    if program.concurrent_loop(b.node) != Some(looped)
        || program.overlap_across_runs(a.node, b.node, a.resource)
    {
        return Vec::new();
    }
    // Two rows are one to a business key whatever else keeps them apart.
    let key = &program.resource(a.resource).key;
    let keyed = |t: &Touch| {
        let set = |columns: &BTreeSet<Arc<str>>| key.iter().any(|c| columns.contains(c));
        t.how != How::Read && (t.existence || t.columns.as_ref().is_none_or(set))
    };
    let by_key = !key.is_empty() && keyed(a) && keyed(b);
    let mut found = Vec::new();
    for (column, expr) in a.rows.iter().filter(|(c, _)| !by_key || key.contains(c)) {
        let same = b.rows.iter().any(|(c, e)| c == column && e == expr);
        if same && only_item(expr, looped) && !program.changes(a.resource, column) {
            found.push((looped, expr.clone()));
        }
    }
    found
}

/// Whether an expression depends on the loop's item and nothing else.
pub(super) fn only_item(expr: &Expr, looped: NodeId) -> bool {
    let (mut item, mut other) = (false, false);
    expr.visit(&mut |e| match e {
        Expr::Item(l) if *l == looped => item = true,
        Expr::Const(_) | Expr::Index { .. } | Expr::Call(..) | Expr::Concat(_) => {}
        _ => other = true,
    });
    item && !other
}
