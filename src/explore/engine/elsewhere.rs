//! Elsewhere: what a machine run did under other choices that answer alike all that it asked. Most steps ask little, and
//! flows on unknown data have many choices.

use super::effect::{Effect, Key};
use super::pause::Paused;
use super::{Engine, State};
use crate::explore::layout::Unit;
use crate::explore::table::{Interner, Memo};
use crate::model::answers::Asked;
use crate::model::transition::Halt;
use crate::model::value::Value;

/// As many runs with the same inputs are looked through, or pauses.
pub(super) const MOST: usize = 64;

/// A question's number, and how it was answered, if it was.
pub(super) type Answer = (u32, Option<bool>);

/// What a run asked, and what it did.
type Run = (Box<[Answer]>, Effect);

/// Machine runs by their inputs without the choices, each with what it asked.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    runs: Memo<Key, Vec<Run>>,
    questions: Interner<Value>,
    /// Those that the move under way has stopped to ask for a choice.
    pub(super) paused: Memo<Key, Vec<Paused>>,
    /// By number of the choices: the answers made, in order of their questions.
    worlds: Vec<Option<Box<[Answer]>>>,
    owned: usize,
}

impl Elsewhere {
    /// How the choices of this number answer a question; they are numbered already.
    pub(super) fn answer(&self, world: u32, question: u32) -> Option<bool> {
        let made = self.worlds[world as usize].as_deref().unwrap_or_default();
        made.binary_search_by_key(&question, |a| a.0).ok().and_then(|at| made[at].1)
    }

    /// Bytes in use, about.
    pub(super) fn bytes(&self) -> u64 {
        let worlds = self.worlds.capacity() * size_of::<Option<Box<[Answer]>>>();
        self.runs.bytes() + self.questions.bytes() + (self.owned + worlds) as u64
    }
}

impl Engine<'_> {
    /// What this run does, if it was done under choices that it cannot tell from these.
    pub(super) fn known_elsewhere(
        &mut self,
        state: &State,
        unit: Unit,
        key: Key,
    ) -> Option<Effect> {
        self.elsewhere.runs.get(&key.unworldly())?;
        self.number_answers(key.world);
        let runs = self.elsewhere.runs.get(&key.unworldly())?;
        let answer = |question| self.elsewhere.answer(key.world, question);
        let same = runs.iter().rev().take(MOST).find(|(asked, effect)| {
            self.layout.holds(&effect.reads, state, unit.run)
                && asked.iter().all(|&(question, given)| answer(question) == given)
        });
        same.map(|(_, effect)| effect.clone())
    }

    /// Keeps what a run did, for choices that answer alike what it asked.
    pub(super) fn keep_elsewhere(&mut self, key: Key, mut asked: Vec<Answer>, effect: Effect) {
        if key.world == 0 || matches!(effect.result, Err(Halt::Beyond(_))) {
            return;
        }
        asked.sort_unstable();
        asked.dedup();
        self.elsewhere.owned += size_of::<Run>() + size_of_val(&*asked);
        let runs = self.elsewhere.runs.entry(key.unworldly(), Vec::new);
        runs.push((asked.into(), effect));
    }

    /// The numbers of questions, with their answers.
    pub(super) fn numbered(&mut self, asked: Asked) -> Vec<Answer> {
        asked.into_iter().map(|(question, given)| (self.question(&question), given)).collect()
    }

    /// The number of a question.
    pub(super) fn question(&mut self, question: &Value) -> u32 {
        self.elsewhere.questions.keep(question.clone())
    }

    /// Finds out which answers were made by the choices of this number.
    pub(super) fn number_answers(&mut self, world: u32) {
        let at = world as usize;
        if self.elsewhere.worlds.len() <= at {
            self.elsewhere.worlds.resize(at + 1, None);
        }
        if self.elsewhere.worlds[at].is_some() {
            return;
        }
        let choices = self.worlds.get(world).clone();
        let mut made: Vec<Answer> =
            choices.iter().map(|(q, given)| (self.question(q), Some(*given))).collect();
        made.sort_unstable();
        self.elsewhere.owned += size_of_val(&*made);
        self.elsewhere.worlds[at] = Some(made.into());
    }
}
