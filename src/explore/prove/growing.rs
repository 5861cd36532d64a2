//! Which columns grow: their values come from themselves, from one that grows, or from an item.

use super::relative::Relative;
use crate::model::analysis::expressions;
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Over, Program, Shape, Step};
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Column = (ResourceId, Arc<str>);

/// The columns whose values come from themselves, from one that does, or from an item.
pub(super) fn growing(program: &Program) -> Relative {
    let mut sources: BTreeMap<Column, BTreeSet<Column>> = BTreeMap::new();
    let mut relative = Relative::new();
    for (resource, column, expr) in writes(program) {
        let (from, item) = sources_of(program, expr, resource);
        if item {
            relative.insert((resource, column.clone()));
        }
        sources.entry((resource, column)).or_default().extend(from);
    }
    for (resource, adds) in adders(program) {
        let column: Column = (resource, "value".into());
        let entry = sources.entry(column.clone()).or_default();
        entry.insert(column);
        for expr in adds {
            entry.extend(sources_of(program, expr, resource).0);
        }
    }
    let mut changed = true;
    while changed {
        changed = false;
        let before: Vec<(Column, BTreeSet<Column>)> =
            sources.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        for (column, from) in before {
            let more: BTreeSet<Column> =
                from.iter().filter_map(|f| sources.get(f)).flatten().cloned().collect();
            let entry = sources.entry(column).or_default();
            let size = entry.len();
            entry.extend(more);
            changed |= entry.len() > size;
        }
    }
    for (column, from) in &sources {
        if from.contains(column) {
            relative.insert(column.clone());
        }
    }
    let roots = relative.clone();
    for (column, from) in &sources {
        if from.iter().any(|f| roots.contains(f)) {
            relative.insert(column.clone());
        }
    }
    relative
}

fn steps(program: &Program) -> impl Iterator<Item = &Step> {
    program.nodes.iter().flat_map(|n| match &n.kind {
        Kind::Leaf(steps) => steps.as_slice(),
        _ => &[],
    })
}

/// Every expression that is stored, with its column.
fn writes(program: &Program) -> Vec<(ResourceId, Arc<str>, &Expr)> {
    let mut all = Vec::new();
    for step in steps(program) {
        let Step::Access(r, access) = step else { continue };
        match access {
            Access::Update { set: row, .. }
            | Access::Create(row)
            | Access::CreateIfNone { row, .. } => {
                all.extend(row.iter().map(|(c, e)| (*r, c.clone(), e)));
            }
            Access::Upsert { key, row } => {
                all.extend(key.iter().chain(row).map(|(c, e)| (*r, c.clone(), e)));
            }
            Access::Write { value, .. } => all.push((*r, "value".into(), value)),
            _ => {}
        }
    }
    all
}

fn adders(program: &Program) -> Vec<(ResourceId, Vec<&Expr>)> {
    steps(program)
        .filter_map(|s| match s {
            Step::Access(r, Access::Add { value, .. } | Access::Store { value, .. }) => {
                Some((*r, vec![value]))
            }
            _ => None,
        })
        .collect()
}

/// The columns that an expression reads, directly or through other actions, and whether it looks at an item.
fn sources_of(program: &Program, expr: &Expr, own: ResourceId) -> (BTreeSet<Column>, bool) {
    let mut gather =
        Gather { program, own, columns: BTreeSet::new(), item: false, seen: BTreeSet::new() };
    gather.expr(expr);
    (gather.columns, gather.item)
}

struct Gather<'a> {
    program: &'a Program,
    own: ResourceId,
    columns: BTreeSet<Column>,
    item: bool,
    seen: BTreeSet<NodeId>,
}

impl Gather<'_> {
    fn expr(&mut self, expr: &Expr) {
        if let Expr::Index { base, key, .. } = expr
            && let (Expr::Output(n) | Expr::Body(n), Expr::Const(Value::String(column))) =
                (&**base, &**key)
            && let Some(resource) = self.program.reads(*n)
            && !matches!(self.program.resource(resource).shape, Shape::Table)
        {
            self.columns.insert((resource, column.clone()));
            return;
        }
        match expr {
            Expr::Output(n) | Expr::Body(n) | Expr::Action(n) | Expr::Result(n) => self.node(*n),
            Expr::Variable(v) => {
                self.columns.insert((*v, "value".into()));
            }
            Expr::Column(c) => {
                self.columns.insert((self.own, c.clone()));
            }
            Expr::Item(looped) => {
                self.item |= self.concurrent(*looped);
                if let Kind::Loop { over: Over::Values(over, _), .. } =
                    &self.program.node(*looped).kind
                    && self.seen.insert(*looped)
                {
                    self.expr(over);
                }
            }
            _ => parts(expr).into_iter().for_each(|e| self.expr(e)),
        }
    }

    fn concurrent(&self, looped: NodeId) -> bool {
        matches!(self.program.node(looped).kind, Kind::Loop { degree, .. } if degree > 1)
    }

    fn node(&mut self, node: NodeId) {
        if !self.seen.insert(node) {
            return;
        }
        if let Some(resource) = self.program.reads(node) {
            self.all_of(resource);
        }
        for inner in self.program.subtree(node) {
            for expr in expressions(self.program, inner) {
                self.expr(expr);
            }
        }
    }

    fn all_of(&mut self, resource: ResourceId) {
        let mut columns: BTreeSet<Arc<str>> = self
            .program
            .resource(resource)
            .initial
            .iter()
            .flat_map(|r| r.keys().cloned())
            .collect();
        columns.extend(writes(self.program).into_iter().filter(|w| w.0 == resource).map(|w| w.1));
        if self.program.resource(resource).shape == Shape::Variable {
            columns.insert("value".into());
        }
        self.columns.extend(columns.into_iter().map(|c| (resource, c)));
    }
}

/// The direct parts of an expression.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Concat(list) | Expr::Array(list) | Expr::Call(_, list) | Expr::Opaque(_, list) => {
            list.iter().collect()
        }
        Expr::Object(pairs) => pairs.iter().flat_map(|(k, v)| [k, v]).collect(),
        Expr::Index { base, key, .. } => vec![base, key],
        Expr::Filter(from, inner) | Expr::Map(from, inner) => vec![from, inner],
        Expr::Const(_)
        | Expr::Output(_)
        | Expr::Body(_)
        | Expr::Action(_)
        | Expr::Result(_)
        | Expr::Variable(_)
        | Expr::Item(_)
        | Expr::Element
        | Expr::Run
        | Expr::Round(_)
        | Expr::Column(_)
        | Expr::State(_) => Vec::new(),
    }
}

/// Whether a process that also runs a concurrent loop takes a lease: the time of the loop is that of its items.
pub(super) fn leased_around_a_loop(program: &Program) -> bool {
    program.nodes.iter().any(|node| {
        let class = program.class(node.class);
        let acquires = matches!(&node.kind, Kind::Leaf(steps) if steps
            .iter()
            .any(|s| matches!(s, Step::Access(_, Access::Acquire { .. }))));
        let loops = program.classes.iter().any(|c| c.looped.is_some() && c.flow == class.flow);
        acquires && class.looped.is_none() && loops
    })
}
