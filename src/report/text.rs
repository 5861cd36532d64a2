//! For people at a terminal: each finding like a compiler's message with its schedule, then what the verdict on
//! the flow is and how far it reaches, then one closing line.

use super::Style;
use super::entry::{Entry, entries};
use super::lanes;
use super::pen::{Ink, Pen, wrap};
use super::words::{self, count};
use crate::definition::location::Location;
use crate::finding::{Finding, FlowReport, Report, Severity, TraceStep, Verdict, Witness};
use std::collections::BTreeSet;

/// Steps of the good order that are told in one sentence.
const TWIN_STEPS: usize = 12;
/// States that are worth a second look at an export.
const FURTHER: u64 = 300_000;

/// The whole report.
pub(super) fn report(report: &Report, style: &Style) -> String {
    let mut pen = Pen::new(style);
    for flow in &report.flows {
        let told = findings(&mut pen, flow);
        verdict(&mut pen, flow, &told);
        pen.line("");
    }
    let closing = words::closing(report);
    pen.line(&closing);
    pen.text
}

/// The findings; gives back the cells whose outcomes were told on the way.
fn findings<'a>(pen: &mut Pen, flow: &'a FlowReport) -> BTreeSet<&'a str> {
    let mut told = BTreeSet::new();
    let verbose = pen.style.verbose;
    let entries = entries(&flow.findings);
    // Of the worst the first that can be shown.
    let worst =
        |e: &&Entry<'_>| Some(e.finding.severity) == flow.findings.first().map(|f| f.severity);
    let shown = entries.iter().take_while(worst).position(|e| e.finding.witness.is_some());
    let whole = |at: usize| verbose || at == shown.unwrap_or(0);
    let (all, rest): (Vec<_>, Vec<_>) =
        entries.into_iter().enumerate().partition(|(at, _)| whole(*at));
    for (_, entry) in all {
        title(pen, &entry, 1);
        let untold = entry.cells().iter().filter(|cell| told.insert(**cell)).copied();
        body(pen, flow, entry.finding, untold.collect());
        pen.line("");
    }
    for group in rest.chunk_by(|(_, a), (_, b)| alike(a, b)) {
        title(pen, &group[0].1, group.len());
    }
    if !rest.is_empty() {
        let path = pen.path(&flow.path);
        pen.bullet(&format!("with their schedules: flowrace check {path} -v"));
        pen.line("");
    }
    told
}

/// Whether two findings differ only in the action on the other side.
fn alike(a: &Entry<'_>, b: &Entry<'_>) -> bool {
    let same = a.cells() == b.cells();
    let (a, b) = (a.finding, b.finding);
    same && a.rule == b.rule
        && a.severity == b.severity
        && a.message == b.message
        && a.location == b.location
}

/// What and where, if it has a place, and in which order, step by step.
pub(super) fn schedule(finding: &Finding, style: &Style) -> String {
    let style = Style { verbose: true, ..style.clone() };
    let mut pen = Pen::new(&style);
    if finding.location != Location::default() {
        title(&mut pen, &Entry::of(finding), 1);
    }
    if let Some(witness) = &finding.witness {
        pen.framed("");
        lanes::schedule(&mut pen, &finding.cell, &finding.actions, witness);
        pen.framed("");
    }
    pen.text
}

/// What and where, in two lines, or three where a designer shows the flow.
fn title(pen: &mut Pen, entry: &Entry<'_>, times: usize) {
    let finding = entry.finding;
    let kind = format!("{}[{}]", finding.severity.id(), finding.rule);
    let kind = pen.paint(ink(finding.severity), &kind);
    let message = pen.paint(Ink::Title, &pen.prose(&entry.message()));
    let times = if times > 1 { format!(" ({times} such)") } else { String::new() };
    pen.line(&format!("{kind}: {message}{times}"));
    let at = &finding.location;
    let mut place = pen.path(&at.path);
    if at.line > 0 {
        place = format!("{place}:{}:{}", at.line, at.column);
    }
    // Real exports are one single line, where only the pointer tells.
    if at.line <= 1 && !at.pointer.is_empty() {
        place = format!("{place} ({})", pen.path(&at.pointer));
    }
    if !place.is_empty() {
        place.push_str("   ");
    }
    let corner = pen.paint(Ink::Frame, pen.corner());
    if entry.alone() {
        let cell = pen.name(&finding.cell);
        pen.line(&format!("  {corner} {place}{cell}"));
    } else {
        pen.line(&format!("  {corner} {place}"));
        let names = pen.prose(&entry.named());
        for line in wrap(&names, pen.style.width.saturating_sub(5)) {
            pen.framed(&line);
        }
    }
    if let Some(designer) = finding.in_designer() {
        let designer = pen.path(designer);
        pen.framed(&format!("in the designer: {designer}"));
    }
}

