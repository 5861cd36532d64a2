//! A schedule told in run-history words.

use super::{Across, TraceStep, Witness};
use super::{decision, show, touch};
use crate::explore::engine::{Engine, Move, State, Successor};
use crate::explore::layout::Unit;
use crate::explore::path::{self, Path};
use crate::explore::whole::confirm;
use crate::explore::witness::{Schedule, fired_in, replay, same_finding};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Observed, Program, Shape, Step};
use crate::model::transition::{Event, Round};
use crate::model::value::Value;
use crate::property::judge::Violation;
use std::collections::BTreeMap;

/// The name of a cell.
pub fn cell_name(program: &Program, resource: ResourceId, column: Option<&str>) -> String {
    let r = program.resource(resource);
    let by_column =
        program.observed.iter().find(|o| o.resource == resource && o.column.as_deref() == column);
    match (by_column, column) {
        (Some(observed), _) => observed.name.clone(),
        (None, Some(column)) if column != "value" && !column.is_empty() => {
            let whole = |o: &&Observed| o.resource == resource && o.column.is_none();
            let table = program.observed.iter().find(whole).filter(|_| r.shape != Shape::External);
            table.map_or_else(|| format!("{}.{column}", r.name), |o| o.name.clone())
        }
        (None, _) => r.name.to_string(),
    }
}

/// A told schedule, and whose processes met in it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The witness.
    pub witness: Witness,
    /// Whose processes met, as far as the schedule shows.
    pub across: Option<Across>,
}

/// Replays a schedule and tells it.
pub fn tell(
    engine: &mut Engine<'_>,
    schedule: &Schedule,
    violation: &Violation,
    mark: bool,
) -> Option<Told> {
    let steps = replay(engine, schedule)?;
    if cfg!(debug_assertions)
        && let Some((_, last)) = steps.last()
    {
        confirm(engine, schedule, &last.state);
    }
    tell_steps(engine, &steps, violation, mark)
}

/// Tells a schedule that was run.
pub fn tell_steps(
    engine: &Engine<'_>,
    steps: &[(State, Successor)],
    violation: &Violation,
    mark: bool,
) -> Option<Told> {
    let mut indices: BTreeMap<Unit, u32> = BTreeMap::new();
    let mut witness = Witness::default();
    let mut paths: Vec<Path> = Vec::new();
    let mut last: Option<Path> = None;
    let mut wrong_at = None;
    if let Some((first, _)) = steps.first() {
        number(engine, None, first, None, &mut indices);
        witness.start = touch::start(engine, first, violation);
    }
    for (at, (before, next)) in steps.iter().enumerate() {
        let who = path::path(engine, next.chosen);
        witness.faults += u64::from(next.chosen.is_fault());
        witness.switches += u64::from(last.is_some_and(|last| last != who));
        last = Some(path::last_path(engine, next));
        paths.push(who);
        let fires = mark && fired_in(engine, next).iter().any(|v| same_finding(v, violation));
        if fires {
            wrong_at = Some(at);
        }
        let mut step = told_step(engine, before, next, violation, &indices);
        if fires {
            step.wrong = Some(violation.detail.clone());
            touch::seen(engine, next, violation, &mut step);
        }
        witness.steps.push(step);
        number(engine, Some(before), &next.state, next.ended_unit(), &mut indices);
    }
    // What is judged in the end is the doing of whoever wrote the cell last.
    let last_write = (0..steps.len()).rev().find(|&i| wrote(&steps[i].1, violation));
    let end = last_write.unwrap_or(steps.len().saturating_sub(1));
    witness.schedule = super::schedule::schedule(engine, steps);
    let across = met(steps, &paths, wrong_at.unwrap_or(end), violation);
    if mark && wrong_at.is_none() && !witness.steps.is_empty() {
        let at = blamed(steps, violation).unwrap_or(steps.len() - 1);
        witness.steps[at].wrong = Some(violation.detail.clone());
    }
    Some(Told { witness, across })
}

/// Where the last resort that explains an end happened.
fn blamed(steps: &[(State, Successor)], violation: &Violation) -> Option<usize> {
    let node = violation.actions.last().filter(|_| violation.weak)?;
    steps.iter().rposition(|(_, next)| next.events.iter().any(|e| e.node == *node))
}

