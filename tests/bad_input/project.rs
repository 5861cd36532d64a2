//! Rows 42 to 44 and usage: what stands around a check.
//!
//! | row | test |
//! |---|---|
//! | 42 | `gate.rs` (settings, baseline), `gate::settings::tests`, `gate::baseline`; here: files that are none, other versions |
//! | 43 | `replay.rs`; here: files that are damaged |
//! | 44 | `cli.rs`; here: full disks, inputs in the place of outputs |
//! | usage | `cli::bad_usage_is_refused_with_what_was_expected`, `cli::args::tests`; here: `fuzz` |

use super::{GOOD, GOOD_IS, Here, LOST, RACY, said};
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Stdio};

/// Row 42.
#[test]
fn settings_are_wrong_at_their_place() {
    let here = Here::new("row-42-settings");
    let bad = |text: &[u8], message: &str| {
        here.write("flowrace.toml", text);
        here.run(&["check", "good.json"]).is(2).tells(&format!("flowrace.toml{message}"));
    };
    bad(b"scop = 1", ":1:1: unknown key \"scop\"; expected one of ");
    bad(b"fail-on = 3", ":1:11: expected a text");
    bad(b"[scope]\nitems = \"x\"", ":2:9: expected a whole number from 1 up");
    bad(b"[scope]\nitems = 99999999999999999999", ":2:");
    bad(b"not toml", ":1:5: not valid TOML: ");
    bad(b"[scope\n", ":1:7: not valid TOML: ");
    bad(b"a = 1\na = 2", ":2:1: not valid TOML: duplicate key");
    bad(
        b"[rules]\nlost-updat = \"off\"",
        ":2:1: there is no rule \"lost-updat\"; did you mean lost-update?",
    );
    bad(
        b"[rules]\nlost-update = \"loud\"",
        ":2:15: \"loud\"; expected one of error, warning, note, off",
    );
    bad(b"# caf\xE9", ":1:6: not UTF-8 at byte 5; save as UTF-8");
    bad(format!("x = {}", "[".repeat(100_000)).as_bytes(), ":1:");
    bad(format!("{}y = 1", "x.".repeat(100_000)).as_bytes(), ":1:");
    // As PowerShell writes it.
    let wide: Vec<u8> =
        "\u{feff}[scope]\r\nitems = 3\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    here.write("flowrace.toml", wide);
    here.run(&["check", "good.json"]).is(0).says("3 items in \"order\"");
    here.write("flowrace.toml", "");
    here.run(&["check", "good.json"]).is(0).silent();
    here.run(&["check", "good.json", "--config", "gone.toml"])
        .is(2)
        .tells("gone.toml: no such file");
    here.run(&["check", "good.json", "--config", "."]).is(2).tells(".: a folder; expected a file");
}

/// Rows 1 and 42: what never ends is not read.
#[cfg(unix)]
#[test]
fn a_device_is_no_file_of_the_project() {
    let here = Here::new("devices");
    let device = "/dev/zero: a device or pipe; expected a file";
    for args in [
        &["check", "good.json", "--config", "/dev/zero"][..],
        &["check", "good.json", "--baseline", "/dev/zero"],
        &["replay", "/dev/zero"],
        &["verify", "/dev/zero"],
    ] {
        here.run(args).is(2).tells(device);
    }
    let no_flow = "/dev/zero: neither a file nor a folder; expected a flow";
    for args in
        [&["test", "/dev/zero"][..], &["diff", "/dev/zero", "good.json"], &["fuzz", "/dev/zero"]]
    {
        here.run(args).is(2).tells(no_flow);
    }
    here.run(&["check", "good.json", "--checkpoint", "/dev/zero"]).is(2);
}

