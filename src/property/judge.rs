//! The monitors: a step is a race if, had its reads happened at the moment of its write, it would have done
//! something different (design.md §6).

use super::again::{Again, Refresh};
use super::duplicate::{applied, takes_effect_twice};
use super::partial::{left_behind, masked, undoes_another};
use crate::model::access::{Act, Caller, act};
use crate::model::analysis::expressions;
use crate::model::block::{Block, Mark, Memory};
use crate::model::content::Content;
use crate::model::expression::{Env, Expr};
use crate::model::external::identity;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Access, Columns, Guard, Kind, Program, Shape, Step};
use crate::model::say::say;
use crate::model::support::{readers, support};
use crate::model::transition::{Event, Observer};
use crate::model::value::Value;
use crate::model::view::View;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One rule that fired: what a finding is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// Rule id.
    pub rule: &'static str,
    /// The contested resource.
    pub resource: Option<ResourceId>,
    /// Its column.
    pub column: Option<Arc<str>>,
    /// Reader then writer, or the two writers.
    pub actions: Vec<NodeId>,
    /// What happened and what should have, in the maker's words.
    pub detail: String,
    /// A last resort: a finding only if nothing else explains an outcome that no serial order gives.
    pub weak: bool,
}

/// What the monitors have seen since it was last asked, and facts that only the whole exploration can judge.
#[derive(Debug, Default)]
pub struct Judge {
    fired: Vec<Violation>,
    /// Writes seen under a lease.
    pub held: BTreeSet<(NodeId, ResourceId)>,
    /// Writes seen after a lease was asked for and not had.
    pub bare: BTreeSet<(NodeId, ResourceId)>,
    /// Writes that a lease should guard, as far as that is known: without it they fire.
    pub guarded: BTreeSet<(NodeId, ResourceId)>,
}

pub(super) const CALLER: Caller =
    Caller { lease: None, exhaustible: false, loaded: None, found: None };

impl Judge {
    /// No rule has fired.
    pub fn new(_program: &Program) -> Self {
        Self::default()
    }

    /// The rules that fired since the last call.
    pub fn drain(&mut self) -> Vec<Violation> {
        let mut fired = std::mem::take(&mut self.fired);
        fired.sort();
        fired.dedup();
        fired
    }

    fn fire(
        &mut self,
        rule: &'static str,
        resource: ResourceId,
        column: Option<&Arc<str>>,
        actions: Vec<NodeId>,
        detail: String,
    ) {
        let mut actions = actions;
        actions.dedup();
        self.fired.push(Violation {
            rule,
            resource: Some(resource),
            column: column.cloned(),
            actions,
            detail,
            weak: false,
        });
    }

    /// Bounds that contention used up, and leases that nobody gives back.
    pub fn judge_events(
        &mut self,
        program: &Program,
        events: &[Event],
        class: ClassId,
        ended: bool,
        block: &Block,
    ) {
        for event in events {
            if event.exhausted
                && let Kind::Leaf(steps) = &program.node(event.node).kind
                && let Some(Step::Access(resource, _)) = steps.get(usize::from(event.step))
            {
                let detail = "used up its attempts while others held the lease".to_owned();
                self.fire(
                    "retry-exhausted",
                    *resource,
                    Some(&"value".into()),
                    vec![event.node],
                    detail,
                );
            }
            if event.gave_up
                && let Some((node, resource, column)) = contended(program, event.node)
            {
                let detail = "its limit was reached, and its last round was refused because of another process".to_owned();
                self.fire("retry-exhausted", resource, column.as_ref(), vec![node], detail);
            }
        }
        if !ended {
            return;
        }
        self.fired.extend(left_behind(program, class, block));
        for mark in block.marks.keys() {
            if let Mark::Holds(lease) = mark {
                let acquire = (0..program.nodes.len())
                    .map(|n| NodeId(u32::try_from(n).unwrap_or(u32::MAX)))
                    .find(|&n| takes_lease(program, n, *lease));
                let detail = "leak: the lease is not given back".to_owned();
                self.fire(
                    "lease-misuse",
                    *lease,
                    Some(&"value".into()),
                    acquire.into_iter().collect(),
                    detail,
                );
            }
        }
    }

