//! What is shown of a schedule: which cells get a lane, and a value in a few characters.

use super::super::race;
use super::super::untrusted::{clean, elide};
use crate::finding::{Finding, Touch, Witness, show};
use crate::model::value::Value;

/// Lanes of processes that fit.
pub(super) const MOST_LANES: usize = 8;
/// Steps that are drawn.
pub(super) const MOST_STEPS: usize = 200;
/// Lanes of cells.
const MOST_CELLS: usize = 4;

/// The contested cell, then the others that this schedule touches, in that order.
pub(super) fn cells<'a>(finding: &'a Finding, witness: &'a Witness) -> Vec<&'a str> {
    let touched = |name: &str| touches(witness).any(|touch| touch.cell == name);
    let mut cells: Vec<&str> = Vec::new();
    if !finding.cell.is_empty() && touched(&finding.cell) {
        cells.push(&finding.cell);
    }
    for touch in touches(witness) {
        if cells.len() < MOST_CELLS && !cells.contains(&touch.cell.as_str()) {
            cells.push(&touch.cell);
        }
    }
    cells
}

fn touches(witness: &Witness) -> impl Iterator<Item = &Touch> {
    witness.steps.iter().flat_map(|step| &step.touches)
}

/// Whether the schedule can be drawn.
pub(super) fn drawable(witness: &Witness) -> bool {
    witness.steps.len() <= MOST_STEPS && race::processes(witness).len() <= MOST_LANES
}

/// A value in a few characters: of a table how many rows it has.
pub(super) fn short(value: &Value, longest: usize) -> String {
    let rows =
        |items: &[Value]| !items.is_empty() && items.iter().all(|v| matches!(v, Value::Object(_)));
    match value {
        Value::Array(items) if items.is_empty() && longest < 20 => "empty".into(),
        Value::Array(items) if rows(items) && longest < 20 => match items.len() {
            1 => "1 row".into(),
            n => format!("{n} rows"),
        },
        other => elide(&clean(&show::brief(other, longest), false), longest, false),
    }
}

/// A name of a cell in a few characters: the end of it says most.
pub(super) fn tail(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((_, tail)) if !tail.is_empty() && !tail.contains('/') => tail,
        _ => name,
    }
}
