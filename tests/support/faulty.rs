//! The second opinion on faults (semantics §6): every call may go wrong in every way, whether or not anybody could tell,
//! as long as the budget lasts. Nothing is left out as redundant here; that is what the engine's choice is held against.

use super::cells::Cells;
use super::expressions::Env;
use super::late::{is_blind, under_way};
use super::naive::{Frame, Path, Slot, State, Status, env};
use super::outline::{Model, Step};
use serde_json::{Value, json};

/// What becomes of a call beside its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// 429, repeated.
    Throttled,
    /// Took effect, not answered, repeated.
    Lost,
    /// Nothing happened, ever.
    Failed,
    /// Took effect, never answered.
    Unanswered,
    /// The action's limit, before and after the effect.
    TimedOut,
    TimedOutLate,
    /// Not answered, and takes effect later: repeated, given up, at the action's limit.
    LostLater,
    UnansweredLater,
    TimedOutLater,
    /// The trigger fires once more for the event of a run.
    FiredAgain,
}

const ALL: [Fault; 9] = [
    Fault::Throttled,
    Fault::Lost,
    Fault::Failed,
    Fault::Unanswered,
    Fault::TimedOut,
    Fault::TimedOutLate,
    Fault::LostLater,
    Fault::UnansweredLater,
    Fault::TimedOutLater,
];

/// Which calls went wrong: the action's place and how.
pub(crate) type Struck = Vec<(Path, Fault)>;

impl Model<'_> {
    /// The faults that may be tried at an action that is about to run.
    pub(crate) fn faults_at(&self, state: &State, path: &Path) -> Vec<Fault> {
        let budget = self.json["scope"]["faults"].as_u64().unwrap_or(0) as usize;
        let (step, test) = self.locate(state, path);
        if test || state.struck.len() >= budget || !self.is_call(step) {
            return vec![];
        }
        ALL.to_vec()
    }

    fn may_be_late(&self) -> bool {
        self.json["assume"]["late-effects"] != "never"
    }

    pub(crate) fn may_fire_twice(&self) -> bool {
        self.json["assume"]["trigger-delivery"] == "at-least-once"
    }

    /// The states in which one more event has started its second run, as long as not everything has ended. Being started
    /// interrupts nobody.
    pub(crate) fn fire_again(&self, state: &State) -> Vec<State> {
        let budget = self.json["scope"]["faults"].as_u64().unwrap_or(0) as usize;
        let over = state.runs.frames.is_empty() && state.late.is_empty();
        if state.struck.len() >= budget || over {
            return vec![];
        }
        let wake = |&run: &usize| {
            let mut next = state.clone();
            let frame = next.asleep.remove(&run).expect("it is asleep");
            next.runs.frames.insert(run, frame);
            next.struck.push((vec![run], Fault::FiredAgain));
            next.struck.sort();
            self.settle(&mut next);
            next
        };
        state.asleep.keys().map(wake).collect()
    }

    fn is_call(&self, step: &Step<'_>) -> bool {
        let calls = ["get", "list", "update", "create", "upsert", "delete"];
        step.kind == "send"
            || (calls.contains(&step.kind)
                && step.json[step.kind]
                    .as_str()
                    .is_some_and(|name| self.json["state"][name]["kind"] != "variable"))
    }

    /// The state after the fault; `None` if it cannot strike: inputs that cannot be evaluated are never sent, a refused
    /// or reading call has no effect to lose the answer of, the last attempt is not repeated.
    pub(crate) fn go_wrong(
        &self,
        state: &State,
        path: &Path,
        fault: Fault,
        serial: bool,
    ) -> Option<State> {
        let (step, _) = self.locate(state, path);
        let (attempt, sent, applied) = self.attempt(state, path);
        let mut changed = state.cells.clone();
        let here = env(state, path);
        let inputs = Env { cells: sent.as_ref().unwrap_or(&state.cells), ..here };
        let (code, _) = changed.effect(step.kind, step.json, &inputs).ok()?;
        let later =
            matches!(fault, Fault::LostLater | Fault::UnansweredLater | Fault::TimedOutLater);
        let late = if later { Some(under_way(path, step, &inputs)?) } else { None };
        drop(inputs);
        let effect = (200..300).contains(&code) && (changed != state.cells || step.kind == "send");
        let after = matches!(fault, Fault::Lost | Fault::Unanswered | Fault::TimedOutLate);
        let again = matches!(fault, Fault::Throttled | Fault::Lost | Fault::LostLater);
        if (after && !effect)
            || (later && !(is_blind(step) && self.may_be_late()))
            || (again && attempt >= retries(step))
        {
            return None;
        }
        let mut next = state.clone();
        next.twice |= after && self.is_second(step, state, &changed, applied, path);
        if after {
            next.cells = changed;
        }
        next.late.extend(late);
        next.struck.push((path.clone(), fault));
        next.struck.sort();
        let (status, code) = match fault {
            Fault::TimedOut | Fault::TimedOutLate | Fault::TimedOutLater => (Status::TimedOut, 408),
            _ => (Status::Failed, 504),
        };
        let kept = sent.unwrap_or_else(|| state.cells.clone());
        let mut finish = |frame: &mut Frame, i: usize| {
            frame.slots[i] = if again {
                Slot::Again(attempt + 1, Box::new(kept.clone()), applied || after)
            } else {
                Slot::Over(status)
            };
            if !again && self.text.contains(&format!("('{}')", step.name)) {
                frame.outputs.insert(step.name.clone(), json!({ "statusCode": code }));
            }
        };
        self.record(&mut next.runs, path, serial, &mut finish, after, false);
        self.settle(&mut next);
        Some(next)
    }

    /// Which attempt is next, what the first one sent, and whether an earlier one took effect.
    pub(crate) fn attempt(&self, state: &State, path: &Path) -> (u64, Option<Cells>, bool) {
        match self.slot(state, path) {
            Slot::Again(attempt, sent, applied) => (*attempt, Some((**sent).clone()), *applied),
            _ => (0, None, false),
        }
    }

    /// Whether an effect is the second of one operation and not the same again: doing it a third time shows it.
    pub(crate) fn is_second(
        &self,
        step: &Step<'_>,
        before: &State,
        after: &Cells,
        applied: bool,
        path: &Path,
    ) -> bool {
        if !applied {
            return false;
        }
        if step.kind == "send" {
            return true;
        }
        let (_, sent, _) = self.attempt(before, path);
        let here = env(before, path);
        let inputs = Env { cells: sent.as_ref().unwrap_or(&before.cells), ..here };
        let mut third = after.clone();
        let code = third.effect(step.kind, step.json, &inputs).map_or(0, |(code, _)| code);
        let same = |a: &Cells, b: &Cells| a.data() == b.data();
        !same(after, &before.cells) && (200..300).contains(&code) && !same(&third, after)
    }
}

/// Further attempts: as written, else the two of Power Automate.
fn retries(step: &Step<'_>) -> u64 {
    let policy: &Value = &step.json["retry"];
    match policy["type"].as_str() {
        Some("none") => 0,
        Some("default") => 2,
        _ if policy.is_null() => 2,
        _ => policy["count"].as_u64().unwrap_or(0),
    }
}
