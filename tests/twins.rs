//! The schedule beside a witness goes well, with the same data in another order; that there is none is said only where it
//! was seen.

mod support;

use flowrace::check::{Config, Unstopped};
use flowrace::explore::ending::judge_end;
use flowrace::explore::engine::{Engine, State};
use flowrace::explore::search::search;
use flowrace::explore::twin::{Twin, twin};
use flowrace::explore::witness::{fired_in, replay, same_finding, witnesses};
use flowrace::finding::FlowReport;
use flowrace::property::judge::Violation;
use flowrace::report::{Format, Style, render};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use support::cases::cases;
use support::engine::program;
use support::flows::{checked, on_request, one_run, row};
use support::generate::models;
use support::naive::explore;
use support::seen::pretty;

const STATES: usize = 3_000;

/// Whether it happens in a complete schedule from here on, whatever is chosen.
fn inevitable(
    engine: &mut Engine<'_>,
    wrong: &Violation,
    from: &State,
    seen: &mut BTreeSet<State>,
) -> bool {
    if engine.all_ended(from) {
        return judge_end(engine, from).iter().any(|v| same_finding(v, wrong));
    }
    for chosen in engine.moves(from, true) {
        for next in engine.take(from, chosen) {
            let fires = fired_in(engine, &next).iter().any(|v| same_finding(v, wrong));
            // Where it has happened on the way to a state, another way may lead there without it.
            let new = !fires && seen.insert(next.state.clone());
            if new && !inevitable(engine, wrong, &next.state, seen) {
                return false;
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(cases("proptest-regressions/twins.txt", 100))]

    #[test]
    fn a_twin_goes_well_and_none_is_denied(model in models()) {
        prop_assume!(explore(&model, STATES).is_some());
        let Some(program) = program(&model, 0) else { return Ok(()) };
        let text = pretty(&model);
        let found = search(&mut Engine::new(&program, true), &Config::default(), &Unstopped);
        let mut engine = Engine::new(&program, true);
        for (wrong, schedule) in witnesses(&mut engine, &found.violations, 100_000, &Unstopped) {
            match twin(&mut engine, &schedule, &wrong, None) {
                Twin::Found(other) => {
                    prop_assert!(!other.choices.is_empty(), "{}", text);
                    let steps = replay(&mut engine, &other).expect("a schedule that runs");
                    let same = |v: &Violation| same_finding(v, &wrong);
                    for (_, next) in &steps {
                        prop_assert!(!fired_in(&engine, next).iter().any(same), "{:?} in {}", wrong, text);
                    }
                    let end = &steps.last().expect("a step").1.state;
                    if engine.all_ended(end) {
                        prop_assert!(!judge_end(&engine, end).iter().any(same), "{:?} in {}", wrong, text);
                    } else {
                        let end = end.clone();
                        prop_assert!(!inevitable(&mut engine, &wrong, &end, &mut BTreeSet::new()), "{:?} in {}", wrong, text);
                    }
                }
                Twin::Never => {
                    for start in engine.initial().iter() {
                        prop_assert!(inevitable(&mut engine, &wrong, start, &mut BTreeSet::new()), "{:?} in {}", wrong, text);
                    }
                }
                Twin::Unknown => {}
            }
        }
    }
}

/// The text for people.
fn told(flow: FlowReport) -> String {
    let report = flowrace::finding::Report { flows: vec![flow], problems: Vec::new() };
    let mut out = Vec::new();
    let style = Style { verbose: true, ..Style::default() };
    render(&report, Format::Text, &style, &mut out).expect("memory takes it");
    String::from_utf8(out).expect("text")
}

fn of_model(model: &Json) -> String {
    let report = flowrace::check_text("model.json", &model.to_string(), &Config::default());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    told(report.flows.into_iter().next().expect("one flow"))
}

/// As many iterations as this write a number each over the others'.
fn last_wins(items: u64) -> String {
    let items: Vec<u64> = (1..=items).collect();
    of_model(
        &json!({"flowrace": 1, "name": "Last", "state": {"row": {"kind": "item", "fields": {"N": 0}}},
        "flow": [{"forEach": "each", "items": items, "concurrency": 50, "do": [
            {"name": "Put", "update": "row", "set": {"N": "@items('each')"}}]}]}),
    )
}

#[test]
fn that_every_order_goes_wrong_is_said_where_every_order_was_seen() {
    assert!(last_wins(2).contains("\n  = every order goes wrong\n"), "{}", last_wins(2));
    // 2 to the power of 8 subsets, each with whoever was last: fewer than are looked at; not so with 12.
    assert!(last_wins(8).contains("\n  = every order goes wrong\n"));
    let many = last_wins(12);
    assert!(many.contains("[last-writer-wins]"), "{many}");
    assert!(!many.contains("every order") && !many.contains("goes well"), "{many}");
}

/// Two branches; each writes a number of its own into one row if its condition holds.
fn branches(trigger: &Json) -> FlowReport {
    let put = |status: u64| row("PatchItem", "@triggerBody()?['id']", &json!({"Status": status}));
    let when = |side: &str, name: &str, status| json!({"type": "If", "expression": {"equals": [side, "yes"]}, "actions": {name: put(status)}});
    let actions = json!({"A": when("@triggerBody()?['a']", "Put_1", 1), "B": when("@triggerBody()?['b']", "Put_2", 2)});
    checked("twins-branches", trigger, &actions)
}

#[test]
fn a_twin_answers_as_its_witness_does() {
    let flow = branches(&one_run());
    assert_eq!(flow.findings.len(), 1, "{:?}", flow.findings);
    let finding = &flow.findings[0];
    let answers = &finding.witness.as_ref().expect("a schedule").schedule.answers;
    assert_eq!(answers.values().collect::<Vec<_>>(), [&true, &true]);
    // With one condition false nobody would be overwritten: but that is other data, not another order.
    assert!(finding.twin.is_none() && finding.always, "{:?}", finding.twin);
    assert!(told(flow).contains("\n  = with this data every order goes wrong\n"));
}

#[test]
fn all_formats_say_the_same_of_it() {
    for (format, said) in [
        (Format::Markdown, "\n- With this data every order goes wrong\n"),
        (Format::Html, "<p>With this data every order goes wrong.</p>"),
    ] {
        let report =
            flowrace::finding::Report { flows: vec![branches(&one_run())], problems: Vec::new() };
        let mut out = Vec::new();
        render(&report, format, &Style::default(), &mut out).expect("memory takes it");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn where_an_order_goes_well_with_the_same_data_it_is_shown() {
    let get = row("GetItem", "@triggerBody()?['id']", &json!({}));
    let put = json!({"Count": "@add(body('Get')?['Count'], 1)"});
    let put = support::flows::after(row("PatchItem", "@triggerBody()?['id']", &put), "Get");
    let inside = json!({"Get": get, "Put": put});
    let when = json!({"type": "If", "expression": {"equals": ["@triggerBody()?['a']", "yes"]}, "actions": inside});
    let flow = checked("twins-counter", &on_request(), &json!({"If": when}));
    let finding = flow.findings.iter().find(|f| f.rule == "lost-update").expect("a lost update");
    let (witness, twin) =
        (finding.witness.as_ref().expect("wrong"), finding.twin.as_ref().expect("right"));
    assert_eq!(witness.schedule.answers, twin.schedule.answers);
    assert!(!witness.schedule.answers.is_empty() && !twin.steps.is_empty());
}
