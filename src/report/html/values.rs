//! What every cell says after every step, and what each process has read: the picture as a table.

use super::super::race;
use super::super::untrusted::{clean, elide};
use super::node::{El, el};
use super::pick;
use crate::finding::{Finding, TouchKind, Witness, show};
use std::collections::BTreeMap;

const LONGEST: usize = 60;
/// Processes whose last look gets a column.
const MOST: usize = 4;

pub(super) fn values(finding: &Finding, witness: &Witness, id: &str) -> El {
    let cells = pick::cells(finding, witness);
    let mut processes = race::processes(witness);
    processes.truncate(MOST);
    let column = |text: &str| el("th").attr("scope", "col").name(text);
    let mut head = el("tr").child(column("after step"));
    head = head.children(cells.iter().map(|cell| column(cell)));
    head = head.children(processes.iter().map(|p| column(&format!("{p} has read"))));
    let mut now: BTreeMap<&str, String> = BTreeMap::new();
    let mut held: BTreeMap<&str, String> = BTreeMap::new();
    for cell in &cells {
        now.extend(witness.start.get(*cell).map(|value| (*cell, show::text(value))));
    }
    let mut body = el("tbody").child(row("start", &cells, &processes, &now, &held, &[]));
    for (n, step) in witness.steps.iter().enumerate().take(pick::MOST_STEPS) {
        let mut changed: Vec<&str> = Vec::new();
        for touch in &step.touches {
            let says = match touch.kind {
                TouchKind::Acquires => "held".to_owned(),
                TouchKind::Releases => "free".to_owned(),
                TouchKind::Reads | TouchKind::Writes | TouchKind::Refused => {
                    show::text(&touch.after)
                }
            };
            now.insert(&touch.cell, says);
            if touch.kind == TouchKind::Reads && touch.cell == finding.cell {
                held.insert(&step.process, show::text(&touch.after));
                changed.push(&step.process);
            } else if touch.kind != TouchKind::Reads && touch.kind != TouchKind::Refused {
                changed.push(&touch.cell);
            }
        }
        let label = format!("{} {} {}", n + 1, step.process, step.action);
        let row = row(&label, &cells, &processes, &now, &held, &changed);
        let row = row.attr("data-step", n + 1);
        body = body.child(if step.wrong.is_some() { row.class("wrong") } else { row });
    }
    let caption = el("caption").text("Values at every step; • has just changed or been read");
    el("table")
        .attr("id", format!("{id}-values"))
        .child(caption)
        .child(el("thead").child(head))
        .child(body)
}

fn row<'a>(
    label: &str,
    cells: &[&str],
    processes: &[&str],
    now: &BTreeMap<&'a str, String>,
    held: &BTreeMap<&'a str, String>,
    changed: &[&str],
) -> El {
    let value = |of: Option<&String>, name: &str| {
        let cell = el("td");
        let Some(value) = of else { return cell };
        let mark = if changed.contains(&name) { " •" } else { "" };
        cell.attr("title", value).text(&elide(&clean(value, false), LONGEST, false)).text(mark)
    };
    el("tr")
        .child(el("th").attr("scope", "row").name(label))
        .children(cells.iter().map(|cell| value(now.get(cell), cell)))
        .children(processes.iter().map(|process| value(held.get(process), process)))
}
