//! The check of a certificate: the initial states are listed, every step from a listed state leads to a listed one, no
//! rule fires on the way, nothing is stuck, every end is the same, and nothing else is listed.
//!
//! Plain code for the sake of trust: no numbers, no tables of results, a state is what it is. It shares the one-step
//! semantics and the monitors with everybody, and the relative domain with the prover, but not its exploration.

mod step;

use super::plain::{Plain, PlainKid, PlainRun};
use super::relative::{Coarse, Relative, item, settle_content};
use super::state::{Count, Tally};
use crate::explore::ending::judge_contents;
use crate::model::block::{Block, Mark, Memory, Phase};
use crate::model::content::{Content, Lease};
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::Program;
use crate::model::value::Value;
use crate::property::judge::Judge;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use step::Open;

/// Why a certificate does not hold.
pub type Flaw = String;

/// Checks the listed states of a program.
pub fn verify(
    program: &Program,
    relative: &Relative,
    listed: &BTreeSet<String>,
) -> Result<(), Flaw> {
    let mut check =
        Verifier { program, relative, judge: Judge::new(program), totals: BTreeMap::new() };
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut todo = check.initial()?;
    let mut ends = BTreeSet::new();
    while let Some(state) = todo.pop() {
        let line = state.line(program);
        if met.contains(&line) {
            continue;
        }
        if !listed.contains(&line) {
            return Err(format!("a state that can be reached is not listed: {line}"));
        }
        met.insert(line);
        if state.runs.keys().all(|r| r.root.ended.is_some()) {
            ends.insert(check.end(&state)?);
        } else {
            todo.extend(check.next(&state)?);
        }
    }
    if let Some(extra) = listed.difference(&met).next() {
        return Err(format!("a state is listed that cannot be reached: {extra}"));
    }
    if check.judge.bare.intersection(&check.judge.held).next().is_some() {
        return Err("a section can be entered without its lease".into());
    }
    if ends.len() != 1 || check.totals.values().any(|t| t.len() > 1) {
        return Err("it can end in more than one way".into());
    }
    Ok(())
}

/// An end: observed contents, and what each flow's runs did.
type End = (Vec<Vec<Option<BTreeMap<Arc<str>, Value>>>>, BTreeMap<u32, (Tally, Vec<u8>)>);

struct Verifier<'p> {
    program: &'p Program,
    relative: &'p Relative,
    judge: Judge,
    totals: BTreeMap<ClassId, BTreeSet<Tally>>,
}

/// All that may be left of a count when one is taken out of it.
fn without<K: Ord + Clone>(map: &BTreeMap<K, Count>, key: &K) -> Vec<BTreeMap<K, Count>> {
    let mut none = map.clone();
    match none.remove(key) {
        Some(Count::Many) => [Count::One, Count::Many]
            .map(|left| {
                let mut some = map.clone();
                some.insert(key.clone(), left);
                some
            })
            .into(),
        _ => vec![none],
    }
}

