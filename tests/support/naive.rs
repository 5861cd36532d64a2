//! A second opinion that shares no code with the engine: brute force over all orders of the design-model JSON. Every action
//! is one step, the start of a container and the test of an Until included; only ends and skips happen by themselves.

use super::cells::{Cells, normalise};
use super::expressions::{Env, template};
use super::faulty::Struck;
use super::late::Late;
use super::outline::{Model, Step};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasherDefault, DefaultHasher};

/// What brute force finds. Values are canonical JSON texts, see `normalise`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Observed cell to its final values, in the ends where everything has ended.
    pub(crate) outcomes: BTreeMap<String, BTreeSet<String>>,
    /// The faults that struck, and the values jointly over all observed cells.
    pub(crate) joint: BTreeSet<(String, String)>,
    /// Those that schedules without interruptions by siblings give.
    pub(crate) serial: BTreeSet<(String, String)>,
    /// Some repeated call took effect twice and did not come to the same.
    pub(crate) twice: bool,
    /// Some end where something has not ended.
    pub(crate) stuck: bool,
    /// Some end where everything has ended and a `finally` does not hold.
    pub finally_violated: bool,
    /// States visited.
    pub(crate) states: usize,
}

impl Answer {
    /// By the definition, within the same faults: one joint outcome, several serial ones, or one that is not serial;
    /// without any serial schedule order-dependent at most.
    pub(crate) fn level(&self) -> &'static str {
        let of = |all: &BTreeSet<(String, String)>, faults: &String| {
            all.iter().filter(|(f, _)| f == faults).cloned().collect::<BTreeSet<_>>()
        };
        let worlds: BTreeSet<&String> = self.joint.iter().map(|(faults, _)| faults).collect();
        let each = worlds.into_iter().map(|w| (of(&self.joint, w), of(&self.serial, w)));
        let level = each.map(|(joint, serial)| match joint.len() {
            0 | 1 => 0,
            _ if serial.is_empty() || joint.is_subset(&serial) => 1,
            _ => 2,
        });
        ["deterministic", "order-dependent", "not-serial"][level.max().unwrap_or(0)]
    }
}

/// All orders of the model, or `None` if there are more than `limit` states.
pub(crate) fn explore(json: &Value, limit: usize) -> Option<Answer> {
    let mut model = Model { json, text: json.to_string(), lists: vec![] };
    let start = model.start();
    let mut answer = Answer::default();
    for cell in model.observed() {
        answer.outcomes.insert(cell, BTreeSet::new());
    }
    model.search(&start, false, limit, &mut answer)?;
    model.search(&start, true, limit, &mut answer)?;
    Some(answer)
}

/// The final values of each observed cell.
pub(crate) fn outcomes(json: &Value) -> BTreeMap<String, BTreeSet<String>> {
    explore(json, usize::MAX).expect("without a limit nothing is cut off").outcomes
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
}

pub(super) type Outputs = BTreeMap<String, Value>;

/// One list of steps being run: a run, an iteration, a branch, a side, a round.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub(super) list: usize,
    pub(super) slots: Vec<Slot>,
    pub(super) outputs: Outputs,
    pub(super) item: Option<(String, Value)>,
    pub(super) active: Option<usize>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    Waiting,
    /// A call that is repeated: which attempt comes, what was sent the first time, whether it took effect before.
    Again(u64, Box<Cells>, bool),
    Running(Group),
    Over(Status),
}

/// What a container has inside: its live lists by index.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) frames: BTreeMap<usize, Frame>,
    pub(super) ended: BTreeMap<usize, Outputs>,
    pub(super) items: Vec<Value>,
    pub(super) next: usize,
    pub(super) failed: bool,
    pub(super) active: Option<usize>,
    pub(super) until: Option<Round>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Round {
    pub(super) number: u64,
    /// The body has ended, the condition is to be tested.
    pub(super) test: bool,
    pub(super) wrote: bool,
    /// The last test said no after a round that changed nothing or was answered 409 or 412; no step since.
    pub(super) refused: bool,
    pub(super) conflict: bool,
    pub(super) up: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) cells: Cells,
    pub(super) runs: Group,
    pub(super) struck: Struck,
    pub(super) late: Vec<Late>,
    /// Second runs that their events have not started yet.
    pub(super) asleep: BTreeMap<usize, Frame>,
    /// One operation took effect twice.
    pub(super) twice: bool,
}