/// Keeps track of which iteration is in which slot, given the one that has ended with the step.
pub(crate) fn number(
    engine: &Engine<'_>,
    before: Option<&State>,
    state: &State,
    ended: Option<Unit>,
    indices: &mut BTreeMap<Unit, u32>,
) {
    for run in 0..engine.layout.runs() {
        let root = Unit { run, slot: 0 };
        for unit in engine.layout.slots(run) {
            let at = engine.layout.place(unit);
            if state[at] == 0 {
                indices.remove(&unit);
            } else if before.is_none_or(|b| b[at] == 0) {
                let class = engine.layout.class(unit);
                let taken: Vec<u32> = indices
                    .iter()
                    .filter(|(u, _)| u.run == run && engine.layout.class(**u) == class)
                    .map(|(_, &i)| i)
                    .collect();
                let looped = engine.program.class(class).looped;
                let started = looped.map_or(0, |l| {
                    let slot = engine.program.node(l).slot as usize;
                    engine.block(state, root).nodes[slot].started
                });
                let first = (0..started).rev().find(|i| !taken.contains(i));
                let next = taken.iter().max().map_or(0, |m| m + 1);
                let fresh = if before.is_none() { next } else { first.unwrap_or(next) };
                indices.insert(unit, fresh);
            } else if ended == Some(unit) {
                let looped = engine.program.class(engine.layout.class(unit)).looped;
                if let Some(l) = looped {
                    let slot = engine.program.node(l).slot as usize;
                    let started = engine.block(state, root).nodes[slot].started;
                    indices.insert(unit, started.saturating_sub(1));
                }
            }
        }
    }
}

/// One step, told.
pub(crate) fn told_step(
    engine: &Engine<'_>,
    before: &State,
    next: &Successor,
    violation: &Violation,
    indices: &BTreeMap<Unit, u32>,
) -> TraceStep {
    let program = engine.program;
    let index = |unit: Unit| indices.get(&unit).copied().unwrap_or(0);
    let unit_of = match next.chosen {
        Move::Step(unit, _) | Move::Fault(unit, ..) | Move::Expire(Some(unit), _) => Some(unit),
        Move::Expire(None, _) | Move::Arrives(..) => None,
    };
    let serial = |looped: NodeId| {
        unit_of.map_or(0, |u| {
            let owner = if program.node(looped).class == engine.layout.class(u) {
                u
            } else {
                Unit { run: u.run, slot: 0 }
            };
            engine.block(before, owner).nodes[program.node(looped).slot as usize].count
        })
    };
    let process = path::name(engine, next.chosen, index, serial);
    let (action, effect) = match (super::fault::of_a_run(program, next.chosen), next.chosen) {
        (Some(told), _) => told,
        (None, Move::Step(_, node) | Move::Fault(_, node, _)) => {
            let event = next.events.iter().find(|e| e.node == node);
            let also: Vec<String> = next
                .events
                .iter()
                .filter(|e| {
                    e.node != node && matches!(e.round, Some(Round::Limit | Round::GivenUp))
                })
                .map(|e| format!("{} reached its limit", program.node(e.node).name))
                .collect();
            let decision = decision::words(engine, before, next);
            let mut effect = decision
                .unwrap_or_else(|| event.map_or("goes on".to_owned(), |e| effect(program, e)));
            effect.extend(event.and_then(|e| touch::elsewhere(program, e, violation)));
            if !also.is_empty() {
                effect = format!("{effect}; {}", also.join("; "));
            }
            (program.node(node).name.to_string(), effect)
        }
        (None, Move::Arrives(..)) => super::fault::arrival(program, next),
        (None, Move::Expire(_, resource)) => {
            (format!("lease of {}", program.resource(resource).name), "runs out".to_owned())
        }
    };
    let cells = cells(engine, &next.state, violation);
    let touches = touch::touches(engine, next, violation);
    TraceStep { process, action, effect, cells, touches, wrong: None }
}

/// The contested cells after a step.
fn cells(engine: &Engine<'_>, state: &State, violation: &Violation) -> BTreeMap<String, Value> {
    let program = engine.program;
    let mut cells = BTreeMap::new();
    let resources: Vec<(ResourceId, Option<&str>)> = match violation.resource {
        Some(r) => vec![(r, violation.column.as_deref())],
        None => {
            program.observed.iter().take(3).map(|o| (o.resource, o.column.as_deref())).collect()
        }
    };
    for (resource, column) in resources {
        let name = cell_name(program, resource, column);
        cells.insert(name, touch::value(engine, state, (resource, column)));
    }
    cells
}

/// A value among others; the cells have it whole.
fn said(value: &Value) -> String {
    show::brief(value, 60)
}

/// What a step did, as run history would say it.
pub(super) fn effect(program: &Program, event: &Event) -> String {
    if let Some(fault) = event.fault {
        return super::fault::words(program, event, fault);
    }
    if event.attempt > 0 {
        let of = program.node(event.node).call.retries;
        let first = Event { attempt: 0, ..event.clone() };
        return format!("retry {} of {of}: {}", event.attempt, effect(program, &first));
    }
    let Kind::Leaf(steps) = &program.node(event.node).kind else { return "goes on".to_owned() };
    let Some(step) = steps.get(usize::from(event.step)) else { return "goes on".to_owned() };
    if event.refused == Some(0) {
        return "fails: its inputs cannot be evaluated".to_owned();
    }
    match step {
        Step::Compute(_) => format!("gives {}", said(&event.output)),
        Step::Wait(_) => "goes on".to_owned(),
        Step::Send(_) => format!("sends {}", said(&event.output.get("text"))),
        Step::Opaque { .. } => "calls".to_owned(),
        Step::Access(_, access) => access_effect(access, event),
    }
}