impl Verifier<'_> {
    fn initial(&mut self) -> Result<Vec<Plain>, Flaw> {
        let program = self.program;
        let mut contents = Vec::new();
        for (index, resource) in program.resources.iter().enumerate() {
            let mut content = Content::new(&resource.initial);
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            settle_content(self.relative, rid, &mut content, &mut Vec::new()).map_err(flaw)?;
            contents.push(Arc::new(content));
        }
        let shared = contents.iter().zip(&program.resources);
        let shared = shared.map(|(c, r)| r.owner.is_none().then(|| c.clone())).collect();
        let mut states = vec![Plain { shared, runs: BTreeMap::new() }];
        for (flow, plan) in program.flows.iter().enumerate() {
            let mut next = Vec::new();
            for state in states {
                let run = PlainRun {
                    flow: u32::try_from(flow).unwrap_or(u32::MAX),
                    root: Block::fresh(program, plan.class),
                    tally: Tally::new(),
                    ended: vec![0; plan.loops.len()],
                    own: plan.variables.iter().map(|v| contents[v.index()].clone()).collect(),
                    kids: BTreeMap::new(),
                };
                let open =
                    Open { shared: state.shared.clone(), others: state.runs, run, kid: None };
                let Some(open) = self.act(open, None)? else { continue };
                if plan.runs > 1 && open.shared != state.shared {
                    return Err("a run changes something shared before it is stepped".into());
                }
                next.push(open.clone().close(Count::One));
                if plan.runs > 1 {
                    next.push(open.close(Count::Many));
                }
            }
            states = next;
        }
        Ok(states)
    }

    fn end(&self, state: &Plain) -> Result<End, Flaw> {
        let contents = |r: ResourceId| {
            state.shared[r.index()].clone().unwrap_or_else(|| {
                let of = |run: &PlainRun| {
                    let variables = &self.program.flows[run.flow as usize].variables;
                    variables.iter().position(|v| *v == r).map(|at| run.own[at].clone())
                };
                state.runs.keys().find_map(of).unwrap_or_default()
            })
        };
        if let Some(violation) = judge_contents(self.program, &contents).first() {
            return Err(format!("{} in the end", violation.rule));
        }
        let observed: BTreeSet<ResourceId> =
            self.program.observed.iter().map(|o| o.resource).collect();
        let data = |r: &ResourceId| {
            let content = contents(*r);
            content.rows.iter().map(|row| row.as_ref().map(|r| r.columns.clone())).collect()
        };
        let mut runs = BTreeMap::new();
        for run in state.runs.keys() {
            let did = (run.tally.clone(), run.ended.clone());
            if runs.insert(run.flow, did.clone()).is_some_and(|other| other != did) {
                return Err("runs of one flow can do different things".into());
            }
        }
        Ok((observed.iter().map(data).collect(), runs))
    }

    /// Every successor of a state that has not ended.
    fn next(&mut self, state: &Plain) -> Result<Vec<Plain>, Flaw> {
        let mut next = Vec::new();
        let mut alive = false;
        for run in state.runs.keys() {
            for others in without(&state.runs, run) {
                let open =
                    Open { shared: state.shared.clone(), others, run: run.clone(), kid: None };
                alive |= self.of_run(&open, &mut next)?;
            }
        }
        for index in 0..state.shared.len() {
            let rid = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            let free = |b: &Block| b.ended.is_some() || !b.marks.contains_key(&Mark::Holds(rid));
            let nobody =
                state.runs.keys().all(|r| free(&r.root) && r.kids.keys().all(|k| free(&k.block)));
            if nobody && state.shared[index].as_ref().is_some_and(|c| c.lease == Lease::Held(true))
            {
                alive = true;
                let mut state = state.clone();
                expire(&mut state.shared[index]);
                next.push(state);
            }
        }
        if alive {
            Ok(next)
        } else {
            Err(format!("nothing can go on: {}", state.line(self.program)))
        }
    }

    fn of_run(&mut self, open: &Open, next: &mut Vec<Plain>) -> Result<bool, Flaw> {
        if open.run.root.ended.is_some() {
            return Ok(false);
        }
        let program = self.program;
        let plan = &program.flows[open.run.flow as usize];
        let mut alive = self.of_process(open, next)?;
        for kid in open.run.kids.keys() {
            for kids in without(&open.run.kids, kid) {
                let mut open = open.clone();
                open.run.kids = kids;
                open.kid = Some(kid.clone());
                alive |= self.of_process(&open, next)?;
            }
        }
        for (number, &class) in plan.loops.iter().enumerate() {
            let Some(looped) = program.class(class).looped else { continue };
            if open.run.root.nodes[program.node(looped).slot as usize].phase != Phase::Running {
                continue;
            }
            let mut started = open.clone();
            let mut block = Block::fresh(program, class);
            if program.class(class).uses_item {
                block.item = item();
            }
            started.kid = Some(PlainKid { class, block, tally: Tally::new() });
            let started = self.act(started, None)?;
            self.finished(started, next)?;
            if !open.run.kids.keys().any(|k| k.class == class) {
                alive = true;
                let mut over = open.clone();
                over.run.root.complete(program, looped);
                over.run.ended[number] = (over.run.ended[number] + 1).min(2);
                next.extend(self.act(over, None)?.map(|o| o.close(Count::One)));
            }
        }
        Ok(alive)
    }

    /// The steps of the process that is taken out, and its lease running out.
    fn of_process(&mut self, open: &Open, next: &mut Vec<Plain>) -> Result<bool, Flaw> {
        let program = self.program;
        let root = program.flows[open.run.flow as usize].class;
        let (class, block) =
            open.kid.as_ref().map_or((root, &open.run.root), |k| (k.class, &k.block));
        let nodes = program.class(class).nodes.iter().zip(&block.nodes);
        let ready: Vec<NodeId> =
            nodes.filter(|(_, s)| matches!(s.phase, Phase::Ready(_))).map(|(&n, _)| n).collect();
        let mut alive = false;
        for &node in &ready {
            let after = self.act(open.clone(), Some(node))?;
            alive |= after.is_some();
            self.finished(after, next)?;
        }
        let call = ready.iter().map(|&n| program.node(n).takes).max().unwrap_or(0);
        for (mark, memory) in &block.marks {
            let (Mark::Holds(r), Memory::Clock(passed, Some(limit))) = (mark, memory) else {
                continue;
            };
            if passed.saturating_add(call) >= *limit {
                alive = true;
                let mut open = open.clone();
                expire(&mut open.shared[r.index()]);
                let block = open.kid.as_mut().map_or(&mut open.run.root, |k| &mut k.block);
                block.marks.remove(mark);
                block.marks.insert(Mark::Lost(*r), memory.clone());
                next.push(open.close(Count::One));
            }
        }
        Ok(alive)
    }

    /// After a step: an iteration that has ended goes into its loop.
    fn finished(&mut self, open: Option<Open>, next: &mut Vec<Plain>) -> Result<(), Flaw> {
        let Some(mut open) = open else { return Ok(()) };
        if let Some(kid) = open.kid.take_if(|k| k.block.ended.is_some()) {
            self.totals.entry(kid.class).or_default().insert(kid.tally);
            if let Some(looped) = self.program.class(kid.class).looped {
                open.run.root.fold(self.program, looped, &kid.block, Value::Null);
                open.run.root.nodes[self.program.node(looped).slot as usize].count = 0;
            }
            next.extend(self.act(open, None)?.map(|o| o.close(Count::One)));
        } else {
            next.push(open.close(Count::One));
        }
        Ok(())
    }
}

fn flaw(coarse: Coarse) -> Flaw {
    coarse.0
}

fn expire(content: &mut Option<Arc<Content>>) {
    if let Some(content) = content {
        let expired = Content { lease: Lease::Expired, ..(**content).clone() };
        *content = Arc::new(expired);
    }
}
