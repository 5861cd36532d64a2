//! What we claim: a violation made citable, and the report that carries it.

mod decision;
mod fault;
mod help;
pub mod outline;
#[cfg(test)]
pub(crate) mod sample;
pub mod schedule;
pub mod show;
pub mod swap;
pub(crate) mod touch;
pub mod trace;
pub mod witness_file;
mod witness_read;

use crate::definition::location::Location;
use crate::definition::problem::Problem;
pub use crate::explore::path::Across;
use crate::model::value::Value;
pub use outline::Outlined;
use std::collections::BTreeMap;

/// Everything one call of `check` has to say.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of the inputs.
    pub flows: Vec<FlowReport>,
    /// Inputs that could not be read.
    pub problems: Vec<Problem>,
}

/// The answer for one flow.
#[derive(Clone, Debug)]
pub struct FlowReport {
    /// Path as given.
    pub path: String,
    /// The flow's name.
    pub flow: String,
    /// `power-automate` or `logic-apps`.
    pub platform: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// Of the worst cluster.
    pub level: Level,
    /// Whether every schedule within the scope was explored.
    pub exhaustive: bool,
    /// Whether it holds for any number of items.
    pub any_number: bool,
    /// How far it was looked.
    pub scope: Scope,
    /// How much was looked at.
    pub stats: Stats,
    /// Observed cell to its final values.
    pub outcomes: BTreeMap<String, Outcome>,
    /// What the verdict rests on.
    pub assumptions: Vec<Assumption>,
    /// Operations and functions that nobody knows.
    pub unknown: Vec<String>,
    /// Errors first, then warnings, then notes; in file order within.
    pub findings: Vec<Finding>,
    /// Remarks for the reader, for example a data choice without a serial schedule.
    pub notes: Vec<String>,
    /// Remarks for those who ask for more (`-v`).
    pub asides: Vec<String>,
    /// The flow's actions as written, for pictures and places.
    pub outline: Vec<Outlined>,
    /// The model's expectation, for `flowrace test`: what was not met.
    pub unmet: Option<Vec<String>>,
}

/// Safe, unsafe or inconclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing above a note was found and everything in scope was explored.
    Safe,
    /// At least one finding above a note.
    Unsafe,
    /// Stopped early, with the reason as a sentence.
    Inconclusive(String),
}

/// The answer on outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One outcome.
    Deterministic,
    /// Several, each of which a serial order gives too.
    OrderDependent,
    /// Some outcome that no serial order gives.
    NotSerial,
}

/// What was explored.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Loop to number of items.
    pub items: BTreeMap<String, u64>,
    /// Overlapping runs (the largest of the flows).
    pub runs: u64,
    /// Fault budget.
    pub faults: u64,
}

/// Counts.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Distinct canonical states of cells and processes.
    pub states: u64,
    /// What the search keeps for itself besides.
    pub nodes: u64,
    /// Transitions taken.
    pub transitions: u64,
    /// Wall time, `None` under `--reproducible`.
    pub seconds: Option<f64>,
}

/// The final values of one cell.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Sorted, distinct.
    pub values: Vec<Value>,
    /// Those a serial order gives.
    pub serial: Vec<Value>,
    /// Whether there are no others.
    pub complete: bool,
}

/// A platform fact the verdict rests on.
#[derive(Clone, Debug)]
pub struct Assumption {
    /// `variable-actions`, …
    pub id: String,
    /// `atomic`, …
    pub value: String,
    /// Whether the other value would change the verdict.
    pub flips: bool,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nobody loses anything.
    Note,
    /// Rests on an assumption or needs two overlapping runs.
    Warning,
    /// Follows from documented behaviour.
    Error,
}

/// One anomaly.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Rule id.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// `metrics.ProcessedCount`; empty for a broken graph.
    pub cell: String,
    /// The actions that race: reader then writer, or the two writers.
    pub actions: Vec<String>,
    /// Whose processes met; `None` for a broken graph.
    pub across: Option<Across>,
    /// One sentence, in the maker's words.
    pub message: String,
    /// Assumption ids it rests on.
    pub assumptions: Vec<String>,
    /// 16 hex digits; no positions, no counts.
    pub fingerprint: String,
    /// The losing write.
    pub location: Location,
    /// Where the designer shows it: `Apply to each > Condition > Update item`; empty if it is no action's.
    pub designer: String,
    /// The shortest schedule that goes wrong.
    pub witness: Option<Witness>,
    /// The nearest with the same data that goes well; `None` when every schedule goes wrong, or none was found.
    pub twin: Option<Witness>,
    /// Whether every schedule with the same data was seen to go wrong.
    pub always: bool,
    /// `let order[2] finish Update_item before order[1] runs Get_item`.
    pub swap: Option<String>,
}

impl Finding {
    /// Where its maker finds it; a design model (whose steps stand under `flow` or `flows`) has no designer.
    pub fn in_designer(&self) -> Option<&str> {
        let designed = !self.location.pointer.starts_with("/flow");
        (designed && !self.designer.is_empty()).then_some(&*self.designer)
    }
}

/// A replayable schedule with what happened at each step.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// Faults used.
    pub faults: u64,
    /// Steps by another process than the last one's.
    pub switches: u64,
    /// What the cells said before the first step.
    pub start: BTreeMap<String, Value>,
    /// In order.
    pub steps: Vec<TraceStep>,
    /// What is needed besides to run it again.
    pub schedule: schedule::Schedule,
}

/// One step of a witness.
#[derive(Clone, Debug, Default)]
pub struct TraceStep {
    /// `order[1]`.
    pub process: String,
    /// `Get_item`.
    pub action: String,
    /// `reads 5`.
    pub effect: String,
    /// The contested cells after the step.
    pub cells: BTreeMap<String, Value>,
    /// What it did to cells, contested or not.
    pub touches: Vec<Touch>,
    /// Why this is the step that goes wrong, if it is: `computed from 5; …`.
    pub wrong: Option<String>,
}

/// What a step did to one cell.
#[derive(Clone, Debug)]
pub struct Touch {
    /// `metrics.ProcessedCount`.
    pub cell: String,
    /// What it did.
    pub kind: TouchKind,
    /// What the cell says after the step.
    pub after: Value,
}

/// What a step can do to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchKind {
    /// Looks.
    Reads,
    /// Changes, also to what it said before.
    Writes,
    /// Was to change it and was refused.
    Refused,
    /// Gets the lease.
    Acquires,
    /// Gives the lease back, or loses it.
    Releases,
}
