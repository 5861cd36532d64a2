//! What a step does to everybody: to the process itself, to those who hear of it, to the symbols they hold.

use super::relative::{Coarse, Renaming, Stored, Written, coarse};
use super::state::{Count, Kid, Tally, add};
use super::step::{Scene, Stepper};
use crate::model::ids::{ClassId, ResourceId};

/// How the listener stands to the process that changed something: another iteration of the same loop, the run
/// around it (or an iteration inside it), or a process of another run.
const SIBLING: u8 = 0;
const RELATED: u8 = 1;
const FOREIGN: u8 = 2;

impl Stepper<'_> {
    /// The effect on everybody.
    pub(super) fn apply(&mut self, scene: &mut Scene, effect: u32) -> Result<(), Coarse> {
        let program = self.program;
        let root_class = program.flows[scene.run.flow as usize].class;
        let what = &self.effects[effect as usize];
        let quiet = what.changes.is_empty() && what.written.is_empty();
        let terminated = what.terminated;
        for &(resource, id) in &what.contents {
            if program.resource(resource).owner.is_none() {
                scene.shared[resource.index()] = id;
            } else {
                let variables = &program.flows[scene.run.flow as usize].variables;
                if let Some(at) = variables.iter().position(|v| *v == resource) {
                    scene.run.own[at] = id;
                }
            }
        }
        let tally = scene.kid.map_or(scene.run.tally, |k| k.tally);
        let tally = self.tallied(tally, effect)?;
        let class = scene.kid.map_or(root_class, |k| k.class);
        let block = self.renamed_own(class, effect)?;
        if let Some(kid) = &mut scene.kid {
            *kid = Kid { block, tally, ..*kid };
        } else {
            (scene.run.root, scene.run.tally) = (block, tally);
        }
        if !quiet {
            if scene.kid.is_some() {
                scene.run.root = self.hear(effect, root_class, scene.run.root, RELATED)?;
            }
            let how = if scene.kid.is_some() { SIBLING } else { RELATED };
            scene.run.kids = self.hear_kids(effect, &scene.run.kids, how)?;
            scene.rest = self.hear_runs(effect, &scene.rest)?;
        }
        if let Some(status) = terminated {
            self.terminated = true;
            scene.kid = None;
            scene.run.kids.clear();
            let mut root = (**self.parts.block(root_class, scene.run.root)).clone();
            root.terminate(status);
            scene.run.root = self.intern(root_class, root);
        }
        Ok(())
    }

    fn tallied(&mut self, tally: u32, effect: u32) -> Result<u32, Coarse> {
        let stored = &self.effects[effect as usize].stored;
        if stored.is_empty() {
            return Ok(tally);
        }
        let mut tally: Tally = (**self.parts.tallies.get(tally)).clone();
        for (cell, how) in stored {
            let entry = tally.entry(cell.clone()).or_default();
            entry.0 += 1;
            if let Stored::Current(k) | Stored::Earlier(k) = how {
                entry.1 += k;
            }
            if entry.0 > 64 {
                return coarse("a process writes a growing cell without limit");
            }
        }
        Ok(self.parts.tallies.intern(tally))
    }

    fn renamed_own(&mut self, class: ClassId, effect: u32) -> Result<u32, Coarse> {
        let what = &self.effects[effect as usize];
        let mut block = what.block.clone();
        let renaming = Renaming { written: &what.written, own: true };
        renaming.block(self.program, class, &mut block)?;
        Ok(self.intern(class, block))
    }

    /// A block after it has heard of the changes and its symbols are renamed.
    fn hear(&mut self, effect: u32, class: ClassId, block: u32, how: u8) -> Result<u32, Coarse> {
        let key = (effect, class, block, how);
        if let Some(&id) = self.heard.get(&key) {
            return Ok(id);
        }
        let program = self.program;
        let what = &self.effects[effect as usize];
        let mut heard = (**self.parts.block(class, block)).clone();
        let reaches = |r: ResourceId| how != FOREIGN || program.resource(r).owner.is_none();
        for change in what.changes.iter().filter(|c| reaches(c.resource)) {
            heard.hear(program, class, change, how == RELATED);
        }
        let written: Vec<Written> =
            what.written.iter().filter(|w| reaches(w.cell.resource)).cloned().collect();
        Renaming { written: &written, own: false }.block(program, class, &mut heard)?;
        let id = self.intern(class, heard);
        self.heard.entry(key, || id);
        Ok(id)
    }

    fn hear_kids(
        &mut self,
        effect: u32,
        kids: &[(Kid, Count)],
        how: u8,
    ) -> Result<Vec<(Kid, Count)>, Coarse> {
        let mut heard = Vec::with_capacity(kids.len());
        for &(kid, count) in kids {
            let block = self.hear(effect, kid.class, kid.block, how)?;
            add(&mut heard, Kid { block, ..kid }, count);
        }
        Ok(heard)
    }

    fn hear_runs(
        &mut self,
        effect: u32,
        runs: &[(u32, Count)],
    ) -> Result<Vec<(u32, Count)>, Coarse> {
        let mut heard = Vec::with_capacity(runs.len());
        for &(id, count) in runs {
            let mut run = (**self.parts.runs.get(id)).clone();
            let class = self.program.flows[run.flow as usize].class;
            run.root = self.hear(effect, class, run.root, FOREIGN)?;
            run.kids = self.hear_kids(effect, &run.kids, FOREIGN)?;
            let id = self.parts.runs.intern(run);
            add(&mut heard, id, count);
        }
        Ok(heard)
    }
}
