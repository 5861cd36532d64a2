//! A saved schedule on the flow as it is now: reproduced, fixed or diverged (design.md §8).

use super::Stop;
use super::findings::finding;
use super::guide::{Candidate, Followed, Guide, agrees, is_it, missing, named};
use super::left::after_all;
use super::resort::last_resort;
use super::scenes::scenes;
use super::whereabouts::{beside, open};
use crate::definition::ast::Definition;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::definition::suggest::nearest;
use crate::explore::ending::outcome;
use crate::explore::engine::{Engine, State, Successor};
use crate::explore::serial::{is_serial, serial};
use crate::explore::witness::fired_in;
use crate::finding::Finding;
use crate::finding::trace::tell_steps;
use crate::finding::witness_file::WitnessFile;
use crate::model::ids::{NodeId, ResourceId};
use crate::platform::lower::Lowered;
use crate::property::judge::Violation;
use crate::source;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rules that a whole run is judged by, if nothing else fired in it.
const LAST_RESORTS: [&str; 6] = [
    "unclassified",
    "retry-exhausted",
    "stale-guard",
    "iteration-bleed",
    "lost-update",
    "collateral-overwrite",
];
/// Names listed when a schedule diverges.
const MOST_NAMES: usize = 5;

/// What a replay says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The anomaly is there.
    Reproduced,
    /// The schedule runs, or the flow rules it out, and the anomaly is gone; the sentence says which.
    Fixed(String),
    /// The flow is another one now: at which step (from 1), and what it has there.
    Diverged(usize, String),
}

/// A replay: how it ended, and the steps that were taken as the finding's witness.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// How it ended.
    pub ending: Ending,
    /// The finding, with the schedule as it ran; without one if nothing ran.
    pub finding: Finding,
}

/// Reads a witness file and runs it on the flow it names, or on another one.
pub fn replay(path: &Path, flow: Option<&Path>, stop: &dyn Stop) -> Result<Replayed, Vec<Problem>> {
    let shown = path.to_string_lossy();
    let text = source::text(path).map_err(|problem| vec![problem])?;
    let file = WitnessFile::parse(&shown, &text).map_err(|problem| vec![problem])?;
    let flow = flow.map_or_else(|| beside(path, &file.flow), Path::to_path_buf);
    let definition = open(&flow, &file)?;
    replay_in(&file, &definition, stop)
}

/// The witness files in a folder and below, or the one that is named.
pub fn witness_files(path: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    source::files(path)
}

/// Runs a witness on a definition.
pub fn replay_in(
    file: &WitnessFile,
    definition: &Definition,
    stop: &dyn Stop,
) -> Result<Replayed, Vec<Problem>> {
    let mut scenes = scenes(file, definition)?;
    let mut best: Option<Replayed> = None;
    for lowered in &mut scenes.programs {
        let (mut replayed, barred) = run(file, lowered, &scenes.names, stop);
        if let Some(step) = barred {
            replayed.ending = after_all(file, lowered, step, replayed.ending, stop);
        }
        if replayed.ending == Ending::Reproduced {
            return Ok(replayed);
        }
        // What ran tells more than what did not, and of both the later: in it every access is a step.
        let lost = |r: &Replayed| matches!(r.ending, Ending::Diverged(..));
        if best.as_ref().is_none_or(|best| lost(best) || !lost(&replayed)) {
            best = Some(replayed);
        }
    }
    Ok(best.unwrap_or_else(|| unshared(file, &scenes.names)))
}

/// Nothing in the flow is shared any more.
fn unshared(file: &WitnessFile, names: &BTreeSet<String>) -> Replayed {
    let gone = file.steps.iter().position(|s| !names.contains(&s.action));
    let ending = match gone {
        Some(at) => lost_at(at, &format!("no action is called {} now", file.steps[at].action)),
        None => Ending::Fixed("nothing in the flow meets anything else any more".to_owned()),
    };
    Replayed { ending, finding: blank(file) }
}