/// Where a step is: run, action, child, action, … , action.
pub(super) type Path = Vec<usize>;

impl<'m> Model<'m> {
    fn start(&mut self) -> State {
        let json = self.json;
        let mut lists = vec![];
        if let Some(flows) = json["flows"].as_object() {
            for flow in flows.values() {
                let list = self.compile(&flow["do"], false);
                lists.extend(vec![list; flow["runs"].as_u64().unwrap_or(1) as usize]);
            }
        } else {
            let list = self.compile(&json["flow"], false);
            lists = vec![list; json["scope"]["runs"].as_u64().unwrap_or(1) as usize];
        }
        let events = lists.len();
        if self.may_fire_twice() {
            lists.extend(lists.clone());
        }
        let mut cells = Cells::default();
        cells.runs = lists.len();
        for (name, group) in json["state"].as_object().into_iter().flatten() {
            cells.declare(name, group);
        }
        let mut frames: BTreeMap<usize, Frame> =
            lists.iter().enumerate().map(|(run, &list)| (run, self.frame(list, None))).collect();
        let asleep = frames.split_off(&events);
        let mut state = State {
            cells,
            runs: Group { frames, ..Group::default() },
            struck: vec![],
            late: vec![],
            asleep,
            twice: false,
        };
        self.settle(&mut state);
        state
    }

    pub(super) fn frame(&self, list: usize, item: Option<(String, Value)>) -> Frame {
        let slots = vec![Slot::Waiting; self.lists[list].len()];
        Frame { list, slots, outputs: Outputs::new(), item, active: None }
    }

    // ---- The search ----

    fn search(&self, start: &State, serial: bool, limit: usize, answer: &mut Answer) -> Option<()> {
        let mut seen = hashbrown::HashSet::<State, BuildHasherDefault<DefaultHasher>>::default();
        seen.insert(start.clone());
        let mut todo = vec![start.clone()];
        while let Some(state) = todo.pop() {
            let mut steps = self.enabled_group(&state, &state.runs, &vec![], serial);
            if serial {
                self.keep_calls_whole(&state, &mut steps);
            }
            let mut ways = self.arrivals(&state);
            if steps.is_empty() && ways.is_empty() {
                self.end(&state, serial, answer);
            }
            for (path, _) in steps {
                let mut next = state.clone();
                self.step(&mut next, &path, serial);
                ways.push(next);
                ways.extend(self.time_is_up(&state, &path, serial));
                let faults = self.faults_at(&state, &path).into_iter();
                ways.extend(faults.filter_map(|f| self.go_wrong(&state, &path, f, serial)));
            }
            ways.extend(self.fire_again(&state));
            for next in ways {
                if !seen.contains(&next) {
                    seen.insert(next.clone());
                    todo.push(next);
                }
            }
            if seen.len() > limit {
                return None;
            }
        }
        if !serial {
            answer.states = seen.len();
        }
        Some(())
    }

    fn end(&self, state: &State, serial: bool, answer: &mut Answer) {
        answer.twice |= state.twice;
        if !state.runs.frames.is_empty() {
            answer.stuck = true;
            return;
        }
        let mut joint = BTreeMap::new();
        for cell in self.observed() {
            let value = normalise(&state.cells.last(&cell)).to_string();
            answer.outcomes.entry(cell.clone()).or_default().insert(value.clone());
            joint.insert(cell, value);
        }
        let joint = serde_json::to_string(&joint).expect("strings to strings");
        let which = if serial { &mut answer.serial } else { &mut answer.joint };
        which.insert((format!("{:?}", state.struck), joint));
        let env = Env { outputs: Outputs::new(), items: vec![], cells: &state.cells, run: 0 };
        let holds = |e: &Value| template(e, &env) == Ok(Value::Bool(true));
        answer.finally_violated |=
            !self.json["finally"].as_array().into_iter().flatten().all(holds);
    }

    // ---- What can happen ----

    /// The steps inside, each with whether it begins a round after a refused poll.
    fn enabled_group(
        &self,
        state: &State,
        group: &Group,
        at: &Path,
        serial: bool,
    ) -> Vec<(Path, bool)> {
        let mut children = vec![];
        for (&child, frame) in &group.frames {
            let at = [&at[..], &[child]].concat();
            let mut steps = self.enabled_frame(state, frame, &at, serial);
            let refused = group.until.as_ref().is_some_and(|round| round.refused);
            steps.iter_mut().for_each(|(_, poll)| *poll |= refused);
            children.push((child, steps));
        }
        uninterrupted(children, group.active.filter(|_| serial))
    }

