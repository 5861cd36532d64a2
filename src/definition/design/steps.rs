//! Steps: each an object with one kind, run in the order they stand.

use super::super::after::run_after;
use super::super::ast::{Action, ActionKind, Call, Over, Retry, RunAfter, Status, TimeLimit};
use super::super::expression::Template;
use super::super::node::{Node, elide, whole};
use super::super::problem::Problem;
use super::super::suggest::did_you_mean;
use super::kinds::{self, COMMON, GroupKind, Kind, Shape};
use super::{Context, alias};
use std::collections::BTreeMap;

/// A list of steps as one container.
pub(super) fn steps(cx: &mut Context<'_>, node: &Node<'_>) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    if node.is_list(&mut cx.problems) {
        for element in node.elements() {
            let before = actions.last().map(|action| action.name.clone());
            actions.extend(step(cx, &element, before));
        }
    }
    actions
}

fn step(cx: &mut Context<'_>, node: &Node<'_>, before: Option<String>) -> Option<Action> {
    if !node.is_object(&mut cx.problems) {
        return None;
    }
    let kind = the_kind(node, &mut cx.problems)?;
    refuse_misplaced_keys(node, kind, &mut cx.problems);
    let subject = node.get(kind.key)?;
    let name = name(cx, node, kind, &subject);
    let kind = build(cx, node, kind, &subject, &name);
    let run_after = match node.get("runAfter") {
        Some(after) => run_after(&after, &mut cx.problems),
        None => before
            .into_iter()
            .map(|action| RunAfter { action, statuses: vec![Status::Succeeded], at: node.at() })
            .collect(),
    };
    let takes = node.get("takes").and_then(|takes| self::takes(&takes, &mut cx.problems));
    let retry = node.get("retry").and_then(|policy| retry(&policy, &mut cx.problems));
    let mut action = Action { name, kind, run_after, at: node.at(), takes, retry };
    if let ActionKind::Foreach { .. } = action.kind
        && let Some(text) = subject.value.as_str()
        && text != action.name
    {
        alias::rename(&mut action.kind, text, &action.name);
        cx.aliases.push((text.to_owned(), action.name.clone()));
    }
    Some(action)
}

fn the_kind(node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<&'static Kind> {
    let members = node.members();
    let found: Vec<_> =
        members.iter().filter_map(|(key, member)| Some((kinds::find(key)?, member))).collect();
    if let [(kind, _)] = found[..] {
        return Some(kind);
    }
    let all = kinds::keys().collect::<Vec<_>>().join(", ");
    if let [(first, _), (_, second), ..] = found[..] {
        let keys: Vec<_> = found.iter().map(|(kind, _)| format!("\"{}\"", kind.key)).collect();
        let keys = keys.join(" and ");
        problems.push(second.key_problem(format!(
            "a step of two kinds, {keys}; keep \"{}\" or split it",
            first.key
        )));
        return None;
    }
    let options: Vec<&str> = COMMON
        .iter()
        .chain(kinds::KINDS.iter().flat_map(|k| k.needs.iter().chain(k.takes)))
        .copied()
        .collect();
    let stranger = members.iter().find(|(key, _)| !options.contains(key));
    problems.push(match stranger {
        Some((key, member)) => {
            let near = did_you_mean(key, kinds::keys());
            member.key_problem(format!(
                "unknown step kind \"{}\"{near}; the kinds are {all}",
                elide(key)
            ))
        }
        None => node.problem(format!("a step without a kind; the kinds are {all}")),
    });
    None
}

fn refuse_misplaced_keys(node: &Node<'_>, kind: &Kind, problems: &mut Vec<Problem>) {
    let known: Vec<&str> =
        [kind.key].iter().chain(kind.needs).chain(kind.takes).chain(COMMON).copied().collect();
    let article = if kind.key.starts_with(['a', 'i', 'u']) { "an" } else { "a" };
    super::refuse_unknown_keys(node, &format!("{article} {} step", kind.key), &known, problems);
    for key in kind.needs {
        if node.get(key).is_none() {
            problems.push(node.problem(format!("{article} {} step without \"{key}\"", kind.key)));
        }
    }
}

