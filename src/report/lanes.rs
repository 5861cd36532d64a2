//! The schedule as a table: time downward, one column a process, then the contested cells, then what happened.
//! Names are cut where it gets narrow, rows never are.

use super::Style;
use super::pen::{Ink, Pen, pad, width, wrap};
use super::race::{effect, processes};
use super::untrusted::elide;
use crate::finding::show;
use crate::finding::{TraceStep, Witness};
use std::collections::BTreeSet;

/// More processes than this are listed instead.
const MOST_LANES: usize = 4;
/// In fewer columns the steps are listed too.
const LEAST_WIDTH: usize = 60;
/// Contested cells shown at once.
const MOST_CELLS: usize = 3;
/// The widest value shown whole.
const WIDEST_VALUE: usize = 24;
/// Longer schedules are shown without the steps that leave the contested cells alone, unless all are asked for.
const MOST_ROWS: usize = 12;
/// Names cut shorter than this say nothing: the steps are listed.
const NARROWEST: usize = 18;
/// Blanks between columns.
const GAP: usize = 3;

/// The schedule as plain lines without a frame, for formats that carry text.
pub(super) fn plain(cell: &str, witness: &Witness) -> String {
    let style = Style { width: 110, verbose: true, ..Style::default() };
    let mut pen = Pen::new(&style);
    schedule(&mut pen, cell, &[], witness);
    let lines = pen.text.lines().map(|line| line.strip_prefix("  │").unwrap_or(line));
    lines.flat_map(|line| [line.strip_prefix("  ").unwrap_or(line), "\n"]).collect()
}

/// The schedule that `witness` is, the finding's own cell first; what is cut leaves its `actions`.
pub(super) fn schedule(pen: &mut Pen, cell: &str, actions: &[String], witness: &Witness) {
    let processes = processes(witness);
    let cells = contested(cell, &witness.steps);
    if processes.len() > MOST_LANES || pen.style.width < LEAST_WIDTH {
        listed(pen, &cells, actions, witness);
    } else {
        table(pen, &processes, &cells, actions, witness);
    }
}

fn contested<'a>(cell: &str, steps: &'a [TraceStep]) -> Vec<&'a str> {
    let mut cells: Vec<&str> = Vec::new();
    for name in steps.iter().flat_map(|step| step.cells.keys()) {
        if !cells.contains(&name.as_str()) {
            cells.push(name);
        }
    }
    cells.sort_by_key(|name| (*name != cell, *name));
    cells.truncate(MOST_CELLS);
    cells
}

/// The column's name without its group, where no other cell shown has the same.
fn short<'a>(cell: &'a str, cells: &[&str]) -> &'a str {
    let tail = |name: &'a str| name.rsplit_once('.').map_or(name, |(_, tail)| tail);
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ')
    };
    let short = tail(cell);
    let alike =
        cells.iter().filter(|other| other.rsplit_once('.').map_or(**other, |(_, t)| t) == short);
    if plain(short) && alike.count() == 1 { short } else { cell }
}

/// One column: what stands at its head and in each row.
struct Column {
    head: String,
    rows: Vec<String>,
    width: usize,
}

fn table(pen: &mut Pen, processes: &[&str], cells: &[&str], actions: &[String], witness: &Witness) {
    let values: Vec<Column> = cells.iter().map(|cell| values(pen, cell, cells, witness)).collect();
    let taken: usize = values.iter().map(|c| c.width + GAP).sum();
    let room = pen.style.width.saturating_sub(taken + 40) / processes.len().max(1);
    let widest = room.saturating_sub(GAP).clamp(12, 60);
    let longest = witness.steps.iter().map(|step| width(&step.action)).max().unwrap_or(0);
    if widest < NARROWEST && longest > widest {
        return listed(pen, cells, actions, witness);
    }
    let lanes: Vec<Column> =
        processes.iter().map(|name| lane(pen, name, widest, witness)).collect();

    let mut head: String =
        lanes.iter().chain(&values).map(|c| pad(&c.head, c.width + GAP)).collect();
    head = pen.paint(Ink::Title, head.trim_end());
    pen.framed(&head);
    let kept = kept(pen.style.verbose, actions, witness);
    let mut next = 0;
    for (row, step) in witness.steps.iter().enumerate() {
        if !kept.contains(&row) {
            continue;
        }
        gap(pen, row - next);
        next = row + 1;
        let lanes: String = lanes.iter().map(|c| pad(&c.rows[row], c.width + GAP)).collect();
        let values: String = values.iter().map(|c| pad(&c.rows[row], c.width + GAP)).collect();
        happened(pen, &format!("{lanes}{values}"), step);
    }
}

