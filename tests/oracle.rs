//! Loom as a second opinion: the same definition run as threads, every cell group behind one lock, every action one
//! locking of it. The threads are generated from the definition here, not from the engine's steps.

#![allow(clippy::cast_possible_truncation)]

mod support;

use loom::sync::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::engine::check;

/// Columns of an item, or the `value` of a variable, and the version that the etag stands for.
type Group = (BTreeMap<String, i64>, i64);
type Groups = BTreeMap<String, Mutex<Group>>;
/// What a thread's own actions answered: columns, `etag` and `statusCode`.
type Answers = BTreeMap<String, BTreeMap<String, i64>>;

/// An action, as far as these models go.
#[derive(Clone, Debug)]
enum Op {
    Get { name: String, group: String },
    Put { name: String, group: String, column: String, value: Term, tag: Option<Term> },
    Add { group: String, by: i64 },
    If { left: Term, right: i64, then: Vec<Op> },
    Until { left: Term, right: i64, limit: u64, body: Vec<Op> },
}

/// A constant, or an answer's column plus a constant.
#[derive(Clone, Debug)]
enum Term {
    Constant(i64),
    Answer { action: String, column: String, plus: i64 },
}

fn ops(steps: &Value) -> Vec<Op> {
    steps.as_array().expect("a list of steps").iter().map(op).collect()
}

fn op(step: &Value) -> Op {
    let text = |key: &str| step[key].as_str().expect("a text").to_owned();
    let name = step["name"].as_str().unwrap_or("").to_owned();
    if step.get("get").is_some() {
        Op::Get { name, group: text("get") }
    } else if step.get("update").is_some() {
        let (column, value) =
            step["set"].as_object().and_then(|set| set.iter().next()).expect("one column");
        let tag = step.get("ifMatch").map(term);
        Op::Put { name, group: text("update"), column: column.clone(), value: term(value), tag }
    } else if step.get("setVariable").is_some() {
        Op::Put {
            name,
            group: text("setVariable"),
            column: "value".to_owned(),
            value: term(&step["value"]),
            tag: None,
        }
    } else if step.get("increment").is_some() {
        Op::Add { group: text("increment"), by: step["by"].as_i64().unwrap_or(1) }
    } else if step.get("if").is_some() {
        let (left, right) = equation(&text("if"));
        Op::If { left, right, then: ops(&step["then"]) }
    } else {
        let (left, right) = equation(&text("until"));
        Op::Until {
            left,
            right,
            limit: step["limit"].as_u64().unwrap_or(60),
            body: ops(&step["do"]),
        }
    }
}

/// `1`, `@outputs('A')?['B']`, `@add(outputs('A')?['B'], 1)`.
fn term(value: &Value) -> Term {
    let Some(text) = value.as_str() else {
        return Term::Constant(value.as_i64().expect("a whole number"));
    };
    let quoted: Vec<&str> = text.split('\'').collect();
    let plus = text.strip_prefix("@add(").map_or(0, last_argument);
    Term::Answer { action: quoted[1].to_owned(), column: quoted[3].to_owned(), plus }
}

/// `@equals(term, 1)`.
fn equation(text: &str) -> (Term, i64) {
    assert!(text.starts_with("@equals("), "{text}");
    (term(&json!(text)), last_argument(text))
}

fn last_argument(text: &str) -> i64 {
    let last = text.rsplit(',').next().expect("an argument");
    last.trim_matches([' ', ')']).parse().expect("a whole number")
}

fn evaluate(term: &Term, answers: &Answers) -> i64 {
    match term {
        Term::Constant(value) => *value,
        Term::Answer { action, column, plus } => answers[action][column] + plus,
    }
}

fn run(ops: &[Op], groups: &Groups, answers: &mut Answers) {
    for op in ops {
        match op {
            Op::Get { name, group } => {
                let (mut answer, version) = groups[group].lock().expect("no thread panics").clone();
                answer.insert("etag".to_owned(), version);
                answers.insert(name.clone(), answer);
            }
            Op::Put { name, group, column, value, tag } => {
                let (value, tag) =
                    (evaluate(value, answers), tag.as_ref().map(|tag| evaluate(tag, answers)));
                let mut group = groups[group].lock().expect("no thread panics");
                let accepted = tag.is_none_or(|tag| tag == group.1);
                if accepted {
                    group.0.insert(column.clone(), value);
                    group.1 += 1;
                }
                let status = if accepted { 200 } else { 412 };
                answers.insert(name.clone(), BTreeMap::from([("statusCode".to_owned(), status)]));
            }
            Op::Add { group, by } => {
                *groups[group]
                    .lock()
                    .expect("no thread panics")
                    .0
                    .get_mut("value")
                    .expect("a variable") += by;
            }
            Op::If { left, right, then } if evaluate(left, answers) == *right => {
                run(then, groups, answers);
            }
            Op::If { .. } => {}
            Op::Until { left, right, limit, body } => {
                for _ in 0..*limit {
                    run(body, groups, answers);
                    if evaluate(left, answers) == *right {
                        break;
                    }
                }
            }
        }
    }
}

