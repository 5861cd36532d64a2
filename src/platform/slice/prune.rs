//! A definition without the actions that do not matter, their places in the order closed up.

use super::closure::Kept;
use super::event::Sources;
use crate::definition::ast::{
    Action, ActionKind, Call, Definition, Flow, RunAfter, Status, TimeLimit,
};
use crate::definition::expression::{Expr, Template};
use crate::definition::location::Location;
use crate::model::external::{ANSWER, ROWS};
use crate::model::program::{Kind, Program};
use crate::platform::connector::SYMBOL;
use crate::platform::lower::folded;
use std::collections::{BTreeMap, BTreeSet};

/// All ways to end.
const ENDS: [Status; 5] =
    [Status::Succeeded, Status::Failed, Status::Skipped, Status::TimedOut, Status::Cancelled];

pub(super) fn prune(definition: &Definition, program: &Program, kept: &Kept) -> Definition {
    let flows = definition.flows.iter().enumerate().map(|(index, flow)| {
        let mine = |set: &BTreeSet<crate::model::ids::NodeId>| -> BTreeSet<String> {
            set.iter()
                .filter(|&&n| program.flow_of(n) as usize == index && program.node(n).written)
                .map(|&n| folded(&program.node(n).name))
                .collect()
        };
        let early = program.ids().filter(|&n| program.flow_of(n) as usize == index);
        let early = early.filter_map(|n| match program.node(n).kind {
            Kind::Until { early: Some(round), .. } => Some((folded(&program.node(n).name), round)),
            _ => None,
        });
        let early = early.collect();
        let symbol = mine(&kept.symbol);
        let rows = kept.symbol.iter().copied().filter(|&n| program.reads(n).is_some()).collect();
        let rows = mine(&rows);
        let sources = (!symbol.is_empty()).then(|| Sources::new(flow));
        let names = Names { whole: mine(&kept.whole), symbol, rows, early, sources };
        Flow { actions: names.list(&flow.actions), ..flow.clone() }
    });
    Definition { flows: flows.collect(), ..definition.clone() }
}

struct Names<'d> {
    whole: BTreeSet<String>,
    symbol: BTreeSet<String>,
    /// Of these, those that are answered rows.
    rows: BTreeSet<String>,
    /// The round after which the time of an Until can be up.
    early: BTreeMap<String, u64>,
    /// Where what symbols stand for comes from, if there are any.
    sources: Option<Sources<'d>>,
}

/// What became of an action.
enum Fate {
    Kept(Box<Action>),
    /// It succeeds, or is skipped, as its predecessors say.
    Passed,
    /// It waits for an end that never comes.
    Dead,
}

impl Names<'_> {
    fn list(&self, actions: &[Action]) -> Vec<Action> {
        let mut fates: BTreeMap<String, (Fate, Vec<RunAfter>)> = BTreeMap::new();
        for action in in_order(actions) {
            let (after, dead) = closed_up(&action.run_after, &fates);
            let fate = if dead {
                Fate::Dead
            } else {
                self.one(action, &after).map_or(Fate::Passed, |a| Fate::Kept(Box::new(a)))
            };
            fates.insert(folded(&action.name), (fate, after));
        }
        let mut kept = Vec::new();
        for action in actions {
            if let Some((Fate::Kept(_), _)) = fates.get(&folded(&action.name))
                && let Some((Fate::Kept(action), _)) = fates.remove(&folded(&action.name))
            {
                kept.push(*action);
            }
        }
        kept
    }

    /// The action with what matters inside it; `None` if nothing does.
    fn one(&self, action: &Action, after: &[RunAfter]) -> Option<Action> {
        let name = folded(&action.name);
        let whole = self.whole.contains(&name);
        let kind = match &action.kind {
            ActionKind::Scope { actions, all_or_nothing } => {
                let actions = self.list(actions);
                (whole && !actions.is_empty())
                    .then(|| ActionKind::Scope { actions, all_or_nothing: *all_or_nothing })
            }
            ActionKind::Parallel { branches } => whole.then(|| ActionKind::Parallel {
                branches: branches.iter().map(|b| self.list(b)).collect(),
            }),
            ActionKind::If { condition, then, otherwise } => whole.then(|| ActionKind::If {
                condition: condition.clone(),
                then: self.list(then),
                otherwise: self.list(otherwise),
            }),
            ActionKind::Switch { on, cases, default } => whole.then(|| ActionKind::Switch {
                on: on.clone(),
                cases: cases.iter().map(|(c, a)| (c.clone(), self.list(a))).collect(),
                default: self.list(default),
            }),
            ActionKind::Foreach { over, concurrency, actions } => {
                whole.then(|| ActionKind::Foreach {
                    over: over.clone(),
                    concurrency: *concurrency,
                    actions: self.list(actions),
                })
            }
            ActionKind::Until { condition, limit, fail_at_limit, actions, .. } => {
                whole.then(|| ActionKind::Until {
                    condition: condition.clone(),
                    limit: *limit,
                    // What is left out took time, too.
                    time: self.early.get(&name).map_or(TimeLimit::Never, |n| TimeLimit::Rounds(*n)),
                    fail_at_limit: *fail_at_limit,
                    actions: self.list(actions),
                })
            }
            leaf if whole => Some(leaf.clone()),
            leaf if self.symbol.contains(&name) => {
                let told = self.sources.as_ref().map_or(Vec::new(), |s| s.told(action));
                let operation = if self.rows.contains(&name) { ROWS } else { ANSWER };
                Some(symbol(leaf, operation, told, &action.at))
            }
            _ => None,
        };
        Some(Action { kind: kind?, run_after: after.to_vec(), ..action.clone() })
    }
}