    /// Writes of values that would be others now; whether any was.
    fn values(&mut self, view: &mut View<'_>, write: &Write<'_>) -> bool {
        let mut any = false;
        let mut seen = BTreeSet::new();
        for (row, column) in &write.act.wrote {
            if column.is_empty() || !seen.insert(column.clone()) {
                continue;
            }
            let old = value_at(write.act.after.as_ref(), *row, column);
            let refresh = Refresh::Column(write.resource, column.clone());
            let repeated = act(
                view.program,
                write.resource,
                write.access,
                write.before,
                &mut Again::new(view, refresh),
                CALLER,
            );
            let new = repeated
                .ok()
                .map(|a| value_at(a.after.as_ref().or(Some(write.before)), *row, column));
            if new.as_ref() == Some(&old) {
                continue;
            }
            any = true;
            let expr = written_expr(write.access, column);
            let reader =
                expr.and_then(|e| reader_of(view.program, e, write.resource)).unwrap_or(write.node);
            let copy = expr.is_some_and(|e| is_copy(view.program, e, write.resource, column));
            let rule = if copy { "collateral-overwrite" } else { "lost-update" };
            let now = value_at(Some(write.before), *row, column);
            let detail = match new {
                Some(new) => format!(
                    "computed from an old read; it said {} by then, so it should have written {}",
                    say(&now),
                    say(&new)
                ),
                None => format!(
                    "computed from an old read; it said {} by then, so it should have failed",
                    say(&now)
                ),
            };
            self.fire(rule, write.resource, Some(column), vec![reader, write.node], detail);
        }
        any
    }

    /// A condition that would be false now, or a selection that would be another.
    fn guards(&mut self, view: &mut View<'_>, write: &Write<'_>, broken: Option<&Guard>) {
        let column = write.act.wrote.iter().map(|(_, c)| c).find(|c| !c.is_empty());
        let created = write.act.wrote.iter().any(|(_, c)| c.is_empty());
        let table = view.program.resource(write.resource);
        let reader = broken.map_or(write.node, |g| guard_reader(view.program, g, write.resource));
        let actions = vec![reader, write.node];
        let detail = "its condition would be false by then".to_owned();
        if created && !table.key.is_empty() && clash(view.program, write).is_some() {
            self.fire(
                "duplicate-create",
                write.resource,
                None,
                actions,
                "a row with this key exists by then".to_owned(),
            );
        } else {
            let column = if table.shape == Shape::Table && created { None } else { column };
            self.fire("stale-guard", write.resource, column, actions, detail);
        }
    }

    /// Two live rows with one key, made by unordered processes.
    fn creates(&mut self, view: &mut View<'_>, write: &Write<'_>) {
        // Of rows outside only those are known to be alike that a check was to keep apart.
        if view.program.resource(write.resource).shape == Shape::External {
            return;
        }
        let Some((row, other)) = clash(view.program, write) else { return };
        let mark = write.before.rows[row].as_ref().and_then(|r| r.marks.get("")).map(|m| m.node);
        let Some(maker) = mark else { return };
        let last = Mark::Last(write.resource, u32::try_from(row).unwrap_or(u32::MAX), "".into());
        let mine = view.block.marks.contains_key(&last)
            || view.parent.is_some_and(|p| p.marks.contains_key(&last));
        if mine && !view.program.parted(maker, write.node) {
            return;
        }
        let detail = format!("a row with the key {} exists by then", say(&other));
        self.fire(
            "duplicate-create",
            write.resource,
            None,
            vec![maker.min(write.node), maker.max(write.node)],
            detail,
        );
    }

    fn leases(&mut self, view: &View<'_>, write: &Write<'_>) {
        let program = view.program;
        let column = write.act.wrote.iter().map(|(_, c)| c).find(|c| !c.is_empty());
        // A lease of the run guards its iterations, too.
        let around = view.parent.map(|p| &p.marks).into_iter();
        let marks = || around.clone().chain([&view.block.marks]).flatten();
        for (mark, memory) in marks() {
            match (mark, memory) {
                (Mark::Holds(lease), _) => {
                    self.held.insert((write.node, *lease));
                }
                (Mark::Lost(lease), Memory::Clock(..)) => {
                    let acquire = acquires(program, write.node, *lease);
                    let actions = acquire.into_iter().take(1).chain([write.node]).collect();
                    let asks = if write.resource == *lease {
                        ""
                    } else {
                        ", and what it writes does not ask for it"
                    };
                    let detail = format!("the lease had run out before this write{asks}");
                    self.fire("lease-misuse", write.resource, column, actions, detail);
                }
                _ => {}
            }
        }
        for (index, resource) in program.resources.iter().enumerate() {
            let lease = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            let marked = marks().any(|(m, _)| *m == Mark::Holds(lease) || *m == Mark::Lost(lease));
            if resource.shape == Shape::Blob && !marked {
                let before = acquires(program, write.node, lease);
                if before.iter().any(|&a| program.precedes(a, write.node)) {
                    self.bare.insert((write.node, lease));
                    if self.guarded.contains(&(write.node, lease)) {
                        let actions = before.iter().copied().take(1).chain([write.node]).collect();
                        let detail = "enters the section without the lease".to_owned();
                        self.fire("lease-misuse", write.resource, column, actions, detail);
                    }
                }
            }
        }
    }
}

