//! The monitors: a step is a race if, had its reads happened at the moment of its write, it would have done
//! something different (design.md §6).

use super::again::{Again, Refresh};
use super::duplicate::{
    applied, made_again, sets_the_same, takes_effect_for_same_event, takes_effect_twice,
};
use super::late::overwrites_newer;
use super::lookup::{
    Write, acquires, clash, condition, contended, guard_reader, is_copy, joined, now, once_more,
    only_column, only_found, reader_of, takes_lease, value_at, written_expr,
};
use super::partial::{left_behind, masked, undoes_another};
pub use super::violation::Violation;
use super::words::{self, stale};
use crate::model::access::{Act, Caller, act};
use crate::model::analysis::expressions;
use crate::model::block::{Block, Mark, Memory};
use crate::model::expression::{Env, Expr};
use crate::model::external::timeless;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::late::Late;
use crate::model::program::{Access, Guard, Kind, Program, Shape, Step};
use crate::model::say::said;
use crate::model::support::support;
use crate::model::transition::{Event, Observer, Round};
use crate::model::value::Value;
use crate::model::view::View;
use std::collections::BTreeSet;
use std::sync::Arc;

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

/// Why an operation is made twice.
const ANSWER_LOST: &str = "before, when its answer was lost";
/// The other reason.
pub const FIRED_TWICE: &str = "before, when the trigger fired for the same event";

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
                let (detail, column) = ("no attempt is left".to_owned(), "value".into());
                self.fire("retry-exhausted", *resource, Some(&column), vec![event.node], detail);
            }
            if event.round == Some(Round::GivenUp)
                && let Some((node, resource, column)) = contended(program, event.node)
            {
                let detail = "and its last round was refused because of another process".to_owned();
                self.fire("retry-exhausted", resource, column.as_ref(), vec![node], detail);
            }
        }
        if !ended {
            return;
        }
        self.fired.extend(left_behind(program, class, block));
        for mark in block.marks.keys() {
            if let Mark::Holds(lease) = mark {
                let acquire = program.ids().find(|&n| takes_lease(program, n, *lease));
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
                once_more(write.access, write.act),
            );
            let new = repeated
                .ok()
                .map(|a| value_at(a.after.as_ref().or(Some(write.before)), *row, column));
            if new.as_ref().map(timeless) == Some(timeless(&old)) {
                continue;
            }
            let expr = written_expr(write.access, column);
            if only_found(view.program, write, expr) {
                continue;
            }
            any = true;
            let reader =
                expr.and_then(|e| reader_of(view.program, e, write.resource)).unwrap_or(write.node);
            let copy = expr.is_some_and(|e| is_copy(view.program, e, write.resource, column));
            let rule = if copy { "collateral-overwrite" } else { "lost-update" };
            let now = value_at(Some(write.before), *row, column);
            let detail = stale(&now, &old, new.as_ref());
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
        let detail = words::broken(broken);
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
        let detail = format!("a row with the key {} exists by then", said(&other));
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
        let lost = takes_effect_twice(view, &write);
        let fired = takes_effect_for_same_event(view, &write);
        for (_, why) in [(lost, ANSWER_LOST), (fired, FIRED_TWICE)].into_iter().filter(|d| d.0) {
            let column = done.wrote.iter().map(|(_, c)| c).find(|c| !c.is_empty());
            let made = done.wrote.iter().any(|(_, c)| c.is_empty());
            let (column, detail) = (column.filter(|_| !made), format!("took effect {why}"));
            self.fire("retry-duplicate", resource, column, vec![node], detail);
        }
        let program = view.program;
        let mut guards = program.node(node).guards.iter();
        let broken = guards.find(|g| !Again::new(view, Refresh::All).holds(g));
        let access_now = now(access);
        let repeated = if broken.is_some() {
            None
        } else {
            let once = once_more(access, done);
            let now = &mut Again::new(view, Refresh::All);
            act(program, resource, &access_now, &before, now, once).ok()
        };
        let then = done.after.as_ref().unwrap_or(&before);
        let again = repeated.as_ref().and_then(|a| a.after.as_ref()).unwrap_or(&before);
        // It may also be that it would have been refused, as what it has found is gone.
        let refused = repeated.as_ref().is_some_and(|a| a.refused.is_some());
        let settled = then.same_data(again) || broken.is_some() && sets_the_same(&write);
        if settled && !refused {
            if broken.is_none() {
                self.creates(view, &write);
            }
            return;
        }
        let rows = |a: &Act| a.wrote.iter().map(|w| w.0).collect::<BTreeSet<u32>>();
        let elsewhere = repeated.as_ref().is_some_and(|a| rows(a) != rows(done));
        if elsewhere && let Some(twice) = made_again(view.program, &write) {
            return self.fired.push(twice);
        }
        if self.values(view, &write) {
            return;
        }
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

    fn arrives(&mut self, view: &mut View<'_>, resource: ResourceId, late: &Late, act: &Act) {
        self.fired.extend(overwrites_newer(view, resource, late, act));
    }

    fn sent(&mut self, view: &mut View<'_>, node: NodeId) {
        let exprs = expressions(view.program, node);
        self.fired.extend(masked(view, node, None, &exprs));
        let repeated = applied(view, node).map(|_| ANSWER_LOST);
        let doubled = view.done_for_same_event(node).map(|_| FIRED_TWICE);
        self.fired.extend([repeated, doubled].into_iter().flatten().map(|why| Violation {
            rule: "retry-duplicate",
            resource: None,
            column: None,
            actions: vec![node],
            detail: format!("was sent {why}"),
            weak: false,
        }));
        let program = view.program;
        for guard in &program.node(node).guards {
            if Again::new(view, Refresh::All).holds(guard) {
                continue;
            }
            let Some(expr) = condition(view.program, guard) else { continue };
            let Some(&resource) = support(view.program, expr).iter().next() else { continue };
            let reader = guard_reader(view.program, guard, resource);
            let column = only_column(view.program, resource, expr);
            let detail = words::broken(Some(guard));
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
            // What the branch around a loop had set is what its iterations expect.
            let around = view.parent.into_iter().flat_map(|p| p.marks.iter());
            let class = |n: NodeId| view.program.node(n).class;
            let of_branch = |m: &Mark| matches!(m, Mark::Bled(_, w) if class(*w) != view.class);
            let marks = view.block.marks.iter().chain(around.filter(|(m, _)| of_branch(m)));
            let bled: BTreeSet<(NodeId, Value)> = marks
                .filter_map(|(m, memory)| match (m, memory) {
                    (Mark::Bled(r, w), Memory::Value(v)) if *r == variable => Some((*w, v.clone())),
                    _ => None,
                })
                .collect();
            for (writer, own) in bled {
                let now = view.variable(variable).unwrap_or(Value::Null);
                if now != own
                    && !view.program.parted(writer, node)
                    && !joined(view, variable, (writer, node))
                {
                    let detail = words::bled(&now, &own);
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
