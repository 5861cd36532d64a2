//! Abstract states: the shared resources, and how many processes stand where, as none, one or many.

use super::relative::Cell;
use crate::explore::table::Interner;
use crate::model::block::Block;
use crate::model::content::Content;
use crate::model::ids::{ClassId, ResourceId};
use crate::model::program::Program;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many there are; what is not listed is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    /// Exactly one.
    One,
    /// Two or more.
    Many,
}

impl Count {
    /// What may be left when one is taken away.
    pub fn less_one(self) -> &'static [Option<Count>] {
        match self {
            Self::One => &[None],
            Self::Many => &[Some(Self::One), Some(Self::Many)],
        }
    }
}

/// Adds to a sorted list of counts.
pub fn add<K: Ord>(list: &mut Vec<(K, Count)>, key: K, count: Count) {
    match list.binary_search_by(|(k, _)| k.cmp(&key)) {
        Ok(at) => list[at].1 = Count::Many,
        Err(at) => list.insert(at, (key, count)),
    }
}

/// What a process has done to relative cells so far: writes, and by how much in sum.
pub type Tally = BTreeMap<Cell, (u32, i64)>;

/// An iteration: its block and its tally, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid {
    /// Which loop it belongs to.
    pub class: ClassId,
    /// Its block.
    pub block: u32,
    /// Its tally.
    pub tally: u32,
}

/// A run with its variables and iterations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// Which flow.
    pub flow: u32,
    /// Its own block.
    pub root: u32,
    /// What it did itself.
    pub tally: u32,
    /// How often each of its concurrent loops has ended, up to 2.
    pub ended: Vec<u8>,
    /// Its variables, in the order of the flow's.
    pub own: Vec<u32>,
    /// Its iterations, sorted.
    pub kids: Vec<(Kid, Count)>,
}

/// An abstract state: every state with these contents and these counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// By resource; 0 for variables.
    pub shared: Vec<u32>,
    /// By number, sorted.
    pub runs: Vec<(u32, Count)>,
}

/// Each part once.
#[derive(Debug)]
pub struct Parts {
    /// By resource.
    pub contents: Vec<Interner<Content>>,
    /// By class.
    pub blocks: Vec<Interner<Block>>,
    /// Tallies.
    pub tallies: Interner<Tally>,
    /// Runs.
    pub runs: Interner<Run>,
}

impl Parts {
    /// Empty tables.
    pub fn new(program: &Program) -> Self {
        let mut tallies = Interner::default();
        tallies.intern(Tally::new());
        Self {
            contents: program.resources.iter().map(|_| Interner::default()).collect(),
            blocks: program.classes.iter().map(|_| Interner::default()).collect(),
            tallies,
            runs: Interner::default(),
        }
    }

    /// The block of a class.
    pub fn block(&self, class: ClassId, id: u32) -> &Arc<Block> {
        self.blocks[class.0 as usize].get(id)
    }

    /// A resource's content as a run sees it.
    pub fn content(
        &self,
        program: &Program,
        state: &State,
        run: &Run,
        r: ResourceId,
    ) -> &Arc<Content> {
        self.contents[r.index()].get(place(program, &state.shared, &run.own, run.flow, r))
    }
}

/// The content number of a resource for a run.
pub fn place(program: &Program, shared: &[u32], own: &[u32], flow: u32, r: ResourceId) -> u32 {
    if program.resource(r).owner.is_none() {
        return shared[r.index()];
    }
    let variables = &program.flows[flow as usize].variables;
    let at = variables.iter().position(|v| *v == r);
    at.map_or(0, |at| own[at])
}
