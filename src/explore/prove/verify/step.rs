//! One step of the verifier, and who hears of it.

use super::{Flaw, Verifier, flaw};
use crate::explore::prove::plain::{Plain, PlainKid, PlainRun, join};
use crate::explore::prove::relative::{Coarse, Renaming, Stored, Written, settle_content, stored};
use crate::explore::prove::state::{Count, Tally};
use crate::model::answers::Answers;
use crate::model::block::{Block, Phase};
use crate::model::content::Content;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::{Kind, Program};
use crate::model::transition::{Change, Halt, Machine, World};
use crate::model::value::Value;
use crate::model::view::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A state with one run, and perhaps one iteration of it, taken out.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) shared: Vec<Option<Arc<Content>>>,
    pub(super) others: BTreeMap<PlainRun, Count>,
    pub(super) run: PlainRun,
    pub(super) kid: Option<PlainKid>,
}

struct Cells<'a> {
    program: &'a Program,
    open: &'a Open,
    written: BTreeMap<ResourceId, Content>,
}

impl Store for Cells<'_> {
    fn read(&mut self, resource: ResourceId) -> Arc<Content> {
        let written = self.written.get(&resource).map(|c| Arc::new(c.clone()));
        written.or_else(|| self.open.content(self.program, resource)).unwrap_or_default()
    }
    fn write(&mut self, resource: ResourceId, content: Content) {
        self.written.insert(resource, content);
    }
}

impl Open {
    fn content(&self, program: &Program, resource: ResourceId) -> Option<Arc<Content>> {
        self.shared[resource.index()].clone().or_else(|| {
            let variables = &program.flows[self.run.flow as usize].variables;
            variables.iter().position(|v| *v == resource).map(|at| self.run.own[at].clone())
        })
    }

    pub(super) fn close(mut self, count: Count) -> Plain {
        if let Some(kid) = self.kid.take() {
            join(&mut self.run.kids, kid, Count::One);
        }
        join(&mut self.others, self.run, count);
        Plain { shared: self.shared, runs: self.others }
    }
}

impl Verifier<'_> {
    /// One step (or none) and settling; everybody hears of it. `None`: it waits.
    pub(super) fn act(
        &mut self,
        mut open: Open,
        node: Option<NodeId>,
    ) -> Result<Option<Open>, Flaw> {
        let program = self.program;
        let root = program.flows[open.run.flow as usize].class;
        let class = open.kid.as_ref().map_or(root, |k| k.class);
        let block = open.kid.as_ref().map_or(&open.run.root, |k| &k.block).clone();
        let parent = open.kid.as_ref().map(|_| open.run.root.clone());
        let mut cells = Cells { program, open: &open, written: BTreeMap::new() };
        let world = World::new();
        let answers = Answers::of(&world);
        let mut machine =
            Machine::new(program, (class, block), parent.as_ref(), &mut cells, &answers)
                .watched(&mut self.judge);
        let moved = node.map_or(Ok(()), |n| machine.step(n)).and_then(|()| machine.settle());
        let Machine { block, changes, events, uncounted_violation, terminated, .. } = machine;
        let over = block.ended.is_some() || terminated.is_some();
        self.judge.judge_events(program, &events, class, over, &block);
        if let Some(violation) = self.judge.drain().into_iter().find(|v| !v.weak) {
            return Err(format!("{} fires", violation.rule));
        }
        match moved {
            Err(Halt::Disabled) => return Ok(None),
            Err(Halt::Choice(_)) => return Err("a condition depends on what nobody knows".into()),
            Err(Halt::Beyond(_)) => return Err("a step takes too long to be looked through".into()),
            Ok(()) if uncounted_violation => return Err("an Until needs its counter".into()),
            Ok(()) if terminated.is_some() => return Err("a run is ended from within".into()),
            Ok(()) => {}
        }
        let mut written = Vec::new();
        for (resource, mut content) in cells.written {
            settle_content(self.relative, resource, &mut content, &mut written).map_err(flaw)?;
            if let Some(shared) = &mut open.shared[resource.index()] {
                *shared = Arc::new(content);
                continue;
            }
            let variables = &program.flows[open.run.flow as usize].variables;
            if let Some(at) = variables.iter().position(|v| *v == resource) {
                open.run.own[at] = Arc::new(content);
            }
        }
        let tally = open.kid.as_mut().map_or(&mut open.run.tally, |k| &mut k.tally);
        self.count(tally, &changes)?;
        let own = open.kid.as_mut().map_or(&mut open.run.root, |k| &mut k.block);
        *own = uncounted(program, class, block);
        Renaming { written: &written, own: true }.block(program, class, own).map_err(flaw)?;
        self.tell(&mut open, &changes, &written).map_err(flaw)?;
        Ok(Some(open))
    }

    /// Adds what was written to what the process has done; it must have added to what was there.
    fn count(&self, tally: &mut Tally, changes: &[Change]) -> Result<(), Flaw> {
        for (cell, how) in changes.iter().flat_map(|c| stored(self.relative, c)) {
            let Stored::Current(by) = how else {
                return Err("a growing cell is written without its current value".into());
            };
            let entry = tally.entry(cell).or_default();
            *entry = (entry.0 + 1, entry.1 + by);
        }
        Ok(())
    }

    /// Everybody but the process itself hears of the changes.
    fn tell(&self, open: &mut Open, changes: &[Change], written: &[Written]) -> Result<(), Coarse> {
        let program = self.program;
        let root = program.flows[open.run.flow as usize].class;
        let hear = |class: ClassId, block: &mut Block, related: bool, foreign: bool| {
            let reaches = |r: ResourceId| !foreign || program.resource(r).owner.is_none();
            for change in changes.iter().filter(|c| reaches(c.resource)) {
                block.hear(program, class, change, related);
            }
            let written: Vec<Written> =
                written.iter().filter(|w| reaches(w.cell.resource)).cloned().collect();
            Renaming { written: &written, own: false }.block(program, class, block)
        };
        let kids = |kids: &BTreeMap<PlainKid, Count>, related: bool, foreign: bool| {
            let mut heard = BTreeMap::new();
            for (kid, count) in kids {
                let mut kid = kid.clone();
                hear(kid.class, &mut kid.block, related, foreign)?;
                join(&mut heard, kid, *count);
            }
            Ok(heard)
        };
        if open.kid.is_some() {
            hear(root, &mut open.run.root, true, false)?;
        }
        open.run.kids = kids(&open.run.kids, open.kid.is_none(), false)?;
        let mut others = BTreeMap::new();
        for (run, count) in &open.others {
            let mut run = run.clone();
            hear(program.flows[run.flow as usize].class, &mut run.root, false, true)?;
            run.kids = kids(&run.kids, false, true)?;
            join(&mut others, run, *count);
        }
        open.others = others;
        Ok(())
    }
}

/// How many iterations have started and ended is not told.
fn uncounted(program: &Program, class: ClassId, mut block: Block) -> Block {
    for (&node, state) in program.class(class).nodes.iter().zip(&mut block.nodes) {
        let concurrent = matches!(program.node(node).kind, Kind::Loop { degree, .. } if degree > 1);
        if concurrent && state.phase == Phase::Running {
            state.count = 0;
            state.started = 0;
            let counted = matches!(state.items, Value::Int(_));
            state.items = if counted { Value::Int(1) } else { Value::Null };
        }
    }
    block
}
