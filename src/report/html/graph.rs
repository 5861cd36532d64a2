//! The flow as its designer shows it: containers around actions, side by side what may run side by side, and the
//! racing actions marked with the steps at which they run.

use super::super::race;
use super::node::{El, el};
use crate::finding::{Finding, FlowReport, Outlined, Witness};
use std::collections::BTreeMap;

/// A larger flow is cut to the racing actions, what is around them and what they wait for.
const WHOLE: usize = 40;

pub(super) fn graph(flow: &FlowReport, finding: &Finding, id: &str) -> Option<El> {
    let outline = &flow.outline;
    if outline.is_empty() {
        return None;
    }
    let racing: Vec<bool> =
        outline.iter().map(|entry| finding.actions.contains(&entry.name)).collect();
    let mut shown = vec![outline.len() <= WHOLE; outline.len()];
    for at in (0..outline.len()).filter(|at| racing[*at]) {
        let mut entry = Some(at);
        while let Some(inner) = entry {
            shown[inner] = true;
            for (other, before) in outline.iter().enumerate() {
                let waited = outline[inner].after.iter().any(|(name, _)| *name == before.name);
                shown[other] |= waited && before.inside == outline[inner].inside;
            }
            entry = outline[inner].inside;
        }
    }
    let graph = Graph { outline, finding, id, racing, shown };
    let hidden = graph.shown.iter().filter(|shown| !**shown).count();
    let mut figure = el("figure").class("graph").child(graph.container(None)?);
    if hidden > 0 {
        figure =
            figure.child(el("figcaption").text(&format!("{hidden} other actions are left out")));
    }
    Some(figure)
}

struct Graph<'a> {
    outline: &'a [Outlined],
    finding: &'a Finding,
    id: &'a str,
    racing: Vec<bool>,
    shown: Vec<bool>,
}

impl Graph<'_> {
    /// The sides of a container beside each other; `None` if nothing of it is shown.
    fn container(&self, inside: Option<usize>) -> Option<El> {
        let mut sides: Vec<(&str, Vec<usize>)> = Vec::new();
        for (at, entry) in self.outline.iter().enumerate() {
            if entry.inside != inside || !self.shown[at] {
                continue;
            }
            match sides.iter_mut().find(|(side, _)| *side == entry.side) {
                Some((_, list)) => list.push(at),
                None => sides.push((&entry.side, vec![at])),
            }
        }
        if sides.is_empty() {
            return None;
        }
        let draw = |(side, list): (&str, Vec<usize>)| {
            let column = el("div").class("side");
            let column = if side.is_empty() {
                column
            } else {
                column.child(el("p").class("sidename").name(side))
            };
            column.child(self.rows(&list))
        };
        Some(el("div").class("sides").children(sides.into_iter().map(draw)))
    }

    /// One row for each distance from the start: beside each other stands what need not wait for each other.
    fn rows(&self, list: &[usize]) -> El {
        let mut level: BTreeMap<&str, usize> = BTreeMap::new();
        // Predecessors may stand later in the file; a broken graph has circles, so no more rounds than actions.
        for _ in 0..list.len().min(WHOLE) {
            for &at in list {
                let entry = &self.outline[at];
                let after = entry.after.iter().filter_map(|(name, _)| level.get(name.as_str()));
                let next = after.max().map_or(0, |l| l + 1).min(list.len());
                level.insert(&entry.name, next);
            }
        }
        let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &at in list {
            rows.entry(level[self.outline[at].name.as_str()]).or_default().push(at);
        }
        let row = |row: Vec<usize>| {
            el("li")
                .child(el("div").class("row").children(row.into_iter().map(|at| self.action(at))))
        };
        el("ol").class("rows").children(rows.into_values().map(row))
    }

    fn action(&self, at: usize) -> El {
        let entry = &self.outline[at];
        let class = if self.racing[at] { "act racing" } else { "act" };
        let kind = el("span").class("kind").name(&entry.kind);
        let mut head = el("p").child(kind).text(" ").child(el("strong").name(&entry.name));
        if !entry.detail.is_empty() {
            head = head.text(" ").child(el("span").class("detail").name(&entry.detail));
        }
        let mut element = el("div").class(class).child(head);
        let unusual = |(name, statuses): &(String, Vec<&str>)| {
            (!statuses.is_empty()).then(|| format!("after {name} {}", statuses.join(" or ")))
        };
        let unusual: Vec<String> = entry.after.iter().filter_map(unusual).collect();
        if !unusual.is_empty() {
            element = element.child(el("p").class("after").text(&unusual.join("; ")));
        }
        if self.racing[at] {
            element = element.child(self.marks(&entry.name));
        }
        element.children(self.container(Some(at)))
    }

    /// The steps at which it runs in the schedule, as links.
    fn marks(&self, name: &str) -> El {
        let steps =
            self.finding.witness.as_ref().map(|w: &Witness| w.steps.as_slice()).unwrap_or_default();
        let wrong = self.finding.witness.as_ref().and_then(|w| race::race(self.finding, w).wrong);
        let own = steps.iter().enumerate().filter(|(_, step)| step.action == name);
        let links: Vec<El> = own
            .map(|(n, _)| {
                let mark = if wrong == Some(n) { " ✗" } else { "" };
                let link = el("a").attr("href", format!("#{}-step-{}", self.id, n + 1));
                link.text(&format!("step {}{mark}", n + 1))
            })
            .collect();
        let mut marks = el("p").class("marks").text("races: ");
        for (n, link) in links.into_iter().enumerate() {
            marks = if n > 0 { marks.text(", ") } else { marks };
            marks = marks.child(link);
        }
        marks
    }
}
