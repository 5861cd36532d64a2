//! The frame of a report: outcomes, level, counts.

use super::explore::Explored;
use crate::definition::ast::{Definition, Platform};
use crate::definition::location::Location;
use crate::expect::unmet;
use crate::explore::ending::Joint;
use crate::explore::limits::Stop;
use crate::explore::packed::PRINT_BITS;
use crate::explore::prove::Reach;
use crate::explore::serial::is_serial;
use crate::finding::outline::{self, outline};
use crate::finding::{Finding, FlowReport, Level, Outcome, Scope, Severity, Stats, Verdict};
use crate::platform::lower::Lowered;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn empty_report(definition: &Definition, platform: Platform) -> FlowReport {
    FlowReport {
        path: definition.path.clone(),
        flow: definition.name.clone(),
        platform: match platform {
            Platform::PowerAutomate => "power-automate",
            Platform::LogicApps => "logic-apps",
        },
        verdict: Verdict::Safe,
        level: Level::Deterministic,
        exhaustive: true,
        any_number: false,
        scope: Scope { runs: 1, ..Scope::default() },
        stats: Stats::default(),
        outcomes: BTreeMap::new(),
        assumptions: Vec::new(),
        unknown: Vec::new(),
        findings: Vec::new(),
        notes: definition.notes.clone(),
        asides: Vec::new(),
        outline: outline(definition),
        unmet: None,
    }
}

pub(super) fn finish(
    definition: &Definition,
    report: &mut FlowReport,
    start: Option<f64>,
    stop: &dyn Stop,
) {
    if let (Some(start), Some(end)) = (start, stop.elapsed()) {
        report.stats.seconds = Some(end - start);
    }
    for finding in &mut report.findings {
        if finding.location == Location::default() {
            finding.location = somewhere(definition, finding);
        }
        let own = outline::at(&report.outline, &finding.location)
            .or_else(|| outline::named(&report.outline, finding.actions.last()?));
        finding.designer = own.map_or_else(String::new, |own| outline::path(&report.outline, own));
    }
    report.unmet = definition.setup.expect.as_ref().map(|e| unmet(e, report));
}

/// The place of what no action has done: the expression that does not hold, else the file.
fn somewhere(definition: &Definition, finding: &Finding) -> Location {
    let expressions = definition.setup.finally.iter().map(|(_, at)| at);
    let mut named = expressions.filter(|at| {
        let (before, after) = finding.message.split_once(&*at.pointer).unwrap_or_default();
        !before.is_empty() && !after.starts_with(|c: char| c.is_ascii_digit())
    });
    let file = || Location { path: definition.path.clone(), ..Location::default() };
    named.next().cloned().unwrap_or_else(file)
}

/// Adds what one slice says to what the others said: a flow is as safe as its worst cluster.
pub(super) fn add(report: &mut FlowReport, lowered: &Lowered, explored: &Explored) {
    let before = report.clone();
    fill(report, lowered, explored);
    report.exhaustive &= before.exhaustive;
    report.level = report.level.max(before.level);
    report.stats.states += before.stats.states;
    report.stats.nodes += before.stats.nodes;
    report.stats.transitions += before.stats.transitions;
    report.outcomes = before.outcomes;
    if let Verdict::Inconclusive(_) = &before.verdict {
        report.verdict = before.verdict;
    }
}

