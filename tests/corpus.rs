//! Real flows that other people wrote, against labels made by hand. Runs where `FLOWRACE_CORPUS` names their folder.

#![expect(clippy::print_stdout, reason = "the table is what the test is read for")]
use flowrace::check::{Config, Unstopped, check};
use flowrace::finding::{Across, Finding, FlowReport, Severity};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Labelled races that have to be found, and flows labelled safe that have to be left in peace, as last measured.
const RACES: (usize, usize) = (27, 29);
const SAFE: (usize, usize) = (26, 27);

struct Label {
    file: String,
    race: bool,
    kind: String,
    actions: BTreeSet<String>,
    within: bool,
}

fn labels(folder: &Path) -> Vec<Label> {
    let text = std::fs::read_to_string(folder.join("labels.tsv")).expect("the labels are there");
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            Label {
                file: cells[0].to_owned(),
                race: cells[1] == "race",
                kind: cells[2].to_owned(),
                actions: cells[3].split(',').map(|a| a.replace("%2C", ",")).collect(),
                within: cells[4] == "within-run",
            }
        })
        .collect()
}

fn folder() -> Option<PathBuf> {
    let found = std::env::var_os("FLOWRACE_CORPUS").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: FLOWRACE_CORPUS does not name a folder of flows");
    }
    found
}

/// Whether a finding is of a label's kind and names one of its actions.
fn fits(finding: &Finding, label: &Label) -> bool {
    let kind = match label.kind.as_str() {
        "stale-read" => ["iteration-bleed", "stale-guard"].contains(&finding.rule),
        kind => finding.rule == kind,
    };
    let named = finding.actions.iter().any(|a| label.actions.contains(a));
    finding.severity > Severity::Note && named && (kind || !label.race)
}

fn in_one_run(finding: &Finding) -> bool {
    finding.across != Some(Across::Runs)
}

#[test]
fn labelled_races_are_found_and_the_rest_is_left_in_peace() {
    let Some(folder) = folder() else { return };
    let mut reports: BTreeMap<String, Vec<FlowReport>> = BTreeMap::new();
    let (mut races, mut safe) = ((0, 0), (0, 0));
    for label in labels(&folder) {
        let flows = reports.entry(label.file.clone()).or_insert_with(|| {
            check(&[folder.join(&label.file)], &Config::default(), &Unstopped).flows
        });
        let mut findings = flows.iter().flat_map(|f| &f.findings);
        let hit =
            findings.any(|f| fits(f, &label) && (label.race || !label.within || in_one_run(f)));
        let good = hit == label.race;
        let count = if label.race { &mut races } else { &mut safe };
        count.0 += usize::from(good);
        count.1 += 1;
        let verdict = if good { "ok" } else { "DIFFERS" };
        println!("{verdict:8} {:18} {}", label.kind, label.file);
    }
    println!(
        "races found: {} of {}; safe left in peace: {} of {}",
        races.0, races.1, safe.0, safe.1
    );
    assert!(races.0 * RACES.1 >= RACES.0 * races.1, "fewer races found than before");
    assert!(safe.0 * SAFE.1 >= SAFE.0 * safe.1, "more false alarms than before");
}

#[test]
fn every_flow_is_read() {
    let Some(folder) = folder() else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json" || e == "zip"))
        .collect();
    files.sort();
    // A few states of each: this is about reading, and about every path through the checker ending.
    let config = Config { max_states: Some(20), ..Config::default() };
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let mut unread = Vec::new();
    for file in &files {
        let report = check(std::slice::from_ref(file), &config, &Unstopped);
        unread.extend(report.problems.iter().map(ToString::to_string));
        for flow in &report.flows {
            *verdicts.entry(flow.verdict.id()).or_default() += 1;
            for what in &flow.unknown {
                *unknown.entry(what.clone()).or_default() += 1;
            }
        }
    }
    let mut often: Vec<(usize, String)> = unknown.into_iter().map(|(w, n)| (n, w)).collect();
    often.sort_by(|a, b| b.cmp(a));
    println!("{} files: {verdicts:?}", files.len());
    for (count, what) in often.iter().take(30) {
        println!("{count:4} {what}");
    }
    for problem in unread.iter().take(40) {
        println!("{problem}");
    }
    assert!(unread.len() * 20 <= files.len(), "{} problems in {} files", unread.len(), files.len());
}
