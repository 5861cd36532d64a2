//! One flow: what its verdict says and rests on.

use super::super::words::{self, count};
use super::node::{El, el};
use super::{outcome, verdict};
use crate::finding::{FlowReport, Verdict};

pub(super) fn flow(flow: &FlowReport) -> El {
    let mut section = el("section")
        .class("flow")
        .child(el("h2").child(el("span").name(&flow.flow)).text(" ").child(verdict(flow)))
        .child(el("p").class("path").name(&flow.path))
        .child(el("p").text(&reach(flow)));
    let told: Vec<&str> = flow.findings.iter().map(|f| f.cell.as_str()).collect();
    for (cell, values) in &flow.outcomes {
        if !told.contains(&cell.as_str()) && !values.values.is_empty() {
            section = section.child(outcome::outcome(flow, cell, values));
        }
    }
    let mut list: Vec<El> = Vec::new();
    list.extend(words::level(flow).map(|said| el("li").text(said)));
    list.extend(flow.notes.iter().map(|note| el("li").text(note)));
    let unknown = |u: &String| el("li").text("not modelled: ").child(el("code").name(u));
    list.extend(flow.unknown.iter().map(unknown));
    for assumption in &flow.assumptions {
        let flips = if assumption.flips { "would change" } else { "would not change" };
        let said = format!(
            "assumes {} = {}; anything else {flips} the verdict",
            assumption.id, assumption.value
        );
        list.push(el("li").text(&said));
    }
    if list.is_empty() { section } else { section.child(el("ul").class("basis").children(list)) }
}

fn reach(flow: &FlowReport) -> String {
    let scope = words::scope(&flow.scope);
    let within = if scope.is_empty() { scope } else { format!(" with {scope}") };
    let states = count(flow.stats.states, "state");
    match &flow.verdict {
        Verdict::Safe if flow.any_number => "Safe for any number of items (proved).".into(),
        Verdict::Inconclusive(reason) => format!("Stopped: {reason}; {states} explored{within}."),
        Verdict::Safe if flow.stats.states == 0 => format!("Nothing is shared{within}."),
        Verdict::Safe | Verdict::Unsafe if flow.exhaustive => {
            format!("All {states} explored{within}.")
        }
        Verdict::Safe | Verdict::Unsafe => format!("{states} explored{within}."),
    }
}
