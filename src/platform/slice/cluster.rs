//! Clusters: parts of a flow that cannot notice each other. Each cell, with every action that touches it, where their
//! values come from, what is around them, and whatever before them might not succeed; clusters that share a cell are one.
//!
//! A schedule of the flow, restricted to the actions of a cluster, is a schedule of that cluster alone, since what it
//! leaves out only takes its time; and a schedule of a cluster is one of the flow in which the rest happens to pass in
//! between. So rules, final values and invariants (which join the cells they name) are those of the clusters. What has a
//! part in everything (leases and their clocks, faults, Terminate, all-or-nothing groups, a wait that may never end) is
//! not taken apart.

use super::closure::Kept;
use super::prune::prune;
use crate::definition::ast::Definition;
use crate::definition::location::Location;
use crate::model::analysis::{conditions, expressions};
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Adding, Kind, Over, Program, Shape, Status, StatusSet, Step};
use crate::model::value::Value;
use crate::platform::cells::observed;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One cluster as a definition of its own.
#[derive(Debug)]
pub struct Part {
    /// The actions that matter to it, and what is asked of its cells.
    pub definition: Definition,
    /// Its observed cells.
    pub cells: BTreeSet<String>,
}

/// The definition as one for each cluster; a single one, or none, if it cannot be taken apart.
pub fn parts(definition: &Definition, program: &Program) -> Vec<Part> {
    if inseparable(program) {
        return Vec::new();
    }
    let wanted = observed(program, &definition.setup);
    let part = |cluster: Cluster| {
        let mut part =
            prune(definition, program, &Kept { whole: cluster.nodes, ..Kept::default() });
        let own = wanted.iter().filter(|o| cluster.cells.contains(&o.resource));
        let cells: BTreeSet<String> = own.map(|o| o.name.clone()).collect();
        // No name at all would mean every cell.
        let names =
            if cells.is_empty() { vec![String::new()] } else { cells.iter().cloned().collect() };
        part.setup.observe = names.into_iter().map(|name| (name, Location::default())).collect();
        part.setup.expect = None;
        let mut about = program.finally.iter().map(|(e, _)| named(e));
        part.setup.finally.retain(|_| about.next().is_some_and(|c| c.is_subset(&cluster.cells)));
        Part { definition: part, cells }
    };
    let mut all = clusters(program);
    all.sort_by_key(|c| c.nodes.first().copied());
    let idle = |c: &mut Cluster| c.nodes.is_empty();
    let untouched: Vec<Cluster> = all.extract_if(.., idle).collect();
    // What nobody touches is looked at together with the first part.
    if let Some(first) = all.first_mut() {
        first.cells.extend(untouched.into_iter().flat_map(|c| c.cells));
    }
    all.into_iter().map(part).collect()
}

#[derive(Debug, Default)]
struct Cluster {
    cells: BTreeSet<ResourceId>,
    nodes: BTreeSet<NodeId>,
}

/// Whether something in the program reaches everywhere.
fn inseparable(program: &Program) -> bool {
    program.faults > 0
        || program.cancellable
        || !program.groups.is_empty()
        || program.nodes.iter().any(|n| match &n.kind {
            Kind::Terminate(_) => true,
            Kind::Leaf(steps) => steps.iter().any(|s| match s {
                Step::Wait(_) => true,
                Step::Access(_, access) => {
                    matches!(access, Access::Acquire { .. } | Access::Renew(_) | Access::Release(_))
                }
                _ => false,
            }),
            _ => false,
        })
}