    fn enabled_frame(
        &self,
        state: &State,
        frame: &Frame,
        at: &Path,
        serial: bool,
    ) -> Vec<(Path, bool)> {
        let mut chains: BTreeMap<usize, Vec<(Path, bool)>> = BTreeMap::new();
        for (i, step) in self.lists[frame.list].iter().enumerate() {
            let at = [&at[..], &[i]].concat();
            let steps = match &frame.slots[i] {
                Slot::Over(_) => vec![],
                Slot::Running(group) if group.until.as_ref().is_some_and(|round| round.test) => {
                    vec![(at, false)]
                }
                Slot::Running(group) => self.enabled_group(state, group, &at, serial),
                Slot::Again(..) => vec![(at, false)],
                Slot::Waiting => {
                    let ready =
                        step.after.iter().all(|(p, _)| matches!(frame.slots[*p], Slot::Over(_)));
                    if ready && self.may_go(state, step, &at) { vec![(at, false)] } else { vec![] }
                }
            };
            chains.entry(step.chain).or_default().extend(steps);
        }
        uninterrupted(chains.into_iter().collect(), frame.active.filter(|_| serial))
    }

    fn may_go(&self, state: &State, step: &Step<'_>, at: &Path) -> bool {
        match step.kind {
            "wait" => template(&step.json["wait"], &env(state, at)) != Ok(Value::Bool(false)),
            "acquireLease" => {
                step.json.get("retry").is_none()
                    || state.cells.get(&step.json["acquireLease"], 0).lease.is_none()
            }
            _ => true,
        }
    }

    // ---- What happens ----

    pub(super) fn step(&self, state: &mut State, path: &Path, serial: bool) {
        let (_, sent, applied) = self.attempt(state, path);
        let env = env(state, path);
        let env = Env { cells: sent.as_ref().unwrap_or(&state.cells), ..env };
        let mut cells = state.cells.clone();
        let (step, test) = self.locate(state, path);
        let (mut wrote, mut conflict, mut output) = (false, false, None);
        let change = if test {
            Err(template(&step.json["until"], &env).unwrap_or(Value::Null))
        } else if step.lists.is_empty() {
            let (code, mut value) =
                cells.effect(step.kind, step.json, &env).unwrap_or((0, Value::Null));
            if let Some(answer) = value.as_object_mut().filter(|_| !self.text.contains("etag")) {
                answer.remove("etag"); // nobody asks for it
            }
            output = self.text.contains(&format!("('{}')", step.name)).then_some(value);
            wrote = cells != state.cells || step.kind == "send";
            conflict = code == 409 || code == 412;
            Ok(Slot::Over(if (200..300).contains(&code) {
                Status::Succeeded
            } else {
                Status::Failed
            }))
        } else {
            Ok(self.open(step, &env).map_or(Slot::Over(Status::Failed), Slot::Running))
        };
        drop(env);
        let twice = step.lists.is_empty()
            && matches!(change, Ok(Slot::Over(Status::Succeeded)))
            && self.is_second(step, state, &cells, applied, path);
        let mut finish = |frame: &mut Frame, i: usize| {
            match &change {
                Ok(slot) => frame.slots[i] = slot.clone(),
                Err(verdict) => self.test(step, frame, i, verdict),
            }
            frame.outputs.extend(output.take().map(|value| (step.name.clone(), value)));
        };
        self.record(&mut state.runs, path, serial, &mut finish, wrote, conflict);
        if step.kind == "terminate" {
            state.runs.frames.remove(&path[0]);
        }
        state.cells = cells;
        state.twice |= twice;
        self.settle(state);
    }

    /// A container begins; `None` if its expression fails.
    fn open(&self, step: &Step<'_>, env: &Env<'_>) -> Option<Group> {
        let mut group = Group::default();
        let chosen = match step.kind {
            "forEach" => {
                let items = step
                    .json
                    .get("items")
                    .map(|items| template(items, env))
                    .unwrap_or(Ok(Value::Null))
                    .ok()?;
                group.items = match items {
                    Value::Array(items) => items,
                    count => (1..=count.as_u64()?).map(|i| json!(i)).collect(),
                };
                return Some(group);
            }
            "until" => {
                group.until = Some(Round { number: 1, ..Round::default() });
                step.lists.clone()
            }
            "if" => {
                vec![step.lists[usize::from(!template(&step.json["if"], env).ok()?.as_bool()?)]]
            }
            "switch" => {
                let on = template(&step.json["switch"], env).ok().filter(Value::is_string)?;
                let case = step.json["cases"].as_object()?.keys().position(|key| on == **key);
                vec![step.lists[case.unwrap_or(step.lists.len() - 1)]]
            }
            _ => step.lists.clone(),
        };
        group.frames =
            chosen.iter().enumerate().map(|(i, &list)| (i, self.frame(list, None))).collect();
        Some(group)
    }

