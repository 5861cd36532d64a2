//! What an action that decides says, in the words of the designer.

use super::show;
use crate::explore::engine::decided::Decided;
use crate::explore::engine::{Engine, Move, State, Successor};
use crate::model::program::Kind;
use crate::model::transition::Round;

/// `evaluates to true`; nothing for a step that is no such action's.
pub(super) fn words(engine: &Engine<'_>, before: &State, next: &Successor) -> Option<String> {
    let Move::Step(unit, node) = next.chosen else { return None };
    let kind = &engine.program.node(node).kind;
    match kind {
        Kind::Leaf(_) => return None,
        Kind::Terminate(_) => return Some("ends the run".to_owned()),
        Kind::Loop { .. } | Kind::Group | Kind::Parallel => return Some("starts".to_owned()),
        Kind::If(_) | Kind::Switch(..) | Kind::Until { .. } => {}
    }
    let spent = |round| matches!(round, Some(Round::Limit | Round::GivenUp));
    let limit = next.events.iter().any(|e| e.node == node && spent(e.round));
    let until = matches!(kind, Kind::Until { .. });
    Some(match engine.decided(before, unit, node, engine.world(&next.state)) {
        Some(Decided::Condition(true)) if until => "evaluates to true and ends".to_owned(),
        Some(Decided::Condition(false)) if limit => {
            "evaluates to false, and its limit is reached".to_owned()
        }
        Some(Decided::Condition(false)) if until => "evaluates to false: another round".to_owned(),
        Some(Decided::Condition(holds)) => format!("evaluates to {holds}"),
        Some(Decided::Case(Some(case))) => format!("takes the case {}", show::brief(&case, 60)),
        Some(Decided::Case(None)) => "takes the default case".to_owned(),
        Some(Decided::Begins) => "starts".to_owned(),
        None => "fails: its condition cannot be evaluated".to_owned(),
    })
}
