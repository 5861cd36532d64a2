//! What people see, on reports made by hand.

use super::*;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::finding::sample;

fn check(flows: Vec<FlowReport>, expected: &str) {
    let shown = report(&Report { flows, problems: vec![] }, &Style::default());
    assert_eq!(shown, expected.strip_prefix('\n').unwrap(), "\n{shown}");
}

fn shown(flow: FlowReport, style: &Style) -> String {
    report(&Report { flows: vec![flow], problems: vec![] }, style)
}

#[test]
fn a_finding_is_a_compiler_message_with_its_schedule() {
    check(
        vec![sample::unsafe_flow()],
        r#"
error[lost-update]: Update_item overwrites an update it never saw
  ┌─ models/naive-counter.json:8:7   metrics.ProcessedCount
  │
  │  order[1]      order[2]      ProcessedCount
  │  Get_item                    5        reads 5
  │                Get_item      5        reads 5
  │                Update_item   6        writes 6
  │  Update_item                 6   ✗    writes 6, computed from 5; the item already said 6, so it should have written 7
  │
  = one swap makes it right: let order[2] finish Update_item before order[1] runs Get_item
  = metrics.ProcessedCount ends as 6 or 7 (complete: 8 states); one at a time: 7
  = help: let the store do the sum (one SQL UPDATE), or send the ETag as If-Match and read again on 412, or set the loop's
    concurrency to 1

models/naive-counter.json, "Naive counter": unsafe: 1 error; all 8 states explored with 2 items in "order"
  = not-serial: it can end as no order of one after another would

1 flow unsafe: 1 error
"#,
    );
}

#[test]
fn a_safe_verdict_says_how_far_it_reaches() {
    let proved = FlowReport {
        any_number: true,
        assumptions: vec![],
        unknown: vec![],
        ..sample::safe_flow()
    };
    check(
        vec![sample::safe_flow(), proved],
        r#"
models/naive-counter.json, "Naive counter": safe: all 8 states explored with 2 items in "order"; more items are not covered
  = not modelled: operation shared_foo/Bar; taken as sharing nothing with the rest of the flow
  = assumes: variable-actions = atomic (anything else would not change the verdict)

models/naive-counter.json, "Naive counter": safe for any number of items (proved)

1 flow safe (any number of items); 1 flow safe (in the scope shown)
"#,
    );
}

#[test]
fn an_inconclusive_verdict_names_a_cheaper_question() {
    let mut flow = sample::safe_flow();
    flow.verdict = Verdict::Inconclusive("stopped at --max-states 1000".into());
    flow.exhaustive = false;
    flow.assumptions.clear();
    flow.unknown.clear();
    flow.scope.items.insert("order".into(), 1000);
    check(
        vec![flow],
        r#"
models/naive-counter.json, "Naive counter": inconclusive: stopped at --max-states 1000; 8 states explored with 1,000 items in "order"
  = help: most races need no more than two at a time: flowrace check models/naive-counter.json --items 2

1 flow inconclusive
"#,
    );
}

#[test]
fn more_than_four_processes_are_listed() {
    let mut flow = sample::unsafe_flow();
    let steps = (1..=5).map(|n| sample::step(n, "Update_item", "writes 6", 6)).collect();
    flow.findings[0].witness =
        Some(Witness { faults: 1, switches: 4, steps, ..Witness::default() });
    let text = shown(flow, &Style::default());
    let first = "  │  1.   order[1] Update_item: writes 6 (ProcessedCount = 6)\n";
    assert!(text.contains(first), "{text}");
    let last = "  │  5.   order[5] Update_item: writes 6\n";
    assert!(text.contains(last), "what stays as it was is not told again: {text}");
    assert!(text.contains("  = needs 1 fault\n"), "{text}");
}

