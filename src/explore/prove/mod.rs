//! A proof for any number of items, and any number of them at a time.
//!
//! Iterations of a concurrent loop (and runs of one flow) that stand alike are counted, not listed: none, one or many
//! (counter abstraction: German and Sistla 1992; with the two limits 1 and many, Pnueli, Xu and Zuck 2002). Taking one
//! from many leaves one or many, both are followed; a loop may start another iteration at any time and may end when none
//! is under way. So each schedule of any number of items under any window is, step by step, one of the abstract
//! schedules. The step itself is `model::transition`, its judgement `property::judge`, the same as in the search.
//!
//! Three things make the set of abstract states finite: iterations carry no number (they are interchangeable if nothing
//! looks into the item, Ip and Dill 1996; `eligible.rs`); old etags are alike; and numbers that grow are told by how
//! they stand towards their cell (`relative.rs`). No acceleration is needed, as in the trees of Karp and Miller 1969: a
//! count has three values. What the abstraction cannot follow is *too coarse*, never safe.
//!
//! If no rule fires in any abstract state and nothing is ever stuck, no rule fires in any schedule. A rule that fires
//! in an abstract state is only a suspicion. Last resorts (an outcome that no serial order gives) need the outcomes:
//! `finals.rs` derives them.
//!
//! Limits that the abstraction dropped or took for out of reach hold up to some number of items: [`Reach`].

pub mod counted;
pub mod cover;
mod effect;
pub mod eligible;
pub mod finals;

mod growing;
mod hear;
pub mod plain;
pub mod relative;
pub mod starve;
pub mod state;
pub mod step;
pub mod verify;

use crate::explore::ranking::{largest, most_items};
use crate::model::analysis::patient;
use crate::model::program::{Kind, Over, Program};
use crate::property::judge::Violation;
use cover::{Cover, cover};
use relative::Coarse;
use std::collections::BTreeSet;

/// How far a proof reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Any number of items.
    Any,
    /// So many items in each loop: from there on a limit of the flow can be reached.
    UpTo(u64),
    /// The items of the scope: a loop that runs one at a time is listed.
    Scope,
}

/// What counting says.
#[derive(Debug)]
pub struct Proof<'p> {
    /// For how many items.
    pub reach: Reach,
    /// Rules that may fire, last resorts left out; empty: none does.
    pub suspicions: BTreeSet<Violation>,
    /// All schedules.
    pub all: Cover<'p>,
    /// Only those in which no rule fires; `None` if that is all of them.
    pub clear: Option<Cover<'p>>,
}

/// Explores the program with its iterations counted. Its counters must have been dropped where that is allowed.
pub fn prove(program: &Program) -> Result<Proof<'_>, Coarse> {
    let relative = eligible::relative(program)?;
    let all = cover(program, &relative, false)?;
    let suspicions: BTreeSet<Violation> =
        all.violations.iter().filter(|v| !v.weak).cloned().collect();
    let clear = if suspicions.is_empty() { None } else { Some(cover(program, &relative, true)?) };
    Ok(Proof { reach: reach(program), suspicions, all, clear })
}

/// How far a proof of this program reaches.
pub fn reach(program: &Program) -> Reach {
    let listed = program.nodes.iter().any(|n| match &n.kind {
        Kind::Loop { over: Over::Count(_), degree } => *degree <= 1,
        _ => false,
    });
    if listed {
        return Reach::Scope;
    }
    let holds = |most: Option<u64>| most.unwrap_or(u64::MAX);
    match holds(most_items(program)).min(holds(largest(|items| patient(program, items)))) {
        u64::MAX => Reach::Any,
        most => Reach::UpTo(most),
    }
}
