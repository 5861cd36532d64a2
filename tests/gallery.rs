//! Every model of the gallery meets its own expectation: what we find, and what we leave in peace.

use flowrace::check::{Config, Unstopped, check};
use std::fs;
use std::path::{Path, PathBuf};

/// The lesson's 20 items take half a minute: `cargo run --release -- test models` runs them.
const LONG: &str = "lesson-20.json";

fn models() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).expect("the gallery is there") {
        let folder = folder.expect("readable").path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder).expect("readable") {
            let file = file.expect("readable").path();
            let json = file.extension().is_some_and(|e| e == "json");
            if json && file.file_name().is_some_and(|n| n != LONG) {
                found.push(file);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_model_meets_its_expectation() {
    for path in models() {
        let report = check(std::slice::from_ref(&path), &Config::default(), &Unstopped);
        assert!(report.problems.is_empty(), "{}: {:?}", path.display(), report.problems);
        let unmet = report.flows[0].unmet.clone();
        assert_eq!(unmet, Some(Vec::new()), "{}", path.display());
    }
}

#[test]
fn every_rule_has_a_racy_and_a_fixed_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    for rule in flowrace::property::RULES {
        for file in ["README.md", "racy.json", "fixed.json"] {
            assert!(
                root.join(rule.id).join(file).is_file(),
                "models/{}/{file} is missing",
                rule.id
            );
        }
    }
}