/// Row 42.
#[test]
fn a_baseline_is_read_or_refused_and_its_age_is_told() {
    let here = Here::new("row-42-baseline");
    here.write("racy.json", RACY);
    let check = |text: &str| {
        here.write("b.json", text);
        here.run(&["check", "racy.json", "--baseline", "b.json"])
    };
    for (text, message) in [
        ("", ":1:1: not valid JSON: "),
        ("[]", ":1:1: not a baseline; expected \"schema\": \"flowrace.baseline/1\""),
        ("{\"schema\": \"flowrace.baseline/1\", ", ":1:34: not valid JSON: EOF"),
        (
            "{\"schema\": \"flowrace.baseline/2\", \"findings\": []}",
            ":1:12: made by another version of flowrace (flowrace.baseline/2); this one reads flowrace.baseline/1",
        ),
        ("{\"schema\": \"flowrace.baseline/1\"}", ":1:1: expected a list of findings"),
        (
            "{\"schema\": \"flowrace.baseline/1\", \"findings\": [3]}",
            ":1:48: a finding without \"fingerprint\"",
        ),
    ] {
        check(text).is(2).tells(&format!("b.json{message}"));
    }
    fs::remove_file(here.path("b.json")).expect("it is there");
    here.run(&["baseline", "racy.json", "--reason", "known", "--output", "b.json"]).is(0);
    let kept = fs::read_to_string(here.path("b.json")).expect("it was written");
    check(&kept).is(0).silent();
    let mut list: Value = serde_json::from_str(&kept).expect("it is JSON");
    list["findings"][0]["expires"] = json!("2001-02-03");
    let said = check(&list.to_string()).is(1);
    assert!(said.err.starts_with("warning: 1 known finding past the day "), "{said:?}");
    list["findings"][0]["fingerprint"] = json!("0000000000000000");
    list["findings"][0]["expires"] = json!("");
    let said = check(&list.to_string()).is(1);
    assert!(said.err.starts_with("warning: 1 known finding found no more "), "{said:?}");
    list["findings"][0]["expires"] = json!("soon");
    check(&list.to_string()).is(2).tells("b.json:1:");
}

/// Row 43.
#[test]
fn a_witness_is_replayed_or_refused() {
    let here = Here::new("row-43");
    here.write("racy.json", RACY);
    here.run(&["check", "racy.json", "--witnesses", "w"]).is(1);
    let name =
        fs::read_dir(here.path("w")).expect("it was made").next().expect("one").expect("readable");
    let kept = fs::read_to_string(name.path()).expect("it was written");
    let replay = |text: &str, flow: &[&str]| {
        here.write("w/x.json", text);
        here.run(&[&["replay", "w/x.json"], flow].concat())
    };
    replay(&kept, &[]).is(1).says("reproduced: lost-update");
    for cut in [0, 1, kept.len() / 3, kept.len() / 2, kept.len() - 3] {
        replay(&kept[..cut], &[]).is(2).tells("w/x.json:").tells("w/x.json:");
    }
    for (text, message) in [
        ("{}", ":1:1: not a witness file; expected \"flowrace_witness\": 1"),
        ("[]", ":1:1: "),
        (
            &kept.replace("\"flowrace_witness\": 1", "\"flowrace_witness\": 2"),
            ":2:23: version 2 of the witness format; this flowrace reads up to 1",
        ),
        (&"{\"a\": ".repeat(1000), ":1:769: nested deeper than 128"),
    ] {
        replay(text, &[]).is(2).tells(&format!("w/x.json{message}"));
    }
    replay(&kept, &["--flow", "good.json"]).is(0).says("fixed: ");
    replay(&kept, &["--flow", "gone.json"]).is(2).tells("gone.json: no such file or folder");
    let diverged = replay(&kept.replace("Get_item", "Gone"), &[]).is(2);
    diverged.says("diverged at step 1: no action is called Gone now");
    let mut order: Value = serde_json::from_str(&kept).expect("it is JSON");
    order["steps"].as_array_mut().expect("a list").reverse();
    let ahead = "no earlier step is \"order[2] Update_item\" (at /steps/0/after/0)";
    let said = replay(&order.to_string(), &[]).is(2).tells("w/x.json:1:");
    assert!(said.err.contains(ahead), "{said:?}");
    for step in order["steps"].as_array_mut().expect("a list") {
        step.as_object_mut().expect("an object").remove("after");
    }
    replay(&order.to_string(), &[]).is(2).says("diverged at step 1: ");
}

