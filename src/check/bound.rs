//! Which bound would do: the least number of rounds, or of further attempts, that contention alone cannot use up.
//!
//! Enough is what the ranking argument says (`explore/ranking.rs`): one more round than others have writes to be
//! refused by; or, for a lease, attempts that span the others' longest sections together. That no fewer rounds will do
//! is shown by a search with one round fewer in which the loop gives up.

use super::findings::names;
use crate::explore::engine::Engine;
use crate::explore::limits::{Config, Stop};
use crate::explore::ranking::enough;
use crate::explore::search::search;
use crate::finding::Finding;
use crate::model::analysis::attempts_needed;
use crate::model::ids::NodeId;
use crate::model::program::{Call, Kind, Program};
use crate::platform::time::round;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// States that the search for a smaller bound may take.
const STATES: u64 = 200_000;

/// Says of each exhausted retry which bound would do.
pub(super) fn advise(
    findings: &mut [Finding],
    program: &Program,
    violations: &BTreeSet<Violation>,
    config: &Config,
    stop: &dyn Stop,
) {
    for finding in findings.iter_mut().filter(|f| f.rule == "retry-exhausted") {
        let same = |v: &&Violation| {
            v.rule == finding.rule && !v.weak && names(program, v) == finding.actions
        };
        let found = violations.iter().find(same);
        if let Some(advice) = found.and_then(|v| advice(program, v, config, stop)) {
            finding.message = format!("{}; {advice}", finding.message);
        }
    }
}

/// What to say about the bound of an exhausted retry; `None` if no bound is known to do.
fn advice(
    program: &Program,
    violation: &Violation,
    config: &Config,
    stop: &dyn Stop,
) -> Option<String> {
    let &node = violation.actions.first()?;
    if let Some(attempts) = attempts_needed(program, node) {
        return Some(format!("{attempts} attempts would do, and no fewer"));
    }
    let until =
        program.ancestors(node).find(|&n| matches!(program.node(n).kind, Kind::Until { .. }))?;
    let Kind::Until { limit, early, .. } = program.node(until).kind else { return None };
    // Rounds that it has for sure: its time can be up before its limit.
    let sure = early.map_or(limit, |round| round.min(limit));
    let mut rounds = enough(program, until)?;
    let fewer = |rounds: u64| gives_up(program, until, node, rounds, config, stop);
    let would_do = |rounds: u64, how: &str| {
        // So many rounds are sure as soon as one fewer cannot take all of the time.
        let time = (rounds - 1).checked_mul(round(program, until)).filter(|_| early.is_some());
        let time = time.map(|s| format!("; they are sure with a time limit of more than {s} s"));
        Some(format!("{rounds} rounds would do{how}{}", time.unwrap_or_default()))
    };
    while rounds > sure + 1 {
        match fewer(rounds - 1) {
            Some(true) => return would_do(rounds, ", and no fewer"),
            Some(false) => rounds -= 1,
            None => return would_do(rounds, ""),
        }
    }
    // What it has for sure is too little, as has been found.
    if rounds == sure + 1 { would_do(rounds, ", and no fewer") } else { None }
}

/// Whether the loop can give up within so many rounds, nothing else going wrong; `None` if that cannot be searched.
fn gives_up(
    program: &Program,
    until: NodeId,
    node: NodeId,
    rounds: u64,
    config: &Config,
    stop: &dyn Stop,
) -> Option<bool> {
    let mut program = program.clone();
    program.faults = 0;
    for other in &mut program.nodes {
        other.call = Call::default();
        if let Kind::Until { counted, early, .. } = &mut other.kind {
            *counted = true;
            *early = None;
        }
    }
    if let Kind::Until { limit, .. } = &mut program.nodes[until.index()].kind {
        *limit = rounds;
    }
    let limits = Config { max_states: Some(STATES), kept: false, ..config.clone() };
    let found = search(&mut Engine::new(&program, true), &limits, stop);
    let gave_up =
        found.violations.iter().any(|v| v.rule == "retry-exhausted" && v.actions == [node]);
    (gave_up || found.stopped.is_none()).then_some(gave_up)
}
