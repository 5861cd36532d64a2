//! The binary as people and build servers meet it: help, exit codes, streams, broken pipe.

use std::path::PathBuf;
use std::process::{Command, Output};

fn flowrace(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flowrace")).args(args).output().expect("the binary runs")
}

/// Standard output, after holding the exit code and whether standard error is empty.
fn check(args: &[&str], code: i32, silent: bool) -> String {
    let output = flowrace(args);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
    assert_eq!(err.is_empty(), silent, "{args:?}: {err}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

fn refused(args: &[&str]) -> String {
    let output = flowrace(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).expect("errors are UTF-8")
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

#[test]
fn help_lists_what_works_and_ends_with_the_exit_statuses() {
    let text = check(&["--help"], 0, true);
    for command in ["check", "fuzz", "replay", "test", "explain", "schema"] {
        assert!(text.contains(&format!("\n  {command} ")), "{command}: {text}");
    }
    for flag in ["-h", "--help"] {
        let text = check(&["check", flag], 0, true);
        let headings = ["Model options:", "Search options:", "Output options:", "Exit status: 0"];
        let places: Vec<_> = headings.map(|heading| text.find(heading)).into();
        assert!(places.is_sorted() && places[0].is_some(), "{text}");
        for name in [
            "platform",
            "items",
            "degree",
            "runs",
            "faults",
            "reduction",
            "max-states",
            "max-memory",
        ] {
            assert!(text.contains(&format!("--{name} ")), "{name}: {text}");
        }
        for name in ["timeout", "reproducible", "format", "output", "fail-on", "color", "quiet"] {
            assert!(text.contains(&format!("--{name}")), "{name}: {text}");
        }
        assert!(text.trim_end().ends_with("before 0."), "{text}");
    }
    assert!(check(&["--version"], 0, true).starts_with("flowrace "));
}

#[test]
fn explain_lists_the_rules_and_prints_their_pages() {
    let list = check(&["explain"], 0, true);
    for rule in flowrace::property::RULES {
        assert!(list.contains(rule.id), "{}", rule.id);
        assert_eq!(check(&["explain", rule.id], 0, true).trim_end(), rule.page.trim_end());
    }
}

#[test]
fn an_unknown_rule_is_refused_with_the_nearest() {
    assert!(refused(&["explain", "lost-updat"]).contains("did you mean lost-update?"));
    assert!(refused(&["explain", "\u{1b}[2J"]).contains("\"\\u{1b}[2J\""));
}

#[test]
fn bad_usage_is_refused_with_what_was_expected() {
    assert!(refused(&[]).contains("Usage: flowrace"));
    assert!(refused(&["check"]).contains("<PATH>"));
    assert!(refused(&["check", "a.json", "--no-such-flag"]).contains("--no-such-flag"));
    assert!(refused(&["check", "a.json", "--items", "0"]).contains("1 or more"));
    assert!(refused(&["check", "a.json", "--items", "-1"]).contains("1 or more"));
    assert!(refused(&["check", "a.json", "--degree", "51"]).contains("1 to 50"));
    assert!(refused(&["check", "a.json", "--max-memory", "12XB"]).contains("512MiB"));
    assert!(
        refused(&["check", "a.json", "--timeout", "1", "--reproducible"])
            .contains("--reproducible")
    );
}

#[test]
fn nothing_to_check_never_passes() {
    let empty = folder("empty");
    let empty = empty.to_str().expect("the path is text");
    assert!(!refused(&["check", empty]).is_empty());
    assert!(!refused(&["check", empty, "--fail-on", "never"]).is_empty());
    assert!(!refused(&["test", empty]).is_empty());
    let json = flowrace(&["check", empty, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("the report is JSON");
    assert_eq!(
        (&json["schema"], &json["flows"]),
        (&"flowrace.report/1".into(), &serde_json::json!([]))
    );
}

#[test]
fn the_report_goes_to_the_file_that_was_asked_for() {
    let folder = folder("output");
    let empty = folder.to_str().expect("the path is text");
    let file = folder.join("report.json");
    let file = file.to_str().expect("the path is text");
    let output = flowrace(&["check", empty, "--format", "json", "--output", file]);
    assert!(output.stdout.is_empty());
    let text = std::fs::read_to_string(file).expect("the report was written");
    assert!(text.contains("flowrace.report/1"));
    std::fs::remove_file(file).expect("the report can be removed");
    assert_eq!(
        std::fs::read_dir(&folder).expect("the folder stands").count(),
        0,
        "no draft is left"
    );
    let lost = folder.join("missing").join("report.json");
    let output =
        flowrace(&["check", empty, "--format", "json", "--output", lost.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("report.json"));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("flowrace.report/1"),
        "the report is not lost"
    );
}

#[test]
fn several_reports_go_to_their_places_at_once() {
    let folder = folder("several");
    let file = |name: &str| folder.join(name).to_str().expect("the path is text").to_owned();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/lost-update/racy.json");
    let (sarif, junit) = (file("a.sarif"), file("a.xml"));
    let args = ["check", model, "--format", "sarif", "--output", &sarif, "--format", "text"];
    let text = check(&[&args[..], &["--format", "junit", "--output", &junit]].concat(), 1, true);
    assert!(text.starts_with("error[lost-update]"), "{text}");
    let log = std::fs::read_to_string(&sarif).expect("it was written");
    let log: serde_json::Value = serde_json::from_str(&log).expect("SARIF is JSON");
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
    assert_eq!(uri, "models/lost-update/racy.json", "relative to where it was started");
    assert!(std::fs::read_to_string(&junit).expect("it was written").starts_with("<?xml"));
    let two = refused(&["check", model, "--format", "sarif", "--format", "json"]);
    assert!(two.contains("two reports for standard output"), "{two}");
    // One that cannot be written is not lost, and the others are written all the same.
    let lost = folder.join("missing").join("a.sarif").to_str().expect("text").to_owned();
    std::fs::remove_file(&junit).expect("it can be removed");
    let args = ["check", model, "--format", "sarif", "--output", &lost];
    let output = flowrace(&[&args[..], &["--format", "junit", "--output", &junit]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"runs\""));
    assert!(std::fs::read_to_string(&junit).expect("it was written").starts_with("<?xml"));
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value =
        serde_json::from_str(&check(&["schema"], 0, true)).expect("the schema is JSON");
    assert!(schema.is_object());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let safe = concat!(env!("CARGO_MANIFEST_DIR"), "/models/lost-update/fixed.json");
    let sarif = ["check", safe, "--format", "sarif"];
    for args in [
        &["explain"][..],
        &["schema"],
        &["--help"],
        &["explain", "lost-update"],
        &["check", safe],
        &sarif,
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
        let output = command.args(args).stdout(writer).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
