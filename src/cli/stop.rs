//! Watch: the clock, Ctrl-C and the progress line. The only file that reads a clock and the only one that knows
//! the signal's crate.

use super::exit;
use crate::explore::limits::{Stop, StopCause};
use crate::report::words::{count, number};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Silence before the first progress line.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two progress lines.
const PACE: Duration = Duration::from_millis(200);
/// Erases the line that stands there.
const ERASE: &str = "\r\u{1b}[2K";

/// What the command line lets the library know of time.
#[derive(Debug)]
pub(super) struct Watch {
    start: Instant,
    timeout: Option<Duration>,
    /// Whether times may reach the report.
    timed: bool,
    /// Whether progress is shown.
    shown: bool,
    /// Milliseconds after which the next progress line is due.
    due: AtomicU64,
    interrupted: Arc<AtomicBool>,
}

impl Watch {
    /// Starts the clock and takes over Ctrl-C: the first asks for what is known so far, the second ends it.
    pub(super) fn start(timeout: Option<Duration>, reproducible: bool, quiet: bool) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Where the handler cannot be set, Ctrl-C does what it always does.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                end();
            }
        });
        let shown = !quiet && io::stderr().is_terminal();
        let due = AtomicU64::new(millis(PATIENCE));
        Self { start: now(), timeout, timed: !reproducible, shown, due, interrupted }
    }

    /// Makes room for the report.
    pub(super) fn finish(&self) {
        if self.due.load(Ordering::Relaxed) > millis(PATIENCE) {
            let _ = io::stderr().write_all(ERASE.as_bytes());
        }
    }
}

impl Stop for Watch {
    fn stopped(&self) -> Option<StopCause> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Some(StopCause::Interrupt);
        }
        let timeout = self.timeout?;
        (self.start.elapsed() >= timeout).then_some(StopCause::Timeout)
    }

    fn progress(&self, states: u64, transitions: u64, frontier: u64) {
        if !self.shown {
            return;
        }
        let spent = self.start.elapsed();
        let due = self.due.load(Ordering::Relaxed);
        let next = millis(spent + PACE);
        // Of several threads one writes.
        let mine = millis(spent) >= due
            && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            let states = count(states, "state");
            let (transitions, frontier) = (number(transitions), number(frontier));
            let line = format!(
                "{ERASE}{states}, {transitions} steps, {frontier} waiting, {} s",
                spent.as_secs()
            );
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn elapsed(&self) -> Option<f64> {
        self.timed.then(|| self.start.elapsed().as_secs_f64())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock: timeout, progress and `seconds`, never a verdict"
)]
fn now() -> Instant {
    Instant::now()
}

/// The day it is, by which the entries of a baseline end.
#[expect(clippy::disallowed_methods, reason = "an accepted finding ends on a day, never a verdict")]
pub(super) fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    crate::gate::date::day(since.map_or(0, |since| since.as_secs() / 86_400))
}

#[expect(clippy::exit, reason = "the second Ctrl-C comes on a thread of its own and means at once")]
fn end() {
    std::process::exit(i32::from(exit::INTERRUPTED));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
