//! Faults in run-history words: `504 after the row was written`.

use super::trace::effect;
use crate::explore::engine::{Move, Successor};
use crate::model::delivery::is_start;
use crate::model::fault::Fault;
use crate::model::program::{Access, Kind, Program, Shape, Step};
use crate::model::transition::Event;

/// What went wrong, as run history would say it if it could see the other side.
pub(super) fn words(program: &Program, event: &Event, fault: Fault) -> String {
    let node = program.node(event.node);
    let done = done(program, event);
    let left = node.call.retries.saturating_sub(event.attempt);
    let prefix = if event.attempt > 0 {
        format!("retry {} of {}: ", event.attempt, node.call.retries)
    } else {
        String::new()
    };
    let never = match left {
        0 => String::new(),
        1 => "; its retry gets no further".to_owned(),
        n => format!("; its {n} retries get no further"),
    };
    let effect = effect(program, &Event { fault: None, attempt: 0, ..event.clone() });
    let effect = effect.strip_prefix("201: ").or(effect.strip_prefix("200: ")).unwrap_or(&effect);
    let text = match fault {
        Fault::Throttled => format!("429 with Retry-After before {done}"),
        Fault::Failed => format!("504 before {done}{never}"),
        Fault::Lost => format!("504 after {done} ({effect})"),
        Fault::Unanswered if left == 0 => format!("504 after {done} ({effect})"),
        Fault::Unanswered => {
            format!("504 after {done} ({effect}), and no retry gets through")
        }
        Fault::TimedOut => format!("times out before {done}"),
        Fault::TimedOutLate => format!("times out after {done} ({effect})"),
        Fault::LostLater => format!("504; {} arrives later", sent(program, event)),
        Fault::UnansweredLater => format!("504; {} arrives later{never}", sent(program, event)),
        Fault::TimedOutLater => format!("times out; {} arrives later", sent(program, event)),
        Fault::Cancelled => "is cancelled".to_owned(),
        Fault::Redelivered => FIRES_AGAIN.to_owned(),
        Fault::Elapsed => "its time is up".to_owned(),
    };
    format!("{prefix}{text}")
}

/// Who does what in a step that is no action's: a whole run starts, or ends.
pub(super) fn of_a_run(program: &Program, chosen: Move) -> Option<(String, String)> {
    let (who, does) = match chosen {
        Move::Fault(_, _, Fault::Cancelled) => ("run", "is cancelled"),
        Move::Fault(_, _, Fault::Redelivered) => ("trigger", FIRES_AGAIN),
        Move::Step(_, node) if is_start(program, node) => ("run", "starts"),
        Move::Step(..) | Move::Fault(..) | Move::Expire(..) | Move::Arrives(..) => return None,
    };
    Some((who.to_owned(), does.to_owned()))
}

const FIRES_AGAIN: &str = "fires again for the same event";

/// Which action's write arrives late, and what it does.
pub(super) fn arrival(program: &Program, next: &Successor) -> (String, String) {
    let Some(event) = next.events.first() else { return Default::default() };
    let does = effect(program, &Event { attempt: 0, ..event.clone() });
    let what = sent(program, event).replacen("the ", "", 1);
    let text = format!("the late {what} of attempt {} arrives: {does}", event.attempt + 1);
    (program.node(event.node).name.to_string(), text)
}

/// What is under way.
fn sent(program: &Program, event: &Event) -> &'static str {
    match &program.node(event.node).kind {
        Kind::Leaf(steps) if matches!(steps.first(), Some(Step::Access(_, Access::Delete(..)))) => {
            "the delete"
        }
        _ => "the write",
    }
}

/// What the call is for, in the past.
fn done(program: &Program, event: &Event) -> &'static str {
    let Kind::Leaf(steps) = &program.node(event.node).kind else { return "it was done" };
    match steps.get(usize::from(event.step)) {
        Some(Step::Send(_)) => "it was sent",
        Some(Step::Access(resource, access)) => {
            let row = program.resource(*resource).shape == Shape::Table;
            match access {
                Access::Get
                | Access::Fetch(_)
                | Access::Load
                | Access::List(_)
                | Access::Select(..)
                | Access::Probe(_) => "it was read",
                Access::Create(_) | Access::CreateIfNone { .. } => "the row was written",
                Access::Delete(..) if row => "the row was deleted",
                Access::Delete(..) => "it was deleted",
                Access::Update { .. } | Access::Upsert { .. } if row => "the row was written",
                Access::Update { .. } | Access::Upsert { .. } => "the item was written",
                Access::Add { .. } | Access::Store { .. } => "the value was written",
                Access::Write { .. } => "the blob was written",
                Access::Acquire { .. } => "the lease was taken",
                Access::Renew(_) => "the lease was renewed",
                Access::Release(_) => "the lease was given back",
            }
        }
        _ => "it was done",
    }
}
