//! Watch: the clock, Ctrl-C and the progress line. The only file that reads a clock and the only one that knows
//! the signal's crate.

use super::checkpoint::Checkpoint;
use super::exit;
use crate::explore::checkpoint::Keeper;
use crate::explore::limits::{Stop, StopCause};
use crate::report::words::{count, number};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Silence before the first progress line.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two progress lines.
const PACE: Duration = Duration::from_millis(200);
/// Erases the line that stands there.
const ERASE: &str = "\r\u{1b}[2K";

/// Whether Ctrl-C was pressed; the handler is the process's, so the flag is too.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether somebody asked for the end.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

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
    /// States at the last progress line, and when it was written, in milliseconds.
    last: (AtomicU64, AtomicU64),
    checkpoint: Option<Checkpoint>,
}

impl Watch {
    /// Starts the clock and takes over Ctrl-C: the first asks for what is known so far, the second ends it.
    pub(super) fn start(timeout: Option<Duration>, reproducible: bool, quiet: bool) -> Self {
        // Where the handler cannot be set, Ctrl-C does what it always does; `--watch` sets it once.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                end();
            }
        });
        let shown = !quiet && io::stderr().is_terminal();
        let due = AtomicU64::new(millis(PATIENCE));
        let last = (AtomicU64::new(0), AtomicU64::new(0));
        let (start, timed) = (now(), !reproducible);
        Self { start, timeout, timed, shown, due, last, checkpoint: None }
    }

    /// The same, with a file for checkpoints.
    pub(super) fn keeping(self, checkpoint: Option<Checkpoint>) -> Self {
        Self { checkpoint, ..self }
    }

    /// The file for checkpoints.
    pub(super) fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Makes room for the report.
    pub(super) fn finish(&self) {
        if self.due.load(Ordering::Relaxed) > millis(PATIENCE) {
            let _ = io::stderr().write_all(ERASE.as_bytes());
        }
    }
}

impl Watch {
    /// States a second since the last line; the next flow starts again from none.
    fn pace(&self, states: u64, at: u64) -> u64 {
        let before = self.last.0.swap(states, Ordering::Relaxed);
        let since = at.saturating_sub(self.last.1.swap(at, Ordering::Relaxed)).max(1);
        states.checked_sub(before).unwrap_or(states).saturating_mul(1000) / since
    }
}

/// What a long check says of itself.
fn line(states: u64, steps: u64, waiting: u64, pace: u64, seconds: u64) -> String {
    let (states, steps) = (count(states, "state"), number(steps));
    let (waiting, pace) = (number(waiting), number(pace));
    format!("{states} ({pace} a second), {steps} steps, {waiting} in the queue, {seconds} s")
}

impl Stop for Watch {
    fn stopped(&self) -> Option<StopCause> {
        if interrupted() {
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
            let pace = self.pace(states, millis(spent));
            let line = line(states, transitions, frontier, pace, spent.as_secs());
            let line = format!("{ERASE}{line}");
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn keeper(&self) -> Option<&dyn Keeper> {
        self.checkpoint().map(|kept| kept as &dyn Keeper)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_line_says_how_fast_and_how_much_is_left() {
        let said = line(1_234_567, 3_000_000, 45_000, 210_000, 12);
        assert_eq!(
            said,
            "1,234,567 states (210,000 a second), 3,000,000 steps, 45,000 in the queue, 12 s"
        );
        let watch = Watch::start(None, true, true);
        assert_eq!(watch.pace(500, 1000), 500);
        assert_eq!(watch.pace(700, 1500), 400);
        assert_eq!(watch.pace(100, 2500), 100, "the next flow");
    }
}
