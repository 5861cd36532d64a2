//! What a check is asked to do, how far it may go, and who may stop it. Reads no clock: it asks a [`Stop`].

use super::checkpoint::Keeper;
use super::fuzz::Fuzz;
use crate::definition::ast::{Definition, Platform};
use std::collections::BTreeMap;

/// 2 GiB, the default of [`Config::max_memory`].
pub const DEFAULT_MEMORY: u64 = 2 << 30;

/// What a check is asked to do. Everything that is `None` is as the model says, else the platform's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Items of every loop that `loop_items` does not name.
    pub items: Option<u64>,
    /// Items by loop name.
    pub loop_items: BTreeMap<String, u64>,
    /// Concurrency of every concurrent loop, 1 to 50.
    pub degree: Option<u64>,
    /// Overlapping runs of each flow.
    pub runs: Option<u64>,
    /// Fault budget; `None`: the model's `scope.faults`, else 0.
    pub faults: Option<u64>,
    /// Overrides what the container says.
    pub platform: Option<Platform>,
    /// Where the container does not say it.
    pub platform_unsaid: Option<Platform>,
    /// Which schedules may be left out because others stand for them.
    pub reduction: Reduction,
    /// Stop, inconclusive, after this many states; `None`: no limit.
    pub max_states: Option<u64>,
    /// States after which parts of a flow that cannot notice each other are explored apart.
    pub together: u64,
    /// Stop, inconclusive, at this many bytes of our own arenas.
    pub max_memory: u64,
    /// Whether large states are told apart by fingerprints.
    pub fingerprints: bool,
    /// Whether this is a search of which checkpoints are worth keeping.
    pub kept: bool,
    /// Threads that share the search; the answer is the same with any number.
    pub threads: usize,
    /// Try random schedules.
    pub fuzz: Option<Fuzz>,
    /// Whether nothing that depends on the machine may enter the report.
    pub reproducible: bool,
    /// Assumptions pinned for every definition that does not pin them itself.
    pub assume: BTreeMap<String, String>,
    /// Patterns of files in folders and zips that are passed over.
    pub exclude: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            items: None,
            loop_items: BTreeMap::new(),
            degree: None,
            runs: None,
            faults: None,
            platform: None,
            platform_unsaid: None,
            reduction: Reduction::default(),
            max_states: None,
            together: 1 << 20,
            max_memory: DEFAULT_MEMORY,
            fingerprints: false,
            kept: true,
            threads: 1,
            fuzz: None,
            reproducible: false,
            assume: BTreeMap::new(),
            exclude: Vec::new(),
        }
    }
}

impl Config {
    /// Where a flow runs.
    pub fn platform_of(&self, definition: &Definition) -> Platform {
        let said = self.platform.or(definition.platform).or(self.platform_unsaid);
        said.unwrap_or(Platform::PowerAutomate)
    }

    /// How many unpacked states of so many components a search may keep that also keeps who stepped last and the
    /// way back, each twice.
    pub fn nodes(&self, places: usize, most: usize) -> usize {
        let each = 2 * (places as u64 * 4 + 150);
        usize::try_from(self.max_memory / each).unwrap_or(most).min(most)
    }
}

/// Which reductions the search may use. Each is a filter: the answer is the same with and without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Every interleaving of visible steps.
    None,
    /// Interchangeable iterations are explored once.
    Symmetry,
    /// All that are proved sound for the model.
    #[default]
    All,
}

/// Why a check was told to stop before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The time the caller allowed is over.
    Timeout,
    /// The person at the keyboard asked for it.
    Interrupt,
}

/// The caller's clock and stop signal. The library polls it between states and reads no other clock.
pub trait Stop: Sync {
    /// Whether to stop now, and why.
    fn stopped(&self) -> Option<StopCause>;

    /// Told now and then how far the search has come.
    fn progress(&self, states: u64, transitions: u64, frontier: u64) {
        let _ = (states, transitions, frontier);
    }

    /// Where checkpoints of long searches are kept, if anywhere.
    fn keeper(&self) -> Option<&dyn Keeper> {
        None
    }

    /// Seconds since the caller's clock was started; `None` where times must not reach the report. The
    /// difference of two readings is a flow's `stats.seconds`.
    fn elapsed(&self) -> Option<f64> {
        None
    }
}

impl std::fmt::Debug for dyn Stop + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stop")
    }
}

/// Nobody stops it and nobody measures it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstopped;

impl Stop for Unstopped {
    fn stopped(&self) -> Option<StopCause> {
        None
    }
}

/// Counted while exploring.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Distinct states.
    pub states: u64,
    /// States with what the search keeps beside.
    pub nodes: u64,
    /// Transitions taken.
    pub transitions: u64,
    /// States that were told apart by fingerprints alone.
    pub prints: u64,
}
