//! The same violation in a shorter schedule, where the search for the shortest is out of reach: delta debugging
//! (Zeller and Hildebrandt 2002) over stretches of one process.

use super::ending::{judge_end, judge_stuck};
use super::engine::Engine;
use super::limits::DEFAULT_MEMORY;
use super::path::{Path, path};
use super::witness::{Choice, Schedule, fired_in, replay, same_finding};
use crate::property::judge::Violation;

/// Replays at most.
const REPLAYS: usize = 1_000;

/// A schedule with as few steps and switches as trying finds; `None` if the violation is not in it, or no more than
/// `patience` steps could be taken to find that out. What is taken is taken off.
pub fn shrink(
    engine: &mut Engine<'_>,
    schedule: &Schedule,
    wanted: &Violation,
    patience: &mut usize,
) -> Option<Schedule> {
    *patience = patience.checked_sub(schedule.choices.len())?;
    let mut best = cut(engine, schedule, wanted)?;
    let mut left = REPLAYS;
    let mut better = |engine: &mut Engine<'_>, best: &Schedule, candidate: Vec<Choice>| {
        left = left.checked_sub(1).filter(|_| engine.bytes() < DEFAULT_MEMORY / 4)?;
        *patience = patience.checked_sub(candidate.len())?;
        let shorter = cut(engine, &best.with(candidate), wanted);
        Some(shorter.filter(|s| weight(engine, &s.choices) < weight(engine, &best.choices)))
    };
    // First whole processes, many at a time.
    let mut size = processes(engine, &best.choices).len() / 2;
    while size > 0 {
        for without in processes(engine, &best.choices).chunks(size) {
            let rest = best.choices.iter().copied();
            let rest = rest.filter(|&(m, _)| !without.contains(&path(engine, m))).collect();
            match better(engine, &best, rest) {
                None => return Some(best),
                Some(shorter) => best = shorter.unwrap_or(best),
            }
        }
        size /= 2;
    }
    'again: loop {
        let paths: Vec<Path> = best.choices.iter().map(|&(m, _)| path(engine, m)).collect();
        for candidate in candidates(&best.choices, &paths) {
            match better(engine, &best, candidate) {
                None => return Some(best),
                Some(None) => {}
                Some(Some(shorter)) => {
                    best = shorter;
                    continue 'again;
                }
            }
        }
        return Some(best);
    }
}

/// Who takes part.
fn processes(engine: &Engine<'_>, choices: &[Choice]) -> Vec<Path> {
    let mut all: Vec<Path> = Vec::new();
    for &(m, _) in choices {
        let path = path(engine, m);
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
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
