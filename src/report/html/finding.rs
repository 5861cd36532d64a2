//! One finding: what, how bad, the schedule to step through, the one that goes well, and where it is in the flow.

use super::super::entry::Entry;
use super::super::race;
use super::super::untrusted::{clean, elide};
use super::super::words;
use super::node::{El, el};
use super::pick::{self, drawable};
use super::{badge, graph, outcome, picture, scrolls, upper, values};
use crate::finding::{Finding, FlowReport, Witness};

/// The longest name of a region.
const LONGEST_LABEL: usize = 200;

pub(super) fn finding(flow: &FlowReport, entry: &Entry<'_>, id: &str, first: bool) -> El {
    let finding = entry.finding;
    let mut section = el("section").class("finding").attr("id", id);
    let steps = finding.witness.as_ref().filter(|w| !w.steps.is_empty());
    if let Some(witness) = steps {
        section = section.attr("data-steps", witness.steps.len().min(pick::MOST_STEPS));
    }
    section = section.attr("aria-label", named(entry, id)).child(title(entry, id));
    for cell in entry.cells() {
        let values = flow.outcomes.get(*cell);
        section = section.children(values.map(|values| outcome::outcome(flow, cell, values)));
    }
    if let Some(witness) = steps {
        section = section.child(bar(id));
        // Side by side only as long as both fit.
        let columns = race::processes(witness).len() + pick::cells(finding, witness).len();
        let pair = el("div").class(if columns > 3 { "pair tall" } else { "pair" });
        let mut pair = pair.child(schedule(finding, witness, id));
        pair = pair.children(twin(finding, witness, id));
        section = section.child(pair);
        let table = scrolls(&of("Values at every step", id), values::values(finding, witness, id));
        section = section.child(table);
    }
    if let Some(graph) = graph::graph(flow, finding, id) {
        let mut details = el("details").child(el("summary").text("Where in the flow"));
        if first {
            details = details.attr("open", "");
        }
        section = section.child(details.child(scrolls(&of("The flow", id), graph)));
    }
    section.child(help(finding))
}

/// A finding without its picture.
pub(super) fn listed(entry: &Entry<'_>, id: &str) -> El {
    let section = el("section").class("finding").attr("id", id);
    section.attr("aria-label", named(entry, id)).child(title(entry, id)).child(help(entry.finding))
}

/// A part of the finding by a name of its own, for those who go from one region to the next.
fn of(part: &str, id: &str) -> String {
    format!("{part}, finding {}", id.trim_start_matches('f'))
}

fn named(entry: &Entry<'_>, id: &str) -> String {
    let message = elide(&clean(&entry.message(), false), LONGEST_LABEL, false);
    format!("Finding {}: {message}", id.trim_start_matches('f'))
}

fn title(entry: &Entry<'_>, id: &str) -> El {
    let finding = entry.finding;
    let at = &finding.location;
    let mut meta = el("p").class("path").child(el("code").text(finding.rule));
    for (nth, cell) in entry.cells().iter().filter(|cell| !cell.is_empty()).enumerate() {
        meta = meta.text(if nth == 0 { " on " } else { ", " }).child(el("code").name(cell));
    }
    if !at.path.is_empty() {
        meta = meta.text(" at ").child(el("code").name(&at.path));
    }
    if at.line > 0 {
        meta = meta.child(el("code").text(&format!(":{}:{}", at.line, at.column)));
    }
    if let Some(designer) = finding.in_designer() {
        meta = meta.text(", in the designer ").child(el("span").name(designer));
    }
    let heading = el("h3").attr("id", format!("{id}-title")).child(badge(finding)).text(" ");
    el("div").child(heading.text(&upper(&entry.message()))).child(meta)
}

/// The buttons; hidden until there is a script to press them for.
fn bar(id: &str) -> El {
    let button =
        |class: &str, text: &str| el("button").attr("type", "button").class(class).text(text);
    el("div")
        .class("bar")
        .attr("hidden", "")
        .attr("role", "group")
        .attr("aria-label", "Step through the schedule")
        .child(button("first", "« Start"))
        .child(button("back", "← Back"))
        .child(button("next", "Next →"))
        .child(button("last", "End »"))
        .child(el("output").class("count"))
        .child(el("p").class("live").attr("aria-live", "polite").attr("id", format!("{id}-live")))
}

fn schedule(finding: &Finding, witness: &Witness, id: &str) -> El {
    let item = |(n, step): (usize, &crate::finding::TraceStep)| {
        let class = if step.wrong.is_some() { "step wrong" } else { "step" };
        let mut item = el("li")
            .attr("id", format!("{id}-step-{}", n + 1))
            .class(class)
            .attr("data-step", n + 1)
            .attr("tabindex", "-1")
            .child(el("b").name(&step.process))
            .text(" ")
            .child(el("span").name(&step.action));
        if !step.effect.is_empty() {
            item = item.child(el("span").class("eff").text(" ").text(&step.effect));
        }
        if let Some(wrong) = &step.wrong {
            item = item.child(el("span").class("why").text("✗ ").text(wrong));
        }
        item
    };
    let steps = witness.steps.iter().enumerate().take(pick::MOST_STEPS).map(item);
    let mut column = el("div").class("goes wrong").child(el("h4").text("Goes wrong"));
    let mut both = el("div").class("schedule").child(el("ol").class("steps").children(steps));
    if drawable(witness) {
        both = both.child(scrolls(
            &of("Swim lanes of the order that goes wrong", id),
            picture::wrong(finding, witness),
        ));
    } else {
        column = column.child(el("p").text("Too much for a picture: the list has it all."));
    }
    column.child(both)
}

fn twin(finding: &Finding, witness: &Witness, id: &str) -> Option<El> {
    let column = el("div").class("goes well");
    let Some(twin) = finding.twin.as_ref().filter(|twin| !twin.steps.is_empty()) else {
        let said = words::hopeless(finding).filter(|_| finding.twin.is_none())?;
        let all = el("p").text(&format!("{}.", upper(said)));
        return Some(column.child(el("h4").text("Goes well")).child(all));
    };
    let moved = race::moved(witness, twin);
    let mut says = el("p");
    says = match (&finding.swap, moved) {
        (Some(swap), _) => says.text("One swap: ").text(swap).text("."),
        (None, Some(at)) => {
            let (here, there) = (&twin.steps[at], &witness.steps[at]);
            let (who, before) = (&here.process, &there.process);
            says.text(&format!(
                "Here {who} {} comes before {before} {}.",
                here.action, there.action
            ))
        }
        (None, None) => says.text("The same steps, and then it goes on well."),
    };
    let head = el("h4").text("Goes well");
    let picture = drawable(twin).then(|| {
        let label = of("Swim lanes of the order that goes well", id);
        scrolls(&label, picture::right(finding, twin, moved))
    });
    Some(column.child(head).child(says).children(picture))
}

fn help(finding: &Finding) -> El {
    let mut help = el("div").class("help");
    if !finding.assumptions.is_empty() {
        let said = format!("Rests on an assumption: {}.", finding.assumptions.join(", "));
        help = help.child(el("p").text(&said));
    }
    let cure = finding.help();
    if !cure.is_empty() {
        help = help.child(el("p").child(el("b").text("What to do: ")).text(&cure).text("."));
    }
    help
}