fn body(pen: &mut Pen, flow: &FlowReport, finding: &Finding, cells: Vec<&str>) {
    if let Some(witness) = &finding.witness {
        pen.framed("");
        lanes::schedule(pen, &finding.cell, &finding.actions, witness);
        pen.framed("");
        if witness.faults > 0 {
            pen.bullet(&format!("needs {}", count(witness.faults, "fault")));
        }
        cure(pen, finding);
    }
    for cell in cells {
        let outcome = flow.outcomes.get(cell).filter(|outcome| !outcome.values.is_empty());
        if let Some(outcome) = outcome {
            pen.bullet(&pen.prose(&words::outcome(cell, outcome, flow)));
        }
    }
    if !finding.assumptions.is_empty() {
        let names: Vec<String> = finding.assumptions.iter().map(|a| assumed(pen, a)).collect();
        pen.bullet(&format!("rests on an assumption: {}", names.join(", ")));
    }
    let help = finding.help();
    if !help.is_empty() {
        pen.bullet(&format!("help: {help}"));
    }
}

/// An assumption, and what it takes for possible.
fn assumed(pen: &Pen, id: &str) -> String {
    let why = match id {
        "same-row" => " (two runs may be about the same row)",
        "shared-key" => " (two items may be alike, or name the same row)",
        _ => "",
    };
    format!("{}{why}", pen.name(id))
}

/// The nearest order that goes well, as one swap if it is one.
fn cure(pen: &mut Pen, finding: &Finding) {
    match (&finding.swap, &finding.twin) {
        (Some(swap), _) => pen.bullet(&format!("one swap makes it right: {}", pen.prose(swap))),
        (None, Some(twin)) if twin.faults < finding.witness.as_ref().map_or(0, |w| w.faults) => {
            pen.bullet("goes well without the fault");
        }
        (None, Some(twin)) if (1..=TWIN_STEPS).contains(&twin.steps.len()) => {
            pen.bullet(&format!("goes well in this order: {}", order(pen, twin)));
        }
        (None, Some(_)) => {}
        (None, None) => words::hopeless(finding).into_iter().for_each(|said| pen.bullet(said)),
    }
}

/// `order[1] Get_item, Update_item; order[2] Get_item, Update_item`.
fn order(pen: &Pen, witness: &Witness) -> String {
    let turns = witness.steps.chunk_by(|a, b| a.process == b.process);
    let turn = |steps: &[TraceStep]| {
        let actions: Vec<String> = steps.iter().map(|step| pen.name(&step.action)).collect();
        format!("{} {}", pen.name(&steps[0].process), actions.join(", "))
    };
    turns.map(turn).collect::<Vec<_>>().join("; ")
}

/// One line for the flow, and below it what the verdict rests on.
fn verdict(pen: &mut Pen, flow: &FlowReport, told: &BTreeSet<&str>) {
    let (ink, says) = match &flow.verdict {
        Verdict::Safe => (Ink::Good, reach(flow)),
        Verdict::Unsafe => {
            (Ink::Error, format!("{}; {}", words::severities(&[flow]), explored(flow)))
        }
        Verdict::Inconclusive(reason) => (Ink::Warning, format!("{reason}; {}", explored(flow))),
    };
    let mut word = pen.paint(ink, flow.verdict.id());
    word.push_str(if flow.verdict == Verdict::Safe && flow.any_number { " " } else { ": " });
    let place = place(pen, flow);
    pen.line(&format!("{place}: {word}{}", pen.prose(&says)));
    if let Verdict::Inconclusive(why) = &flow.verdict
        && let Some(help) = next_step(flow, why)
    {
        pen.bullet(&pen.prose(&format!("help: {help}")));
    }
    basis(pen, flow, told);
}

