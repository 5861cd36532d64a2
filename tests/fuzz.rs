//! Random schedules: what they find is there, what they miss is within the bound, and threads change nothing.

mod support;

use flowrace::check::replay::{Ending, replay};
use flowrace::check::{Config, Unstopped, check, check_text};
use flowrace::explore::fuzz::{Fuzz, Strategy};
use flowrace::finding::witness_file::WitnessFile;
use flowrace::finding::{FlowReport, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use support::cases::cases;
use support::generate::models;
use support::naive::explore;

const STRATEGIES: [Strategy; 3] = [Strategy::Random, Strategy::Pct, Strategy::Pos];

fn asked(strategy: Strategy, schedules: u64) -> Config {
    let fuzz = Fuzz { strategy, schedules, ..Fuzz::default() };
    Config { fuzz: Some(fuzz), ..Config::default() }
}

fn one(text: &str, config: &Config) -> FlowReport {
    let mut report = check_text("model.json", text, config);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.remove(0)
}

/// The report without look-ups, each step taken by the engine.
fn step_by_step(text: &str, strategy: Strategy, schedules: u64) -> String {
    let mut config = asked(strategy, schedules);
    config.fuzz.as_mut().expect("it fuzzes").look_up = false;
    format!("{:?}", one(text, &config))
}

fn findings(report: &FlowReport) -> BTreeSet<(&str, &str, &[String])> {
    report.findings.iter().map(|f| (f.rule, f.cell.as_str(), f.actions.as_slice())).collect()
}

proptest! {
    #![proptest_config(cases("proptest-regressions/fuzz.txt", 60))]

    #[test]
    fn what_fuzzing_finds_the_search_finds(model in models()) {
        prop_assume!(explore(&model, 3_000).is_some());
        let mut model = model;
        model["assume"] = json!({ "variable-actions": "atomic" });
        let text = model.to_string();
        let all = one(&text, &Config::default());
        for strategy in STRATEGIES {
            let some = one(&text, &asked(strategy, 200));
            prop_assert!(findings(&some).is_subset(&findings(&all)), "{:?} {:?} {}", findings(&some), findings(&all), text);
            prop_assert_eq!(format!("{some:?}"), step_by_step(&text, strategy, 200), "{}", text);
            prop_assert!(!some.exhaustive && some.verdict != Verdict::Safe);
            for (cell, outcome) in &some.outcomes {
                let known = &all.outcomes[cell].values;
                prop_assert!(outcome.values.iter().all(|v| known.contains(v)), "{} of {}", cell, text);
            }
            prop_assert!(some.findings.iter().all(|f| f.witness.is_some()), "a finding without a schedule in {}", text);
        }
    }
}

fn gallery(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
    std::fs::read_to_string(path).expect("it is there")
}

/// A window with etags, in which many hear of a step; parallel branches with several moves each; two runs.
#[test]
fn look_ups_change_nothing() {
    let etag = json!([{ "forEach": "order", "items": 30, "concurrency": 6, "do": [
        { "name": "Retry", "until": "@equals(outputs('Update')?['statusCode'], 200)", "limit": 3, "do": [
        { "name": "Get", "get": "m" },
        { "name": "Update", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
          "set": { "N": "@add(outputs('Get')?['N'], 1)" } } ] } ] }]);
    let counter = json!([{ "forEach": "order", "items": 12, "concurrency": 5, "do": [
        { "name": "Get", "get": "m" },
        { "name": "Also", "get": "m", "runAfter": {} },
        { "name": "Update", "update": "m", "runAfter": { "Get": ["Succeeded"], "Also": ["Succeeded"] },
          "set": { "N": "@add(outputs('Get')?['N'], outputs('Also')?['N'])" } } ] }]);
    for (flow, runs) in [(&etag, 1), (&counter, 1), (&counter, 2), (&etag, 2)] {
        let text = json!({ "flowrace": 1, "name": "m", "scope": { "runs": runs },
            "state": { "m": { "kind": "item", "fields": { "N": 1 } } }, "flow": flow })
        .to_string();
        for strategy in STRATEGIES {
            let looked_up = format!("{:?}", one(&text, &asked(strategy, 600)));
            assert!(looked_up == step_by_step(&text, strategy, 600), "{strategy:?}: {text}");
        }
    }
}

#[test]
fn any_number_of_threads_finds_the_same() {
    for name in
        ["lost-update/racy.json", "lease-misuse/gives-up.json", "stale-guard/write-skew.json"]
    {
        for strategy in STRATEGIES {
            let with = |threads| {
                let config = Config { threads, ..asked(strategy, 9_000) };
                let report = check_text(name, &gallery(name), &config);
                flowrace::report::to_json(&report).to_string()
            };
            let one = with(1);
            assert_eq!(one, with(2), "{name}");
            assert_eq!(one, with(7), "{name}");
        }
    }
}

#[test]
fn every_schedule_that_is_reported_replays() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzzed");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for name in [
        "lost-update/racy.json",
        "duplicate-create/racy.json",
        "stuck/each-other.json",
        "invariant/racy.json",
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
        let config = asked(Strategy::Pct, 2_000);
        let report = check(std::slice::from_ref(&path), &config, &Unstopped);
        assert!(!report.flows[0].findings.is_empty(), "{name}");
        let searched = check(std::slice::from_ref(&path), &Config::default(), &Unstopped);
        for finding in &report.flows[0].findings {
            let shown = path.to_string_lossy().into_owned();
            let file =
                WitnessFile::of(&report.flows[0], finding, &config, shown).expect("a schedule");
            let saved = folder.join(file.file_name());
            std::fs::write(&saved, file.to_text()).expect("it can be written");
            let replayed = replay(&saved, None, &Unstopped).expect("readable");
            assert_eq!(replayed.ending, Ending::Reproduced, "{name}");
            let same = searched.flows[0]
                .findings
                .iter()
                .find(|f| f.rule == finding.rule && f.cell == finding.cell);
            let steps = |f: &flowrace::finding::Finding| {
                f.witness.as_ref().map(|w| (w.switches, w.steps.len()))
            };
            assert_eq!(
                same.map(steps),
                Some(steps(finding)),
                "{name}: as short as the search has it"
            );
        }
    }
}

