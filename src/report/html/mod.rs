//! For people who would rather look than read: one page, complete without its script and without any network. The
//! script only moves a marker through a schedule; what it needs stands in `data-step` numbers.

mod finding;
mod flow;
mod graph;
mod node;
mod outcome;
mod pick;
mod picture;
mod pill;
#[cfg(test)]
mod tests;
mod values;

use super::entry::{Entry, entries};
use super::words;
use crate::finding::{Finding, FlowReport, Report, Verdict};
use node::{El, el};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// SHA-256 of the two, for the page's content security policy; held by a test.
const STYLE_HASH: &str = "2i6yfQztUXaqt1bEPorioD7B4OMuMguplnGP/MQbgzY=";
const SCRIPT_HASH: &str = "Ph/VPrFpW8Zjab6yIJdxJszPjZyXBgCk/nJjRiqf4KU=";
/// Findings with pictures; the rest is listed.
const DRAWN: usize = 50;

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let mut out =
        String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    out.push_str(STYLE_HASH);
    out.push_str("'; script-src 'sha256-");
    out.push_str(SCRIPT_HASH);
    out.push_str("'; base-uri 'none'; form-action 'none'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    el("title").text(&format!("flowrace: {}", words::closing(report))).write(&mut out);
    out.push_str("\n<style>");
    out.push_str(STYLE);
    out.push_str("</style>\n</head>\n<body>\n");
    pill::definitions().write(&mut out);
    header(report).write(&mut out);
    main(report).write(&mut out);
    out.push_str("\n<script>");
    out.push_str(SCRIPT);
    out.push_str("</script>\n</body>\n</html>\n");
    out
}

fn header(report: &Report) -> El {
    let keys = "← → or j k: step · Home, End: first, last · digits: jump · t: light or dark";
    el("header")
        .child(el("h1").text("flowrace"))
        .child(el("p").class("sum").text(&words::closing(report)))
        .child(
            el("p")
                .class("keys")
                .attr("hidden", "")
                .text(keys)
                .child(el("button").attr("type", "button").class("theme").text("Light or dark")),
        )
}

fn main(report: &Report) -> El {
    let mut main = el("main");
    let numbers = numbered(report);
    main = main.child(overview(report, &numbers));
    let mut drawn = 0;
    for (flow, ids) in report.flows.iter().zip(&numbers) {
        main = main.child(flow::flow(flow));
        for (nth, (entry, id)) in entries(&flow.findings).iter().zip(ids).enumerate() {
            drawn += 1;
            main = main.child(if drawn > DRAWN {
                finding::listed(entry, id)
            } else {
                finding::finding(flow, entry, id, nth == 0)
            });
        }
    }
    main
}

/// The id of each entry: `f1`, `f2`, ….
fn numbered(report: &Report) -> Vec<Vec<String>> {
    let mut n = 0;
    let mut next = |_: Entry<'_>| {
        n += 1;
        format!("f{n}")
    };
    let flows = report.flows.iter();
    flows.map(|flow| entries(&flow.findings).into_iter().map(&mut next).collect()).collect()
}

/// Everything at a glance, with a link to each finding.
fn overview(report: &Report, numbers: &[Vec<String>]) -> El {
    let mut body = el("tbody");
    for (flow, ids) in report.flows.iter().zip(numbers) {
        let links = entries(&flow.findings).into_iter().zip(ids).map(|(entry, id)| {
            let link = el("a").attr("href", format!("#{id}")).text(&upper(&entry.message()));
            el("li").child(badge(entry.finding)).text(" ").child(link)
        });
        let says = el("td").child(verdict(flow)).child(el("ul").class("plain").children(links));
        let name = el("th").attr("scope", "row").child(el("span").name(&flow.flow));
        let name = name.child(el("span").class("path").name(&flow.path));
        body = body.child(el("tr").child(name).child(says));
    }
    for problem in &report.problems {
        let path =
            el("th").attr("scope", "row").child(el("span").class("path").name(&problem.at.path));
        let says = el("td").child(el("strong").text("⛔ not read: ")).text(&problem.message);
        body = body.child(el("tr").child(path).child(says));
    }
    let head = el("tr")
        .child(el("th").attr("scope", "col").text("Flow"))
        .child(el("th").attr("scope", "col").text("Verdict"));
    let table = el("table").class("overview").child(el("thead").child(head)).child(body);
    el("section").attr("aria-label", "Overview").child(scrolls("Overview of all flows", table))
}

fn verdict(flow: &FlowReport) -> El {
    let (class, sign) = match flow.verdict {
        Verdict::Safe => ("verdict good", "✓ "),
        Verdict::Unsafe => ("verdict bad", "✗ "),
        Verdict::Inconclusive(_) => ("verdict open", "? "),
    };
    el("strong").class(class).text(sign).text(flow.verdict.id())
}

fn badge(finding: &Finding) -> El {
    let severity = finding.severity.id();
    el("span").attr("class", format!("badge {severity}")).text(severity)
}

/// What may be wider than a narrow screen scrolls by itself, also with keys.
fn scrolls(label: &str, inside: El) -> El {
    el("div")
        .class("scrolls")
        .attr("role", "region")
        .attr("tabindex", "0")
        .attr("aria-label", label)
        .child(inside)
}

fn upper(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}
