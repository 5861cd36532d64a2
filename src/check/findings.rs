//! Violations made into findings: where, what in one sentence, and by which name they are known again.

use super::explore::{Explored, grouped};
use crate::definition::location::Location;
use crate::definition::order::GraphFault;
use crate::explore::engine::Engine;
use crate::explore::twin::{Twin, twin};
use crate::explore::witness::{Schedule, same_finding};
use crate::finding::swap::swap;
use crate::finding::trace::{Told, cell_name, tell};
use crate::finding::{Across, Finding, Severity, Witness};
use crate::model::program::Program;
use crate::platform::lower::Lowered;
use crate::property::judge::{FIRED_TWICE, Violation};
use crate::property::words::{CHOSEN, MISSED};
use std::collections::BTreeSet;

/// The assumption that effects may come late.
pub(super) const LATE: &str = "late-effects";
/// What a finding that rests on it says of itself.
const IF_LATE: &str = ", if an effect comes late";

/// How it goes wrong, and beside it how it goes well.
pub(super) struct Shown {
    told: Told,
    twin: Option<Witness>,
    always: bool,
}

/// All that was found, each with how it goes well instead.
pub(super) fn findings(
    engine: &mut Engine<'_>,
    lowered: &Lowered,
    explored: &Explored,
) -> Vec<Finding> {
    told(engine, lowered, explored, true)
}

/// All that was found; `twins`: each with how it goes well instead. To look for that can cost more than the whole search.
pub(super) fn told(
    engine: &mut Engine<'_>,
    lowered: &Lowered,
    explored: &Explored,
    twins: bool,
) -> Vec<Finding> {
    let mut show = |violation: &Violation, schedule: &Schedule| {
        let told = tell(engine, schedule, violation, true)?;
        let serial = explored.serial.as_ref();
        let beside = if twins { twin(engine, schedule, violation, serial) } else { Twin::Unknown };
        let always = beside == Twin::Never;
        let twin = match beside {
            Twin::Found(other) => tell(engine, &other, violation, false).map(|t| t.witness),
            Twin::Never | Twin::Unknown => None,
        };
        Some(Shown { told, twin, always })
    };
    let mut findings: Vec<Finding> = Vec::new();
    for violation in grouped(&explored.violations) {
        let choices = explored.told.iter().find(|(v, _)| same_finding(v, &violation));
        let shown = choices.and_then(|(v, schedule)| show(v, schedule));
        let mut found = finding(lowered, &violation, shown);
        found.message.push_str(also(&violation, &explored.violations));
        findings.push(found);
    }
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.location.cmp(&b.location))
            .then_with(|| a.rule.cmp(b.rule))
    });
    findings
}

pub(super) fn finding(lowered: &Lowered, violation: &Violation, shown: Option<Shown>) -> Finding {
    let program = &lowered.program;
    let cell = violation
        .resource
        .map_or(String::new(), |r| cell_name(program, r, violation.column.as_deref()));
    let actions = names(program, violation);
    let location = violation
        .actions
        .last()
        .map_or_else(Location::default, |n| lowered.places[n.index()].clone());
    let across =
        shown.as_ref().and_then(|s| s.told.across).unwrap_or_else(|| default_across(program));
    let always = shown.as_ref().is_some_and(|s| s.always);
    let (witness, twin) = shown.map_or((None, None), |s| (Some(s.told.witness), s.twin));
    // An order can be put right by a swap; a fault cannot.
    let late = witness.as_ref().is_some_and(|w| w.schedule.arrives_late());
    let pair = witness.as_ref().zip(twin.as_ref()).filter(|(w, t)| w.faults == t.faults);
    let swap = pair.and_then(|(w, t)| swap(program, w, t));
    Finding {
        rule: violation.rule,
        severity: if across == Across::Runs || late { Severity::Warning } else { Severity::Error },
        message: message(violation, &cell, &actions, across) + if late { IF_LATE } else { "" },
        fingerprint: fingerprint(violation.rule, &cell, &actions, across),
        cell,
        actions,
        across: Some(across),
        assumptions: late.then(|| LATE.to_owned()).into_iter().collect(),
        location,
        designer: String::new(), // known once the flow's outline is
        witness,
        twin,
        always,
        swap,
    }
}

pub(super) fn names(program: &Program, violation: &Violation) -> Vec<String> {
    violation.actions.iter().map(|&n| program.node(n).name.to_string()).collect()
}

pub(super) fn default_across(program: &Program) -> Across {
    let runs = program.flows.iter().map(|f| f.runs).sum::<u32>() > 1;
    let loops = program.classes.iter().any(|c| c.looped.is_some());
    if loops {
        Across::Iterations
    } else if runs {
        Across::Runs
    } else {
        Across::Branches
    }
}

