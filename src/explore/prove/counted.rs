//! What a search of the full instance would say, without it: suspicions confirmed on a small instance and replayed on
//! the full one, outcomes by witness and interval.

use super::finals::{
    Progression, derive, deterministic, outcomes, possible, serial_outcome, some_outcome,
};
use super::{Proof, Reach};
use crate::explore::ending::Joint;
use crate::explore::engine::{Engine, Move};
use crate::explore::layout::{Layout, Unit};
use crate::explore::limits::{Config, Counts, Stop};
use crate::explore::search::search;
use crate::explore::witness::{Choice, Schedule, fired_in, replay, same_finding, witnesses};
use crate::model::expression::Expr;
use crate::model::program::{Kind, Over, Program};
use crate::model::value::Value;
use crate::property::judge::Violation;
use std::collections::BTreeSet;

/// Items of the small instance: two that race, and one that sees both.
const FEW: u64 = 3;

/// The answer for the full instance.
#[derive(Debug)]
pub struct Counted {
    /// How far it reaches, if it is that nothing happens.
    pub reach: Reach,
    /// What happens.
    pub violations: BTreeSet<Violation>,
    /// All outcomes.
    pub outcomes: BTreeSet<Joint>,
    /// All serial outcomes.
    pub serial: BTreeSet<Joint>,
    /// Abstract states and transitions.
    pub counts: Counts,
    /// The least schedule of each violation, as found on the small instance.
    pub told: Vec<(Violation, Schedule)>,
}

/// For how many items no schedule goes wrong; `None` if that is not proved.
pub fn safe(proof: &Proof<'_>) -> Option<Reach> {
    // The verifier follows a growing cell only as long as each write adds to what is there: claim no more than that.
    let adds = proof.all.stepper.habits.values().all(|h| !h.unrelated && !h.late);
    (proof.suspicions.is_empty() && adds && deterministic(&proof.all)).then_some(proof.reach)
}

/// The complete answer, where it follows.
pub fn counted(proof: &Proof<'_>, config: &Config, stop: &dyn Stop) -> Option<Counted> {
    let program = proof.all.stepper.program;
    let counts = Counts {
        states: proof.all.states.len() as u64,
        nodes: proof.all.states.len() as u64,
        transitions: proof.all.transitions,
        prints: 0,
    };
    let mut engine = Engine::new(program, true);
    let finals = derive(&proof.all)?;
    if let Some(reach) = safe(proof) {
        let outcome = some_outcome(&mut engine)?;
        let all = outcomes(&mut engine, &finals, stop).filter(|all| all.contains(&outcome))?;
        return Some(Counted {
            reach,
            violations: BTreeSet::new(),
            outcomes: all.clone(),
            serial: all,
            counts,
            told: Vec::new(),
        });
    }
    // Ends in which nothing fired must be serial ones: then there are no last resorts.
    let clear = proof.clear.as_ref()?;
    let serial = serial_outcome(&mut engine)?;
    if !clear.ends.is_empty() {
        let same = proof.all.ends.iter().zip(&clear.ends).all(|(a, b)| a == b);
        let exact = derive(clear)?;
        let shows = |f: &Progression| f.step == 0 && possible(program, &serial, f);
        if !(deterministic(clear) && same && exact.iter().all(shows)) {
            return None;
        }
    }
    let told = confirm(proof, &mut engine, config, stop)?;
    let outcomes = outcomes(&mut engine, &finals, stop)?;
    let violations = told.iter().map(|(v, _)| v.clone()).collect();
    let serial = BTreeSet::from([serial]);
    Some(Counted { reach: Reach::Scope, violations, outcomes, serial, counts, told })
}

/// A schedule of the full instance for each suspicion; `None` if one stays a suspicion.
fn confirm(
    proof: &Proof<'_>,
    engine: &mut Engine<'_>,
    config: &Config,
    stop: &dyn Stop,
) -> Option<Vec<(Violation, Schedule)>> {
    let small = few(engine.program);
    let mut model = Engine::new(&small, true);
    let config = Config { max_states: Some(20_000), kept: false, ..config.clone() };
    let found = search(&mut model, &config, stop);
    let mut wanted: Vec<Violation> = Vec::new();
    for violation in &found.violations {
        if !wanted.iter().any(|v| same_finding(v, violation)) {
            wanted.push(violation.clone());
        }
    }
    let confirmed = |s: &Violation| wanted.iter().any(|v| same_finding(v, s));
    if found.stopped.is_some() || !proof.suspicions.iter().all(confirmed) {
        return None;
    }
    let told = witnesses(&mut model, &wanted.iter().cloned().collect(), 400_000, stop);
    if told.len() < wanted.len() {
        return None;
    }
    told.into_iter()
        .map(|(violation, schedule)| {
            let choices: Option<Vec<Choice>> =
                schedule.choices.iter().map(|c| lift(&model.layout, &engine.layout, *c)).collect();
            let schedule = schedule.with(choices?);
            let steps = replay(engine, &schedule)?;
            let fired = fired_in(engine, &steps.last()?.1);
            let same = fired.into_iter().find(|v| same_finding(v, &violation))?;
            Some((same, schedule))
        })
        .collect()
}

/// The program with few items in every loop. Its counters and the patience of its locks stay those of the full one.
fn few(program: &Program) -> Program {
    let mut small = program.clone();
    for node in &mut small.nodes {
        let Kind::Loop { over, degree } = &mut node.kind else { continue };
        *degree = (*degree).min(u32::try_from(FEW).unwrap_or(u32::MAX));
        match over {
            Over::Count(n) => *n = (*n).min(FEW),
            Over::Values(Expr::Const(Value::Array(items)), n) => {
                *n = (*n).min(FEW);
                let kept = items.iter().take(usize::try_from(*n).unwrap_or(usize::MAX)).cloned();
                *items = std::sync::Arc::new(kept.collect());
            }
            Over::Values(..) => {}
        }
    }
    for class in &mut small.classes {
        if class.looped.is_some() {
            class.window = class.window.min(u32::try_from(FEW).unwrap_or(u32::MAX));
        }
    }
    small
}

/// The same choice in the full instance: the same slot of the same loop.
fn lift(small: &Layout, full: &Layout, (chosen, index): Choice) -> Option<Choice> {
    let unit = |unit: Unit| {
        if unit.slot == 0 {
            return Some(unit);
        }
        let class = small.class(unit);
        let number = small.slots_before(unit).count();
        full.slots(unit.run).filter(|&u| full.class(u) == class).nth(number)
    };
    let chosen = match chosen {
        Move::Step(u, node) => Move::Step(unit(u)?, node),
        Move::Fault(u, node, fault) => Move::Fault(unit(u)?, node, fault),
        Move::Expire(Some(u), resource) => Move::Expire(Some(unit(u)?), resource),
        Move::Expire(None, _) | Move::Arrives(..) => chosen,
    };
    Some((chosen, index))
}