/// A write under judgement.
struct Write<'a> {
    node: NodeId,
    resource: ResourceId,
    access: &'a Access,
    act: &'a Act,
    before: &'a Content,
}

impl Observer for Judge {
    fn effect(
        &mut self,
        view: &mut View<'_>,
        node: NodeId,
        resource: ResourceId,
        access: &Access,
        done: &Act,
    ) {
        if matches!(access, Access::Get) && view.program.resource(resource).shape == Shape::Variable
        {
            self.reads(view, node, &Expr::Variable(resource));
        }
        if done.refused.is_some() || done.wrote.is_empty() {
            return;
        }
        let before = view.store.read(resource);
        let write = Write { node, resource, access, act: done, before: &before };
        self.leases(view, &write);
        self.fired.extend(undoes_another(view, node, resource, done));
        self.fired.extend(masked(view, node, Some(resource), &access.expressions()));
        if takes_effect_twice(view, node, resource, access, done, &before) {
            let column = done.wrote.iter().map(|(_, c)| c).find(|c| !c.is_empty());
            let made = done.wrote.iter().any(|(_, c)| c.is_empty());
            let detail = "took effect before, when its answer was lost".to_owned();
            self.fire("retry-duplicate", resource, column.filter(|_| !made), vec![node], detail);
        }
        let guards = view.program.node(node).guards.clone();
        let broken = guards.iter().find(|g| !Again::new(view, Refresh::All).holds(g));
        let access_now = now(access);
        let repeated = match broken {
            Some(_) => None,
            None => act(
                view.program,
                resource,
                &access_now,
                &before,
                &mut Again::new(view, Refresh::All),
                CALLER,
            )
            .ok(),
        };
        let then = done.after.as_ref().unwrap_or(&before);
        let again = repeated.as_ref().and_then(|a| a.after.as_ref()).unwrap_or(&before);
        if then.same_data(again) {
            if broken.is_none() {
                self.creates(view, &write);
            }
            return;
        }
        if self.values(view, &write) {
            return;
        }
        let rows = |a: &Act| a.wrote.iter().map(|w| w.0).collect::<BTreeSet<u32>>();
        let elsewhere = repeated.as_ref().is_some_and(|a| rows(a) != rows(done));
        if broken.is_some() || elsewhere {
            self.guards(view, &write, broken);
        } else {
            let column = done.wrote.iter().map(|(_, c)| c).find(|c| !c.is_empty());
            let detail = "computed from a value that has changed since".to_owned();
            self.fire("stale-guard", resource, column, vec![node], detail);
            if let Some(last) = self.fired.last_mut() {
                last.weak = true;
            }
        }
    }

    fn sent(&mut self, view: &mut View<'_>, node: NodeId) {
        let exprs = expressions(view.program, node);
        self.fired.extend(masked(view, node, None, &exprs));
        if applied(view, node).is_some() {
            self.fired.push(Violation {
                rule: "retry-duplicate",
                resource: None,
                column: None,
                actions: vec![node],
                detail: "was sent before, when its answer was lost".to_owned(),
                weak: false,
            });
        }
        let guards = view.program.node(node).guards.clone();
        for guard in &guards {
            if Again::new(view, Refresh::All).holds(guard) {
                continue;
            }
            let Some(expr) = condition(view.program, guard) else { continue };
            let Some(&resource) = support(view.program, expr).iter().next() else { continue };
            let reader = guard_reader(view.program, guard, resource);
            let column = only_column(view.program, resource, expr);
            let detail = "its condition would be false by then".to_owned();
            self.fire("stale-guard", resource, column.as_ref(), vec![reader, node], detail);
            return;
        }
    }