fn name(cx: &mut Context<'_>, node: &Node<'_>, kind: &Kind, subject: &Node<'_>) -> String {
    if let Some(given) = node.get("name")
        && let Some(name) = given.text(&mut cx.problems)
    {
        return cx.names.given(name, &given, &mut cx.problems);
    }
    let text = subject.value.as_str();
    match (kind.shape, text) {
        (Shape::ForEach | Shape::Scope, Some(text)) => {
            cx.names.given(text, subject, &mut cx.problems)
        }
        (Shape::Until, Some(text)) if cx.names.is_free(text) => {
            cx.names.given(text, subject, &mut cx.problems)
        }
        (Shape::Cell(_) | Shape::Set | Shape::Increment { .. } | Shape::Append, Some(text)) => {
            cx.names.made(&format!("{}_{text}", kind.key))
        }
        (Shape::If, _) => cx.names.made("If"),
        (Shape::Switch, _) => cx.names.made("Switch"),
        (Shape::Until, _) => cx.names.made("Until"),
        _ => cx.names.made(kind.key),
    }
}

fn build(
    cx: &mut Context<'_>,
    node: &Node<'_>,
    kind: &Kind,
    subject: &Node<'_>,
    name: &str,
) -> ActionKind {
    match kind.shape {
        Shape::Cell(fits) => {
            let target = target(cx, kind, subject, fits);
            let parameters = parameters(cx, node, kind, target);
            call(kind.key, parameters)
        }
        Shape::Text(parameter) => {
            subject.text(&mut cx.problems);
            call(
                kind.key,
                BTreeMap::from([(parameter.to_owned(), subject.template(&mut cx.problems))]),
            )
        }
        Shape::Set => ActionKind::Set {
            variable: variable(cx, kind, subject),
            value: part(cx, node, "value"),
        },
        Shape::Append => ActionKind::Append {
            variable: variable(cx, kind, subject),
            value: part(cx, node, "value"),
        },
        Shape::Increment { negative } => {
            let by = node
                .get("by")
                .map_or_else(|| Template::Literal(1.into()), |by| by.template(&mut cx.problems));
            ActionKind::Increment { variable: variable(cx, kind, subject), by, negative }
        }
        Shape::Compose => ActionKind::Compose { value: subject.template(&mut cx.problems) },
        Shape::ForEach => for_each(cx, node, subject, name),
        Shape::Parallel => {
            subject.is_list(&mut cx.problems);
            ActionKind::Parallel {
                branches: subject.elements().iter().map(|branch| steps(cx, branch)).collect(),
            }
        }
        Shape::If => {
            let condition = subject.condition(&mut cx.problems);
            ActionKind::If {
                condition,
                then: body(cx, node, "then"),
                otherwise: body(cx, node, "else"),
            }
        }
        Shape::Switch => switch(cx, node, subject),
        Shape::Until => {
            let condition = subject.condition(&mut cx.problems);
            let limit = node.get("limit").and_then(|limit| limit.whole(1, None, &mut cx.problems));
            let timeout =
                node.get("timeout").and_then(|limit| limit.whole(1, None, &mut cx.problems));
            ActionKind::Until {
                condition,
                limit,
                time: timeout.map_or(TimeLimit::Never, TimeLimit::After),
                fail_at_limit: false,
                actions: body(cx, node, "do"),
            }
        }
        Shape::Scope => {
            subject.text(&mut cx.problems);
            let together = node
                .get("allOrNothing")
                .and_then(|flag| flag.boolean(&mut cx.problems))
                .unwrap_or(false);
            ActionKind::Scope { actions: body(cx, node, "do"), all_or_nothing: together }
        }
        Shape::Terminate => ActionKind::Terminate { status: terminate(subject, &mut cx.problems) },
        Shape::Wait => ActionKind::Wait { condition: subject.condition(&mut cx.problems) },
    }
}

