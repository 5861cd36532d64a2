//! What explains an outcome that no rule does: leaving out what is beyond hope changes nothing, and going deep finds only
//! what is there.

mod support;

use flowrace::explore::ending::{Joint, judge_end, outcome};
use flowrace::explore::engine::Engine;
use flowrace::explore::limits::{Config, Unstopped};
use flowrace::explore::resort::unexplained;
use flowrace::explore::search::search;
use flowrace::explore::witness::{Schedule, fired_in, gave_up, replay};
use flowrace::model::program::Program;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::cases::cases;
use support::engine::program;
use support::generate::models;

/// All schedules that no rule explains, whatever their outcome: as the search left the engine, and by an engine that
/// has learned nothing.
fn explained(program: &Program, most: u64) -> Option<(BTreeSet<Joint>, [Vec<Schedule>; 2])> {
    let mut engine = Engine::new(program, true);
    let config = Config { max_states: Some(most), ..Config::default() };
    let found = search(&mut engine, &config, &Unstopped);
    if found.stopped.is_some() {
        return None;
    }
    let mut all = |complete: bool| {
        engine.complete = complete;
        let (schedules, all) = unexplained(&mut engine, &found.outcomes, (0, 100_000), &Unstopped);
        all.then_some(schedules)
    };
    let schedules = [all(true)?, all(false)?];
    Some((found.outcomes, schedules))
}

/// Whether nothing fires along a schedule, and it ends as it should.
fn holds(engine: &mut Engine<'_>, schedule: &Schedule, wanted: &BTreeSet<Joint>) -> bool {
    let steps = replay(engine, schedule).expect("each step is possible");
    let silent = steps
        .iter()
        .all(|(_, next)| !fired_in(engine, next).iter().any(|v| !v.weak) && !gave_up(&next.events));
    let initial = engine.initial()[schedule.start].clone();
    let end = steps.last().map_or(initial, |(_, next)| next.state.clone());
    let ended = engine.all_ended(&end) && judge_end(engine, &end).is_empty();
    silent && ended && wanted.contains(&outcome(engine, &end))
}

/// Iterations that take turns at a lease, or do not: it runs out, is given back or left behind.
fn leased() -> impl Strategy<Value = Value> {
    let step = (0..5_usize, prop_oneof![Just(0_u64), Just(40)]);
    (prop::collection::vec(step, 1..=3), any::<bool>(), 0..3_usize, 2..=3_u64).prop_map(
        |(steps, waits, back, items)| {
            let mut lock = json!({ "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0] });
            if waits {
                lock["retry"] = json!({ "count": 90, "interval": 30, "type": "fixed" });
            }
            let id = "@outputs('Lock')?['leaseId']";
            let mut body = vec![lock];
            for (at, (what, takes)) in steps.iter().enumerate() {
                let mut step = [
                    json!({ "compose": "" }),
                    json!({ "write": "b", "value": "@items('order')", "lease": id }),
                    json!({ "write": "b", "value": 7 }),
                    json!({ "update": "m", "set": { "N": "@items('order')" } }),
                    json!({ "renewLease": "b", "lease": id }),
                ][*what]
                    .clone();
                (step["name"], step["takes"]) = (json!(format!("Step_{at}")), json!([0, takes]));
                body.push(step);
            }
            let any = json!(["Succeeded", "Failed", "Skipped", "TimedOut"]);
            let last = body.last().expect("the lock")["name"].as_str().expect("named").to_owned();
            let mut unlock = json!({ "name": "Unlock", "releaseLease": "b", "takes": [0, 0], "runAfter": { last: any } });
            if back == 1 {
                unlock["lease"] = json!(id);
            }
            body.extend((back > 0).then_some(unlock));
            let state = json!({ "b": { "kind": "blob", "value": 0 }, "m": { "kind": "item", "fields": { "N": 0 } } });
            looped(items, &state, &json!(body))
        },
    )
}

proptest! {
    #![proptest_config(cases("proptest-regressions/resorts.txt", 150))]

    #[test]
    fn random_models(model in prop_oneof![2 => models(), 1 => leased()], faults in 0..2u32) {
        let Some(program) = program(&model, faults) else { return Ok(()) };
        let Some((wanted, [hopeful, all])) = explained(&program, 1_500) else {
            return Err(TestCaseError::reject("large"));
        };
        prop_assert_eq!(&hopeful, &all, "{}", model);
        // With hardly any room: nothing where there is nothing, and otherwise a schedule that is one of them.
        let mut engine = Engine::new(&program, true);
        let (deep, _) = unexplained(&mut engine, &wanted, (1_000, 60), &Unstopped);
        for schedule in &deep {
            prop_assert!(holds(&mut engine, schedule, &wanted), "{:?} of {}", schedule, model);
        }
        prop_assert!(deep.is_empty() || !all.is_empty(), "{}", model);
    }
}

fn looped(items: u64, state: &Value, body: &Value) -> Value {
    json!({ "flowrace": 1, "name": "m", "state": state,
        "flow": [{ "forEach": "order", "items": items, "concurrency": 50, "do": body }] })
}

/// The outcomes in which something is lost.
fn but_the_greatest(outcomes: &BTreeSet<Joint>) -> BTreeSet<Joint> {
    outcomes.iter().rev().skip(1).cloned().collect()
}

/// Whoever has read a counter that another has written since cannot end any more unnoticed: what is left to look at grows
/// with the square of the items, not exponentially.
#[test]
fn a_stale_reader_is_beyond_hope() {
    let body = json!([
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ]);
    let model = looped(9, &json!({ "m": { "kind": "item", "fields": { "N": 0 } } }), &body);
    let program = program(&model, 0).expect("a model");
    let mut engine = Engine::new(&program, true);
    let found = search(&mut engine, &Config::default(), &Unstopped);
    let unserial = but_the_greatest(&found.outcomes);
    for (complete, cap, enough) in [(true, 60, true), (false, 60, false), (false, 2_000, true)] {
        engine.complete = complete;
        let (schedules, all) = unexplained(&mut engine, &unserial, (0, cap), &Unstopped);
        assert_eq!((schedules, all), (Vec::new(), enough), "{complete}, {cap}");
    }
}

/// Ends lie deeper than a search by layers gets; going deep meets one.
#[test]
fn a_deep_end_is_found_where_layers_are_too_wide() {
    let body = json!([
        { "name": "Lock", "acquireLease": "b", "takes": [0, 120], "seconds": 60,
          "retry": { "count": 1000, "interval": 60, "type": "fixed" } },
        { "name": "Get", "get": "b", "takes": [0, 120] },
        { "name": "Write", "write": "b", "lease": "@outputs('Lock')?['leaseId']",
          "value": "@add(outputs('Get')?['value'], 1)", "takes": [0, 120] },
        { "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 120] } ]);
    let model = looped(6, &json!({ "b": { "kind": "blob", "value": 0 } }), &body);
    let program = program(&model, 0).expect("a model");
    let mut engine = Engine::new(&program, true);
    let found = search(&mut engine, &Config::default(), &Unstopped);
    let wanted = but_the_greatest(&found.outcomes);
    let cap = 1_000;
    assert!(found.counts.states > cap as u64);
    let (layers, _) = unexplained(&mut engine, &wanted, (0, cap), &Unstopped);
    assert_eq!(layers, Vec::new());
    let (deep, all) = unexplained(&mut engine, &wanted, (found.counts.states, cap), &Unstopped);
    assert!(deep.len() == 1 && !all, "{deep:?}");
    assert!(holds(&mut engine, &deep[0], &wanted));
}