fn access_effect(access: &Access, event: &Event) -> String {
    if let Some(code) = event.refused {
        let why = match (access, code) {
            (Access::Acquire { .. }, _) if event.exhausted => {
                "409: used up its attempts, somebody holds the lease"
            }
            (Access::Acquire { .. }, _) => "409: somebody holds the lease",
            (Access::Renew(_) | Access::Release(_), 409) => {
                "409: this is not the lease that is held"
            }
            (_, 412) => "412: the etag or lease id is out of date",
            (_, 409) => "409: the key exists already",
            (_, 404) => "404: nothing is selected",
            _ => "is refused",
        };
        return why.to_owned();
    }
    let written = || {
        let values: Vec<String> =
            event.wrote.iter().filter(|w| !w.2.is_empty()).map(|w| said(&w.3)).collect();
        if values.is_empty() { "nothing".to_owned() } else { few(&values) }
    };
    match access {
        Access::Get | Access::Fetch(_) | Access::Load => format!("reads {}", read(&event.output)),
        Access::List(_) => {
            let body = event.output.get("body");
            let answer = if body == Value::Null { &event.output } else { &body };
            format!("lists {}", rows(&answer.get("value")))
        }
        Access::Select(..) => format!("selects {}", rows(&selected(&event.output))),
        Access::Probe(_) => match &event.output {
            Value::Int(0) => "finds no such row".to_owned(),
            other => format!("finds {} such rows", said(other)),
        },
        Access::Create(_) => format!("201: creates {}", written()),
        Access::CreateIfNone { .. } if event.wrote.is_empty() => "inserts nothing".to_owned(),
        Access::CreateIfNone { .. } => format!("inserts {}", written()),
        Access::Update { sql: true, .. } | Access::Delete(..) if event.wrote.is_empty() => {
            "finds no such row".to_owned()
        }
        Access::Delete(..) => "deletes".to_owned(),
        Access::Acquire { .. } => "201: has the lease".to_owned(),
        Access::Renew(_) => "200: renews the lease".to_owned(),
        Access::Release(_) => "200: gives the lease back".to_owned(),
        Access::Update { .. }
        | Access::Add { .. }
        | Access::Store { .. }
        | Access::Upsert { .. }
        | Access::Write { .. } => format!("writes {}", written()),
    }
}

fn read(output: &Value) -> String {
    let Value::Object(object) = output else { return said(output) };
    if let Some(body) = object.get("body") {
        return row(body);
    }
    let values: Vec<String> = object
        .iter()
        .filter(|(k, _)| !matches!(&***k, "etag" | "statusCode"))
        .map(|(_, v)| said(v))
        .collect();
    values.join(", ")
}

/// The known columns of a row of a store outside.
fn row(body: &Value) -> String {
    let Value::Object(columns) = body else { return said(body) };
    let hidden = |c: &str| c.starts_with(['#', '@']) || c == "etag";
    let known: Vec<String> = columns
        .iter()
        .filter(|(c, _)| !hidden(c))
        .map(|(c, v)| format!("{c} {}", said(v)))
        .collect();
    if known.is_empty() { "the row as it was before".to_owned() } else { few(&known) }
}

/// The first three, and how many more.
fn few(values: &[String]) -> String {
    const FEW: usize = 3;
    if values.len() <= FEW + 1 {
        return values.join(", ");
    }
    format!("{} and {} more", values[..FEW].join(", "), values.len() - FEW)
}

/// The rows that a SELECT answers, however the service lays them out.
fn selected(output: &Value) -> Value {
    match output.get("body") {
        Value::Null => output.get("rows"),
        Value::Array(sets) => sets.first().cloned().unwrap_or_default(),
        body => body.get("resultsets").get("Table1"),
    }
}

fn rows(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.is_empty() => "no rows".to_owned(),
        Value::Array(rows) if rows.len() == 1 => "1 row".to_owned(),
        Value::Array(rows) => format!("{} rows", rows.len()),
        other => said(other),
    }
}

/// Whether a step wrote the contested cell.
fn wrote(next: &Successor, violation: &Violation) -> bool {
    let column = |c: &str| violation.column.as_deref().is_none_or(|v| v == c);
    next.events
        .iter()
        .flat_map(|e| &e.wrote)
        .any(|w| Some(w.0) == violation.resource && column(&w.2))
}

/// Whose processes met: the one that fired, and the last other one that wrote the resource (else any other).
fn met(
    steps: &[(State, Successor)],
    paths: &[Path],
    at: usize,
    violation: &Violation,
) -> Option<Across> {
    let own = paths.get(at)?;
    let writes = |i: &usize| wrote(&steps[*i].1, violation);
    let mut others: Vec<usize> =
        (0..at).rev().filter(|&i| path::parts(&paths[i], own).is_some()).collect();
    others.sort_by_key(|i| !writes(i));
    others.first().and_then(|&i| path::parts(&paths[i], own))
}
