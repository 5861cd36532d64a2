//! What the monitors say of a step that goes wrong.

use crate::model::program::Guard;
use crate::model::say::{said, unlike};
use crate::model::value::Value;

/// Nothing is chosen any more, or something else.
pub const CHOSEN: &str = "by then it would have chosen other rows, or none";
/// What was missing is there.
pub const MISSED: &str = "the row that was not found is there by then";

/// What is wrong with an effect that would not happen now: its condition, or what it was to happen to.
pub(super) fn broken(guard: Option<&Guard>) -> String {
    let why = match guard {
        None | Some(Guard::Listed(_)) => CHOSEN,
        Some(Guard::Missed(..)) => MISSED,
        Some(_) => "its condition would be false by then",
    };
    why.to_owned()
}

/// A value that does not rest on what the cell says `now`: what should have been written instead of `old`.
pub(super) fn stale(now: &Value, old: &Value, new: Option<&Value>) -> String {
    let should = match new {
        Some(new) => format!("have written {}", unlike(new, &[old, now])),
        None => "have failed".to_owned(),
    };
    format!("computed from an old read; it said {} by then, so it should {should}", said(now))
}

/// A variable that holds another value than its process has set.
pub(super) fn bled(now: &Value, own: &Value) -> String {
    format!("gets {}, though it had set {}", unlike(now, &[own]), unlike(own, &[now]))
}