/// Follows the schedule; with the step that is ruled out now, if one is.
fn run(
    file: &WitnessFile,
    lowered: &Lowered,
    names: &BTreeSet<String>,
    stop: &dyn Stop,
) -> (Replayed, Option<usize>) {
    let mut engine = Engine::new(&lowered.program, false);
    engine.judge.guarded = guarded(lowered, file);
    let initial = engine.initial();
    let start = initial.iter().position(|s| agrees(&engine, file, s)).unwrap_or(0);
    let Some(state) = initial.get(start).cloned() else {
        let ending = lost_at(0, "the flow cannot begin");
        return (Replayed { ending, finding: blank(file) }, None);
    };
    let mut guide = Guide::new(&engine, file, state, (names, &lowered.items));
    let followed = guide.follow(&mut engine);
    let barred = match followed {
        Followed::RuledOut(step) => Some(step),
        Followed::Wrong(_) | Followed::Ran(_) | Followed::Lost(..) => None,
    };
    let (ending, violation) = match followed {
        Followed::Wrong(violation) => (Ending::Reproduced, Some(violation)),
        Followed::Ran(left_out) => match resort(file, &mut engine, &guide, stop) {
            Some(violation) => (Ending::Reproduced, Some(violation)),
            None => (Ending::Fixed(ran(file, &left_out)), None),
        },
        Followed::RuledOut(step) => (Ending::Fixed(ruled_out(file, step)), None),
        Followed::Lost(step, candidates) => {
            (lost_at(step, &why(file, lowered, names, step, &candidates)), None)
        }
    };
    if violation.is_none() {
        guide.drop_strangers();
    }
    let told = told(file, &engine, &guide.taken, violation.as_ref());
    (Replayed { ending, finding: shown(file, lowered, told, violation) }, barred)
}

pub(super) fn lost_at(step: usize, why: &str) -> Ending {
    Ending::Diverged(step + 1, why.to_owned())
}

