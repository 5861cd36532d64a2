//! Whether anything is left of a finding whose order the flow now rules out. One run that cannot follow the schedule says
//! nothing of the others, so all orders of the flow as it is now are searched.

use super::explore::explore;
use super::guide::is_it;
use super::replay::{Ending, lost_at};
use crate::explore::engine::Engine;
use crate::explore::limits::{Config, Stop};
use crate::finding::witness_file::WitnessFile;
use crate::platform::lower::Lowered;

/// States that a replay may search.
const MOST_STATES: u64 = 400_000;

/// How it ends for a step that cannot come to its turn any more; `gone` if no other order shows the anomaly.
pub(super) fn after_all(
    file: &WitnessFile,
    lowered: &mut Lowered,
    step: usize,
    gone: Ending,
    stop: &dyn Stop,
) -> Ending {
    let config = Config { max_states: Some(MOST_STATES), ..Config::default() };
    let explored = explore(lowered, &config, stop);
    let engine = Engine::new(&lowered.program, false);
    if explored.violations.iter().any(|violation| is_it(&engine, file, violation)) {
        lost_at(
            step,
            "this order is ruled out now, but another one still goes wrong; flowrace check shows it",
        )
    } else if explored.stopped.is_some() {
        lost_at(
            step,
            "this order is ruled out now; there are too many others to say whether one still goes wrong",
        )
    } else {
        gone
    }
}
