//! What each operation of each connector does: one file a connector, one line here.

mod cell;
mod opaque;

use super::leaf::Resolver;
use crate::definition::ast::{Action, Call};
use crate::definition::problem::Problem;
use crate::model::program::Step;

/// The steps of one call.
type Steps = fn(&Call, &Action, &mut Resolver<'_>) -> Result<Vec<Step>, Problem>;

/// Connector → its operations. What nobody claims is opaque.
const CONNECTORS: &[(&str, Steps)] = &[("cell", cell::steps)];

/// The indivisible steps of a call, in order: what the service does atomically, no more.
pub fn steps(call: &Call, action: &Action, names: &mut Resolver<'_>) -> Result<Vec<Step>, Problem> {
    let known = CONNECTORS.iter().find(|(name, _)| *name == call.connector);
    known.map_or(opaque::steps as Steps, |(_, steps)| *steps)(call, action, names)
}
