//! One program explored: its violations, its outcomes, its serial outcomes, and the least schedule of each violation.

use super::fuzzed::{fuzzed, joined};
use super::resort::{decided_outside, last_resort, may_be_refused};
use crate::explore::ending::Joint;
use crate::explore::engine::Engine;
use crate::explore::limits::{Config, Counts, Reduction, Stop};
use crate::explore::prove::counted::{counted, safe};
use crate::explore::prove::starve::{Starved, starve};
use crate::explore::prove::{Proof, Reach, prove};
use crate::explore::ranking::{drop_counters, restore_counters};
use crate::explore::resort::unexplained;
use crate::explore::search::{Found, search};
use crate::explore::serial::{is_serial, serial};
use crate::explore::witness::{Schedule, replay, same_finding, witnesses};
use crate::model::ids::{NodeId, ResourceId};
use crate::platform::lower::Lowered;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// What the exploration of one scenario gave.
pub(super) struct Explored {
    pub(super) violations: BTreeSet<Violation>,
    pub(super) outcomes: BTreeSet<Joint>,
    pub(super) serial: Option<BTreeSet<Joint>>,
    pub(super) counts: Counts,
    pub(super) stopped: Option<String>,
    pub(super) told: Vec<(Violation, Schedule)>,
    /// For how many items it is proved that no rule fires.
    pub(super) proved: Option<Reach>,
    /// What random schedules earned.
    pub(super) earned: Option<String>,
}

/// Loops with more items are counted before they are listed.
const LISTED: u64 = 8;

/// Searches, lists serial outcomes, and finds the least schedule of each violation.
pub(super) fn explore(lowered: &mut Lowered, config: &Config, stop: &dyn Stop) -> Explored {
    explore_and(lowered, config, stop, |_, _, _| ()).0
}

