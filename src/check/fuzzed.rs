//! One program fuzzed: what random schedules met, told like the findings of a search.

use super::explore::{Explored, grouped};
use crate::explore::ending::is_decided;
use crate::explore::engine::Engine;
use crate::explore::fuzz::{Bound, Fuzz, Fuzzed, Strategy, fuzz, schedule};
use crate::explore::limits::{Config, Counts, Reduction, Stop};
use crate::explore::ranking::{drop_counters, restore_counters};
use crate::explore::serial::serial;
use crate::explore::shrink::shrink;
use crate::explore::witness::{same_finding, witnesses};
use crate::platform::lower::Lowered;
use crate::property::judge::Violation;

/// States that the search for the shortest schedule may look at.
const CAP: usize = 100_000;
/// Steps that may be taken to shrink schedules, of all violations together.
const PATIENCE: usize = 2_000_000;

/// Tries schedules, and finds a short one for each violation.
pub(super) fn fuzzed(
    lowered: &mut Lowered,
    config: &Config,
    asked: &Fuzz,
    stop: &dyn Stop,
) -> Explored {
    drop_counters(&mut lowered.program);
    let mut found = fuzz(&lowered.program, asked, config.threads, stop);
    if found.uncounted {
        restore_counters(&mut lowered.program);
        found = fuzz(&lowered.program, asked, config.threads, stop);
    }
    let outcomes = found.outcomes.keys().cloned().collect();
    // What has decided nothing in any of them may decide nothing at all.
    let told = |v: &&Violation| !is_decided(&lowered.program, v, &outcomes);
    let violations = found.violations.keys().filter(told).cloned().collect();
    let wanted = grouped(&violations);
    let mut engine = Engine::new(&lowered.program, config.reduction != Reduction::None);
    let mut told = witnesses(&mut engine, &wanted, CAP, stop);
    let mut plain = Engine::new(&lowered.program, false);
    // The more actions, the more a step costs.
    let mut patience = PATIENCE / (1 + lowered.program.nodes.len() / 16);
    for violation in &wanted {
        if told.iter().any(|(v, _)| same_finding(v, violation)) {
            continue;
        }
        let first = found.violations.iter().filter(|(v, _)| same_finding(v, violation));
        let Some((_, &number)) = first.min_by_key(|(_, number)| **number) else { continue };
        let choices = schedule(&lowered.program, asked, found.drawn, number);
        if let Some(short) = shrink(&mut plain, &choices, violation, &mut patience) {
            told.push((violation.clone(), short));
        }
    }
    let orders = if wanted.is_empty() && found.outcomes.len() < 2 {
        None
    } else {
        serial(&mut engine, 400_000, stop)
    };
    Explored {
        violations,
        outcomes,
        serial: orders,
        counts: Counts { transitions: found.steps, ..Counts::default() },
        stopped: Some("random schedules prove nothing".to_owned()),
        told,
        proved: None,
        earned: Some(earned(&found, asked)),
    }
}

/// Adds what random schedules met to what a search that had to stop found.
pub(super) fn joined(searched: Explored, fuzzed: Explored) -> Explored {
    let mut all = searched;
    let new = |v: &Violation| !all.violations.iter().any(|known| same_finding(known, v));
    let new: Vec<Violation> = fuzzed.violations.into_iter().filter(new).collect();
    all.told
        .extend(fuzzed.told.into_iter().filter(|(v, _)| new.iter().any(|n| same_finding(n, v))));
    all.violations.extend(new);
    all.outcomes.extend(fuzzed.outcomes);
    all.counts.transitions += fuzzed.counts.transitions;
    all.serial = all.serial.or(fuzzed.serial);
    all.earned = fuzzed.earned;
    all
}

/// What the schedules earned, in a sentence.
fn earned(found: &Fuzzed, asked: &Fuzz) -> String {
    let how = match asked.strategy {
        Strategy::Random => "a uniform walk",
        Strategy::Pct => "PCT",
        Strategy::Pos => "partial-order sampling",
    };
    if found.schedules == 0 {
        return format!("not one schedule by {how} was finished in time");
    }
    let bound = Bound::of(found, asked);
    let outcomes = found.outcomes.len();
    let mut text = format!(
        "{} schedules by {how}, seed {}: {outcomes} different outcomes met; about {} of further schedules would end as none has yet",
        found.schedules,
        asked.seed,
        percent(bound.unseen),
    );
    let missed: Vec<String> = bound
        .missed
        .iter()
        .zip(1..)
        .skip(1)
        .map(|(missed, depth)| format!("{} at depth {depth}", percent(*missed)))
        .collect();
    if missed.is_empty() {
        text.push_str("; no bound on what was missed");
        if found.chance {
            text.push_str(", since more than the order was drawn");
        }
    } else {
        text = format!(
            "{text}; a race was missed with probability at most {} ({} processes, {} steps)",
            missed.join(", "),
            found.processes,
            found.drawn
        );
    }
    text
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.01 { "under 0.01 %".into() } else { format!("{percent:.2} %") }
}