/// Final values of every cell, by loom.
fn by_threads(model: &Value) -> BTreeMap<String, BTreeSet<i64>> {
    let step = &model["flow"][0];
    let processes: Vec<Vec<Op>> = match step["parallel"].as_array() {
        Some(branches) => branches.iter().map(ops).collect(),
        None => vec![ops(&step["do"]); step["items"].as_u64().expect("a number") as usize],
    };
    let start: BTreeMap<String, Group> = model["state"]
        .as_object()
        .expect("groups")
        .iter()
        .map(|(name, group)| {
            let columns = group["fields"].as_object().or(group.as_object()).expect("columns");
            let numbers = columns
                .iter()
                .filter_map(|(column, value)| Some((column.clone(), value.as_i64()?)));
            (name.clone(), (numbers.collect(), 0))
        })
        .collect();
    let found =
        std::sync::Arc::new(std::sync::Mutex::new(BTreeMap::<String, BTreeSet<i64>>::new()));
    let results = found.clone();
    loom::model(move || {
        let groups: std::sync::Arc<Groups> = std::sync::Arc::new(
            start.iter().map(|(name, group)| (name.clone(), Mutex::new(group.clone()))).collect(),
        );
        let threads: Vec<_> = processes
            .iter()
            .map(|process| {
                let (process, groups) = (process.clone(), groups.clone());
                loom::thread::spawn(move || run(&process, &groups, &mut Answers::new()))
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
        let mut results = results.lock().expect("nobody panics holding it");
        for (name, group) in &*groups {
            for (column, value) in &group.lock().expect("no thread panics").0 {
                let cell =
                    if column == "value" { name.clone() } else { format!("{name}.{column}") };
                results.entry(cell).or_default().insert(*value);
            }
        }
    });
    let found = found.lock().expect("nobody panics holding it");
    found.clone()
}

fn agree(model: &Value) -> BTreeMap<String, BTreeSet<i64>> {
    let threads = by_threads(model);
    let flow = check(model, "all");
    for (cell, values) in &threads {
        let told = flow["outcomes"][cell]["values"]
            .as_array()
            .unwrap_or_else(|| panic!("no outcomes of {cell}: {flow}"));
        let told: BTreeSet<i64> =
            told.iter().map(|value| value.as_i64().expect("a whole number")).collect();
        assert_eq!(told, *values, "{cell}: the engine, and loom");
    }
    threads
}

fn iterations(items: u64, body: &Value) -> Value {
    model(&json!([{ "forEach": "order", "items": items, "concurrency": items, "do": body }]))
}

fn branches(branches: &Value) -> Value {
    model(&json!([{ "parallel": branches }]))
}

fn model(flow: &Value) -> Value {
    json!({ "flowrace": 1, "name": "threads", "flow": flow, "state": {
        "m": { "kind": "item", "fields": { "N": 5, "Flag": 0 } }, "v": { "kind": "variable", "value": 0 } } })
}

fn read_then_write(of: &str, by: i64) -> Value {
    json!([{ "name": format!("Get{of}"), "get": "m" },
        { "name": format!("Update{of}"), "update": "m", "set": { "N": format!("@add(outputs('Get{of}')?['N'], {by})") } }])
}

#[test]
fn counter_of_two_and_three() {
    assert_eq!(agree(&iterations(2, &read_then_write("", 1)))["m.N"], BTreeSet::from([6, 7]));
    assert_eq!(agree(&iterations(3, &read_then_write("", 1)))["m.N"], BTreeSet::from([6, 7, 8]));
}

#[test]
fn atomic_increment() {
    assert_eq!(
        agree(&iterations(3, &json!([{ "increment": "v", "by": 2 }])))["v"],
        BTreeSet::from([6])
    );
}

#[test]
fn branches_that_set_and_branches_that_differ() {
    let set = |value: i64| json!([{ "setVariable": "v", "value": value }]);
    assert_eq!(agree(&branches(&json!([set(1), set(2)])))["v"], BTreeSet::from([1, 2]));
    let mixed = json!([read_then_write("1", 1), read_then_write("2", 10), [{ "update": "m", "set": { "N": 0 } }]]);
    agree(&branches(&mixed));
}

#[test]
fn etag_loop_of_two() {
    let with_limit = |limit: u64| {
        iterations(
            2,
            &json!([{ "name": "Retry", "until": "@equals(outputs('Update')?['statusCode'], 200)", "limit": limit, "do": [
            { "name": "Get", "get": "m" },
            { "name": "Update", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
              "set": { "N": "@add(outputs('Get')?['N'], 1)" } } ] }]),
        )
    };
    assert_eq!(agree(&with_limit(2))["m.N"], BTreeSet::from([7]));
    assert_eq!(agree(&with_limit(1))["m.N"], BTreeSet::from([6, 7]));
}

#[test]
fn check_then_create_as_a_flag() {
    let body = json!([{ "name": "Get", "get": "m" }, { "name": "If", "if": "@equals(outputs('Get')?['Flag'], 0)", "then": [
        { "name": "Update", "update": "m", "set": { "Flag": 1 } }, { "name": "Created", "increment": "v" }] }]);
    assert_eq!(agree(&iterations(2, &body))["v"], BTreeSet::from([1, 2]));
}
