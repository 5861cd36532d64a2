//! What follows by itself in the naive interpreter: skips, ends, the window of a loop moving on.

use super::naive::{Frame, Group, Outputs, Path, Slot, State, Status};
use super::outline::{Model, Step};
use serde_json::Value;

impl Model<'_> {
    pub(super) fn settle(&self, state: &mut State) {
        for run in state.runs.frames.keys().copied().collect::<Vec<_>>() {
            let frame = state.runs.frames.get_mut(&run).expect("just listed");
            if self.settle_frame(frame).is_some() {
                state.runs.frames.remove(&run);
            }
        }
    }

    fn settle_frame(&self, frame: &mut Frame) -> Option<Status> {
        let list = &self.lists[frame.list];
        loop {
            let before = frame.slots.clone();
            for (i, step) in list.iter().enumerate() {
                let over: Option<Vec<bool>> = step
                    .after
                    .iter()
                    .map(|(p, accepted)| match frame.slots[*p] {
                        Slot::Over(status) => Some(accepted.iter().any(|a| a == name(status))),
                        _ => None,
                    })
                    .collect();
                match &mut frame.slots[i] {
                    Slot::Waiting if over.is_some_and(|over| over.contains(&false)) => {
                        frame.slots[i] = Slot::Over(Status::Skipped);
                    }
                    Slot::Running(group) => {
                        if let Some(status) = self.settle_group(step, group) {
                            frame.outputs.extend(gather(step, group));
                            frame.slots[i] = Slot::Over(status);
                        }
                    }
                    _ => {}
                }
            }
            if frame.slots == before {
                break;
            }
        }
        if !frame.slots.iter().all(|slot| matches!(slot, Slot::Over(_))) {
            return None;
        }
        let leaf = |i: &usize| !list.iter().any(|s| s.after.iter().any(|(p, _)| p == i));
        let failed = (0..list.len()).filter(leaf).any(|i| self.bad(frame, i));
        Some(if failed { Status::Failed } else { Status::Succeeded })
    }

    /// A skipped leaf takes the status of those before it.
    fn bad(&self, frame: &Frame, i: usize) -> bool {
        match frame.slots[i] {
            Slot::Over(Status::Skipped) => {
                self.lists[frame.list][i].after.iter().any(|(p, _)| self.bad(frame, *p))
            }
            Slot::Over(status) => matches!(status, Status::Failed | Status::TimedOut),
            _ => unreachable!("the list has ended"),
        }
    }

    fn settle_group(&self, step: &Step<'_>, group: &mut Group) -> Option<Status> {
        loop {
            while step.kind == "forEach"
                && group.frames.len() < step.window
                && group.next < group.items.len()
            {
                let item = Some((
                    step.json["forEach"].as_str().unwrap_or("").to_owned(),
                    group.items[group.next].clone(),
                ));
                group.frames.insert(group.next, self.frame(step.lists[0], item));
                group.next += 1;
            }
            let mut moved = false;
            for child in group.frames.keys().copied().collect::<Vec<_>>() {
                let frame = group.frames.get_mut(&child).expect("just listed");
                let Some(status) = self.settle_frame(frame) else { continue };
                moved = true;
                group.failed |= status == Status::Failed;
                let mut outputs = group.frames.remove(&child).expect("just settled").outputs;
                match &mut group.until {
                    Some(round) => round.test = true, // the test reads the round's outputs
                    None => outputs.retain(|name, _| step.exports.contains(name)),
                }
                group.ended.insert(child, outputs);
            }
            if !moved {
                break;
            }
        }
        let over = group.frames.is_empty()
            && group.next == group.items.len()
            && !group.until.as_ref().is_some_and(|r| r.test);
        over.then_some(if group.failed { Status::Failed } else { Status::Succeeded })
    }
}

/// What a container's actions answer to those after it: of a loop over items, arrays in index order.
fn gather(step: &Step<'_>, group: &Group) -> Outputs {
    let all = |name: &String| {
        group.ended.values().map(|o| o.get(name).cloned().unwrap_or(Value::Null)).collect()
    };
    let one = |name: &String| {
        group.ended.values().find_map(|o| o.get(name).cloned()).unwrap_or(Value::Null)
    };
    let value = |name| if step.kind == "forEach" { Value::Array(all(name)) } else { one(name) };
    step.exports.iter().map(|name| (name.clone(), value(name))).collect()
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "Succeeded",
        Status::Failed => "Failed",
        Status::Skipped => "Skipped",
        Status::TimedOut => "TimedOut",
    }
}

impl Model<'_> {
    /// The test of a loop finds that its time is up: a round takes up to two minutes for each call in it.
    pub(super) fn time_is_up(&self, state: &State, path: &Path, serial: bool) -> Option<State> {
        let (step, test) = self.locate(state, path);
        let Slot::Running(group) = self.slot(state, path) else { return None };
        let number = group.until.as_ref().filter(|_| test)?.number;
        let seconds = step.json["timeout"].as_u64()?;
        let calls = step.json["do"].as_array()?.len() as u64;
        if number * calls * 120 < seconds {
            return None;
        }
        let mut next = state.clone();
        let mut group = &mut next.runs;
        for pair in path.chunks(2) {
            let Slot::Running(inner) = &mut group.frames.get_mut(&pair[0])?.slots[pair[1]] else {
                return None;
            };
            group = inner;
        }
        group.until.as_mut()?.up = true;
        self.step(&mut next, path, serial);
        Some(next)
    }
}
