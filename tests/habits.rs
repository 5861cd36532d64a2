//! What people expect of a command line: it watches, it keeps quiet, it takes files as their editors write them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const RACY: &str = include_str!("../models/lost-update/racy.json");
const FIXED: &str = include_str!("../models/lost-update/fixed.json");

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("habits-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

fn flowrace(here: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
    command.current_dir(here).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn run(here: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        flowrace(here).args(args).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it ends by itself"), text(stdout), text(stderr))
}

/// Ends the process also when the test fails.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it, and gives the closing line of each check.
fn watch(here: &Path, args: &[&str]) -> (Watching, impl Iterator<Item = String>) {
    let mut child = flowrace(here)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let out = child.stdout.take().expect("it is piped");
    let closing = |line: &String| line.starts_with("1 flow ");
    (Watching(child), BufReader::new(out).lines().map_while(Result::ok).filter(closing))
}

#[test]
fn a_change_is_checked_again() {
    let here = folder("watch");
    let file = here.join("f.json");
    fs::write(&file, RACY).expect("it can be written");
    // A report of its own in the same folder is no change.
    let args =
        ["check", ".", "--watch", "--format", "json", "--output", "r.json", "--format", "text"];
    let (_child, mut closings) = watch(&here, &args);
    assert_eq!(closings.next().as_deref(), Some("1 flow unsafe: 1 error"));
    fs::write(&file, FIXED).expect("it can be written");
    let second = closings.next().expect("it checks again");
    assert!(second.starts_with("1 flow safe"), "{second}");
    fs::write(here.join("flowrace.toml"), "[scope]\nitems = 2\n").expect("it can be written");
    fs::write(&file, RACY).expect("it can be written");
    assert_eq!(closings.next().as_deref(), Some("1 flow unsafe: 1 error"));
}

/// What a model imports is watched too, and so are the flows in the folder that witnesses are saved in.
#[test]
fn a_change_of_what_is_imported_is_checked_again() {
    let here = folder("watch-import");
    fs::create_dir(here.join("parts")).expect("it can be made");
    fs::create_dir(here.join("top")).expect("it can be made");
    fs::write(here.join("parts/f.json"), RACY).expect("it can be written");
    let model = r#"{ "flowrace": 1, "import": "../parts/f.json" }"#;
    fs::write(here.join("top/m.json"), model).expect("it can be written");
    let (_child, mut closings) = watch(&here, &["check", "top", "--watch", "--witnesses", "top"]);
    assert_eq!(closings.next().as_deref(), Some("1 flow unsafe: 1 error"));
    fs::write(here.join("parts/f.json"), FIXED).expect("it can be written");
    let second = closings.next().expect("it checks again");
    assert!(second.starts_with("1 flow safe"), "{second}");
    fs::write(here.join("top/m.json"), RACY).expect("it can be written");
    assert_eq!(closings.next().as_deref(), Some("1 flow unsafe: 1 error"));
}

#[test]
fn standard_input_cannot_be_watched() {
    let (code, _, err) = run(&folder("watch-stdin"), &["check", "-", "--watch"]);
    assert!(code == 2 && err.contains("standard input cannot be watched"), "{err}");
}

#[test]
fn lines_end_as_their_editor_ends_them() {
    let here = folder("lines");
    let said = |name: &str, text: String| {
        fs::write(here.join(name), text).expect("it can be written");
        let (_, out, err) = run(&here, &["check", name]);
        assert!(err.is_empty(), "{err}");
        out.replace(name, "f.json")
    };
    let unix = said("unix.json", RACY.to_owned());
    assert!(unix.contains("f.json:8:7"), "{unix}");
    assert_eq!(said("windows.json", RACY.replace('\n', "\r\n")), unix);
    assert_eq!(said("old.json", RACY.replace('\n', "\r")), unix);
    assert_eq!(said("marked.json", format!("\u{feff}{RACY}")), unix);
    let wide: Vec<u8> =
        format!("\u{feff}{RACY}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(here.join("wide.json"), wide).expect("it can be written");
    assert_eq!(run(&here, &["check", "wide.json"]).1.replace("wide.json", "f.json"), unix);
    let toml = "[scope]\r\nitems = 3\r\n";
    fs::write(here.join("flowrace.toml"), toml).expect("it can be written");
    assert!(run(&here, &["check", "unix.json"]).1.contains("3 items in \"order\""));
}

#[test]
fn colour_is_the_readers_choice() {
    let here = folder("colour");
    fs::write(here.join("f.json"), RACY).expect("it can be written");
    let coloured = |args: &[&str], set: Option<(&str, &str)>| {
        let mut command = flowrace(&here);
        command.args(["check", "f.json"]).args(args).envs(set);
        let out = command.output().expect("the binary runs").stdout;
        String::from_utf8(out).expect("UTF-8").contains("\u{1b}[")
    };
    assert!(!coloured(&[], None), "a pipe is no terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some(("NO_COLOR", "1"))), "the flag is asked last");
    assert!(coloured(&[], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!coloured(&["--color", "never"], Some(("CLICOLOR_FORCE", "1"))));
}

#[test]
fn what_is_accepted_weighs_no_more_and_what_is_turned_off_is_counted() {
    let here = folder("settled");
    fs::write(here.join("f.json"), RACY).expect("it can be written");
    let verdict = |toml: &str| {
        fs::write(here.join("flowrace.toml"), toml).expect("it can be written");
        let (code, out, err) = run(&here, &["check", "f.json", "--format", "json"]);
        assert!(err.is_empty(), "{err}");
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let flow = &json["flows"][0];
        (code, flow["verdict"].clone(), flow["notes"].to_string())
    };
    assert_eq!(verdict(""), (1, "unsafe".into(), "[]".into()));
    assert_eq!(verdict("[rules]\nlost-update = \"note\"\n"), (0, "safe".into(), "[]".into()));
    let (code, said, notes) = verdict("[rules]\nlost-update = \"off\"\n");
    assert!(code == 0 && said == "safe" && notes.contains("turned off"), "{notes}");
    // A graph that cannot run was not explored, so accepting that makes nothing safe.
    let cycle = include_str!("../models/run-after-cycle/racy.json");
    fs::write(here.join("f.json"), cycle).expect("it can be written");
    let (code, said, _) = verdict("[rules]\nrun-after-cycle = \"note\"\n");
    assert_eq!((code, said), (3, "inconclusive".into()));
}

#[test]
fn models_are_tested_with_the_settings_but_in_their_own_scope() {
    let here = folder("test");
    fs::create_dir_all(here.join("old")).expect("the folder can be made");
    fs::write(here.join("f.json"), RACY).expect("it can be written");
    fs::write(here.join("old/g.json"), "{ \"flowrace\": 1, \"flow\": 3 }").expect("written");
    assert_eq!(run(&here, &["test", "."]).0, 2);
    let toml = "[scope]\nitems = 1\n[files]\nexclude = [\"**old/**\"]\n";
    fs::write(here.join("flowrace.toml"), toml).expect("it can be written");
    let (code, out, err) = run(&here, &["test", "."]);
    assert!(code == 0 && out.contains("1 model ok, 0 failed"), "{out}{err}");
    assert_eq!(run(&here, &["test", ".", "--no-config"]).0, 2);
    fs::write(here.join("flowrace.toml"), "scoop = 1\n").expect("it can be written");
    assert!(run(&here, &["test", "."]).2.contains("did you mean scope?"));
}

/// A zip with one member that is stored as it is.
fn zip(name: &str, text: &str) -> Vec<u8> {
    let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    });
    let size = u32::try_from(text.len()).expect("small");
    let common = |out: &mut Vec<u8>| {
        out.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend([crc, size, size].iter().flat_map(|n| n.to_le_bytes()));
        out.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        out.extend([0, 0]);
    };
    let mut out = b"PK\x03\x04".to_vec();
    common(&mut out);
    out.extend(name.bytes().chain(text.bytes()));
    let start = u32::try_from(out.len()).expect("small");
    out.extend(b"PK\x01\x02\x14\x00");
    common(&mut out);
    out.extend([0; 14]);
    out.extend(name.bytes());
    let end = u32::try_from(out.len()).expect("small");
    out.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend((end - start).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn every_finding_says_where_also_in_a_zip() {
    let here = folder("places");
    let export = include_str!("../examples/flows/count-orders.json");
    let line: serde_json::Value = serde_json::from_str(export).expect("JSON");
    // As the platform exports it: one line.
    let solution = zip("Microsoft.Flow/flows/3f1c8f5e/definition.json", &line.to_string());
    fs::write(here.join("package.zip"), solution).expect("it can be written");
    let finding = |args: &[&str]| {
        let (_, out, err) = run(&here, args);
        let report: serde_json::Value = serde_json::from_str(&out).expect(&err);
        report["flows"][0]["findings"][0].clone()
    };
    let at = &finding(&["check", "package.zip", "--format", "json"])["location"];
    let path = "package.zip!/Microsoft.Flow/flows/3f1c8f5e/definition.json";
    let pointer = "/properties/definition/actions/Apply_to_each_order/actions/Update_counter";
    assert_eq!((&at["path"], &at["line"]), (&path.into(), &1.into()), "{at}");
    assert!(at["pointer"].as_str().is_some_and(|p| p.starts_with(pointer)), "{at}");
    assert!(at["column"].as_u64() > Some(500), "{at}");
    assert_eq!(at["designer_path"], "Apply to each order > Update counter");
    let (_, text, _) = run(&here, &["check", "package.zip"]);
    assert!(text.contains("in the designer: Apply to each order > Update counter"), "{text}");
    // What no action has done is where it is said.
    fs::write(here.join("i.json"), include_str!("../models/invariant/racy.json")).expect("written");
    let at = &finding(&["check", "i.json", "--format", "json"])["location"];
    assert!(at["pointer"] == "/finally/0" && at["line"].as_u64() > Some(1), "{at}");
}
