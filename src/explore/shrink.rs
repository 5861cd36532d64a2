//! The same violation in a shorter schedule, where the search for the shortest is out of reach: delta debugging
//! (Zeller and Hildebrandt 2002) over stretches of one process.

use super::ending::{judge_end, judge_stuck};
use super::engine::Engine;
use super::path::{Path, path};
use super::witness::{Choice, Schedule, fired_in, replay, same_finding};
use crate::property::judge::Violation;

/// Replays at most.
const PATIENCE: usize = 1_000;

/// A schedule with as few steps and switches as trying finds; `None` if the violation is not in it.
pub fn shrink(
    engine: &mut Engine<'_>,
    schedule: &Schedule,
    wanted: &Violation,
) -> Option<Schedule> {
    let mut best = cut(engine, schedule, wanted)?;
    let mut left = PATIENCE;
    'again: loop {
        let paths: Vec<Path> = best.choices.iter().map(|&(m, _)| path(engine, m)).collect();
        for candidate in candidates(&best.choices, &paths) {
            if left == 0 {
                return Some(best);
            }
            left -= 1;
            if let Some(shorter) = cut(engine, &best.with(candidate), wanted)
                && weight(engine, &shorter.choices) < weight(engine, &best.choices)
            {
                best = shorter;
                continue 'again;
            }
        }
        return Some(best);
    }
}

/// Up to where the violation is; `None` if it is not, or the schedule does not run.
fn cut(engine: &mut Engine<'_>, schedule: &Schedule, wanted: &Violation) -> Option<Schedule> {
    let steps = replay(engine, schedule)?;
    for (at, (_, next)) in steps.iter().enumerate() {
        if fired_in(engine, next).iter().any(|v| same_finding(v, wanted)) {
            return Some(schedule.with(schedule.choices[..=at].to_vec()));
        }
    }
    let last = steps.last().map(|(_, next)| next.state.clone())?;
    let judged = if engine.all_ended(&last) {
        judge_end(engine, &last)
    } else if engine.moves(&last, true).iter().all(|&m| engine.take(&last, m).is_empty()) {
        vec![judge_stuck(engine, &last)]
    } else {
        Vec::new()
    };
    judged.iter().any(|v| same_finding(v, wanted)).then(|| schedule.clone())
}

fn weight(engine: &Engine<'_>, choices: &[Choice]) -> (usize, usize) {
    let paths: Vec<Path> = choices.iter().map(|&(m, _)| path(engine, m)).collect();
    let switches = paths.windows(2).filter(|two| two[0] != two[1]).count();
    (switches, choices.len())
}

/// Without the rest of a process, without one stretch, and with a stretch moved to the one before of its process.
fn candidates(choices: &[Choice], paths: &[Path]) -> Vec<Vec<Choice>> {
    let mut starts: Vec<usize> =
        (0..choices.len()).filter(|&i| i == 0 || paths[i] != paths[i - 1]).collect();
    starts.push(choices.len());
    let mut found = Vec::new();
    for stretch in starts.windows(2) {
        let (from, to) = (stretch[0], stretch[1]);
        let rest = (from..choices.len()).filter(|&i| paths[i] != paths[from]);
        found.push(choices[..from].iter().copied().chain(rest.map(|i| choices[i])).collect());
        found.push([&choices[..from], &choices[to..]].concat());
        if let Some(before) = (0..from).rev().find(|&i| paths[i] == paths[from]) {
            let moved = [
                &choices[..=before],
                &choices[from..to],
                &choices[before + 1..from],
                &choices[to..],
            ];
            found.push(moved.concat());
        }
        if let Some(after) = (to..choices.len()).find(|&i| paths[i] == paths[from]) {
            let moved =
                [&choices[..from], &choices[to..after], &choices[from..to], &choices[after..]];
            found.push(moved.concat());
        }
    }
    found
}