/// The path, and the flow's name unless the file is called that.
fn place(pen: &Pen<'_>, flow: &FlowReport) -> String {
    let path = pen.path(&flow.path);
    let file = flow.path.rsplit('/').next().unwrap_or_default();
    if file.strip_suffix(".json") == Some(&*flow.flow) {
        return path;
    }
    format!("{path}, \"{}\"", pen.name(&flow.flow))
}

fn basis(pen: &mut Pen, flow: &FlowReport, told: &BTreeSet<&str>) {
    for (cell, outcome) in &flow.outcomes {
        if outcome.values.len() > 1 && !told.contains(cell.as_str()) {
            pen.bullet(&pen.prose(&words::outcome(cell, outcome, flow)));
        }
    }
    if let Some(level) = words::level(flow) {
        pen.bullet(level);
    }
    let asides = flow.asides.iter().filter(|_| pen.style.verbose);
    for note in flow.notes.iter().chain(asides) {
        pen.bullet(&format!("note: {}", pen.prose(note)));
    }
    for unknown in &flow.unknown {
        pen.bullet(&format!(
            "not modelled: {}; taken as sharing nothing with the rest of the flow",
            pen.name(unknown)
        ));
    }
    for assumption in &flow.assumptions {
        let flips = if assumption.flips {
            "would change the verdict"
        } else {
            "would not change the verdict"
        };
        let (id, value) = (pen.name(&assumption.id), pen.name(&assumption.value));
        pen.bullet(&format!("assumes: {id} = {value} (anything else {flips})"));
    }
}

/// How far a safe verdict reaches.
fn reach(flow: &FlowReport) -> String {
    if flow.any_number {
        return "for any number of items (proved)".into();
    }
    let within = within(flow);
    let most = if flow.scope.items.is_empty() { "" } else { "; more items are not covered" };
    match (flow.exhaustive, flow.stats.states) {
        (true, 0) if within.is_empty() => "nothing is shared".to_owned(),
        (true, 0) => format!("nothing is shared,{within}"),
        (true, states) => format!("all {} explored{within}{most}", count(states, "state")),
        (false, states) => {
            format!("nothing found in {}{within}; this proves nothing", count(states, "state"))
        }
    }
}

fn explored(flow: &FlowReport) -> String {
    if flow.stats.states == 0 && flow.stats.transitions > 0 {
        return format!("{} tried{}", count(flow.stats.transitions, "step"), within(flow));
    }
    let all = if flow.exhaustive { "all " } else { "" };
    let more =
        if flow.exhaustive || flow.verdict != Verdict::Unsafe { "" } else { "; there are more" };
    format!("{all}{} explored{}{more}", count(flow.stats.states, "state"), within(flow))
}

fn within(flow: &FlowReport) -> String {
    let scope = words::scope(&flow.scope);
    if scope.is_empty() { scope } else { format!(" with {scope}") }
}

/// A cheaper question than the one that was too big, or how to look further; nothing where neither would help.
fn next_step(flow: &FlowReport, why: &str) -> Option<String> {
    let path = &flow.path;
    if why.starts_with("random schedules") {
        return Some(
            "try more of them (--schedules, --time) or others (--seed); only check can prove"
                .into(),
        );
    }
    if why.starts_with("a value") {
        return Some(
            "start from smaller data, or leave out of `observe` what the value does not concern"
                .into(),
        );
    }
    if why.starts_with("one part of the flow has more than ") {
        return Some(format!("look further: flowrace check {path} --max-states {FURTHER}"));
    }
    let widest = flow.scope.items.iter().max_by_key(|(_, n)| **n).filter(|(_, n)| **n > 2);
    let smaller = match widest {
        Some((name, _)) if flow.scope.items.len() > 1 => format!("--items {name}=2"),
        Some(_) => "--items 2".into(),
        None if flow.scope.runs > 2 => "--runs 2".into(),
        None if why.ends_with(" in one part of the flow") => {
            return Some("raise --max-states, or try random schedules (--or-fuzz)".into());
        }
        None if why.starts_with("stopped") || why.contains("limit") => {
            return Some(
                "raise the limit that was reached (--max-states, --max-memory or --timeout), name only the cells that \
                 matter in `observe`, or try random schedules (--or-fuzz)"
                    .into(),
            );
        }
        None => return None,
    };
    Some(format!("most races need no more than two at a time: flowrace check {path} {smaller}"))
}

fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Error,
        Severity::Warning => Ink::Warning,
        Severity::Note => Ink::Note,
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