#[test]
fn the_second_finding_is_short() {
    let mut flow = sample::unsafe_flow();
    flow.findings = vec![sample::finding(); 4];
    flow.findings[3].message = "something else".into();
    let text = shown(flow.clone(), &Style::default());
    assert_eq!(text.matches("error[lost-update]").count(), 3, "alike ones are counted");
    assert!(text.contains("an update it never saw (2 such)\n"), "{text}");
    assert_eq!(text.matches("one swap").count(), 1);
    assert_eq!(text.matches("one at a time: 7").count(), 1, "a cell's outcomes are told once");
    assert!(
        text.contains("  = with their schedules: flowrace check models/naive-counter.json -v\n")
    );
    assert!(text.ends_with("1 flow unsafe: 4 errors\n"));
    let text = shown(flow, &Style { verbose: true, ..Style::default() });
    assert_eq!(text.matches("one swap").count(), 4);
    assert!(!text.contains("-v\n"), "{text}");
}

#[test]
fn one_write_of_several_columns_is_one_entry() {
    let mut flow = sample::unsafe_flow();
    let other = Finding { cell: "metrics.Total".into(), ..sample::finding() };
    flow.findings.push(other);
    let outcome = flow.outcomes["metrics.ProcessedCount"].clone();
    flow.outcomes.insert("metrics.Total".into(), outcome);
    for verbose in [false, true] {
        let text = shown(flow.clone(), &Style { verbose, ..Style::default() });
        let head = "error[lost-update]: Update_item overwrites an update it never saw (2 cells)\n  \
                    ┌─ models/naive-counter.json:8:7\n  │  metrics.ProcessedCount and metrics.Total\n  │\n";
        assert!(text.contains(head), "{text}");
        assert_eq!(text.matches("error[").count(), 1);
        assert_eq!(text.matches("one at a time: 7").count(), 2, "each cell's outcomes are told");
        assert!(text.ends_with("1 flow unsafe: 1 error\n"));
    }
}

#[test]
fn nothing_is_said_of_orders_that_nobody_looked_at() {
    let with = |twin: Option<Witness>, always: bool| {
        let mut flow = sample::unsafe_flow();
        flow.findings = vec![Finding { twin, always, swap: None, ..sample::finding() }];
        shown(flow, &Style::default())
    };
    let unknown = with(None, false);
    assert!(!unknown.contains("order goes") && !unknown.contains("goes well"), "{unknown}");
    assert!(with(None, true).contains("  = every order goes wrong\n"));
    let empty = with(Some(Witness::default()), false);
    assert!(!empty.contains("goes well"), "{empty}");
    let twin = sample::finding().twin;
    assert!(
        with(twin, false)
            .contains("  = goes well in this order: order[1] Get_item, Update_item; order[2]")
    );
}

#[test]
fn a_safe_flow_that_mixes_results_does_not_contradict_itself() {
    let flow = FlowReport { level: crate::finding::Level::NotSerial, ..sample::safe_flow() };
    let text = shown(flow, &Style::default());
    assert!(text.contains("  = not-serial: steps that overlap can mix their results"), "{text}");
    assert!(!text.contains("rule") && text.contains("so it is no finding\n"), "{text}");
}

#[test]
fn an_export_that_is_too_large_is_told_how_to_look_further() {
    let with = |reason: &str| {
        let mut flow = sample::safe_flow();
        flow.verdict = Verdict::Inconclusive(reason.into());
        shown(flow, &Style::default())
    };
    let text = with(
        "one part of the flow has more than 2000 states, where the search of an export ends by default",
    );
    assert!(
        text.contains(
            "help: look further: flowrace check models/naive-counter.json --max-states 300000\n"
        ),
        "{text}"
    );
    let text = with("the text of a query cannot be read");
    assert!(!text.contains("help:"), "no limit stood in the way: {text}");
}

#[test]
fn what_a_designer_shows_is_named_as_there() {
    let mut flow = sample::unsafe_flow();
    flow.findings[0].location.pointer = "/definition/actions/order/actions/Update_item".into();
    let text = shown(flow, &Style::default());
    assert!(
        text.contains("ProcessedCount\n  │  in the designer: order > Update item\n  │\n"),
        "{text}"
    );
}

