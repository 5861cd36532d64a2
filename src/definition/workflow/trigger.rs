//! The trigger, as far as it says how many runs overlap.

use super::super::ast::Trigger;
use super::super::node::Node;
use super::Context;
use super::container::text;
use super::settings::{degree, has_option, number};

/// The first trigger. Others start the same actions: each by its own limit, none of them by the clock of another, and
/// about things that may have the names of another's.
pub(super) fn trigger(cx: &mut Context, definition: &Node<'_>) -> Option<Trigger> {
    let triggers = definition.get("triggers")?.members();
    let all: Vec<Trigger> = triggers.iter().map(|(name, node)| one(cx, name, node)).collect();
    let several = all.len() > 1;
    let runs = all.iter().try_fold(0, |sum: u64, trigger| sum.checked_add(trigger.runs?));
    let first = all.into_iter().next()?;
    let every = first.every.filter(|_| !several);
    let ids = if several { Vec::new() } else { first.ids };
    Some(Trigger { every, ids, runs, ..first })
}

fn one(cx: &mut Context, name: &str, node: &Node<'_>) -> Trigger {
    let concurrency = node.path(&["runtimeConfiguration", "concurrency", "runs"]);
    let single = has_option(node, "SingleInstance");
    if let (true, Some(runs)) = (single, &concurrency) {
        cx.problems.push(
            runs.problem(
                "both \"SingleInstance\" and \"runs\"; the platform refuses that; keep one",
            ),
        );
    }
    let runs = concurrency.and_then(|runs| degree(cx, &runs, 100));
    let ids = ids(node);
    Trigger {
        ids,
        name: name.to_owned(),
        kind: text(node, &["type"]).unwrap_or_default().to_owned(),
        operation: text(node, &["inputs", "host", "operationId"]).unwrap_or_default().to_owned(),
        every: every(node),
        repeats: repeats(node),
        runs: if single { Some(1) } else { runs },
    }
}

/// Whether one event can start two runs (semantics §4.3, *duplicates at the trigger*): polling and webhooks are
/// at-least-once, and a caller over HTTP may call again. A clock ticks once, and a person presses a button once.
fn repeats(node: &Node<'_>) -> bool {
    let is = |path: &[&str], names: &[&str]| {
        text(node, path).is_some_and(|text| names.iter().any(|n| text.eq_ignore_ascii_case(n)))
    };
    if is(&["type"], &["Request"]) {
        return text(node, &["kind"]).is_none() || is(&["kind"], &["Http"]);
    }
    !is(&["type"], &["Recurrence", "SlidingWindow", "Manual", "Batch"])
        && text(node, &["type"]).is_some()
}

/// Triggers that fire when something new is there, by the end of their operation or path, and what its id is called
/// (semantics §4.3, §7): a row or file that is changed can start several runs, one that is made starts one.
const OF_NEW: [(&str, &[&str]); 11] = [
    ("getonnewitems", &["id", "guid", "{identifier}", "{link}"]),
    ("onnewitem", &["id", "guid", "{identifier}", "{link}", "iteminternalid"]),
    ("onnewitems", &["id", "guid", "{identifier}", "{link}", "iteminternalid"]),
    ("getonnewfileitems", &["id", "guid", "{identifier}", "{link}"]),
    ("onnewemail", &["id", "internetmessageid"]),
    ("onnewemailv2", &["id", "internetmessageid"]),
    ("onnewemailv3", &["id", "internetmessageid"]),
    ("createformwebhook", &["resourcedata/responseid", "responseid"]),
    ("incident-creation", &["object/id", "object/name", "object/properties/incidentnumber"]),
    ("message_trigger", &["messageid"]),
    ("messages/head", &["messageid", "sequencenumber", "locktoken"]),
];

/// Where the outputs of a trigger name what it has to do with alone.
fn ids(node: &Node<'_>) -> Vec<String> {
    let operation = text(node, &["inputs", "host", "operationId"]).unwrap_or_default();
    let request = |name: &str| {
        let parameters = node.path(&["inputs", "parameters"])?;
        let value = parameters.get(&format!("subscriptionRequest/{name}"))?.value;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    // A row of Dataverse is made by message 1 alone; its key is called after its table, or is that of an activity.
    if operation.eq_ignore_ascii_case("SubscribeWebhookTrigger") {
        let made = request("message").is_some_and(|message| message == "1");
        let key = request("entityname").filter(|_| made);
        let keys =
            |table: String| vec![format!("{}id", table.to_lowercase()), "activityid".to_owned()];
        return key.map_or(Vec::new(), keys);
    }
    let path = text(node, &["inputs", "path"]).unwrap_or_default().to_lowercase();
    // Sentinel starts a playbook once for each alert; its path is that of any webhook.
    let connection = text(node, &["inputs", "host", "connection", "name"]).unwrap_or_default();
    if path.ends_with("/subscribe") && connection.to_lowercase().contains("sentinel") {
        return vec!["systemalertid".to_owned()];
    }
    let operation = operation.to_lowercase();
    let is = |name: &str| operation == name || path.rsplit('/').next() == Some(name);
    let known = OF_NEW.iter().find(|(name, _)| is(name) || path.ends_with(&format!("/{name}")));
    known.map_or(Vec::new(), |(_, ids)| ids.iter().map(|&id| id.to_owned()).collect())
}

/// Seconds between two ticks; a polling trigger's events do not come by the clock.
fn every(node: &Node<'_>) -> Option<u64> {
    if !text(node, &["type"])?.eq_ignore_ascii_case("recurrence") {
        return None;
    }
    let unit = match text(node, &["recurrence", "frequency"])?.to_ascii_lowercase().as_str() {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        "month" => 2_592_000,
        _ => return None,
    };
    let interval = node.path(&["recurrence", "interval"]).and_then(|n| number(&n)).unwrap_or(1);
    interval.checked_mul(unit)
}