/// What an operation that takes effect twice has to fear beside what its sentence says.
fn also(violation: &Violation, all: &BTreeSet<Violation>) -> &'static str {
    let fired = |v: &Violation| v.detail.ends_with(FIRED_TWICE);
    let other = |v: &&Violation| same_finding(v, violation) && fired(v) && !fired(violation);
    let both = violation.rule == "retry-duplicate" && all.iter().any(|v| other(&v));
    if both { ", and the trigger can fire twice for one event" } else { "" }
}

/// One sentence, in the maker's words.
fn message(violation: &Violation, cell: &str, actions: &[String], across: Across) -> String {
    let last = actions.last().map_or("the flow", String::as_str);
    let first = actions.first().map_or("the flow", String::as_str);
    let other = match across {
        Across::Iterations => "another iteration",
        Across::Branches => "another branch",
        Across::Runs => "another run",
    };
    match violation.rule {
        "lost-update" => format!("{last} overwrites an update it never saw"),
        "collateral-overwrite" => {
            format!("{last} writes back an old value of {cell} over what {other} has changed")
        }
        "duplicate-create" => format!("{last} can create a second row with the same key in {cell}"),
        "last-writer-wins" if first == last => format!("whichever {last} runs last decides {cell}"),
        "last-writer-wins" => {
            format!("{first} and {last} overwrite each other: whoever is last decides {cell}")
        }
        "iteration-bleed" => format!("{last} reads back what {other} put into {cell}"),
        "stale-guard" if violation.weak => format!("{last} uses a value that has changed since"),
        "stale-guard" if violation.detail == CHOSEN => {
            format!("{last} acts on a row that it would no longer choose")
        }
        "stale-guard" if violation.detail == MISSED => {
            format!("{last} acts because {first} found no row, though by then there is one")
        }
        "stale-guard" => format!("{last} acts on a condition that no longer holds"),
        "lease-misuse" if actions.len() == 1 && violation.detail.contains("leak") => {
            format!("{last} takes the lease of {cell} and nobody gives it back")
        }
        "lease-misuse" => format!("{last} writes without the lease that should protect it"),
        "retry-duplicate" if violation.detail.ends_with(FIRED_TWICE) => {
            format!("{last} can take effect twice: the trigger can fire twice for one event")
        }
        "retry-duplicate" => format!("{last} can take effect twice: its answer can get lost"),
        "partial-failure" if violation.detail.starts_with("undoes") => {
            format!("{last} takes back more than {first} did")
        }
        "partial-failure" if violation.detail.starts_with("goes on") => {
            format!("{last} goes on as if {first} had not failed")
        }
        "partial-failure" => format!("{first} stays when {last} fails half-way"),
        "retry-exhausted" => format!("{last} gives up because others keep getting in first"),
        "stuck" => format!("{last} waits for ever"),
        "invariant" => violation.detail.replace("is false", "can be false"),
        "unclassified" => format!("{cell} can end in a way that no one-at-a-time order gives"),
        other => format!("{other}: {}", violation.detail),
    }
}

/// 64 bits of FNV-1a over rule, cell, sorted actions and across: no positions, no counts.
pub(super) fn fingerprint(rule: &str, cell: &str, actions: &[String], across: Across) -> String {
    let mut sorted = actions.to_vec();
    sorted.sort();
    let text = format!("{rule}\n{cell}\n{}\n{across:?}", sorted.join("\n"));
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

pub(super) fn graph_finding(fault: &GraphFault) -> Finding {
    let (rule, actions, at, message) = match fault {
        GraphFault::Cycle { actions, at } => {
            let mut round = actions.clone();
            round.extend(actions.first().cloned());
            (
                "run-after-cycle",
                actions.clone(),
                at,
                format!("these actions wait for each other: {}", round.join(" → ")),
            )
        }
        GraphFault::Unknown { action, target, at, suggestion } => {
            let hint =
                suggestion.as_ref().map(|s| format!("; did you mean \"{s}\"?")).unwrap_or_default();
            let text =
                format!("\"{action}\" runs after \"{target}\", which is not beside it{hint}");
            ("run-after-unknown", vec![action.clone()], at, text)
        }
    };
    Finding {
        rule,
        severity: Severity::Error,
        cell: String::new(),
        fingerprint: fingerprint(rule, "", &actions, Across::Branches),
        actions,
        across: None,
        message,
        assumptions: Vec::new(),
        location: at.clone(),
        designer: String::new(),
        witness: None,
        twin: None,
        always: false,
        swap: None,
    }
}
