//! What is proved of any number of items holds for every small number of them, whatever the window: against plain
//! search, on random models. And what is counted says what a search would say.

mod support;

use flowrace::check::{Config, Reduction, Unstopped};
use flowrace::definition::ast::Platform;
use flowrace::definition::json::Document;
use flowrace::explore::engine::Engine;
use flowrace::explore::prove::counted::{counted, safe};
use flowrace::explore::prove::plain::plain;
use flowrace::explore::prove::verify::verify;
use flowrace::explore::prove::{Reach, prove};
use flowrace::explore::ranking::drop_counters;
use flowrace::explore::search::{Found, search};
use flowrace::model::identity::Alias;
use flowrace::platform::lower::{Lowered, lower};
use flowrace::platform::scenario::{Redelivery, Scenario};
use flowrace::property::judge::Violation;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use support::cases::cases;

fn lowered(model: &Value, items: Option<u64>, degree: Option<u64>, merge: bool) -> Lowered {
    let text = serde_json::to_string_pretty(model).expect("a value is text");
    let import = |_: &str| -> Result<Document, _> { unreachable!("nothing is imported") };
    let beside = flowrace::definition::beside::Beside::default();
    let parsed = flowrace::definition::parse("model.json", &text, &beside, &import).remove(0);
    assert!(parsed.problems.is_empty(), "{:?}\n{text}", parsed.problems);
    let scenario = Scenario {
        platform: Platform::PowerAutomate,
        all_items: items,
        loop_items: std::collections::BTreeMap::new(),
        degree,
        runs: None,
        unknown_items: 2,
        rows: None,
        alias: Alias::Apart,
        rounds: None,
        torn: false,
        faults: 0,
        cancellable: false,
        late: true,
        redelivery: Redelivery::Never,
        merge,
        most: None,
    };
    let definition = parsed.definition.expect("a flow");
    let mut lowered = lower(&definition, &scenario).expect("it can be compiled");
    drop_counters(&mut lowered.program);
    lowered
}

/// Plain search: every step on its own, counters kept.
fn searched(model: &Value, items: Option<u64>, degree: Option<u64>) -> Option<Found> {
    let mut program = lowered(model, items, degree, false).program;
    flowrace::explore::ranking::restore_counters(&mut program);
    let config =
        Config { reduction: Reduction::Symmetry, max_states: Some(30_000), ..Config::default() };
    let found = search(&mut Engine::new(&program, true), &config, &Unstopped);
    found.stopped.is_none().then_some(found)
}

