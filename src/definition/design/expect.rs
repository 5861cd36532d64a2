//! `expect`: what `flowrace test` compares with.

use super::super::ast::{Expect, ExpectOutcome};
use super::super::node::Node;
use super::super::problem::Problem;
use super::setup::check_cell;
use super::{Context, refuse_unknown_keys};

const VERDICTS: &[&str] = &["safe", "unsafe", "inconclusive"];

/// Reads the expectation; cells are checked against the state if it lists them all.
pub(super) fn expect(cx: &mut Context<'_>, node: &Node<'_>, closed: bool) -> Option<Expect> {
    if !node.is_object(&mut cx.problems) {
        return None;
    }
    refuse_unknown_keys(node, "\"expect\"", &["verdict", "rules", "outcomes"], &mut cx.problems);
    let mut expect = Expect::default();
    if let Some(verdict) = node.get("verdict") {
        expect.verdict =
            verdict.value.as_str().filter(|text| VERDICTS.contains(text)).map(str::to_owned);
        if expect.verdict.is_none() {
            cx.problems.push(verdict.expected(&format!("one of {}", VERDICTS.join(", "))));
        }
    }
    if let Some(rules) = node.get("rules")
        && rules.is_list(&mut cx.problems)
    {
        let ids = rules.elements();
        expect.rules = Some(
            ids.iter().filter_map(|id| id.text(&mut cx.problems)).map(str::to_owned).collect(),
        );
    }
    if let Some(outcomes) = node.get("outcomes")
        && outcomes.is_object(&mut cx.problems)
    {
        for (cell, entry) in outcomes.members() {
            if closed {
                check_cell(cx, cell, &entry, true);
            }
            if let Some(outcome) = outcome(&entry, &mut cx.problems) {
                expect.outcomes.insert(cell.to_owned(), outcome);
            }
        }
    }
    Some(expect)
}

fn outcome(node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<ExpectOutcome> {
    if let Some([least, most]) = node.value.as_array().map(Vec::as_slice) {
        return Some(ExpectOutcome::Range(least.clone(), most.clone()));
    }
    if let Some(exactly) = node.get("exactly") {
        refuse_unknown_keys(node, "an outcome", &["exactly"], problems);
        exactly.is_list(problems);
        return exactly.value.as_array().map(|values| ExpectOutcome::Exactly(values.clone()));
    }
    problems.push(node.expected("[min, max] or {\"exactly\": [...]}"));
    None
}