/// Row 44.
#[test]
fn what_cannot_be_written_is_named_and_not_lost() {
    let here = Here::new("row-44");
    here.write("racy.json", RACY);
    let json = |file: &str| here.run(&["check", "racy.json", "--format", "json", "--output", file]);
    for file in ["none/r.json", ".", "racy.json/r.json"] {
        let follows = "; the report follows on standard output";
        let said = json(file).is(2).tells(&format!("cannot write {file}: "));
        assert!(said.err.contains(follows), "{said:?}");
        said.says("\"flowrace.report/1\"");
    }
    #[cfg(target_os = "linux")]
    {
        json("/dev/full").is(2).tells("cannot write /dev/full: ").says("\"flowrace.report/1\"");
        let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
        command.args(["check", "racy.json"]).current_dir(&here.0).stdout(full);
        let output = command.stderr(Stdio::piped()).output().expect("it runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.starts_with("error: cannot write the report: "), "{err}");
    }
    here.run(&["check", "racy.json", "--witnesses", "good.json"])
        .is(2)
        .tells("cannot write good.json")
        .says(LOST);
    let two = [
        "check",
        "racy.json",
        "--format",
        "json",
        "--output",
        "a",
        "--format",
        "sarif",
        "--output",
        "a",
    ];
    here.run(&two).is(2).tells("two reports for --output a");
    // A report in the place of a flow would cost the flow.
    let spared = "racy.json is to be checked; write the report to another file";
    json("racy.json").is(2).tells(spared);
    here.run(&["check", ".", "racy.json", "--output", "./racy.json"])
        .is(2)
        .tells("./racy.json is to be checked");
    here.run(&["check", "good.json", "--certificate", "good.json"])
        .is(2)
        .tells("good.json is to be checked");
    here.run(&["fuzz", "racy.json", "--output", "racy.json"]).is(2).tells(spared);
    let kept = |name: &str| fs::read_to_string(here.path(name)).expect("it is there");
    assert!(kept("racy.json") == RACY && kept("good.json") == GOOD);
    // The same input twice is one input.
    here.run(&["check", "good.json", "./good.json", "good.json"]).is(0).says("\n1 flow safe");
}

/// Row 44: a locale without UTF-8 gets the same bytes through a pipe, and `--color` no escapes.
#[test]
fn a_locale_changes_nothing_in_a_pipe() {
    let here = Here::new("row-44-locale");
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
    command.args(["check", "good.json"]).current_dir(&here.0).env("LC_ALL", "C").env("LANG", "C");
    let plain = said(&mut command, &["LC_ALL=C"]).is(0).says(GOOD_IS);
    assert_eq!(plain.out, here.run(&["check", "good.json"]).out);
}

/// The line below the table.
#[test]
fn usage_is_refused_with_what_is_allowed() {
    let here = Here::new("usage");
    for (flags, allowed) in [
        ("check good.json --items 0", "expected a number of 1 or more"),
        ("check good.json --items 99999999999999999999", "expected a number of 1 or more"),
        ("check good.json --runs -1", "expected a number of 1 or more"),
        ("check good.json --faults -1", "expected a number of 0 or more"),
        ("check good.json --max-memory 12XB", "expected a size such as 512MiB or 2GiB"),
        ("check good.json --no-config --config x.toml", "cannot be used with"),
        ("fuzz good.json --seed x", "expected a number of 0 or more"),
        ("fuzz good.json --seed -1", "expected a number of 0 or more"),
        ("fuzz good.json --seed 18446744073709551616", "expected a number of 0 or more"),
        ("fuzz good.json --depth 51", "expected 1 to 50"),
        ("fuzz good.json --schedules 0", "expected a number of 1 or more"),
        ("fuzz good.json --strategy best", "[possible values: random, pct, pos]"),
    ] {
        let args: Vec<&str> = flags.split(' ').collect();
        let said = here.run(&args).is(2);
        assert!(said.err.starts_with("error: ") && said.err.contains(allowed), "{said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
}
