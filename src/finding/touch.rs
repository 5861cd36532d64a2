//! Which cells a step touched, and what they said afterwards: what the pictures are drawn from.

use super::trace::cell_name;
use super::{Touch, TouchKind, TraceStep};
use crate::explore::ending::run_of;
use crate::explore::engine::{Engine, Move, State, Successor};
use crate::model::external::unwritten;
use crate::model::ids::ResourceId;
use crate::model::program::{Access, Kind, Program, Shape, Step};
use crate::model::transition::Event;
use crate::model::value::Value;
use crate::model::view::shown;
use crate::property::judge::Violation;
use std::collections::BTreeMap;

/// A cell: its resource, and its column unless it is the whole of it.
type Cell<'a> = (ResourceId, Option<&'a str>);

/// The contested cell first, then the observed ones in the order of the model.
fn cells<'a>(engine: &Engine<'a>, violation: &'a Violation) -> Vec<Cell<'a>> {
    let program = engine.program;
    let contested = violation.resource.map(|r| (r, violation.column.as_deref()));
    let mut cells: Vec<Cell<'_>> = contested.into_iter().collect();
    for observed in &program.observed {
        let cell = (observed.resource, observed.column.as_deref());
        let name = cell_name(program, cell.0, cell.1);
        // Of a store outside the contested column says it all.
        let same = program.resource(cell.0).shape == Shape::External
            && contested.is_some_and(|(r, column)| {
                r == cell.0 && column.is_some_and(|column| !column.is_empty())
            });
        if same {
            continue;
        }
        if !cells.iter().any(|c| cell_name(program, c.0, c.1) == name) {
            cells.push(cell);
        }
    }
    cells
}

/// What each cell says in a state.
pub(super) fn start(
    engine: &Engine<'_>,
    state: &State,
    violation: &Violation,
) -> BTreeMap<String, Value> {
    cells(engine, violation)
        .into_iter()
        .map(|cell| (cell_name(engine.program, cell.0, cell.1), value(engine, state, cell)))
        .collect()
}

/// What a step did to each cell it touched.
pub(super) fn touches(engine: &Engine<'_>, next: &Successor, violation: &Violation) -> Vec<Touch> {
    let program = engine.program;
    let mut touches: Vec<Touch> = Vec::new();
    let mut touch = |cell: Cell<'_>, kind: TouchKind| {
        let name = cell_name(program, cell.0, cell.1);
        touches.retain(|t| t.cell != name || t.kind != kind);
        touches.push(Touch { cell: name, kind, after: value(engine, &next.state, cell) });
    };
    if let Move::Expire(_, resource) = next.chosen {
        touch((resource, None), TouchKind::Releases);
    }
    for event in next.events.iter() {
        let Kind::Leaf(steps) = &program.node(event.node).kind else { continue };
        let Some(Step::Access(resource, access)) = steps.get(usize::from(event.step)) else {
            continue;
        };
        let Some(kind) = kind(access, event) else { continue };
        if matches!(access, Access::Acquire { .. } | Access::Renew(_) | Access::Release(_)) {
            touch((*resource, None), kind);
            continue;
        }
        for cell in cells(engine, violation) {
            if cell.0 == *resource && reaches(kind, event, cell) {
                touch(cell, kind);
            }
        }
    }
    touches
}

/// A step that goes wrong by what it looked at, in an expression for example, has looked at the contested cell.
pub(super) fn seen(
    engine: &Engine<'_>,
    next: &Successor,
    violation: &Violation,
    step: &mut TraceStep,
) {
    let Some(resource) = violation.resource else { return };
    let cell = (resource, violation.column.as_deref());
    let name = cell_name(engine.program, cell.0, cell.1);
    if !step.touches.iter().any(|t| t.cell == name) {
        let after = value(engine, &next.state, cell);
        step.touches.push(Touch { cell: name, kind: TouchKind::Reads, after });
    }
}

/// What a cell says in a state.
pub(super) fn value(engine: &Engine<'_>, state: &State, (resource, column): Cell<'_>) -> Value {
    let content = engine.content(state, resource, run_of(engine, resource));
    let store = engine.program.resource(resource);
    match column {
        Some(column)
            if store.shape == Shape::External && content.rows.is_empty() && !column.is_empty() =>
        {
            unwritten(&store.name, None, column)
        }
        Some(column) if content.rows.len() == 1 && !column.is_empty() => {
            match content.single(column) {
                Value::Null if store.shape == Shape::External => {
                    unwritten(&store.name, content.rows.first().and_then(Option::as_ref), column)
                }
                said => said,
            }
        }
        _ => shown(engine.program, resource, content),
    }
}

fn kind(access: &Access, event: &Event) -> Option<TouchKind> {
    if event.refused.is_some() {
        return Some(TouchKind::Refused);
    }
    Some(match access {
        Access::Acquire { .. } => TouchKind::Acquires,
        Access::Release(_) => TouchKind::Releases,
        Access::Renew(_) => return None,
        Access::Get
        | Access::Fetch(_)
        | Access::List(_)
        | Access::Select(..)
        | Access::Load
        | Access::Probe(_) => TouchKind::Reads,
        Access::Delete(..) => TouchKind::Writes,
        Access::Update { .. }
        | Access::Add { .. }
        | Access::Store { .. }
        | Access::Create(_)
        | Access::CreateIfNone { .. }
        | Access::Upsert { .. }
        | Access::Write { .. }
            if event.wrote.is_empty() =>
        {
            TouchKind::Reads
        }
        Access::Update { .. }
        | Access::Add { .. }
        | Access::Store { .. }
        | Access::Create(_)
        | Access::CreateIfNone { .. }
        | Access::Upsert { .. }
        | Access::Write { .. } => TouchKind::Writes,
    })
}

/// A write touches the columns it names, everything else the whole.
fn reaches(kind: TouchKind, event: &Event, (_, column): Cell<'_>) -> bool {
    let Some(column) = column.filter(|c| kind == TouchKind::Writes && !c.is_empty()) else {
        return true;
    };
    event.wrote.is_empty() || event.wrote.iter().any(|w| &*w.2 == column)
}

/// Which other cell a step writes, where nothing but the end says what is wrong: then every step may matter.
pub(super) fn elsewhere(program: &Program, event: &Event, violation: &Violation) -> Option<String> {
    let wrote = event.wrote.iter().map(|w| w.0).find(|&r| Some(r) != violation.resource)?;
    let told = violation.rule == "unclassified" && event.refused.is_none();
    told.then(|| format!(" to {}", program.resource(wrote).name))
}