fn call(operation: &str, parameters: BTreeMap<String, Template>) -> ActionKind {
    ActionKind::Call(Call {
        connector: "cell".to_owned(),
        operation: operation.to_owned(),
        parameters,
    })
}

/// The steps under a key; none if it is absent, which has been reported where it is needed.
fn body(cx: &mut Context<'_>, node: &Node<'_>, key: &str) -> Vec<Action> {
    node.get(key).map_or_else(Vec::new, |list| steps(cx, &list))
}

fn part(cx: &mut Context<'_>, node: &Node<'_>, key: &str) -> Template {
    let absent = Template::Literal(serde_json::Value::Null);
    node.get(key).map_or(absent, |part| part.template(&mut cx.problems))
}

fn target(cx: &mut Context<'_>, kind: &Kind, subject: &Node<'_>, fits: &[GroupKind]) -> String {
    let Some(name) = subject.text(&mut cx.problems) else { return String::new() };
    let found =
        cx.state.iter().find(|(group, ..)| group == name).map(|(_, group, _)| GroupKind::of(group));
    let fit = fits.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ");
    match found {
        None => {
            let near = did_you_mean(name, cx.state.iter().map(|(group, ..)| group.as_str()));
            let shown = elide(name);
            cx.problems.push(
                subject.problem(format!("no group \"{shown}\" in \"state\"; expected {fit}{near}")),
            );
        }
        Some(found) if !fits.contains(&found) => {
            let (key, shown, is) = (kind.key, elide(name), found.name());
            cx.problems.push(subject.problem(format!("{key} works on {fit}; \"{shown}\" is {is}")));
        }
        Some(_) => {}
    }
    name.to_owned()
}

fn variable(cx: &mut Context<'_>, kind: &Kind, subject: &Node<'_>) -> String {
    target(cx, kind, subject, &[GroupKind::Variable])
}

fn parameters(
    cx: &mut Context<'_>,
    node: &Node<'_>,
    kind: &Kind,
    target: String,
) -> BTreeMap<String, Template> {
    let is_item = cx
        .state
        .iter()
        .any(|(name, group, _)| *name == target && GroupKind::of(group) == GroupKind::Item);
    let mut parameters = BTreeMap::from([("target".to_owned(), Template::Text(target))]);
    for key in kind.needs.iter().chain(kind.takes) {
        let Some(value) = node.get(key) else { continue };
        match *key {
            "set" | "where" | "row" | "key" => {
                value.is_object(&mut cx.problems);
            }
            "seconds" if value.value.is_number() => lease_time(&value, &mut cx.problems),
            _ => {}
        }
        if *key == "where" && is_item {
            cx.problems
                .push(value.key_problem("\"where\" selects rows of a table; an item is one row"));
        }
        parameters.insert((*key).to_owned(), value.template(&mut cx.problems));
    }
    parameters
}

fn lease_time(node: &Node<'_>, problems: &mut Vec<Problem>) {
    let endless = node.value.as_i64() == Some(-1);
    if !endless && !whole(node.value).is_some_and(|n| (15..=60).contains(&n)) {
        problems.push(node.expected("a whole number from 15 to 60, or -1 for a lease without end"));
    }
}