#[test]
fn a_long_schedule_is_cut_to_what_makes_the_race() {
    let mut flow = sample::unsafe_flow();
    let witness = flow.findings[0].witness.as_mut().unwrap();
    let mut idle = sample::step(1, "Compose", "gives 1", 5);
    idle.touches.clear();
    let last = witness.steps.split_off(2);
    witness.steps.extend(vec![idle; 20]);
    witness.steps.extend(last);
    let text = shown(flow.clone(), &Style::default());
    assert!(
        text.contains("reads 5\n  │  … 20 more steps …\n  │                Update_item"),
        "{text}"
    );
    let text = shown(flow, &Style { verbose: true, ..Style::default() });
    assert_eq!(text.matches("Compose").count(), 20);
}

#[test]
fn a_broken_graph_has_no_schedule() {
    let mut flow = sample::unsafe_flow();
    flow.outcomes.clear();
    let cycle = Finding {
        rule: "run-after-cycle",
        cell: String::new(),
        witness: None,
        ..sample::finding()
    };
    flow.findings = vec![Finding { twin: None, swap: None, ..cycle }];
    let text = shown(flow, &Style::default());
    assert!(text.contains("  ┌─ models/naive-counter.json:8:7\n  = help: take one"), "{text}");
}

#[test]
fn ascii_and_colour_are_the_readers_choice() {
    let plain = shown(sample::unsafe_flow(), &Style { ascii: true, ..Style::default() });
    assert!(plain.is_ascii(), "{plain}");
    assert!(plain.contains("  --> models/naive-counter.json:8:7"), "{plain}");
    let coloured = shown(sample::unsafe_flow(), &Style { color: true, ..Style::default() });
    assert!(coloured.starts_with("\u{1b}[1;31merror[lost-update]\u{1b}[0m: "));
    let mut stripped = String::new();
    for (i, part) in coloured.split('\u{1b}').enumerate() {
        stripped.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(stripped, shown(sample::unsafe_flow(), &Style::default()));
}

#[test]
fn narrow_screens_break_sentences_not_rows() {
    let text = shown(sample::unsafe_flow(), &Style { width: 80, ..Style::default() });
    assert!(text.contains("6   ✗    writes 6, computed from 5; the item\n"), "{text}");
    assert!(text.contains("  │                                       already said 6"), "{text}");
}

#[test]
fn hostile_names_are_inert() {
    let name = "::error::\u{1b}[2J##vso[x]\n::set-env \u{202e}".to_owned() + &"x".repeat(10_000);
    let mut flow = sample::unsafe_flow();
    let finding = &mut flow.findings[0];
    for text in [
        &mut flow.path,
        &mut flow.flow,
        &mut finding.cell,
        &mut finding.message,
        &mut finding.location.path,
    ] {
        *text = name.clone();
    }
    for step in &mut finding.witness.as_mut().unwrap().steps {
        step.process.clone_from(&name);
        step.action.clone_from(&name);
        step.effect.clone_from(&name);
        step.cells.insert(name.clone(), crate::model::value::Value::text(&name));
    }
    flow.notes = vec![name.clone()];
    flow.unknown = vec![name.clone()];
    flow.verdict = Verdict::Inconclusive(name.clone());
    flow.scope.items.insert(name, 9);
    for ascii in [false, true] {
        let text = shown(flow.clone(), &Style { ascii, ..Style::default() });
        assert!(!text.contains("##") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    }
}

#[test]
fn nothing_checked_is_said() {
    let at = Location { path: "a.json".into(), ..Location::default() };
    let problems = vec![Problem { at, message: "empty, expected a flow".into() }];
    let text = report(&Report { flows: vec![], problems }, &Style::default());
    assert_eq!(text, "nothing checked; 1 problem in the input\n");
}
