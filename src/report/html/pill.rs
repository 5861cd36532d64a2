//! The pieces that the lanes are drawn with.

use super::super::untrusted::{clean, elide};
use super::node::{El, el};

/// Arrow heads and hatching, once a page.
pub(super) fn definitions() -> El {
    let head = |id: &'static str, class: &str| {
        el("marker")
            .attr("id", id)
            .attr("viewBox", "0 0 8 8")
            .attr("refX", 7)
            .attr("refY", 4)
            .attr("markerWidth", 8)
            .attr("markerHeight", 8)
            .attr("orient", "auto")
            .child(el("path").class(class).attr("d", "M0 0 L8 4 L0 8 z"))
    };
    let hatch = el("pattern")
        .attr("id", "hatch")
        .attr("width", 6)
        .attr("height", 6)
        .attr("patternUnits", "userSpaceOnUse")
        .attr("patternTransform", "rotate(45)")
        .child(line("hatchline", 0, 0, 0, 6));
    let defs =
        el("defs").child(head("arrow", "head")).child(head("kill", "head kill")).child(hatch);
    el("svg")
        .class("defs")
        .attr("width", 0)
        .attr("height", 0)
        .attr("aria-hidden", "true")
        .child(defs)
}

pub(super) fn line(class: &str, x1: i32, y1: i32, x2: i32, y2: i32) -> El {
    el("line").class(class).attr("x1", x1).attr("y1", y1).attr("x2", x2).attr("y2", y2)
}

/// A line of text of at most so many characters, all of it in its title.
pub(super) fn label(class: &str, x: i32, y: i32, text: &str, longest: usize) -> El {
    let clean = clean(text, false);
    let shown = elide(&clean, longest, false);
    let label = el("text").class(class).attr("x", x).attr("y", y).text(&shown);
    if shown == clean { label } else { label.child(el("title").text(text)) }
}

/// A value in a rounded box around a point.
pub(super) fn pill(class: &str, x: i32, y: i32, text: &str) -> El {
    let shape = el("rect")
        .attr("x", x - 46)
        .attr("y", y - 13)
        .attr("width", 92)
        .attr("height", 26)
        .attr("rx", 13);
    el("g")
        .attr("class", format!("pill {class}"))
        .child(shape)
        .child(label("", x, y + 4, text, 12).attr("text-anchor", "middle"))
}
