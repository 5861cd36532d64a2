//! The closed set: every abstract state that can be reached, and what fires in it.

use super::relative::{Coarse, Relative, coarse};
use super::state::{Run, State, Tally};
use super::step::{Next, Stepper};
use crate::explore::ending::judge_contents;
use crate::model::content::Content;
use crate::model::ids::{ClassId, ResourceId};
use crate::model::program::Program;
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Abstract states at most; more is no summary any more.
pub const MOST: usize = 20_000;

/// Rows by number, then columns: an observed resource in the end.
type Data = Vec<Option<BTreeMap<Arc<str>, crate::model::value::Value>>>;

/// What an end looks like, relative cells aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Observed resources.
    pub data: Vec<(ResourceId, Data)>,
    /// By flow: what its runs did themselves, and how often their loops ended.
    pub runs: BTreeSet<(u32, Tally, Vec<u8>)>,
}

/// What was found of all reachable abstract states.
#[derive(Debug)]
pub struct Cover<'p> {
    /// The tables.
    pub stepper: Stepper<'p>,
    /// In order of discovery.
    pub states: Vec<State>,
    /// Transitions taken.
    pub transitions: u64,
    /// Rules that fire somewhere, the last resorts among them.
    pub violations: BTreeSet<Violation>,
    /// The ends.
    pub ends: BTreeSet<End>,
}

/// Explores all abstract states; with `clear`, only what happens as long as no rule fires.
pub fn cover<'p>(
    program: &'p Program,
    relative: &Relative,
    clear: bool,
) -> Result<Cover<'p>, Coarse> {
    let mut cover = Cover {
        stepper: Stepper::new(program, relative.clone(), clear),
        states: Vec::new(),
        transitions: 0,
        violations: BTreeSet::new(),
        ends: BTreeSet::new(),
    };
    let mut seen: BTreeSet<State> = BTreeSet::new();
    let initial = cover.stepper.initial()?;
    cover.take(initial, clear, &mut seen);
    let mut at = 0;
    while at < cover.states.len() {
        if cover.states.len() > MOST {
            return coarse("there are too many abstract states");
        }
        let state = cover.states[at].clone();
        at += 1;
        if cover.ended(&state) {
            let fired = cover.judge(&state);
            if fired.is_empty() || !clear {
                let end = cover.end(&state);
                cover.ends.insert(end);
            }
            cover.violations.extend(fired);
            continue;
        }
        let (next, alive) = cover.stepper.successors(&state)?;
        if !alive {
            cover.violations.insert(stuck());
        }
        cover.transitions += next.len() as u64;
        cover.take(next, clear, &mut seen);
    }
    let judge = &cover.stepper.judge;
    if judge.bare.intersection(&judge.held).next().is_some() {
        return coarse("a section can be entered without its lease");
    }
    Ok(cover)
}

impl Cover<'_> {
    fn take(&mut self, next: Vec<Next>, clear: bool, seen: &mut BTreeSet<State>) {
        for (state, fired) in next {
            let strong = fired.iter().any(|v| !v.weak);
            self.violations.extend(fired);
            if !(clear && strong) && seen.insert(state.clone()) {
                self.states.push(state);
            }
        }
    }

    fn run(&self, id: u32) -> &Arc<Run> {
        self.stepper.parts.runs.get(id)
    }

    fn ended(&self, state: &State) -> bool {
        state.runs.iter().all(|&(id, _)| {
            let run = self.run(id);
            let class = self.stepper.program.flows[run.flow as usize].class;
            self.stepper.parts.block(class, run.root).ended.is_some()
        })
    }

    fn content(&self, state: &State, resource: ResourceId) -> Arc<Content> {
        let program = self.stepper.program;
        let owner = program.resource(resource).owner;
        let run = state
            .runs
            .iter()
            .map(|&(id, _)| self.run(id))
            .find(|r| owner.is_none_or(|flow| flow == r.flow))
            .expect("internal error: a flow without a run");
        self.stepper.parts.content(program, state, run, resource).clone()
    }

    fn judge(&self, state: &State) -> Vec<Violation> {
        judge_contents(self.stepper.program, &|r| self.content(state, r))
    }

    fn end(&self, state: &State) -> End {
        let resources: BTreeSet<ResourceId> =
            self.stepper.program.observed.iter().map(|o| o.resource).collect();
        let data = |r: ResourceId| {
            let content = self.content(state, r);
            content.rows.iter().map(|row| row.as_ref().map(|r| r.columns.clone())).collect()
        };
        let runs = state.runs.iter().map(|&(id, _)| {
            let run = self.run(id);
            (run.flow, (**self.stepper.parts.tallies.get(run.tally)).clone(), run.ended.clone())
        });
        End { data: resources.into_iter().map(|r| (r, data(r))).collect(), runs: runs.collect() }
    }

    /// What each iteration of a class has done when it has ended, if that is always the same.
    pub fn total(&self, class: ClassId) -> Option<Arc<Tally>> {
        match self.stepper.totals.get(&class) {
            None => Some(Arc::default()),
            Some(all) if all.len() == 1 => {
                all.first().map(|&id| self.stepper.parts.tallies.get(id).clone())
            }
            Some(_) => None,
        }
    }
}

/// Something cannot go on. Which actions wait is for a concrete schedule to tell.
fn stuck() -> Violation {
    Violation {
        rule: "stuck",
        resource: None,
        column: None,
        actions: Vec::new(),
        detail: String::new(),
        weak: false,
    }
}
