//! Settings any action may carry: concurrency, options, retries. Numbers may be texts of digits.

use super::super::ast::Retry;
use super::super::node::{Node, whole};
use super::super::problem::Problem;
use super::Context;
use super::container::text;
use std::collections::BTreeMap;

/// A whole number, also as digits.
pub(super) fn number(node: &Node<'_>) -> Option<u64> {
    whole(node.value).or_else(|| node.value.as_str()?.trim().parse().ok())
}

/// Whether a value is an expression, which has no value before the run.
pub(super) fn is_expression(node: &Node<'_>) -> bool {
    node.value.as_str().is_some_and(|text| text.starts_with('@') || text.starts_with('['))
}

/// A degree of concurrency. An expression can be anything the platform allows, so the widest is taken.
pub(super) fn degree(cx: &mut Context, node: &Node<'_>, most: u64) -> Option<u64> {
    if is_expression(node) {
        let message = format!("how many at once is an expression; taken as {most}, the most");
        cx.odd.push(node.problem(message));
        return Some(most);
    }
    let found = number(node).filter(|n| (1..=most).contains(n));
    if found.is_none() {
        cx.problems.push(node.expected(&format!("a whole number from 1 to {most}")));
    }
    found
}

/// Whether `operationOptions`, a list with commas, has this option.
pub(super) fn has_option(node: &Node<'_>, option: &str) -> bool {
    let options = text(node, &["operationOptions"]).unwrap_or_default();
    options.split(',').any(|given| given.trim().eq_ignore_ascii_case(option))
}

/// The retry policy of an action, under its inputs or beside them.
pub(super) fn retry(action: &Node<'_>, problems: &mut Vec<Problem>) -> Option<Retry> {
    const KINDS: &[&str] = &["none", "fixed", "exponential", "default"];
    let node = action.path(&["inputs", "retryPolicy"]).or_else(|| action.get("retryPolicy"))?;
    if !node.value.is_object() {
        // An expression or the bare word of a kind.
        let kind = node
            .value
            .as_str()
            .and_then(|kind| KINDS.iter().find(|known| kind.eq_ignore_ascii_case(known)));
        return Some(Retry {
            count: 4,
            interval: 20,
            kind: (*kind.unwrap_or(&"default")).to_owned(),
            ..Retry::default()
        });
    }
    let kind = match text(&node, &["type"]) {
        None => "default",
        Some(written) => {
            KINDS.iter().find(|known| written.eq_ignore_ascii_case(known)).copied().unwrap_or_else(
                || {
                    if !written.starts_with(['@', '[']) {
                        let place = node.get("type").unwrap_or_else(|| node.clone());
                        problems.push(place.expected(&format!("one of {}", KINDS.join(", "))));
                    }
                    "default"
                },
            )
        }
    };
    let count = if kind == "none" {
        0
    } else {
        node.get("count").and_then(|count| number(&count)).unwrap_or(4)
    };
    let given = |key: &str| text(&node, &[key]).and_then(seconds);
    let interval = given("interval").unwrap_or(20);
    let (least, most) = (given("minimumInterval").unwrap_or(0), given("maximumInterval"));
    Some(Retry { count, interval, kind: kind.to_owned(), least, most })
}

/// How long the action can take: a Delay its interval, anything else its own time limit.
pub(super) fn takes(action: &Node<'_>) -> Option<(u64, u64)> {
    if let Some(interval) = action.path(&["inputs", "interval"])
        && let Some(unit) = text(&interval, &["unit"])
    {
        let count = interval.get("count").and_then(|count| number(&count))?;
        let each = match unit.to_ascii_lowercase().as_str() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            _ => 31 * 86_400,
        };
        let seconds = count.saturating_mul(each);
        return Some((seconds, seconds));
    }
    let limit = text(action, &["limit", "timeout"]).and_then(seconds)?;
    Some((0, limit))
}

/// What a Logic Apps Standard project says of a call that says nothing itself (semantics §6, *LA-S host settings*, *request
/// timeout*).
pub(super) fn by_host(
    host: &BTreeMap<String, String>,
    written: &str,
    retry: &mut Option<Retry>,
    takes: &mut Option<(u64, u64)>,
) {
    let (operation, request) = match written.to_ascii_lowercase().as_str() {
        "http" => ("HttpOperation", 225),
        "apiconnection" => ("ApiConnectionOperation", 120),
        "function" => ("FunctionOperation", 120),
        _ => return,
    };
    let given = |name: &str| host.get(&format!("Runtime.Backend.{operation}.{name}"));
    let time = |name: &str| given(name).and_then(|text| clock(text));
    if retry.as_ref().is_none_or(|retry| retry.kind == "default") {
        *retry = Some(Retry {
            count: given("DefaultRetryCount").and_then(|n| n.parse().ok()).unwrap_or(4),
            interval: time("DefaultRetryInterval").unwrap_or(7),
            kind: "exponential".to_owned(),
            least: time("DefaultRetryMinimumInterval").unwrap_or(5),
            most: Some(time("DefaultRetryMaximumInterval").unwrap_or(3_600)),
        });
    }
    takes.get_or_insert((0, time("RequestTimeout").unwrap_or(request)));
}

/// Seconds of a time of .NET: `hh:mm:ss`, days before it with a point.
fn clock(text: &str) -> Option<u64> {
    let (days, time) = text.split_once('.').unwrap_or(("0", text));
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let days = days.parse::<u64>().ok()?;
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

/// Seconds of an ISO 8601 duration: weeks, days and times; fractions are cut off.
pub(super) fn seconds(duration: &str) -> Option<u64> {
    let mut rest = duration.strip_prefix('P')?;
    let mut total: u64 = 0;
    let mut in_time = false;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (rest, in_time) = (time, true);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let count: u64 = rest[..end].split('.').next()?.parse().ok()?;
        let unit = rest[end..].chars().next()?;
        let each = match (in_time, unit) {
            (false, 'W') => 604_800,
            (false, 'D') => 86_400,
            (true, 'H') => 3_600,
            (true, 'M') => 60,
            (true, 'S') => 1,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(each)?)?;
        rest = &rest[end + unit.len_utf8()..];
    }
    Some(total)
}