/// A race that needs one switch at one of `n` places: one process looks twice, another sets and resets in between.
fn narrow(n: usize) -> Value {
    let looks: Vec<Value> =
        (0..n).map(|i| json!({ "name": format!("Look_{i}"), "get": "noise" })).collect();
    let touches: Vec<Value> = (0..n)
        .map(|i| json!({ "name": format!("Touch_{i}"), "update": "noise", "set": { "X": i } }))
        .collect();
    let mut left = vec![
        json!({ "name": "Get", "get": "cell" }),
        json!({ "name": "Set", "update": "cell",
        "set": { "V": "@add(outputs('Get')?['V'], 1)" } }),
    ];
    let mut right = vec![json!({ "name": "Put", "update": "cell", "set": { "V": 7 } })];
    left.extend(looks);
    right.splice(0..0, touches);
    json!({ "flowrace": 1,
        "state": { "cell": { "kind": "item", "fields": { "V": 0 } }, "noise": { "kind": "item", "fields": { "X": 0 } } },
        "flow": [ { "name": "Both", "parallel": [left, right] } ] })
}

#[test]
fn what_is_missed_is_within_the_bound() {
    let text = narrow(4).to_string();
    let found = |seed, schedules| {
        let fuzz = Fuzz { seed, schedules, depth: 2, ..Fuzz::default() };
        let report = one(&text, &Config { fuzz: Some(fuzz), ..Config::default() });
        report.findings.iter().any(|f| f.rule == "lost-update")
    };
    assert!(found(1, 2_000), "the race is there");
    // Two processes and at most eleven steps: each schedule of depth 2 meets it with 1/22 or more.
    let (tries, schedules) = (300_u32, 20_u64);
    let missed = (0..u64::from(tries)).filter(|&seed| !found(seed + 100, schedules)).count();
    let bound = (1.0 - 1.0 / 22.0_f64).powi(10);
    let rate = f64::from(u32::try_from(missed).expect("small")) / f64::from(tries);
    let deviation = (bound * (1.0 - bound) / f64::from(tries)).sqrt();
    assert!(rate <= bound + 4.0 * deviation, "missed {rate}, bound {bound}");
}

#[test]
fn the_search_goes_on_by_fuzzing_where_it_has_to_stop() {
    let text = gallery("lost-update/racy.json");
    let limited = Config { max_states: Some(3), ..Config::default() };
    assert!(one(&text, &limited).findings.is_empty(), "three states show nothing yet");
    let fuzz = Fuzz { after_limits: true, schedules: 500, ..Fuzz::default() };
    let report = one(&text, &Config { fuzz: Some(fuzz), ..limited });
    assert_eq!(report.verdict, Verdict::Unsafe);
    assert!(report.findings.iter().any(|f| f.rule == "lost-update" && f.witness.is_some()));
    assert!(
        report.notes.iter().any(|n| n.contains("500 schedules by PCT, seed 1")),
        "{:?}",
        report.notes
    );
}