/// The same, and what there is to say about it by the engine that has learned all the steps.
pub(super) fn explore_and<T>(
    lowered: &mut Lowered,
    config: &Config,
    stop: &dyn Stop,
    tell: impl FnOnce(&mut Engine<'_>, &Lowered, &Explored) -> T,
) -> (Explored, T) {
    let explored = match &config.fuzz {
        None => return searched(lowered, config, stop, tell),
        Some(asked) if !asked.after_limits => fuzzed(lowered, config, asked, stop),
        Some(asked) => {
            let (explored, ()) = searched(lowered, config, stop, |_, _, _| ());
            if explored.stopped.is_none() || stop.stopped().is_some() {
                explored
            } else {
                joined(explored, fuzzed(lowered, config, asked, stop))
            }
        }
    };
    afresh(lowered, config, explored, tell)
}

/// What there is to say where no engine has learned anything.
fn afresh<T>(
    lowered: &Lowered,
    config: &Config,
    explored: Explored,
    tell: impl FnOnce(&mut Engine<'_>, &Lowered, &Explored) -> T,
) -> (Explored, T) {
    let mut engine = Engine::new(&lowered.program, config.reduction != Reduction::None);
    let told = tell(&mut engine, lowered, &explored);
    (explored, told)
}

fn searched<T>(
    lowered: &mut Lowered,
    config: &Config,
    stop: &dyn Stop,
    tell: impl FnOnce(&mut Engine<'_>, &Lowered, &Explored) -> T,
) -> (Explored, T) {
    drop_counters(&mut lowered.program);
    let proof = (config.reduction == Reduction::All).then(|| prove(&lowered.program));
    let proof = proof.and_then(Result::ok);
    let proved = proof.as_ref().and_then(safe);
    let large = lowered.items.values().any(|&n| n > LISTED);
    if large && let Some(all) = at_large(lowered, proof.as_ref(), proved, config, stop) {
        return afresh(lowered, config, all, tell);
    }
    drop(proof);
    let symmetry = config.reduction != Reduction::None;
    let mut engine = Engine::new(&lowered.program, symmetry);
    let mut found = search(&mut engine, config, stop);
    if engine.uncounted_violation {
        // A counter was needed after all.
        drop(engine);
        restore_counters(&mut lowered.program);
        engine = Engine::new(&lowered.program, symmetry);
        found = search(&mut engine, config, stop);
    }
    let bare = bare_writes(&engine);
    if !bare.is_empty() {
        // Which writes a lease should have guarded is known only now: this time they fire when they happen.
        engine = Engine::new(&lowered.program, symmetry);
        engine.judge.guarded = bare;
        let again = search(&mut engine, config, stop);
        found.violations.extend(again.violations);
    }
    if engine.bytes() > config.max_memory / 4 {
        let guarded = std::mem::take(&mut engine.judge.guarded);
        engine = Engine::new(&lowered.program, symmetry);
        engine.judge.guarded = guarded;
    }
    engine.be_patient();
    let many = config.nodes(engine.layout.places.len(), 400_000);
    let serial = if found.stopped.is_none() { serial(&mut engine, many, stop) } else { None };
    let wanted = grouped(&found.violations);
    let cap = config
        .max_states
        .map_or(400_000, |most| usize::try_from(most).unwrap_or(usize::MAX))
        .saturating_mul(4)
        .min(many);
    let mut told = witnesses(&mut engine, &wanted, cap, stop);
    let apart = decided_outside(&lowered.program);
    let unserial: BTreeSet<Joint> = match &serial {
        // Where unknown data decides, an outcome that nothing explains says more about the data than about the flow. What
        // was refused and given up explains one.
        _ if apart && !may_be_refused(&lowered.program) => BTreeSet::new(),
        Some(serial) => found.outcomes.iter().filter(|o| !is_serial(o, serial)).cloned().collect(),
        None => BTreeSet::new(),
    };
    let orders = (&unserial, serial.as_ref().unwrap_or(&unserial));
    explain(&mut engine, orders, &mut found, &mut told, (many.min(200_000), stop));
    let explored = Explored {
        violations: found.violations,
        outcomes: found.outcomes,
        serial,
        counts: found.counts,
        stopped: found.stopped,
        told,
        proved,
        earned: None,
    };
    let told = tell(&mut engine, lowered, &explored);
    (explored, told)
}

/// What is found without listing the states of many items: all that can happen, or a bound that so many use up.
fn at_large(
    lowered: &Lowered,
    proof: Option<&Proof<'_>>,
    proved: Option<Reach>,
    config: &Config,
    stop: &dyn Stop,
) -> Option<Explored> {
    if let Some(all) = proof.and_then(|proof| counted(proof, config, stop)) {
        return Some(Explored {
            violations: all.violations,
            outcomes: all.outcomes,
            serial: Some(all.serial),
            counts: all.counts,
            stopped: None,
            told: all.told,
            proved,
            earned: None,
        });
    }
    let all = config.reduction == Reduction::All;
    all.then(|| starve(&lowered.program, stop)).flatten().map(spent)
}

/// Last resorts for outcomes of no serial order; an outcome for which none could be looked for makes nothing safe.
fn explain(
    engine: &mut Engine<'_>,
    (unserial, serial): (&BTreeSet<Joint>, &BTreeSet<Joint>),
    found: &mut Found,
    told: &mut Vec<(Violation, Schedule)>,
    (cap, stop): (usize, &dyn Stop),
) {
    if unserial.is_empty() {
        return;
    }
    let (schedules, all) = unexplained(engine, unserial, (found.counts.states, cap), stop);
    if !all && schedules.is_empty() && found.violations.is_empty() {
        let why = "some outcome is that of no serial order, and the search for what explains it came to a limit";
        found.stopped.get_or_insert_with(|| why.to_owned());
    }
    for schedule in schedules {
        let steps = replay(engine, &schedule).unwrap_or_default();
        let Some(violation) = last_resort(engine, &steps, serial) else { continue };
        if found.violations.insert(violation.clone()) {
            told.push((violation, schedule));
        }
    }
}

/// Retry bounds that are used up, and nothing else goes wrong: listing all schedules would say no more.
fn spent(starved: Starved) -> Explored {
    let counts = Counts { transitions: starved.steps, ..Counts::default() };
    let stopped =
        "with so many items a retry bound can be used up; not every schedule was explored";
    Explored {
        violations: starved.told.iter().map(|(violation, _)| violation.clone()).collect(),
        outcomes: starved.outcomes,
        serial: starved.serial,
        counts,
        stopped: Some(stopped.to_owned()),
        told: starved.told,
        proved: None,
        earned: None,
    }
}

/// Violations that are one finding, once.
pub(super) fn grouped(violations: &BTreeSet<Violation>) -> BTreeSet<Violation> {
    let mut kept: Vec<Violation> = Vec::new();
    for violation in violations {
        if !kept.iter().any(|k| same_finding(k, violation)) {
            kept.push(violation.clone());
        }
    }
    kept.into_iter().collect()
}

/// Writes that happen under a lease in one schedule and without it in another: a lock loop that gives up and enters.
pub(super) fn bare_writes(engine: &Engine<'_>) -> BTreeSet<(NodeId, ResourceId)> {
    engine.judge.bare.intersection(&engine.judge.held).copied().collect()
}
