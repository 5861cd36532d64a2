//! An operation nobody knows: it shares nothing it is not told of, and its answer is unknown.

use crate::definition::ast::{Action, Call};
use crate::definition::problem::Problem;
use crate::model::program::Step;
use crate::platform::expression::lower;
use crate::platform::leaf::Resolver;

pub(super) fn steps(
    call: &Call,
    _action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    let operation = format!("{}/{}", call.connector, call.operation);
    names.unknown.insert(format!("operation {operation}"));
    let args = call.parameters.values().map(|t| lower(t, names)).collect::<Result<_, _>>()?;
    Ok(vec![Step::Opaque { name: operation.into(), args, effect: false }])
}
