//! Pause: where a machine run stood when it asked for a choice, so that each answer goes on from there. Without this a
//! chain of conditions is walked from its beginning for every one of them.

use super::effect::Key;
use super::elsewhere::{Answer, MOST};
use super::{Engine, State};
use crate::explore::layout::Unit;
use crate::model::block::Block;
use crate::model::ids::ResourceId;
use crate::model::patience::Effort;
use crate::model::transition::{Change, Event};
use crate::model::value::Value;
use crate::model::walk::Walk;
use crate::property::judge::Violation;

/// Where a machine run stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Paused {
    /// What it asked, if it is known; of a run that goes on, what it asked before.
    pub(super) asked: Option<Vec<Answer>>,
    /// The question that is open.
    pub(super) open: u32,
    /// Whether one of the answers has gone on from here.
    pub(super) used: bool,
    pub(super) block: Block,
    pub(super) changes: Vec<Change>,
    pub(super) events: Vec<Event>,
    pub(super) fired: Vec<Violation>,
    pub(super) uncounted: bool,
    pub(super) effort: Effort,
    pub(super) walk: Option<Walk>,
    pub(super) reads: Vec<(ResourceId, u32)>,
    pub(super) writes: Vec<(ResourceId, u32)>,
}

impl Engine<'_> {
    /// Keeps where a run stands that asks for a choice.
    pub(super) fn pause(&mut self, key: Key, question: &Value, ran: &Paused) {
        let open = self.question(question);
        let Some(asked) = &ran.asked else { return };
        let before = asked.iter().filter(|(q, _)| *q != open).copied().collect();
        let paused = Paused { asked: Some(before), open, used: false, ..ran.clone() };
        self.elsewhere.paused.entry(key.unworldly(), Vec::new).push(paused);
    }

    /// The pause from which a run goes on, now that its question is answered.
    pub(super) fn resumed(&mut self, state: &State, unit: Unit, key: Key) -> Option<Paused> {
        self.elsewhere.paused.get(&key.unworldly())?;
        self.number_answers(key.world);
        let answer = |question| self.elsewhere.answer(key.world, question);
        let fits = |paused: &Paused| {
            let mut asked = paused.asked.iter().flatten();
            answer(paused.open).is_some()
                && self.layout.holds(&paused.reads, state, unit.run)
                && asked.all(|&(question, given)| answer(question) == given)
        };
        let list = self.elsewhere.paused.get(&key.unworldly())?;
        let (at, _) = list.iter().enumerate().rev().take(MOST).find(|(_, paused)| fits(paused))?;
        let list = self.elsewhere.paused.entry(key.unworldly(), Vec::new);
        if list[at].used {
            return Some(list.remove(at));
        }
        list[at].used = true;
        Some(list[at].clone())
    }
}
