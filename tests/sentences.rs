//! What a report says of a step fits what the step did.

use flowrace::check::Config;
use flowrace::finding::{Finding, FlowReport};
use serde_json::{Value as Json, json};

fn checked(model: &Json) -> FlowReport {
    let report = flowrace::check_text("model.json", &model.to_string(), &Config::default());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.into_iter().next().expect("one flow")
}

fn of<'a>(flow: &'a FlowReport, rule: &str) -> &'a Finding {
    let found = flow.findings.iter().find(|f| f.rule == rule);
    found.unwrap_or_else(|| panic!("{rule} in {:?}", flow.findings))
}

/// What was wrong about the step that goes wrong, and what it did.
fn wrong(finding: &Finding) -> (&str, &str) {
    let steps = &finding.witness.as_ref().expect("a schedule").steps;
    let step = steps.iter().find(|s| s.wrong.is_some()).expect("a step that goes wrong");
    (step.wrong.as_deref().unwrap_or_default(), &step.effect)
}

#[test]
fn a_selection_is_no_condition() {
    let flow = checked(&json!({"flowrace": 1, "name": "Select",
        "state": {"config": {"kind": "item", "fields": {"Group": 1}},
            "rows": {"kind": "table", "rows": [{"Key": 1, "Mark": 0}, {"Key": 2, "Mark": 0}]}},
        "flow": [{"name": "Both", "parallel": [
            [{"name": "Get", "get": "config"},
             {"name": "Mark", "update": "rows", "where": {"Key": "@outputs('Get')?['Group']"}, "set": {"Mark": 1}}],
            [{"name": "Switch_group", "update": "config", "set": {"Group": 2}}]]}]}));
    let finding = of(&flow, "stale-guard");
    assert_eq!(finding.message, "Mark acts on a row that it would no longer choose");
    assert_eq!(wrong(finding).0, "by then it would have chosen other rows, or none");
}

#[test]
fn a_condition_is_one() {
    let text = std::fs::read_to_string("models/stale-guard/racy.json").expect("a model");
    let flow = checked(&serde_json::from_str(&text).expect("JSON"));
    let finding = of(&flow, "stale-guard");
    assert_eq!(finding.message, "Mark_paid acts on a condition that no longer holds");
    assert_eq!(wrong(finding).0, "its condition would be false by then");
}

/// Iterations that share a variable and look at it.
fn looks(step: &Json) -> FlowReport {
    checked(
        &json!({"flowrace": 1, "name": "Look", "state": {"v": {"kind": "variable", "value": 0}},
        "flow": [{"forEach": "each", "items": 2, "concurrency": 2, "do": [
            {"name": "Set", "setVariable": "v", "value": "@items('each')"}, step]}]}),
    )
}

#[test]
fn what_decides_says_what_it_evaluates_to() {
    let same = "@equals(variables('v'), items('each'))";
    let flow =
        looks(&json!({"name": "Mine", "if": same, "then": [{"name": "Tell", "send": "mine"}]}));
    let bled = of(&flow, "iteration-bleed");
    assert_eq!(wrong(bled), ("gets 2, though it had set 1", "evaluates to false"));
    let swap = bled.swap.as_deref().unwrap_or_default();
    assert_eq!(swap, "let each[1] evaluate Mine before each[2] runs Set");
    let twin = bled.twin.as_ref().expect("an order that goes well");
    assert!(twin.steps.iter().any(|s| s.action == "Mine" && s.effect == "evaluates to true"));
    let cases = json!([{"case": 1, "do": []}]);
    let flow = looks(
        &json!({"name": "Which", "switch": "@variables('v')", "cases": cases, "default": []}),
    );
    assert_eq!(wrong(of(&flow, "iteration-bleed")).1, "takes the default case");
}
