//! `--checkpoint`: a search stopped by a limit goes on to the report that it would have given, and what does not belong to
//! it is refused with its place. `--fingerprints` says what it may have left out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MODEL: &str = "models/lost-update/racy.json";

fn place(name: &str) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    _ = std::fs::remove_file(&place);
    place
}

fn flowrace(items: &str, kept: Option<&Path>, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
    command.args(["check", MODEL, "--items", items, "--reduction", "symmetry", "--reproducible"]);
    if let Some(kept) = kept {
        command.arg("--checkpoint").arg(kept);
    }
    command.args(flags).output().expect("the binary runs")
}

/// The report, after holding the exit status.
fn report(output: Output, code: i32) -> String {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{err}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    let kept = place("goes-on.checkpoint");
    let whole = report(flowrace("9", None, &[]), 1);
    let first = flowrace("9", Some(&kept), &["--max-states", "900"]);
    assert!(String::from_utf8_lossy(&first.stderr).contains("the same command goes on from there"));
    assert!(report(first, 1).contains("; 901 states explored"));
    let second = flowrace("9", Some(&kept), &["--max-states", "1600"]);
    assert!(report(second, 1).contains("; 1,601 states explored"));
    let third = report(flowrace("9", Some(&kept), &["--threads", "3"]), 1);
    assert!(whole.contains("all 2,389 states"), "{whole}");
    assert_eq!(third, whole);
    assert!(!kept.exists(), "nothing is kept of a search that is over");
}

#[test]
fn what_does_not_belong_here_is_refused() {
    let kept = place("refused.checkpoint");
    report(flowrace("9", Some(&kept), &["--max-states", "900"]), 1);
    let good = std::fs::read(&kept).expect("it is there");
    let refused = |bytes: &[u8], items: &str, why: &str| {
        std::fs::write(&kept, bytes).expect("it can be written");
        let output = flowrace(items, Some(&kept), &[]);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("refused.checkpoint: ") && err.contains(why), "{err}");
        assert_eq!(std::fs::read(&kept).expect("it is there"), bytes, "and left alone");
    };
    for len in [0, 10, 30, 45, good.len() / 2, good.len() - 1] {
        refused(&good[..len], "9", "truncated");
    }
    let mut other = good.clone();
    other[good.len() / 2] ^= 1;
    refused(&other, "9", "damaged");
    refused(&good, "8", "of another command or of other inputs");
    refused(b"# Notes\nnothing to see here, and long enough for a head\n", "9", "not a checkpoint");
    let version = [b"flowrace checkpoint 0.0.9\n", &good[26..]].concat();
    refused(&version, "9", "another version");
}

#[test]
fn fingerprints_say_what_they_may_have_left_out() {
    let small = report(flowrace("9", None, &["--fingerprints"]), 1);
    assert!(!small.contains("fingerprints"), "two words hold a state exactly: {small}");
    let output =
        flowrace("40", None, &["--degree", "40", "--fingerprints", "--max-states", "9000"]);
    let printed = report(output, 1);
    assert!(printed.contains(
        "told apart by fingerprints alone: one was left out with probability under 1 in 10^"
    ));
}