fn clusters(program: &Program) -> Vec<Cluster> {
    let touched: Vec<BTreeSet<ResourceId>> = program.ids().map(|n| touches(program, n)).collect();
    let numbers = Numbers::new(program);
    let sure: Vec<bool> = program.ids().map(|n| sure(&numbers, n)).collect();
    let seeds =
        (0..program.resources.len()).map(|r| ResourceId(u32::try_from(r).unwrap_or(u32::MAX)));
    let mut all: Vec<Cluster> = Vec::new();
    let mut join = |cells: BTreeSet<ResourceId>, effect: Option<NodeId>| {
        let (cluster, todo, asked) = (Cluster::default(), Vec::new(), BTreeSet::new());
        let mut work = Work { program, sure: &sure, touched: &touched, cluster, todo, asked };
        cells.into_iter().for_each(|c| work.cell(c));
        effect.into_iter().for_each(|n| work.keep(n));
        work.run();
        let mut new = work.cluster;
        all.retain_mut(|old| {
            let apart = old.cells.is_disjoint(&new.cells);
            if !apart {
                new.cells.append(&mut old.cells);
                new.nodes.append(&mut old.nodes);
            }
            apart
        });
        all.push(new);
    };
    seeds.for_each(|cell| join(BTreeSet::from([cell]), None));
    program.finally.iter().for_each(|(e, _)| join(named(e), None));
    // What is done to the world outside belongs to the cells that its value and its conditions come from.
    let effect = |n: &NodeId| match &program.node(*n).kind {
        Kind::Leaf(steps) => {
            steps.iter().any(|s| matches!(s, Step::Send(_) | Step::Opaque { effect: true, .. }))
        }
        _ => false,
    };
    program.ids().filter(effect).for_each(|n| join(BTreeSet::new(), Some(n)));
    // With no cell at all it is nobody's business.
    all.retain(|c| !c.cells.is_empty());
    all
}

/// The cells that an invariant names.
fn named(expr: &Expr) -> BTreeSet<ResourceId> {
    let mut found = BTreeSet::new();
    expr.visit(&mut |e| {
        if let Expr::State(r) | Expr::Variable(r) = e {
            found.insert(*r);
        }
    });
    found
}

/// Every resource that an action has to do with.
fn touches(program: &Program, node: NodeId) -> BTreeSet<ResourceId> {
    let mut found: BTreeSet<ResourceId> =
        expressions(program, node).into_iter().flat_map(named).collect();
    if let Kind::Leaf(steps) = &program.node(node).kind {
        found.extend(steps.iter().filter_map(|s| match s {
            Step::Access(r, _) => Some(*r),
            _ => None,
        }));
    }
    found
}

struct Work<'p> {
    program: &'p Program,
    sure: &'p [bool],
    touched: &'p [BTreeSet<ResourceId>],
    cluster: Cluster,
    todo: Vec<NodeId>,
    /// Predecessors that have been looked at.
    asked: BTreeSet<NodeId>,
}

impl Work<'_> {
    fn cell(&mut self, cell: ResourceId) {
        if self.cluster.cells.insert(cell) {
            let touching = self.program.ids().filter(|n| self.touched[n.index()].contains(&cell));
            touching.for_each(|n| self.keep(n));
        }
    }

    fn keep(&mut self, node: NodeId) {
        if self.cluster.nodes.insert(node) {
            self.todo.push(node);
        }
    }

    fn run(&mut self) {
        while let Some(node) = self.todo.pop() {
            let touched = self.touched;
            touched[node.index()].iter().for_each(|&c| self.cell(c));
            for expr in expressions(self.program, node) {
                let mut from = Vec::new();
                expr.visit(&mut |e| match e {
                    Expr::Output(n)
                    | Expr::Body(n)
                    // The answer of a loop or scope is made of those inside.
                    | Expr::Action(n)
                    | Expr::Result(n) => from.extend(self.program.subtree(*n)),
                    Expr::Item(n) | Expr::Round(n) => from.push(*n),
                    _ => {}
                });
                from.into_iter().for_each(|n| self.keep(n));
            }
            for outer in self.program.ancestors(node).skip(1) {
                self.keep(outer);
            }
            // A round that fails decides whether there is another.
            if matches!(self.program.node(node).kind, Kind::Until { .. }) {
                self.unsure_below(node);
            }
            // An Until that has to be left first is a condition too.
            let conditions = conditions(self.program, node);
            conditions.iter().for_each(|guard| self.keep(guard.node()));
            self.before(node);
        }
    }

    /// Whoever comes before matters if it may end otherwise than well.
    fn before(&mut self, node: NodeId) {
        let program = self.program;
        let mut todo: Vec<NodeId> = program.node(node).run_after.iter().map(|r| r.0).collect();
        while let Some(node) = todo.pop() {
            if self.asked.insert(node) {
                self.unsure_below(node);
                todo.extend(program.node(node).run_after.iter().map(|r| r.0));
            }
        }
    }

    fn unsure_below(&mut self, node: NodeId) {
        let program = self.program;
        let unsure = program.subtree(node).into_iter().filter(|&n| !self.sure[n.index()]);
        unsure.collect::<Vec<_>>().into_iter().for_each(|n| self.keep(n));
    }
}

