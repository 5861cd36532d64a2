//! A retry bound that is used up, found without listing: against the search where that is possible, and beyond it.

use flowrace::check::{Config, Reduction, check_text};
use flowrace::finding::{FlowReport, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// So many items, so many at once, that try so often; then perhaps something else.
fn model(items: u64, concurrency: u64, limit: u64, also: &[Value]) -> String {
    let retry = json!({ "name": "Retry", "until": "@equals(outputs('Update')?['statusCode'], 200)", "limit": limit,
        "do": [
            { "name": "Get", "get": "m" },
            { "name": "Update", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
              "set": { "N": "@add(outputs('Get')?['N'], 1)" } } ] });
    let body: Vec<Value> = [retry].into_iter().chain(also.iter().cloned()).collect();
    json!({ "flowrace": 1, "name": "etag loop",
        "state": { "m": { "kind": "item", "fields": { "N": 5, "Other": 0 } } },
        "flow": [{ "forEach": "order", "items": items, "concurrency": concurrency, "do": body }] })
    .to_string()
}

fn report(text: &str, reduction: Reduction) -> FlowReport {
    let config = Config { reduction, max_states: Some(200_000), ..Config::default() };
    let mut report = check_text("model.json", text, &config);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.remove(0)
}

fn found(report: &FlowReport) -> BTreeSet<(&str, Vec<String>)> {
    report.findings.iter().map(|f| (f.rule, f.actions.clone())).collect()
}

#[test]
fn what_is_found_the_search_finds() {
    for (items, concurrency, limit) in [(9, 2, 2), (9, 9, 3), (10, 3, 5), (9, 4, 8)] {
        let text = model(items, concurrency, limit, &[]);
        let quick = report(&text, Reduction::All);
        let all = report(&text, Reduction::Symmetry);
        assert!(all.exhaustive && !quick.exhaustive, "{items} {limit}");
        assert_eq!(found(&quick), found(&all), "{items} {limit}");
        assert_eq!(quick.verdict, Verdict::Unsafe);
        assert_eq!(quick.level, all.level);
        for (cell, outcome) in &quick.outcomes {
            assert!(!outcome.complete);
            let known = &all.outcomes[cell];
            assert!(
                outcome.values.iter().all(|v| known.values.contains(v)),
                "{:?}",
                outcome.values
            );
            assert_eq!(outcome.serial, known.serial);
        }
        let lengths = |r: &FlowReport| {
            let witness = r.findings[0].witness.as_ref().expect("a schedule");
            (witness.switches, witness.steps.len())
        };
        assert_eq!(lengths(&quick), lengths(&all), "as short as the search's");
    }
}

#[test]
fn what_cannot_be_used_up_is_not() {
    // Nine items, and at most eight refusals.
    assert_eq!(report(&model(9, 9, 9, &[]), Reduction::All).verdict, Verdict::Safe);
}

#[test]
fn what_else_goes_wrong_is_left_to_the_search() {
    let also = [
        json!({ "name": "Read", "get": "m" }),
        json!({ "name": "Write", "update": "m", "set": { "Other": "@add(outputs('Read')?['Other'], 1)" } }),
    ];
    let report = report(&model(9, 2, 2, &also), Reduction::All);
    let rules: BTreeSet<&str> = report.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains("lost-update"), "{rules:?}");
}

#[test]
fn the_default_bound_and_more_items_than_it_has_rounds() {
    let report = report(&model(70, 50, 60, &[]), Reduction::All);
    assert_eq!(found(&report), BTreeSet::from([("retry-exhausted", vec!["Update".to_owned()])]));
    let witness = report.findings[0].witness.as_ref().expect("a schedule");
    // Sixty times: read, another's read and write, refused.
    assert_eq!((witness.steps.len(), witness.switches), (240, 120));
    // Whoever starts in a slot that was left, the one that is held keeps its name.
    let gave_up = &witness.steps[239].process;
    assert_eq!(witness.steps.iter().filter(|s| s.process == *gave_up).count(), 120);
    assert_eq!(gave_up, &witness.steps[0].process);
}
