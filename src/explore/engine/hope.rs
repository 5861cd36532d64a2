//! Iterations beyond hope: those that cannot end any more without a rule that fires, or a retry that is given up.
//!
//! After a complete search everything is known that a block can do in any state that can be reached. So an iteration
//! that stands in a block has hope while a resource has a content, if one of its moves, nothing firing, is possible
//! with that content and ends it, or leads to where it has hope, or the one that takes its place; if it has hope after it
//! heard of a change; or if it has hope with what somebody's move, nothing firing, makes of that content. What else the
//! other processes do meanwhile, and all other resources, are left out of account, which can only leave too much hope.

use super::delta::{Delta, Learned};
use super::{Engine, State};
use crate::explore::table::NONE;
use crate::model::ids::ResourceId;
use crate::model::program::Kind;

/// More pairs of blocks and contents are not looked at.
const MOST: usize = 1 << 18;

/// Where there is hope, resource by resource. Empty where nothing can be said.
#[derive(Debug, Default)]
pub struct Hope(Vec<Pairs>);

#[derive(Debug)]
struct Pairs {
    resource: ResourceId,
    contents: usize,
    /// By class, then number of the block and of the content.
    hope: Vec<Vec<bool>>,
}

/// A content that is asked for (none: any), and what is made of it.
type Drift = (Option<usize>, usize);

/// Where a block gets by a move, or by hearing of one.
struct Onward {
    class: usize,
    number: usize,
    /// The content that the move asks for; none: any. What it leaves is a drift.
    asked: Option<usize>,
    /// The block; 0 if it ends and no other iteration takes its place.
    to: usize,
}

/// Gives hope to all from where it can be reached, until nothing more gets any.
fn spread(hope: &mut [Vec<bool>], contents: usize, moves: &[Onward], drifts: &[Drift]) {
    let every = |asked: Option<usize>| asked.map_or(0..contents, |c| c..c + 1);
    let mut more = true;
    while std::mem::take(&mut more) {
        for Onward { class, number, asked, to } in moves.iter().rev() {
            for content in every(*asked) {
                let then = hope[*class][to * contents + content];
                let now = &mut hope[*class][number * contents + content];
                more |= then && !*now;
                *now |= then;
            }
        }
        for &(asked, left) in drifts.iter().rev() {
            for block in hope.iter_mut().flat_map(|h| h.chunks_mut(contents)) {
                for content in every(asked) {
                    more |= block[left] && !block[content];
                    block[content] |= block[left];
                }
            }
        }
    }
}

impl Engine<'_> {
    /// Where there is hope.
    pub fn hope(&self) -> Hope {
        let ends_others = |n| matches!(self.program.node(n).kind, Kind::Terminate(_));
        let looped = self.program.classes.iter().any(|c| c.looped.is_some());
        if !looped
            || !self.complete
            || self.program.cancellable
            || self.program.ids().any(ends_others)
            || self.learned.iter().any(|l| l.delta == Delta::Slow)
        {
            return Hope::default();
        }
        // What leases and late writes do by themselves is nobody's move.
        let own = |r: &ResourceId| !self.leasable.contains(r) && !self.written_late.contains(r);
        let resources = (0..self.contents.len()).filter_map(|r| u32::try_from(r).ok());
        Hope(resources.map(ResourceId).filter(own).filter_map(|r| self.pairs(r)).collect())
    }

    fn pairs(&self, resource: ResourceId) -> Option<Pairs> {
        let contents = self.contents[resource.index()].len();
        let mut unknown = vec![true; self.locals.len()];
        self.learned.iter().for_each(|learned| unknown[learned.local as usize] = false);
        let mut hope: Vec<Vec<bool>> = Vec::new();
        for (class, blocks) in self.known.iter().enumerate() {
            let iterates = self.program.classes[class].looped.is_some();
            let has = blocks.iter().enumerate().map(|(number, known)| {
                let said = known.locals.clone().all(|local| !unknown[local as usize]);
                number == 0 || known.ended.is_some() || !said
            });
            let has = has.flat_map(|has| std::iter::repeat_n(has, contents));
            hope.push(if iterates { has.collect() } else { Vec::new() });
        }
        let (mut moves, drifts) = self.moves_at(resource);
        moves.retain(|step| !hope[step.class].is_empty());
        let blocks: usize = hope.iter().map(Vec::len).sum::<usize>() / contents.max(1);
        if blocks * contents.max(drifts.len()) > MOST || moves.is_empty() {
            return None;
        }
        spread(&mut hope, contents, &moves, &drifts);
        Some(Pairs { resource, contents, hope })
    }

    /// All moves in which nothing fires and what blocks hear, as far as this resource has to do with it; and which content
    /// they make of which (of any, if none is named).
    fn moves_at(&self, resource: ResourceId) -> (Vec<Onward>, Vec<Drift>) {
        let homes = self.homes();
        let (mut moves, mut drifts) = (Vec::new(), Vec::new());
        for learned in self.learned.iter().filter(|learned| !learned.fired) {
            let Delta::Plain(plain) = &learned.delta else { continue };
            let asked = self.asked(learned, resource);
            let left = plain.writes.iter().find(|w| w.0 == resource).map(|w| w.1 as usize);
            drifts.extend(left.map(|left| (asked, left)));
            let (class, number) = homes[learned.local as usize];
            moves.push(Onward { class, number, asked, to: plain.block as usize });
        }
        moves.extend(self.touched.iter().map(|([class, number, ..], to)| Onward {
            class: class as usize,
            number: number as usize,
            asked: None,
            to: to as usize,
        }));
        drifts.sort_unstable();
        drifts.dedup();
        (moves, drifts)
    }

    /// The class and the number of the block that offers a local move.
    fn homes(&self) -> Vec<(usize, usize)> {
        let mut homes = vec![(0, 0); self.locals.len()];
        for (class, blocks) in self.known.iter().enumerate() {
            for (number, known) in blocks.iter().enumerate() {
                known.locals.clone().for_each(|local| homes[local as usize] = (class, number));
            }
        }
        homes
    }

    /// The content of a resource on which a move rests, if it looks at it.
    fn asked(&self, learned: &Learned, resource: ResourceId) -> Option<usize> {
        let about = self.locals[learned.local as usize].1;
        let read = learned.reads.iter().find(|r| r.0 == resource).map(|r| r.1 as usize);
        read.or((about == resource.0 && about != NONE).then_some(learned.content as usize))
    }

    /// Whether some iteration of a state is beyond hope, so that everything cannot end without a rule that fires.
    pub fn is_hopeless(&self, hope: &Hope, state: &State) -> bool {
        hope.0.iter().any(|pairs| {
            let owner = self.program.resource(pairs.resource).owner;
            self.units.iter().any(|&unit| {
                if owner.is_some_and(|flow| flow != self.layout.flow(unit.run)) {
                    return false;
                }
                let content = state[self.layout.resource(pairs.resource, unit.run)] as usize;
                let at = state[self.layout.place(unit)] as usize * pairs.contents + content;
                let hope = pairs.hope[self.layout.class(unit).0 as usize].get(at);
                content < pairs.contents && hope == Some(&false)
            })
        })
    }
}