pub(super) fn fill(report: &mut FlowReport, lowered: &Lowered, explored: &Explored) {
    let complete = explored.stopped.is_none();
    report.exhaustive = complete;
    report.stats = Stats {
        states: explored.counts.states,
        nodes: explored.counts.nodes,
        transitions: explored.counts.transitions,
        seconds: None,
    };
    for (index, observed) in lowered.program.observed.iter().enumerate() {
        let values = |set: &BTreeSet<Joint>| {
            let all: BTreeSet<_> = set.iter().map(|(_, cells)| cells[index].clone()).collect();
            all.into_iter().collect::<Vec<_>>()
        };
        let serial = explored.serial.as_ref().map(values).unwrap_or_default();
        let outcome = Outcome { values: values(&explored.outcomes), serial, complete };
        report.outcomes.insert(observed.name.clone(), outcome);
    }
    let mut by_choice: BTreeMap<_, u64> = BTreeMap::new();
    for (world, _) in &explored.outcomes {
        *by_choice.entry(world.clone()).or_default() += 1;
    }
    report.level = match &explored.serial {
        _ if by_choice.values().all(|&n| n <= 1) => Level::Deterministic,
        Some(serial) if explored.outcomes.iter().any(|o| !is_serial(o, serial)) => Level::NotSerial,
        Some(_) => Level::OrderDependent,
        None => Level::OrderDependent,
    };
    match &explored.serial {
        None if complete => note(report, "there are too many serial orders to list".to_owned()),
        Some(serial) if by_choice.keys().any(|w| !serial.iter().any(|s| s.0 == *w)) => {
            let why = "for some choice of data or faults there is no order of one after another to compare with; there \
                       the level is order-dependent at most";
            note(report, why.to_owned());
        }
        _ => {}
    }
    explored.earned.iter().for_each(|earned| note(report, earned.clone()));
    omission(explored.counts.prints).into_iter().for_each(|said| note(report, said));
    if let Some(reason) = &explored.stopped {
        report.verdict = Verdict::Inconclusive(reason.clone());
    }
}

/// What several parts of a flow have to say is said once.
fn note(report: &mut FlowReport, said: String) {
    if !report.notes.contains(&said) {
        report.notes.push(said);
    }
}

/// What fingerprints cost: by the birthday bound, n states collide with probability at most n²/2 over the number of
/// fingerprints.
fn omission(prints: u64) -> Option<String> {
    if prints == 0 {
        return None;
    }
    let pairs = 2.0 * f64::from(prints.ilog2() + 1) - 1.0;
    let power = ((f64::from(PRINT_BITS) - pairs) * std::f64::consts::LOG10_2).floor();
    Some(format!(
        "{} told apart by fingerprints alone: one was left out with probability under 1 in 10^{power}",
        if prints == 1 { "1 state was".to_owned() } else { format!("{prints} states were") }
    ))
}

/// Why the search of a part of a flow ended that met more states than it may, by whose limit that was.
pub(super) fn part_limit(reason: &str, most: u64, asked: bool) -> String {
    if asked {
        return format!("{reason} in one part of the flow");
    }
    format!(
        "one part of the flow has more than {most} states, where the search of an export ends by default"
    )
}

pub(super) fn conclude(report: &mut FlowReport) {
    if report.findings.iter().any(|f| f.severity > Severity::Note) {
        report.verdict = Verdict::Unsafe;
    }
    // Two items that nobody can tell apart, or two events, give outcomes that only look like one.
    if report.findings.iter().any(|f| f.rule == "last-writer-wins") {
        report.level = report.level.max(Level::OrderDependent);
    }
}

/// How far a safe verdict reaches beyond its scope.
pub(super) fn claim(report: &mut FlowReport, proved: Option<Reach>) {
    if report.verdict != Verdict::Safe {
        return;
    }
    match proved {
        Some(Reach::Any) => report.any_number = true,
        Some(Reach::UpTo(most)) => report.notes.push(format!(
            "proved for up to {most} items, however many at a time; from {} on a limit of the flow can be reached",
            most + 1
        )),
        Some(Reach::Scope) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn a_limit_that_nobody_set_is_not_called_theirs() {
        let reason = "stopped at --max-states after 2033 states";
        let said = |asked: bool| part_limit(reason, 2_000, asked);
        let ours = "one part of the flow has more than 2000 states, where the search of an export ends by default";
        assert_eq!(said(false), ours);
        assert_eq!(said(true), "stopped at --max-states after 2033 states in one part of the flow");
    }

    #[test]
    fn what_two_parts_have_to_say_is_said_once() {
        let mut report = sample::safe_flow();
        let before = report.notes.len();
        for said in ["one", "two", "one"] {
            note(&mut report, said.to_owned());
        }
        assert_eq!(report.notes[before..], ["one", "two"]);
    }
}