/// Whether an action, if it starts, ends by success and without waiting for anybody. Its children are looked at for
/// themselves.
fn sure(numbers: &Numbers<'_>, node: NodeId) -> bool {
    let program = numbers.program;
    let numbers = At { numbers, node };
    expressions(program, node).into_iter().all(|e| numbers.total(e))
        && match &program.node(node).kind {
            Kind::Group | Kind::Parallel | Kind::Loop { over: Over::Count(_), .. } => true,
            Kind::Loop { over: Over::Values(over, _), .. } => {
                matches!(over, Expr::Const(Value::Array(_)) | Expr::Array(_))
            }
            Kind::If(condition) => numbers.truth(condition),
            Kind::Until { condition, fail_at_limit, .. } => {
                !fail_at_limit && numbers.truth(condition)
            }
            // A value that is neither text nor number fails.
            Kind::Switch(on, _) => numbers.number(on),
            Kind::Terminate(_) => false,
            Kind::Leaf(steps) => steps.iter().all(|s| match s {
                Step::Compute(_) | Step::Send(_) | Step::Opaque { .. } => true,
                Step::Wait(_) => false,
                Step::Access(r, access) => numbers.access(*r, access),
            }),
        }
}

/// Which columns only ever hold numbers, so that sums of them are numbers.
struct Numbers<'p> {
    program: &'p Program,
    columns: BTreeSet<(ResourceId, Arc<str>)>,
    /// Whether whatever runs runs because all before it went well.
    plain: bool,
}

impl<'p> Numbers<'p> {
    /// All columns that begin as numbers, less those in which something is written that may be none, until there is no
    /// such column left.
    fn new(program: &'p Program) -> Self {
        let well = StatusSet::of([Status::Succeeded]);
        let plain = program.nodes.iter().flat_map(|n| &n.run_after).all(|a| a.1 == well);
        let first = program.resources.iter().enumerate().flat_map(|(r, resource)| {
            let row = resource.initial.first().into_iter().flatten();
            let id = ResourceId(u32::try_from(r).unwrap_or(u32::MAX));
            row.filter(|(_, v)| matches!(v, Value::Int(_))).map(move |(c, _)| (id, c.clone()))
        });
        let mut numbers = Self { program, columns: first.collect(), plain };
        while let Some(spoilt) = numbers.spoilt() {
            numbers.columns.remove(&spoilt);
        }
        numbers
    }

    /// A column in which an action may write something that is no number.
    fn spoilt(&self) -> Option<(ResourceId, Arc<str>)> {
        self.program.ids().find_map(|node| {
            let Kind::Leaf(steps) = &self.program.node(node).kind else { return None };
            let at = At { numbers: self, node };
            steps.iter().find_map(|step| {
                let Step::Access(r, access) = step else { return None };
                let mut of = self.columns.iter().filter(|(of, _)| of == r);
                of.find(|(_, column)| !at.keeps(access, column)).cloned()
            })
        })
    }
}

/// The expressions of one action.
struct At<'n> {
    numbers: &'n Numbers<'n>,
    node: NodeId,
}

