//! The gate as a project meets it: settings, baseline, acceptance, comparison, standard input, the scripts for CI.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BIN: &str = env!("CARGO_BIN_EXE_flowrace");

/// A folder of one test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("gate").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Runs in a folder; the exit status, and everything said.
fn run(folder: &Path, args: &[&str]) -> (i32, String) {
    let output =
        Command::new(BIN).args(args).current_dir(folder).output().expect("the binary runs");
    said(&output)
}

fn said(output: &Output) -> (i32, String) {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = output.status.code().expect("the binary ends by itself");
    (code, out + &String::from_utf8_lossy(&output.stderr))
}

/// A flow whose loop loses updates of a variable; `note` is the description of its writer.
fn racy(note: &str) -> String {
    serde_json::json!({
        "triggers": {"t": {"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}}},
        "actions": {
            "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "n", "type": "integer", "value": 0}]}},
            "Loop": {"type": "Foreach", "foreach": "@triggerBody()", "runAfter": {"Init": ["Succeeded"]},
                "runtimeConfiguration": {"concurrency": {"repetitions": 5}}, "actions": {
                    "Next": {"type": "Compose", "inputs": "@add(variables('n'), 1)"},
                    "Set_n": {"type": "SetVariable", "description": note, "runAfter": {"Next": ["Succeeded"]},
                        "inputs": {"name": "n", "value": "@outputs('Next')"}}}},
        }
    })
    .to_string()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("the file can be written");
}

#[test]
fn a_known_finding_passes_and_a_new_one_fails() {
    let here = folder("baseline");
    write(&here, "f.json", &racy(""));
    assert_eq!(run(&here, &["check", "f.json"]).0, 1);
    let (code, text) = run(&here, &["baseline", "f.json"]);
    assert!(code == 2 && text.contains("--reason"), "{text}");
    assert!(!here.join("flowrace-baseline.json").exists());
    let reason = ["baseline", "f.json", "--reason", "one at a time", "--owner", "ops"];
    let (code, text) = run(&here, &reason);
    assert!(code == 0 && text.contains("new, 0 taken out"), "{text}");
    let known = ["check", "f.json", "--baseline", "flowrace-baseline.json"];
    let (code, text) = run(&here, &known);
    assert!(code == 0 && text.contains("(known: one at a time)"), "{text}");
    // Reformatted, the findings are the same.
    let pretty: serde_json::Value = serde_json::from_str(&racy("")).expect("JSON");
    write(&here, "f.json", &format!("\n\n{pretty:#}"));
    assert_eq!(run(&here, &known).0, 0);
    // Another action races now: a new finding, and the known ones are gone.
    write(&here, "f.json", &racy("").replace("Set_n", "Store"));
    let (code, text) = run(&here, &known);
    assert!(code == 1 && text.contains("found no more") && text.contains("--prune"), "{text}");
    let mut prune = reason.to_vec();
    prune.push("--prune");
    let (code, text) = run(&here, &prune);
    assert!(code == 0 && !text.contains("0 taken out"), "{text}");
    // Past its day it counts again.
    let file = fs::read_to_string(here.join("flowrace-baseline.json")).expect("it was written");
    let ended =
        file.replace("\"owner\": \"ops\"", "\"owner\": \"ops\", \"expires\": \"2001-01-01\"");
    write(&here, "flowrace-baseline.json", &ended);
    let (code, text) = run(&here, &known);
    assert!(code == 1 && text.contains("past the day"), "{text}");
    write(&here, "flowrace-baseline.json", "{}");
    let (code, text) = run(&here, &known);
    assert!(code == 2 && text.contains("flowrace-baseline.json:1:1: not a baseline"), "{text}");
}

#[test]
fn settings_are_found_upwards_and_flags_go_before_them() {
    let here = folder("settings");
    fs::create_dir_all(here.join("a/b")).expect("folders can be made");
    write(&here, "a/b/f.json", &racy(""));
    write(&here, "flowrace.toml", "fail-on = \"never\"\n[scope]\nitems = 3\n");
    let (code, text) = run(&here, &["check", "a/b/f.json", "--format", "json"]);
    assert!(code == 0 && text.contains("\"Loop\": 3"), "{text}");
    let (code, text) = run(
        &here,
        &["check", "a/b/f.json", "--items", "2", "--fail-on", "warning", "--format", "json"],
    );
    assert!(code == 1 && text.contains("\"Loop\": 2"), "{text}");
    assert_eq!(run(&here, &["check", "a/b/f.json", "--no-config"]).0, 1);
    write(
        &here,
        "a/flowrace.toml",
        "[rules]\nlost-update = \"off\"\niteration-bleed = \"off\"\n[files]\nexclude = [\"b/f.json\"]\n",
    );
    let (_, text) = run(&here, &["check", "a/b/f.json"]);
    assert!(!text.contains("[lost-update]"), "a named file is not excluded: {text}");
    let (code, text) = run(&here, &["check", "a"]);
    assert!(code == 2 && text.contains("nothing to check"), "{text}");
    write(&here, "a/flowrace.toml", "[scope]\nitem = 3\n");
    let (code, text) = run(&here, &["check", "a/b/f.json"]);
    assert!(code == 2 && text.contains("a/flowrace.toml:2:1: unknown key \"item\""), "{text}");
    assert!(text.contains("did you mean items?"), "{text}");
    assert_eq!(run(&here, &["check", "a/b/f.json", "--config", "gone.toml"]).0, 2);
}

#[test]
fn an_acceptance_at_its_place_needs_a_reason() {
    let here = folder("accept");
    let check = |note: &str| {
        write(&here, "f.json", &racy(note));
        run(&here, &["check", "f.json", "--fail-on", "error"])
    };
    let (code, text) = check(
        "flowrace: accept lost-update because it is only a hint\nflowrace: accept iteration-bleed because it is only a hint",
    );
    assert!(code == 0 && text.contains("accepted: it is only a hint"), "{text}");
    let (code, text) = check("flowrace: accept lost-update");
    assert!(code == 2 && text.contains("needs a reason"), "{text}");
    assert!(text.contains("/actions/Loop/actions/Set_n/description"), "{text}");
    let (code, text) = check("flowrace: accept lost-updat because x");
    assert!(code == 2 && text.contains("did you mean lost-update?"), "{text}");
    let (code, text) = check("flowrace: accept stuck because x");
    assert!(code == 1 && text.contains("there is none to accept"), "{text}");
}

#[test]
fn a_change_is_told_by_what_is_new_and_what_is_fixed() {
    let here = folder("diff");
    write(&here, "old.json", &racy(""));
    write(&here, "same.json", &racy("only a note"));
    write(&here, "new.json", &racy("").replace("\"repetitions\":5", "\"repetitions\":1"));
    let (code, text) = run(&here, &["diff", "old.json", "same.json"]);
    assert!(code == 0 && text.contains("0 new, 0 fixed"), "{text}");
    let (code, text) = run(&here, &["diff", "old.json", "new.json"]);
    assert!(code == 0 && text.contains("fixed") && text.contains("lost-update"), "{text}");
    let (code, text) = run(&here, &["diff", "new.json", "old.json"]);
    assert!(code == 1 && text.starts_with("new "), "{text}");
    assert_eq!(run(&here, &["diff", "old.json", "gone.json"]).0, 2);
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let here = folder("stdin");
    let feed = |bytes: &[u8]| {
        let mut child = Command::new(BIN)
            .args(["check", "-"])
            .current_dir(&here)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        child.stdin.take().expect("a pipe").write_all(bytes).expect("it reads");
        said(&child.wait_with_output().expect("it ends"))
    };
    let (code, text) = feed(racy("").as_bytes());
    assert!(code == 1 && text.contains("<stdin>"), "{text}");
    let wide: Vec<u8> = racy("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(feed(&wide).0, 1);
    let (code, text) = feed(b"");
    assert!(code == 2 && text.contains("<stdin>: empty"), "{text}");
}

#[test]
fn completions_name_every_command() {
    let here = folder("completions");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, text) = run(&here, &["completions", shell]);
        assert!(code == 0 && ["baseline", "explain"].iter().all(|c| text.contains(c)), "{shell}");
    }
    assert_eq!(run(&here, &["completions", "tcl"]).0, 2);
}

#[cfg(unix)]
#[test]
fn the_script_of_the_action_runs() {
    let here = folder("action");
    write(&here, "f.json", &racy(""));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/action.sh");
    let output = Command::new("bash")
        .arg(script)
        .current_dir(&here)
        .env("FLOWRACE_BIN", BIN)
        .env("FLOWRACE_PATHS", "f.json\n")
        .env("GITHUB_OUTPUT", here.join("output"))
        .env("GITHUB_STEP_SUMMARY", here.join("summary"))
        .output()
        .expect("bash runs");
    assert_eq!(said(&output).0, 0, "{}", said(&output).1);
    let read = |name: &str| fs::read_to_string(here.join(name)).expect("it was written");
    assert_eq!(read("output"), "code=1\n");
    assert!(read("summary").contains("lost-update"), "{}", read("summary"));
    assert!(read("flowrace.sarif").contains("\"2.1.0\""));
    let action = include_str!("../action.yml");
    for name in ["FLOWRACE_PATHS", "FLOWRACE_BASELINE", "FLOWRACE_FAIL_ON", "ci/action.sh"] {
        assert!(
            action.contains(name)
                && (name.contains('/') || include_str!("../ci/action.sh").contains(name))
        );
    }
}

#[test]
fn what_the_recipes_ask_for_exists() {
    let here = folder("recipes");
    let (_, help) = run(&here, &["check", "--help"]);
    let recipes = [
        include_str!("../docs/ci.md"),
        include_str!("../ci/azure-pipelines.yml"),
        include_str!("../ci/action.sh"),
        include_str!("../.pre-commit-hooks.yaml"),
    ];
    let words = recipes.iter().flat_map(|text| text.split_whitespace());
    let known = [
        "--name",
        "--path",
        "--zipfile",
        "--folder",
        "--packagetype",
        "--reason",
        "--owner",
        "--expires",
        "--prune",
    ];
    for flag in words.filter(|word| word.starts_with("--")) {
        let flag = flag.trim_end_matches(['`', ',', ')']);
        assert!(known.contains(&flag) || help.contains(flag), "{flag}");
    }
}