/// An action whose answer stands for itself, and depends on what it was told of the event.
fn symbol(kind: &ActionKind, operation: &str, told: Vec<Expr>, at: &Location) -> ActionKind {
    match kind {
        ActionKind::Call(call) if call.connector != "cell" => ActionKind::Call(Call {
            connector: SYMBOL.into(),
            operation: operation.into(),
            parameters: (0..)
                .map(|n: usize| format!("{n:04}"))
                .zip(told.into_iter().map(|e| Template::Expr(e, at.clone())))
                .collect(),
        }),
        other => other.clone(),
    }
}

/// Predecessors before successors; what stands in a circle comes last, as written.
fn in_order(actions: &[Action]) -> Vec<&Action> {
    let names: BTreeSet<String> = actions.iter().map(|a| folded(&a.name)).collect();
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    loop {
        let before = order.len();
        for action in actions {
            let name = folded(&action.name);
            let ready = action.run_after.iter().all(|r| {
                let before = folded(&r.action);
                !names.contains(&before) || done.contains(&before)
            });
            if ready && done.insert(name) {
                order.push(action);
            }
        }
        if order.len() == before {
            break;
        }
    }
    order.extend(actions.iter().filter(|a| !done.contains(&folded(&a.name))));
    order
}

/// The predecessors that are left, and whether one of them can never end as asked.
fn closed_up(
    after: &[RunAfter],
    fates: &BTreeMap<String, (Fate, Vec<RunAfter>)>,
) -> (Vec<RunAfter>, bool) {
    let mut all: Vec<RunAfter> = Vec::new();
    let mut dead = false;
    for wanted in after {
        let any = wanted.statuses.contains(&Status::Skipped);
        match fates.get(&folded(&wanted.action)) {
            Some((Fate::Kept(_), _)) | None => add(&mut all, wanted.clone()),
            Some((Fate::Passed, before)) => {
                if wanted.statuses.contains(&Status::Succeeded) {
                    for earlier in before {
                        let mut earlier = earlier.clone();
                        if any {
                            earlier.statuses = ENDS.to_vec();
                        }
                        add(&mut all, earlier);
                    }
                } else {
                    dead = true;
                }
            }
            Some((Fate::Dead, before)) => {
                if any {
                    let waits =
                        before.iter().map(|b| RunAfter { statuses: ENDS.to_vec(), ..b.clone() });
                    waits.for_each(|b| add(&mut all, b));
                } else {
                    dead = true;
                }
            }
        }
    }
    (all, dead)
}

/// Both conditions on one predecessor hold.
fn add(all: &mut Vec<RunAfter>, new: RunAfter) {
    match all.iter_mut().find(|r| r.action.eq_ignore_ascii_case(&new.action)) {
        Some(old) => old.statuses.retain(|s| new.statuses.contains(s)),
        None => all.push(new),
    }
}
