//! For `#[test]`: check a flow, or run saved schedules, and fail with the lane table.
//!
//! ```
//! flowrace::flow("models/lost-update/fixed.json").items(3).expect_safe();
//!
//! let finding = flowrace::flow("models/lost-update/racy.json").items(3).expect_finding("lost-update");
//! assert_eq!(finding.cell, "metrics.ProcessedCount");
//! ```

use crate::check::replay::{self, Ending, Replayed};
use crate::check::{Config, Unstopped, check};
use crate::definition::ast::Platform;
use crate::finding::{Finding, Report, Verdict};
use crate::report::{self, Format, Style};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The flow in a file, or all flows in a folder or zip, to be checked.
pub fn flow(path: impl AsRef<Path>) -> Flow {
    Flow { path: path.as_ref().to_path_buf(), config: Config::default() }
}

/// A flow and the scope to check it in; what is not set is as the file says.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before one of the expect methods is called"]
pub struct Flow {
    path: PathBuf,
    config: Config,
}

impl Flow {
    /// Items of all loops.
    pub fn items(mut self, items: u64) -> Self {
        self.config.items = Some(items);
        self
    }

    /// Items of one loop.
    pub fn items_of(mut self, looped: &str, items: u64) -> Self {
        self.config.loop_items.insert(looped.to_owned(), items);
        self
    }

    /// Concurrency of every concurrent loop, 1 to 50.
    pub fn degree(mut self, degree: u64) -> Self {
        self.config.degree = Some(degree.clamp(1, 50));
        self
    }

    /// Overlapping runs of each flow.
    pub fn runs(mut self, runs: u64) -> Self {
        self.config.runs = Some(runs);
        self
    }

    /// Faults that may strike in one schedule.
    pub fn faults(mut self, faults: u64) -> Self {
        self.config.faults = Some(faults);
        self
    }

    /// Where it runs, if the file does not say.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.config.platform = Some(platform);
        self
    }

    /// Gives up, inconclusive, after this many states.
    pub fn max_states(mut self, states: u64) -> Self {
        self.config.max_states = Some(states);
        self
    }

    /// The whole answer.
    pub fn check(&self) -> Report {
        check(std::slice::from_ref(&self.path), &self.config, &Unstopped)
    }

    /// Fails unless every schedule in scope was explored and goes well.
    #[track_caller]
    pub fn expect_safe(&self) {
        let report = self.check();
        readable(&report);
        let safe = report.flows.iter().all(|flow| flow.verdict == Verdict::Safe);
        assert!(safe, "expected to be safe\n\n{}", text(&report));
    }

    /// Fails unless a finding of this rule is there; gives the first.
    #[track_caller]
    pub fn expect_finding(&self, rule: &str) -> Finding {
        let report = self.check();
        readable(&report);
        let mut findings = report.flows.iter().flat_map(|flow| &flow.findings);
        match findings.find(|finding| finding.rule == rule) {
            Some(finding) => finding.clone(),
            None => panic!("expected a finding of {rule}\n\n{}", text(&report)),
        }
    }
}

/// All witness files of a folder (and below), or one.
///
/// ```
/// flowrace::witnesses("tests/witnesses").expect_fixed();
/// ```
pub fn witnesses(path: impl AsRef<Path>) -> Witnesses {
    Witnesses { path: path.as_ref().to_path_buf() }
}

/// Saved schedules, to be run on their flows as they are now.
#[derive(Clone, Debug)]
#[must_use = "nothing is run before one of the methods is called"]
pub struct Witnesses {
    path: PathBuf,
}

impl Witnesses {
    /// Runs them all, in the order of their paths.
    #[track_caller]
    pub fn replay(&self) -> Vec<(PathBuf, Replayed)> {
        let (files, mut problems) = replay::witness_files(&self.path);
        let mut replayed = Vec::new();
        for file in files {
            match replay::replay(&file, None, &Unstopped) {
                Ok(one) => replayed.push((file, one)),
                Err(more) => problems.extend(more),
            }
        }
        let report = Report { problems, ..Report::default() };
        readable(&report);
        replayed
    }

    /// Fails if an anomaly is back, if a flow has changed so much that its schedule says nothing any more, and if there
    /// is no witness at all.
    #[track_caller]
    pub fn expect_fixed(&self) {
        let replayed = self.replay();
        assert!(!replayed.is_empty(), "there is no witness in {}", self.path.display());
        let mut message = String::new();
        for (path, one) in &replayed {
            if !matches!(one.ending, Ending::Fixed(_)) {
                let shown = report::schedule(&one.finding, &Style::default());
                let _ = write!(message, "{}\n{shown}{one}\n\n", path.display());
            }
        }
        assert!(message.is_empty(), "expected to be fixed\n\n{message}");
    }

    /// Fails unless every anomaly is still there: for flows kept as examples of what goes wrong.
    #[track_caller]
    pub fn expect_reproduced(&self) {
        let replayed = self.replay();
        assert!(!replayed.is_empty(), "there is no witness in {}", self.path.display());
        let gone = replayed.iter().find(|(_, one)| one.ending != Ending::Reproduced);
        if let Some((path, one)) = gone {
            panic!("expected to be reproduced: {}\n{one}", path.display());
        }
    }
}

#[track_caller]
fn readable(report: &Report) {
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "not readable:\n{}", problems.join("\n"));
}

fn text(report: &Report) -> String {
    let mut text = Vec::new();
    report::render(report, Format::Text, &Style::default(), &mut text)
        .expect("writing into memory does not fail");
    String::from_utf8_lossy(&text).into_owned()
}