impl At<'_> {
    fn access(&self, r: ResourceId, access: &Access) -> bool {
        let resource = self.numbers.program.resource(r);
        let shape = resource.shape;
        match access {
            Access::Get | Access::Load => matches!(shape, Shape::Variable | Shape::Item),
            Access::Update { if_match, .. } => {
                if_match.is_none() && matches!(shape, Shape::Variable | Shape::Item)
            }
            Access::Add { value, how } | Access::Store { value, how } => match how {
                Adding::Plus | Adding::Minus => self.number(value) && self.column(r, "value"),
                Adding::Append => false,
            },
            Access::Create(_) => shape == Shape::Table && !resource.unique,
            Access::Upsert { .. } => shape == Shape::Table,
            Access::Write { lease, if_match, .. } => lease.is_none() && if_match.is_none(),
            _ => false,
        }
    }

    /// Whether an expression always has a value.
    fn total(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(_) | Expr::Item(_) | Expr::Round(_) | Expr::Variable(_) | Expr::Run => true,
            Expr::Array(parts) | Expr::Concat(parts) => parts.iter().all(|p| self.total(p)),
            Expr::Object(pairs) => pairs.iter().all(|(k, v)| self.total(k) && self.total(v)),
            Expr::Output(_) | Expr::Body(_) | Expr::Action(_) => true,
            Expr::Index { base, key, safe: true } => {
                matches!(**key, Expr::Const(Value::String(_))) && self.item_of(base).is_some()
            }
            other => self.number(other) || self.truth(other),
        }
    }

    /// Whether an expression is always true or false.
    fn truth(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(Value::Bool(_)) => true,
            Expr::Call(f, args) => match (f.name(), args.as_slice()) {
                ("equals", [a, b]) => self.total(a) && self.total(b),
                ("less" | "lessOrEquals" | "greater" | "greaterOrEquals", [a, b]) => {
                    self.number(a) && self.number(b)
                }
                ("and" | "or" | "not", args) => args.iter().all(|a| self.truth(a)),
                _ => false,
            },
            _ => false,
        }
    }

    fn number(&self, expr: &Expr) -> bool {
        /// Sums of so small numbers stay in range however long a flow runs.
        const SMALL: i64 = 1 << 31;
        match expr {
            Expr::Const(Value::Int(n)) => n.abs() < SMALL,
            Expr::Call(f, args) if matches!(f.name(), "add" | "sub") => {
                args.len() == 2 && args.iter().all(|a| self.number(a))
            }
            Expr::Variable(r) => self.column(*r, "value"),
            Expr::Index { base, key, .. } => match (self.item_of(base), &**key) {
                (Some(r), Expr::Const(Value::String(column))) => self.column(r, column),
                _ => false,
            },
            _ => false,
        }
    }

    /// The item whose columns these are: the body of an action that gets it and has surely done so.
    fn item_of(&self, expr: &Expr) -> Option<ResourceId> {
        let (Expr::Body(node) | Expr::Output(node)) = expr else { return None };
        let program = self.numbers.program;
        let Kind::Leaf(steps) = &program.node(*node).kind else { return None };
        let [Step::Access(r, Access::Get)] = steps.as_slice() else { return None };
        let around = program.node(*node).parent;
        let done = self.numbers.plain
            && program.precedes(*node, self.node)
            && program.ancestors(self.node).any(|n| Some(n) == around);
        (done && program.resource(*r).shape == Shape::Item).then_some(*r)
    }

    /// Whether only numbers are ever in a column.
    fn column(&self, r: ResourceId, column: &str) -> bool {
        self.numbers.columns.contains(&(r, column.into()))
    }

    /// Whether a column of the resource that is accessed stays a number.
    fn keeps(&self, access: &Access, column: &str) -> bool {
        match access {
            Access::Get | Access::Load => true,
            Access::Update { set, .. } => {
                set.iter().filter(|(c, _)| **c == *column).all(|(_, v)| self.number(v))
            }
            Access::Add { value, how: Adding::Plus | Adding::Minus }
            | Access::Store { value, how: Adding::Plus | Adding::Minus } => self.number(value),
            _ => false,
        }
    }
}