    fn test(&self, step: &Step<'_>, frame: &mut Frame, i: usize, verdict: &Value) {
        let Slot::Running(group) = &mut frame.slots[i] else { unreachable!("a tested loop runs") };
        let round = group.until.as_mut().expect("only an Until is tested");
        round.test = false;
        let limit = if round.up { 0 } else { step.json["limit"].as_u64().unwrap_or(60) };
        let Some(done) = verdict.as_bool() else {
            group.failed = true;
            return;
        };
        if !done && round.number < limit {
            let refused = round.conflict || !round.wrote;
            *round = Round { number: round.number + 1, refused, ..Round::default() };
            group.failed = false;
            group.ended.clear();
            group.frames.insert(0, self.frame(step.lists[0], None));
        }
    }

    pub(super) fn slot<'s>(&'s self, state: &'s State, path: &Path) -> &'s Slot {
        let mut group = &state.runs;
        let mut rest = &path[..];
        loop {
            let frame = &group.frames[&rest[0]];
            match &frame.slots[rest[1]] {
                Slot::Running(inner) if rest.len() > 2 => group = inner,
                slot => return slot,
            }
            rest = &rest[2..];
        }
    }

    pub(super) fn locate<'s>(&'s self, state: &State, path: &Path) -> (&'s Step<'m>, bool) {
        let mut group = &state.runs;
        let mut rest = &path[..];
        loop {
            let frame = &group.frames[&rest[0]];
            let step = &self.lists[frame.list][rest[1]];
            match &frame.slots[rest[1]] {
                Slot::Running(inner) if rest.len() > 2 => group = inner,
                slot => return (step, matches!(slot, Slot::Running(_))),
            }
            rest = &rest[2..];
        }
    }

    /// Walks down to the action, noting who is active at every level and what the rounds around it saw.
    pub(super) fn record(
        &self,
        group: &mut Group,
        path: &[usize],
        serial: bool,
        change: &mut dyn FnMut(&mut Frame, usize),
        wrote: bool,
        conflict: bool,
    ) {
        group.active = serial.then_some(path[0]);
        if let Some(round) = &mut group.until {
            round.refused = false;
            round.wrote |= wrote;
            round.conflict |= conflict;
        }
        let frame = group.frames.get_mut(&path[0]).expect("a path leads through live lists");
        frame.active = serial.then_some(self.lists[frame.list][path[1]].chain);
        match &mut frame.slots[path[1]] {
            Slot::Running(inner) if path.len() > 2 => {
                self.record(inner, &path[2..], serial, change, wrote, conflict)
            }
            _ => change(frame, path[1]),
        }
    }
}

/// Only the active sibling goes on, unless it cannot or its only way on is another round of a refused poll.
fn uninterrupted(
    children: Vec<(usize, Vec<(Path, bool)>)>,
    active: Option<usize>,
) -> Vec<(Path, bool)> {
    let busy = |(child, steps): &&(usize, Vec<(Path, bool)>)| {
        Some(*child) == active && steps.iter().any(|(_, poll)| !poll)
    };
    match children.iter().find(busy) {
        Some((_, steps)) => steps.clone(),
        None => children.into_iter().flat_map(|(_, steps)| steps).collect(),
    }
}

/// What the action at the path can see.
pub(super) fn env<'s>(state: &'s State, path: &[usize]) -> Env<'s> {
    let mut env = Env { outputs: Outputs::new(), items: vec![], cells: &state.cells, run: path[0] };
    let mut group = &state.runs;
    for pair in path.chunks(2) {
        let frame = &group.frames[&pair[0]];
        env.outputs.extend(frame.outputs.clone());
        env.items.extend(frame.item.clone());
        let Slot::Running(inner) = &frame.slots[pair[1]] else { break };
        group = inner;
    }
    if group.until.as_ref().is_some_and(|round| round.test) {
        env.outputs.extend(
            group.ended.values().flatten().map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    env
}
