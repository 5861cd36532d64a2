//! How bad: every way a cell can end, and which of them one at a time would give.

use super::super::words;
use super::node::{El, el};
use super::pick::short;
use crate::finding::{FlowReport, Outcome, show};
use crate::model::value::Value;

/// Outcomes shown as a list; more are told in a sentence only.
const MOST: usize = 40;
const BAR: i64 = 22;

pub(super) fn outcome(flow: &FlowReport, cell: &str, outcome: &Outcome) -> El {
    let figure = |said: &str| el("figure").class("outcome").child(el("figcaption").text(said));
    let said = words::outcome(cell, outcome, flow);
    match whole(&outcome.values) {
        Some(numbers) if numbers.len() > 1 => figure(&said).child(strip(&numbers, outcome)),
        _ if outcome.values.len() > 1 => {
            let reach = if outcome.complete { "" } else { " so far" };
            let ways = words::many(outcome.values.len(), "way");
            figure(&format!("{cell} ends in {ways}{reach}:")).child(chips(outcome))
        }
        _ => figure(&said),
    }
}

fn whole(values: &[Value]) -> Option<Vec<i64>> {
    let number = |value: &Value| match value {
        Value::Int(n) => Some(*n),
        _ => None,
    };
    values.iter().map(number).collect()
}

/// A bar for each number from the least to the greatest; what one at a time gives stands higher and is named.
fn strip(numbers: &[i64], outcome: &Outcome) -> El {
    let serial: Vec<i64> = whole(&outcome.serial).unwrap_or_default();
    let all = || numbers.iter().chain(&serial);
    let (least, greatest) = (*all().min().unwrap_or(&0), *all().max().unwrap_or(&0));
    let span = greatest.saturating_sub(least);
    if span > 60 {
        return chips(outcome);
    }
    let width = (span + 1) * BAR + 8;
    let mut svg = el("svg")
        .attr("viewBox", format!("0 0 {width} 62"))
        .attr("width", width)
        .attr("height", 62)
        .attr("aria-hidden", "true");
    for n in least..=greatest {
        let x = 4 + (n - least) * BAR;
        let good = serial.contains(&n);
        let (class, y) = if good { ("column good", 8) } else { ("column bad", 20) };
        if numbers.contains(&n) || good {
            let bar = el("rect").class(class).attr("x", x).attr("y", y);
            let bar = bar.attr("width", BAR - 4).attr("height", 40 - y).attr("rx", 2);
            svg = svg.child(bar.child(el("title").text(&n.to_string())));
        }
        let every = if span > 30 { 5 } else { 1 };
        if (n - least) % every == 0 || n == greatest {
            let text =
                el("text").attr("x", x + (BAR - 4) / 2).attr("y", 56).attr("text-anchor", "middle");
            svg = svg.child(text.class("tick").text(&n.to_string()));
        }
    }
    el("div")
        .class("strip")
        .child(svg)
        .child(el("p").class("legend").text("low: can happen · high: one at a time gives it"))
}

fn chips(outcome: &Outcome) -> El {
    let chip = |value: &Value| {
        let good = outcome.serial.contains(value);
        let (class, sign) = if good { ("chip good", "✓ ") } else { ("chip bad", "✗ ") };
        el("li").class(class).attr("title", show::text(value)).text(sign).text(&short(value, 160))
    };
    let mut list = el("ul").class("chips").children(outcome.values.iter().take(MOST).map(chip));
    if let Some(more) = outcome.values.len().checked_sub(MOST).filter(|more| *more > 0) {
        list = list.child(el("li").text(&format!("and {more} more")));
    }
    let legend = "✓ one at a time gives it too · ✗ only getting in each other's way does";
    el("div").child(list).child(el("p").class("legend").text(legend))
}
