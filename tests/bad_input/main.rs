//! The forty-four bad inputs: whatever is given, one message at its place that a person can act on, the exit status
//! of the contract, no panic, no hang, and what else was given is checked all the same.
//!
//! | rows | are about | and live in |
//! |---|---|---|
//! | 1–8, 39 | files, folders, encodings | `files.rs`; also `source::tests` |
//! | 9–18 | zips and what stands in them | `zips.rs`; also `source::archive_tests`, `source::solution::tests` |
//! | 19–25 | JSON | `json.rs`; also `definition::json::tests` |
//! | 26, 27, 30, 38 | design models, expressions, imports | `models.rs`; also `definition::design::tests` |
//! | 22, 23, 28, 29, 31–37 | exports | `exports.rs`; also `platform::sql::tests::hostile` |
//! | 40 | names that attack reports | `report_hostile.rs` (tests), every format |
//! | 41 | secrets | `secrets.rs` (tests), every format |
//! | — | steps without end | `endless.rs` |
//! | 42–44, usage | settings, baselines, witnesses, outputs, flags | `project.rs`; also `gate.rs`, `replay.rs`, `cli.rs` (tests) |

mod endless;
mod exports;
mod files;
mod json;
mod models;
mod project;
mod zips;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// A flow without a race, given beside the bad one.
const GOOD: &str = include_str!("../../models/lost-update/fixed.json");
/// What is said of it.
const GOOD_IS: &str = "good.json, \"Counter with etag and retry\": safe";
/// A flow with one.
const RACY: &str = include_str!("../../models/lost-update/racy.json");
const LOST: &str = "error[lost-update]: Update_item overwrites an update it never saw";

/// Between two looks at a command.
const PACE: Duration = Duration::from_millis(5);
/// Looks after which it is taken to hang, two minutes or more: nothing here takes longer than a few seconds.
const LOOKS: u32 = 24_000;

/// A folder of one test, empty but for `good.json`.
struct Here(PathBuf);

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Here {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let here = Self(folder);
        here.write("good.json", GOOD);
        here
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }

    /// Runs in the folder. A command that panics, hangs or is ended by a signal fails the test.
    fn run(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrace"));
        command.args(args).current_dir(&self.0).stdin(Stdio::null());
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        said(&mut command, args)
    }

    /// A bad file beside the good one: exit 2, the message, and the good one is checked.
    fn refused(&self, name: &str, bytes: impl AsRef<[u8]>, message: &str) {
        self.write(name, bytes);
        self.run(&["check", name, "good.json"]).is(2).tells(message).says(GOOD_IS);
    }

    /// A file that is taken, whatever comes of it.
    fn taken(&self, name: &str, bytes: impl AsRef<[u8]>, code: i32) -> Said {
        self.write(name, bytes);
        self.run(&["check", name]).is(code).silent()
    }
}

impl Said {
    fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:.3000?}");
        self
    }

    /// The report says this.
    fn says(self, what: &str) -> Self {
        assert!(self.out.contains(what), "{what}\n{}{}", self.out, self.err);
        self
    }

    /// Standard error has a line that starts like this after `error: `.
    fn tells(self, what: &str) -> Self {
        let line = format!("error: {what}");
        assert!(self.err.lines().any(|l| l.starts_with(&line)), "{what}\n{}{}", self.out, self.err);
        self
    }

    fn silent(self) -> Self {
        assert!(self.err.is_empty(), "{}", self.err);
        self
    }
}

/// Runs a command to its end.
fn said(command: &mut Command, what: &[&str]) -> Said {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let out = reading(child.stdout.take().expect("a pipe"));
    let err = reading(child.stderr.take().expect("a pipe"));
    let mut looks = 0;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if looks == LOOKS {
            let _ = child.kill();
            panic!("{what:?} does not end");
        }
        looks += 1;
        thread::sleep(PACE);
    };
    let text = |bytes: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8(bytes.join().expect("the pipe was read")).expect("it says text")
    };
    let said = Said { code: status.code().unwrap_or(-1), out: text(out), err: text(err) };
    assert!((0..=3).contains(&said.code), "{what:?}: {status}: {}", said.err);
    for sign in ["panicked", "RUST_BACKTRACE", "overflowed its stack", "internal error"] {
        assert!(!said.err.contains(sign), "{what:?}: {}", said.err);
    }
    said
}

fn reading(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// A flow with these actions and one trigger, as Logic Apps exports it.
fn export(actions: &serde_json::Value) -> String {
    let once = serde_json::json!({"t": {"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}}});
    serde_json::json!({"definition": {"triggers": once, "actions": actions}}).to_string()
}

/// A file of that many bytes, most of which no disk has to hold.
fn hollow(path: &Path, bytes: u64) {
    let mut file = fs::File::create(path).expect("the file can be made");
    file.write_all(b"{\"flowrace\": 1, ").expect("it can be written");
    file.set_len(bytes).expect("it can grow");
}