type Key = (&'static str, Option<u32>, Option<String>, Vec<u32>);

/// What makes two findings one; who is stuck is told by concrete schedules only.
fn key(violation: &Violation) -> Key {
    if violation.rule == "stuck" {
        return ("stuck", None, None, Vec::new());
    }
    let actions = violation.actions.iter().map(|n| n.0).collect();
    let column = violation.column.as_ref().map(ToString::to_string);
    (violation.rule, violation.resource.map(|r| r.0), column, actions)
}

/// Everything the abstraction claims about one model; whether it claimed anything, and whether that was safety.
fn holds(model: &Value) -> (bool, bool) {
    let program = lowered(model, None, None, true).program;
    let Ok(proof) = prove(&program) else { return (false, false) };
    let reach = safe(&proof);
    if reach.is_some() {
        let parts = &proof.all.stepper.parts;
        let lines = proof.all.states.iter().map(|s| plain(&program, parts, s).line(&program));
        let verified = verify(&program, &proof.all.stepper.relative, &lines.collect());
        assert_eq!(verified, Ok(()), "{model:#}");
    }
    let suspected: BTreeSet<Key> = proof.suspicions.iter().map(key).collect();
    for items in 1..=4 {
        // One at a time is another flow: its iterations are in order.
        for degree in [2, 3] {
            if degree > items.max(2) || proof.reach == Reach::Scope {
                continue;
            }
            if matches!(proof.reach, Reach::UpTo(most) if items > most) {
                continue;
            }
            let Some(found) = searched(model, Some(items), Some(degree)) else { continue };
            for violation in &found.violations {
                assert!(
                    suspected.contains(&key(violation)),
                    "{items} items, {degree} at a time: {violation:?} was not suspected\n{model:#}"
                );
            }
            if reach.is_some() {
                assert_eq!(found.outcomes.len(), 1, "{items} items, {degree} at a time\n{model:#}");
            }
        }
    }
    if let (Some(all), Some(found)) =
        (counted(&proof, &Config::default(), &Unstopped), searched(model, None, None))
    {
        assert_eq!(all.outcomes, found.outcomes, "{model:#}");
        let told: BTreeSet<Key> = all.violations.iter().map(key).collect();
        let wanted: BTreeSet<Key> = found.violations.iter().map(key).collect();
        assert_eq!(told, wanted, "{model:#}");
    }
    (true, reach.is_some())
}

/// One thing that an iteration does; numbers choose cells and constants.
fn piece() -> impl Strategy<Value = Vec<Value>> {
    let cell = || prop_oneof![4 => Just(("m", "A")), 1 => Just(("m", "B")), 1 => Just(("o", "A"))];
    let by = || prop_oneof![3 => Just(1_i64), 1 => Just(2), 1 => Just(-1), 1 => Just(0)];
    prop_oneof![
        3 => (cell(), cell(), by(), any::<bool>()).prop_map(|(from, to, by, etag)| read_write(from, to, by, etag)),
        3 => (by(), prop_oneof![2 => Just(60_u64), 1 => Just(2), 1 => Just(5000)]).prop_map(|(by, limit)| retry(by, limit)),
        2 => by().prop_map(|by| vec![json!({ "sql": format!("UPDATE t SET n = n + {by} WHERE k = 1") })]),
        2 => (cell(), by()).prop_map(|(at, by)| lease(at, by)),
        1 => (cell(), 0..2_i64).prop_map(|((item, column), value)| vec![json!({ "update": item, "set": { column: value } })]),
        1 => (cell(), cell()).prop_map(|(from, to)| guarded(from, to)),
        1 => by().prop_map(|by| vec![json!({ "increment": "v", "by": by })]),
        1 => Just(vec![json!({ "compose": "@add(variables('v'), 1)" }), json!({ "setVariable": "v", "value": "@outputs('{-1}')" })]),
        1 => Just(vec![json!({ "send": "a mail" })]),
        1 => Just(vec![json!({ "get": "f" }), json!({ "if": "@equals(outputs('{-1}')?['Open'], true)", "then": [{ "update": "f", "set": { "Open": false } }] })]),
        1 => Just(vec![json!({ "upsert": "t", "key": { "k": 1 }, "row": { "n": 3 } })]),
        1 => Just(vec![json!({ "create": "u", "row": { "k": 7 } })]),
    ]
}

fn read_write(from: (&str, &str), to: (&str, &str), by: i64, etag: bool) -> Vec<Value> {
    let mut write = json!({ "update": to.0, "set": { to.1: format!("@add(outputs('{{-1}}')?['{}'], {by})", from.1) } });
    if etag && from.0 == to.0 {
        write["ifMatch"] = json!("@outputs('{-1}')?['etag']");
    }
    vec![json!({ "get": from.0 }), write]
}

fn retry(by: i64, limit: u64) -> Vec<Value> {
    vec![
        json!({ "until": "@equals(outputs('{+2}')?['statusCode'], 200)", "name": "{+0}", "limit": limit,
        "do": read_write(("m", "A"), ("m", "A"), by, true) }),
    ]
}

fn lease((item, column): (&str, &str), by: i64) -> Vec<Value> {
    vec![
        json!({ "acquireLease": "lock", "seconds": 60, "retry": { "count": 90, "interval": 30, "type": "fixed" } }),
        json!({ "get": item }),
        json!({ "update": item, "set": { column: format!("@add(outputs('{{-1}}')?['{column}'], {by})") } }),
        json!({ "releaseLease": "lock", "runAfter": { "{-1}": ["Succeeded", "Failed", "Skipped", "TimedOut"] } }),
    ]
}

fn guarded(from: (&str, &str), to: (&str, &str)) -> Vec<Value> {
    vec![
        json!({ "get": from.0 }),
        json!({ "if": format!("@less(outputs('{{-1}}')?['{}'], 6)", from.1), "then": [{ "update": to.0, "set": { to.1: 7 } }] }),
    ]
}

/// Names the steps one by one; `{-1}` is the step before, `{+1}` the next to be named.
fn named(steps: &[Value], count: &mut i64) -> Vec<Value> {
    steps
        .iter()
        .map(|step| {
            let me = *count;
            *count += 1;
            let inner: Vec<Value> = ["do", "then"]
                .iter()
                .filter_map(|k| step.get(k).and_then(Value::as_array))
                .flat_map(|list| named(list, count))
                .collect();
            let mut step = step.clone();
            for key in ["do", "then"] {
                if step.get(key).is_some() {
                    step[key] = json!([]);
                }
            }
            let mut text = step.to_string();
            for offset in -2..=3 {
                text = text.replace(&format!("{{{offset:+}}}"), &format!("S{}", me + offset));
            }
            let mut step: Value = serde_json::from_str(&text).expect("still JSON");
            for key in ["do", "then"] {
                if step.get(key).is_some() {
                    step[key] = json!(inner);
                }
            }
            step["name"] = json!(format!("S{me}"));
            step
        })
        .collect()
}

fn models() -> impl Strategy<Value = Value> {
    let some = |most| prop::collection::vec(piece(), 0..=most);
    let own = vec![
        json!({ "compose": "@items('order')" }),
        json!({ "update": "o", "set": { "A": "@outputs('{-1}')" } }),
    ];
    let body = prop::collection::vec(prop_oneof![12 => piece(), 1 => Just(own)], 1..=2);
    (body, some(1), some(1), 2..=3_u64, prop::bool::weighted(0.2), 1..=2_u64).prop_map(
        |(body, before, after, items, branch, runs)| {
            let mut count = 0;
            let mut list = |pieces: Vec<Vec<Value>>| named(&pieces.concat(), &mut count);
            let mut flow = list(before.clone());
            let looped = json!({ "forEach": "order", "items": items, "concurrency": items, "do": list(body) });
            let after = list(after);
            if branch && !after.is_empty() {
                flow.push(json!({ "name": "Both", "parallel": [[looped], after] }));
            } else {
                flow.push(looped);
                flow.extend(after);
            }
            let runs = if before.is_empty() { 1 } else { runs };
            model(&json!(flow), runs)
        },
    )
}

fn model(flow: &Value, runs: u64) -> Value {
    let text = flow.to_string();
    let mut model = json!({ "flowrace": 1, "name": "random", "state": {}, "takes": [0, 5], "flow": flow, "scope": { "runs": runs },
        "assume": { "variable-actions": "atomic" } });
    let cells = [
        ("m", json!({ "kind": "item", "fields": { "A": 5, "B": 0 } })),
        ("o", json!({ "kind": "item", "fields": { "A": 1 } })),
        ("f", json!({ "kind": "item", "fields": { "Open": true } })),
        ("v", json!({ "kind": "variable", "value": 0 })),
        ("lock", json!({ "kind": "blob" })),
        ("t", json!({ "kind": "table", "key": ["k"], "rows": [{ "k": 1, "n": 4 }] })),
        ("u", json!({ "kind": "table", "key": ["k"], "unique": true, "rows": [] })),
    ];
    for (name, cell) in cells {
        let used = text.contains(&format!("\"{name}\""))
            || text.contains(&format!("('{name}')"))
            || text.contains(&format!("UPDATE {name} "));
        if used {
            model["state"][name] = cell;
        }
    }
    model
}

fn run(most: u32, strategy: &impl Strategy<Value = Value>, least: (u32, u32)) {
    let config = cases("proptest-regressions/proof.txt", most);
    let asked = config.cases != most;
    let (claims, safes) = (Cell::new(0), Cell::new(0));
    let result = TestRunner::new(config).run(strategy, |model| {
        let (claim, safe) = holds(&model);
        claims.set(claims.get() + u32::from(claim));
        safes.set(safes.get() + u32::from(safe));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    // A test that never applies proves nothing.
    let enough = claims.get() >= least.0 && safes.get() >= least.1;
    assert!(enough || asked, "{} counted, {} safe", claims.get(), safes.get());
}

#[test]
fn proofs_hold_for_small_numbers() {
    run(400, &models(), (150, 30));
}

/// The models that hold the search against the second opinion.
#[test]
fn proofs_hold_for_models_of_every_idiom() {
    run(400, &support::generate::models(), (20, 1));
}

/// What a branch set before its loop is what the iterations expect, and what they set is what the branch expects after
/// it; a proof says so too.
#[test]
fn a_branch_and_its_loop_expect_each_other_to_keep_a_variable() {
    let add = |name: &str| json!({ "name": name, "increment": "v", "by": 2 });
    let read = json!({ "name": "Compose", "compose": "@add(variables('v'), 1)" });
    let set = json!({ "name": "Set", "setVariable": "v", "value": "@outputs('Compose')" });
    let inner =
        |steps: Value| json!({ "forEach": "inner", "items": 2, "concurrency": 2, "do": steps });
    let around = |branch: Value| {
        model(&json!([{ "name": "Branches", "parallel": [[add("Other")], branch] }]), 1)
    };
    let bleeds = |model: &Value, items: u64| {
        let found = searched(model, Some(items), Some(2)).expect("it is small");
        found.violations.iter().any(|v| v.rule == "iteration-bleed")
    };
    let before = around(json!([add("Mine"), inner(json!([read, set]))]));
    let after = around(json!([inner(json!([add("Mine")])), read]));
    for model in [before, after] {
        assert!(holds(&model).0, "it can be counted");
        assert!(bleeds(&model, 1) && bleeds(&model, 2), "{model:#}");
    }
}