    fn reads(&mut self, view: &mut View<'_>, node: NodeId, expr: &Expr) {
        let mut variables = BTreeSet::new();
        expr.visit(&mut |e| {
            if let Expr::Variable(v) = e {
                variables.insert(*v);
            }
        });
        for variable in variables {
            let bled: Vec<(NodeId, Value)> = view
                .block
                .marks
                .iter()
                .filter_map(|(m, memory)| match (m, memory) {
                    (Mark::Bled(r, w), Memory::Value(v)) if *r == variable => Some((*w, v.clone())),
                    _ => None,
                })
                .collect();
            for (writer, own) in bled {
                let now = view.variable(variable).unwrap_or(Value::Null);
                if now != own && !view.program.parted(writer, node) {
                    let detail = format!("set it to {} and reads back {}", say(&own), say(&now));
                    self.fire(
                        "iteration-bleed",
                        variable,
                        Some(&"value".into()),
                        vec![writer, node],
                        detail,
                    );
                }
            }
        }
    }
}

/// The access with its check made in the same step.
fn now(access: &Access) -> Access {
    match access {
        Access::CreateIfNone { row, unless, .. } => {
            Access::CreateIfNone { row: row.clone(), unless: unless.clone(), serialized: true }
        }
        other => other.clone(),
    }
}

fn value_at(content: Option<&Content>, row: u32, column: &str) -> Value {
    let row = content.and_then(|c| c.rows.get(row as usize)).and_then(Option::as_ref);
    row.map_or(Value::Null, |r| r.get(column))
}

/// Another live row with the key of the row that was made.
fn clash(program: &Program, write: &Write<'_>) -> Option<(usize, Value)> {
    let table = program.resource(write.resource);
    let made = write.act.wrote.iter().find(|(_, c)| c.is_empty())?.0 as usize;
    let new = write.act.after.as_ref()?.rows.get(made)?.as_ref()?;
    if table.key.is_empty() {
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
pub fn written_expr<'a>(access: &'a Access, column: &str) -> Option<&'a Expr> {
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

/// The action in which the expression got the resource's value.
fn reader_of(program: &Program, expr: &Expr, resource: ResourceId) -> Option<NodeId> {
    let nodes = readers(program, expr);
    let reads =
        |n: NodeId| program.reads(n) == Some(resource) || reads_variable(program, n, resource);
    nodes.into_iter().find(|&n| reads(n))
}

fn reads_variable(program: &Program, node: NodeId, variable: ResourceId) -> bool {
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
fn is_copy(program: &Program, expr: &Expr, resource: ResourceId, column: &str) -> bool {
    match expr {
        Expr::Index { base, key, .. } => {
            let column = **key == Expr::Const(Value::text(column));
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
fn contended(program: &Program, until: NodeId) -> Option<(NodeId, ResourceId, Option<Arc<str>>)> {
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
pub fn condition<'a>(program: &'a Program, guard: &Guard) -> Option<&'a Expr> {
    let (Guard::Side(n, _) | Guard::Case(n, _) | Guard::Again(n) | Guard::Left(n)) = guard;
    match &program.node(*n).kind {
        Kind::If(expr) | Kind::Switch(expr, _) | Kind::Until { condition: expr, .. } => Some(expr),
        _ => None,
    }
}

fn guard_reader(program: &Program, guard: &Guard, resource: ResourceId) -> NodeId {
    let (Guard::Side(n, _) | Guard::Case(n, _) | Guard::Again(n) | Guard::Left(n)) = guard;
    let found = condition(program, guard).and_then(|expr| {
        reader_of(program, expr, resource)
            .or_else(|| readers(program, expr).into_iter().find(|&r| program.reads(r).is_some()))
    });
    found.unwrap_or(*n)
}

/// The column of an item that a condition reads, if it is only one.
fn only_column(program: &Program, resource: ResourceId, expr: &Expr) -> Option<Arc<str>> {
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
fn acquires(program: &Program, node: NodeId, lease: ResourceId) -> Vec<NodeId> {
    let class = program.node(node).class;
    let around = program.class(class).parent;
    let nodes = around.into_iter().chain([class]).flat_map(|c| program.class(c).nodes.clone());
    nodes.filter(|&n| takes_lease(program, n, lease)).collect()
}

fn takes_lease(program: &Program, node: NodeId, lease: ResourceId) -> bool {
    matches!(&program.node(node).kind, Kind::Leaf(steps) if steps
        .iter()
        .any(|s| matches!(s, Step::Access(r, Access::Acquire { .. }) if *r == lease)))
}