/// The rows that are shown: all, or those that make the race.
fn kept(whole: bool, actions: &[String], witness: &Witness) -> BTreeSet<usize> {
    let steps = &witness.steps;
    if whole || steps.len() <= MOST_ROWS {
        return (0..steps.len()).collect();
    }
    let tells = |step: &TraceStep| {
        step.wrong.is_some()
            || actions.contains(&step.action)
            || step.touches.iter().any(|touch| step.cells.contains_key(&touch.cell))
    };
    let mut kept: BTreeSet<usize> = (0..steps.len()).filter(|at| tells(&steps[*at])).collect();
    kept.insert(steps.len() - 1);
    let middle: Vec<usize> = kept.iter().copied().skip(MOST_ROWS / 3).collect();
    for row in middle.iter().rev().skip(MOST_ROWS - MOST_ROWS / 3) {
        kept.remove(row);
    }
    kept
}

/// Where rows are left out.
fn gap(pen: &mut Pen, steps: usize) {
    if steps > 0 {
        let dots = if pen.style.ascii { "..." } else { "…" };
        let steps = super::words::many(steps, "more step");
        pen.framed(&format!("{dots} {steps} {dots}"));
    }
}

fn lane(pen: &Pen, process: &str, widest: usize, witness: &Witness) -> Column {
    let cut = |text: &str| elide(&pen.name(text), widest, pen.style.ascii);
    let row =
        |step: &TraceStep| if step.process == process { cut(&step.action) } else { String::new() };
    let rows: Vec<String> = witness.steps.iter().map(row).collect();
    let head = pen.process(process, widest);
    let width = rows.iter().map(|r| width(r)).max().unwrap_or(0).max(width(&head));
    Column { head, rows, width }
}

/// The last column's head may hang over: nothing stands to its right.
fn values(pen: &Pen, cell: &str, cells: &[&str], witness: &Witness) -> Column {
    let cut = |text: &str| elide(&pen.name(text), WIDEST_VALUE, pen.style.ascii);
    let row = |step: &TraceStep| {
        step.cells.get(cell).map_or(String::new(), |v| cut(&show::brief(v, WIDEST_VALUE)))
    };
    let rows: Vec<String> = witness.steps.iter().map(row).collect();
    let head = cut(short(cell, cells));
    let mut widest = rows.iter().map(|r| width(r)).max().unwrap_or(0);
    if cells.last() != Some(&cell) {
        widest = widest.max(width(&head));
    }
    Column { head, rows, width: widest }
}

/// One row: the columns, the mark, and what happened in as many lines as it needs.
fn happened(pen: &mut Pen, columns: &str, step: &TraceStep) {
    let mark = if step.wrong.is_some() { pen.paint(Ink::Error, pen.cross()) } else { " ".into() };
    let start = width(columns) + 5;
    let text = pen.prose(&effect(step));
    for (i, part) in wrap(&text, pen.style.width.saturating_sub(start + 5)).iter().enumerate() {
        if i == 0 {
            pen.framed(&format!("{columns}{mark}    {part}"));
        } else {
            pen.framed(&format!("{}{part}", " ".repeat(start)));
        }
    }
}

/// Too many for columns: the steps by number.
fn listed(pen: &mut Pen, cells: &[&str], actions: &[String], witness: &Witness) {
    let digits = witness.steps.len().to_string().len();
    let kept = kept(pen.style.verbose, actions, witness);
    let mut next = 0;
    let mut said = Vec::new();
    for (row, step) in witness.steps.iter().enumerate() {
        if !kept.contains(&row) {
            continue;
        }
        gap(pen, row - next);
        next = row + 1;
        let who = format!("{} {}", pen.name(&step.process), pen.name(&step.action));
        let mut text = format!("{who}: {}", pen.prose(&effect(step)));
        let shown =
            cells.iter().filter_map(|cell| Some((short(cell, cells), step.cells.get(*cell)?)));
        let shown: Vec<String> = shown
            .map(|(cell, value)| {
                format!("{} = {}", pen.name(cell), pen.name(&show::brief(value, 2 * WIDEST_VALUE)))
            })
            .collect();
        // What stays as it was needs no telling.
        if !shown.is_empty() && shown != said {
            text = format!("{text} ({})", shown.join(", "));
            said = shown;
        }
        let mark =
            if step.wrong.is_some() { pen.paint(Ink::Error, pen.cross()) } else { " ".into() };
        for (i, part) in wrap(&text, pen.style.width.saturating_sub(digits + 10)).iter().enumerate()
        {
            if i == 0 {
                pen.framed(&format!("{:>digits$}. {mark} {part}", row + 1));
            } else {
                pen.framed(&format!("{}{part}", " ".repeat(digits + 4)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_unambiguous() {
        let both = ["a.Count", "b.Count", "b.Total"];
        assert_eq!(short("a.Count", &both), "a.Count");
        assert_eq!(short("b.Total", &both), "Total");
        assert_eq!(
            short("https://x.example/list", &["https://x.example/list"]),
            "https://x.example/list"
        );
        assert_eq!(short("count", &["count"]), "count");
    }
}