/// Which write the lease should have guarded was known to the check that saved the file.
fn guarded(lowered: &Lowered, file: &WitnessFile) -> BTreeSet<(NodeId, ResourceId)> {
    let mut found = BTreeSet::new();
    if file.rule != "lease-misuse" {
        return found;
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    for id in lowered.program.ids() {
        if file.actions.last().is_some_and(|a| **a == *lowered.program.node(id).name) {
            found.extend((0..lowered.program.resources.len()).map(|r| (id, ResourceId(count(r)))));
        }
    }
    found
}

/// What a run that ended well otherwise is judged by: an outcome that no serial order gives.
fn resort(
    file: &WitnessFile,
    engine: &mut Engine<'_>,
    guide: &Guide<'_>,
    stop: &dyn Stop,
) -> Option<Violation> {
    let ended = guide.state().clone();
    let strong = |s: &Successor| fired_in(engine, s).iter().any(|v| !v.weak);
    if !LAST_RESORTS.contains(&file.rule.as_str())
        || !engine.all_ended(&ended)
        || guide.taken.iter().any(|(_, next)| strong(next))
    {
        return None;
    }
    let end = outcome(engine, &ended);
    engine.symmetry = true;
    let orders = serial(engine, 400_000, stop);
    engine.symmetry = false;
    let orders = orders?;
    if is_serial(&end, &orders) {
        return None;
    }
    let violation = last_resort(engine, &guide.taken, &orders)?;
    is_it(engine, file, &violation).then_some(violation)
}

fn told(
    file: &WitnessFile,
    engine: &Engine<'_>,
    taken: &[(State, Successor)],
    violation: Option<&Violation>,
) -> Option<crate::finding::trace::Told> {
    let program = engine.program;
    let cell = program.observed.iter().find(|o| o.name == file.cell);
    let stand_in = Violation {
        resource: cell.map(|o| o.resource),
        column: cell.and_then(|o| o.column.clone()),
        ..Violation::default()
    };
    if taken.is_empty() {
        return None;
    }
    tell_steps(engine, taken, violation.unwrap_or(&stand_in), violation.is_some())
}

fn shown(
    file: &WitnessFile,
    lowered: &Lowered,
    told: Option<crate::finding::trace::Told>,
    violation: Option<Violation>,
) -> Finding {
    let Some(violation) = violation else {
        return Finding { witness: told.map(|t| t.witness), ..blank(file) };
    };
    let mut finding = finding(lowered, &violation, None);
    finding.across = told.as_ref().and_then(|t| t.across).or(finding.across);
    finding.witness = told.map(|t| t.witness);
    finding
}

/// The finding as the file has it.
fn blank(file: &WitnessFile) -> Finding {
    Finding {
        rule: crate::property::rule(&file.rule).map_or("", |meta| meta.id),
        severity: crate::finding::Severity::Note,
        cell: file.cell.clone(),
        actions: file.actions.clone(),
        across: None,
        message: file.message.clone(),
        assumptions: Vec::new(),
        fingerprint: String::new(),
        location: Location::default(),
        designer: String::new(),
        witness: None,
        twin: None,
        always: false,
        swap: None,
    }
}

fn step(file: &WitnessFile, at: usize) -> String {
    let step = &file.steps[at];
    format!("{} {}", step.process, step.action)
}

fn ran(file: &WitnessFile, left_out: &[usize]) -> String {
    let names: Vec<String> = left_out.iter().take(MOST_NAMES).map(|&at| step(file, at)).collect();
    if names.is_empty() {
        "the schedule runs, and the anomaly is gone".to_owned()
    } else {
        format!("the anomaly is gone: the flow now leaves out {}", names.join(", "))
    }
}

fn ruled_out(file: &WitnessFile, at: usize) -> String {
    let before: Vec<String> = (at + 1..file.steps.len())
        .filter(|&later| file.steps[later].process != file.steps[at].process)
        .take(1)
        .map(|later| step(file, later))
        .collect();
    let than = before.first().map_or("the others".to_owned(), Clone::clone);
    format!(
        "the order is ruled out: {} now has to wait and cannot come before {than}; no other order goes wrong",
        step(file, at)
    )
}

/// Why a step cannot run, and what could instead.
fn why(
    file: &WitnessFile,
    lowered: &Lowered,
    names: &BTreeSet<String>,
    at: usize,
    candidates: &[Candidate],
) -> String {
    let program = &lowered.program;
    let crate::finding::witness_file::FileStep { process, action, .. } = &file.steps[at];
    let text = if !named(program, names, action) {
        let near = nearest(action, names.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("; the nearest name is {near}"));
        format!("no action is called {action} now{near}")
    } else if let Some((name, items)) = missing(&lowered.items, process) {
        format!("there is no {process}: {name} has {items} items now")
    } else {
        format!("{process} cannot run {action} here")
    };
    let mut now: Vec<String> = Vec::new();
    let own: Vec<&Candidate> = candidates.iter().filter(|c| c.process == *process).collect();
    let list = if own.is_empty() { candidates.iter().collect() } else { own };
    for candidate in list {
        let name = format!("{} {}", candidate.process, candidate.action);
        if !now.contains(&name) && now.len() < MOST_NAMES {
            now.push(name);
        }
    }
    let now = match now.as_slice() {
        [] => "the flow has ended there, or waits".to_owned(),
        _ => format!("the flow has there now: {}", now.join(", ")),
    };
    format!("{text}; {now}")
}

impl std::fmt::Display for Replayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finding { rule, cell, .. } = &self.finding;
        match &self.ending {
            Ending::Reproduced => write!(f, "reproduced: {rule} of {cell}"),
            Ending::Fixed(how) => write!(f, "fixed: {rule} of {cell}; {how}"),
            Ending::Diverged(step, why) => write!(f, "diverged at step {step}: {why}"),
        }
    }
}