fn for_each(cx: &mut Context<'_>, node: &Node<'_>, subject: &Node<'_>, name: &str) -> ActionKind {
    let text = subject.text(&mut cx.problems).unwrap_or_default();
    let over = match node.get("items") {
        Some(items) if items.value.is_array() => Over::Values(items.template(&mut cx.problems)),
        Some(items) if items.value.as_str().is_some_and(|text| text.starts_with('@')) => {
            Over::Values(items.template(&mut cx.problems))
        }
        Some(items) if items.value.is_number() => {
            Over::Count(items.whole(0, None, &mut cx.problems).unwrap_or(0))
        }
        Some(items) => {
            cx.problems.push(
                items.expected("a number of items, an array of values or an expression for one"),
            );
            Over::Count(0)
        }
        None => {
            let root = Node::root(node.doc);
            let count =
                [text, name].iter().find_map(|loop_name| root.path(&["scope", "items", loop_name]));
            if count.is_none() {
                cx.problems.push(node.problem("a forEach step without \"items\""));
            }
            // A count that is no number is reported where it stands.
            Over::Count(count.and_then(|count| whole(count.value)).unwrap_or(0))
        }
    };
    let concurrency =
        node.get("concurrency").and_then(|degree| degree.whole(1, Some(50), &mut cx.problems));
    ActionKind::Foreach { over, concurrency, actions: body(cx, node, "do") }
}

/// `cases` is an object of text to steps, or, for other values, a list of `{case, do}`.
fn switch(cx: &mut Context<'_>, node: &Node<'_>, subject: &Node<'_>) -> ActionKind {
    let on = subject.template(&mut cx.problems);
    let mut cases = Vec::new();
    if let Some(node) = node.get("cases") {
        if !node.value.is_object() && !node.value.is_array() {
            cx.problems.push(
                node.expected("an object of value to steps, or a list of {\"case\", \"do\"}"),
            );
        }
        for (value, list) in node.members() {
            cases.push((Template::Text(value.to_owned()), steps(cx, &list)));
        }
        for entry in node.elements() {
            entry.is_object(&mut cx.problems);
            super::refuse_unknown_keys(&entry, "a case", &["case", "do"], &mut cx.problems);
            for key in ["case", "do"] {
                if entry.value.is_object() && entry.get(key).is_none() {
                    cx.problems.push(entry.problem(format!("a case without \"{key}\"")));
                }
            }
            cases.push((part(cx, &entry, "case"), body(cx, &entry, "do")));
        }
    }
    ActionKind::Switch { on, cases, default: body(cx, node, "default") }
}

fn terminate(subject: &Node<'_>, problems: &mut Vec<Problem>) -> Status {
    let status = subject.value.as_str().and_then(Status::parse);
    if let Some(status) = status
        .filter(|status| matches!(status, Status::Succeeded | Status::Failed | Status::Cancelled))
    {
        status
    } else {
        problems.push(subject.expected("\"Succeeded\", \"Failed\" or \"Cancelled\""));
        Status::Failed
    }
}

/// `[min, max]` seconds.
pub(super) fn takes(node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<(u64, u64)> {
    let pair = node.value.as_array().and_then(|list| match &list[..] {
        [least, most] => Some((whole(least)?, whole(most)?)),
        _ => None,
    });
    let pair = pair.filter(|(least, most)| least <= most);
    if pair.is_none() {
        problems.push(node.expected("[min, max] in whole seconds, min not above max"));
    }
    pair
}

fn retry(node: &Node<'_>, problems: &mut Vec<Problem>) -> Option<Retry> {
    const KINDS: &[&str] = &["none", "fixed", "exponential", "default"];
    if !node.is_object(problems) {
        return None;
    }
    super::refuse_unknown_keys(node, "a retry policy", &["count", "interval", "type"], problems);
    let kind = match node.get("type") {
        None => "fixed",
        Some(kind) => {
            KINDS.iter().find(|known| kind.value.as_str() == Some(**known)).copied().unwrap_or_else(
                || {
                    problems.push(kind.expected(&format!("one of {}", KINDS.join(", "))));
                    "fixed"
                },
            )
        }
    };
    let count = node.get("count");
    if count.is_none() && kind != "none" && kind != "default" {
        problems.push(node.problem("a retry policy without \"count\""));
    }
    let count = count.and_then(|count| count.whole(0, None, problems)).unwrap_or(0);
    // The least interval the platforms allow.
    let interval =
        node.get("interval").and_then(|interval| interval.whole(0, None, problems)).unwrap_or(5);
    Some(Retry { count, interval, kind: kind.to_owned(), ..Retry::default() })
}
