//! Witness files: every schedule of the gallery replays, survives edits of its flow, and tells when it does not.

use flowrace::check::replay::{Ending, replay};
use flowrace::check::{Config, Unstopped, check};
use flowrace::finding::witness_file::WitnessFile;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Saves the schedules of a model and gives their files.
fn saved(model: &str, folder: &Path) -> Vec<PathBuf> {
    let path = root().join("models").join(model);
    let report = check(std::slice::from_ref(&path), &Config::default(), &Unstopped);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let flow = &report.flows[0];
    let mut files = Vec::new();
    for finding in &flow.findings {
        let shown = path.to_string_lossy().into_owned();
        let Some(file) = WitnessFile::of(flow, finding, &Config::default(), shown) else {
            continue;
        };
        let text = file.to_text();
        assert_eq!(
            WitnessFile::parse("w.json", &text).map(|f| f.to_text()),
            Ok(text.clone()),
            "{text}"
        );
        let place = folder.join(file.file_name());
        fs::write(&place, text).expect("it can be written");
        files.push(place);
    }
    files
}

fn ending(witness: &Path, flow: Option<&Path>) -> Ending {
    replay(witness, flow, &Unstopped)
        .unwrap_or_else(|p| panic!("{}: {p:?}", witness.display()))
        .ending
}

/// All models with a finding that a schedule shows.
fn racy() -> Vec<String> {
    let mut found = Vec::new();
    for folder in fs::read_dir(root().join("models")).expect("the gallery is there") {
        let folder = folder.expect("readable").path();
        for file in fs::read_dir(&folder).into_iter().flatten() {
            let file = file.expect("readable").path();
            let text = fs::read_to_string(&file).unwrap_or_default();
            let name = file.strip_prefix(root().join("models")).expect("inside");
            let name = name.to_string_lossy().into_owned();
            let json = Path::new(&name).extension().is_some_and(|e| e == "json");
            if json && text.contains("\"unsafe\"") && !name.contains("lesson-20") {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_witness_of_the_gallery_is_reproduced() {
    let mut count = 0;
    for model in racy() {
        for witness in saved(&model, &folder("witnesses")) {
            assert_eq!(
                ending(&witness, None),
                Ending::Reproduced,
                "{model}: {}",
                witness.display()
            );
            count += 1;
        }
    }
    assert!(count >= 25, "only {count} witnesses in the gallery");
}

/// Runs the witnesses of a model on an edited copy of it.
fn edited(model: &str, what: &str, edit: impl FnOnce(&mut Value)) -> Vec<Ending> {
    let text = fs::read_to_string(root().join("models").join(model)).expect("it is there");
    let mut flow: Value = serde_json::from_str(&text).expect("it is JSON");
    edit(&mut flow);
    let folder = folder(&format!("edited-{what}"));
    let copy = folder.join(model.replace('/', "-"));
    fs::write(&copy, serde_json::to_string(&flow).expect("a value is text")).expect("written");
    saved(model, &folder).iter().map(|w| ending(w, Some(&copy))).collect()
}

/// Every list of actions, wherever it stands.
fn lists(value: &mut Value, edit: &mut dyn FnMut(&mut Vec<Value>)) {
    match value {
        Value::Array(list) => {
            let actions = !list.is_empty()
                && list.iter().all(|a| {
                    a.as_object().is_some_and(|o| {
                        o.contains_key("name")
                            || o.contains_key("forEach")
                            || o.contains_key("until")
                    })
                });
            list.iter_mut().for_each(|v| lists(v, edit));
            if actions {
                edit(list);
            }
        }
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if key != "state" && key != "expect" {
                    lists(value, edit);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn a_schedule_survives_reordered_keys_and_other_lines() {
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let reversed: Map<String, Value> =
                    map.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect();
                Value::Object(reversed)
            }
            Value::Array(list) => Value::Array(list.iter().map(reversed).collect()),
            other => other.clone(),
        }
    }
    for model in racy() {
        // The order of keys is the order of branches in `flows` and of cells in `state`, but never of steps.
        for found in edited(&model, "reversed", |flow| *flow = reversed(flow)) {
            assert_eq!(found, Ending::Reproduced, "{model}");
        }
    }
}

#[test]
fn a_schedule_survives_inserted_local_actions() {
    let mut tried = 0;
    for model in racy() {
        let mut n = 0;
        let found = edited(&model, "local", |flow| {
            lists(flow, &mut |list| {
                let plain = list.iter().all(|a| a.get("runAfter").is_none());
                if plain {
                    n += 1;
                    list.insert(
                        0,
                        json!({ "name": format!("Note_{n}"), "compose": "nothing new" }),
                    );
                }
            });
        });
        for found in found {
            tried += 1;
            assert_eq!(found, Ending::Reproduced, "{model}");
        }
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn a_schedule_survives_inserted_steps_elsewhere() {
    for model in racy() {
        let mut n = 0;
        let found = edited(&model, "visible", |flow| {
            flow["state"]["another"] = json!({ "kind": "item", "fields": { "Seen": 0 } });
            lists(flow, &mut |list| {
                if list.iter().all(|a| a.get("runAfter").is_none()) {
                    n += 2;
                    list.insert(0, json!({ "name": format!("Look_{n}"), "get": "another" }));
                    list.insert(1, json!({ "name": format!("Touch_{n}"), "update": "another", "set": { "Seen": 1 } }));
                }
            });
        });
        for found in found {
            assert_eq!(found, Ending::Reproduced, "{model}");
        }
    }
}

#[test]
fn a_schedule_survives_more_items() {
    for model in
        ["lost-update/racy.json", "duplicate-create/racy.json", "iteration-bleed/racy.json"]
    {
        let more = |flow: &mut Value| {
            let text = flow
                .to_string()
                .replace("\"items\":2", "\"items\":9")
                .replace("\"items\":5", "\"items\":9");
            *flow = serde_json::from_str(&text).expect("still JSON");
        };
        for found in edited(model, "more", more) {
            assert_eq!(found, Ending::Reproduced, "{model}");
        }
    }
}

#[test]
fn a_fixed_flow_is_fixed_and_a_renamed_action_diverges() {
    let models = root().join("models");
    let witness = &saved("lost-update/racy.json", &folder("fixed"))[0];
    assert!(matches!(
        ending(witness, Some(&models.join("lost-update/fixed.json"))),
        Ending::Fixed(_)
    ));
    let Ending::Diverged(1, why) = ending(witness, Some(&models.join("stuck/racy.json"))) else {
        panic!("another flow is no fix");
    };
    assert!(why.contains("no action is called Get_item now"), "{why}");
    assert!(why.contains("the flow has there now: Hand_over.1 Give_signal"), "{why}");
    for found in edited("lost-update/racy.json", "renamed", |flow| {
        *flow = serde_json::from_str(&flow.to_string().replace("Update_item", "Update_items"))
            .expect("JSON");
    }) {
        let Ending::Diverged(3, why) = found else { panic!("{found:?}") };
        assert!(why.contains("the nearest name is Update_items"), "{why}");
        assert!(why.contains("the flow has there now: order[2] Update_items"), "{why}");
    }
    let serial = |flow: &mut Value| flow["flow"][0]["concurrency"] = json!(1);
    for found in edited("lost-update/racy.json", "serial", serial) {
        let Ending::Fixed(how) = found else { panic!("{found:?}") };
        assert!(how.contains("the order is ruled out: order[2] Get_item"), "{how}");
    }
    let fewer = |flow: &mut Value| flow["flow"][0]["items"] = json!(1);
    for found in edited("lost-update/racy.json", "fewer", fewer) {
        let Ending::Diverged(2, why) = found else { panic!("{found:?}") };
        assert!(why.contains("there is no order[2]: order has 1 items now"), "{why}");
    }
}

#[test]
fn damaged_files_are_refused_with_the_place() {
    let folder = folder("damaged");
    let witness = &saved("lost-update/racy.json", &folder)[0];
    let good = fs::read_to_string(witness).expect("it is there");
    let check = |from: &str, to: &str, expected: &str| {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        let path = folder.join("bad.json");
        fs::write(&path, text).expect("written");
        let problems = replay(&path, None, &Unstopped).expect_err(to);
        let shown = problems[0].to_string();
        assert!(shown.contains(expected), "{shown}");
        assert!(shown.contains("bad.json:"), "{shown}");
    };
    check(
        "\"flowrace_witness\": 1",
        "\"flowrace_witness\": 2",
        ":2:23: version 2 of the witness format",
    );
    check("\"flowrace_witness\": 1", "\"flowrace\": 1", "not a witness file");
    check(
        "\"rule\": \"lost-update\"",
        "\"rule\": \"lost-updat\"",
        "no rule is called \"lost-updat\"",
    );
    check("\"rule\": \"lost-update\",", "", "\"rule\" is missing");
    check(
        "[\"order[1] Get_item\"]",
        "[\"order[7] Get_item\"]",
        "no earlier step is \"order[7] Get_item\"",
    );
    check("\"action\": \"Get_item\"", "\"action\": 7", "expected a text");
    check("\"note\": \"reads 5\"", "\"nota\": \"reads 5\"", "unknown key \"nota\"");
    check("\"steps\": [", "\"steps\": { \"a\": [", "bad.json");
    // Cut off anywhere: never a panic, never a verdict.
    for end in (0..good.len() - 2).filter(|&at| good.is_char_boundary(at)) {
        assert!(WitnessFile::parse("cut.json", &good[..end]).is_err(), "{}", &good[..end]);
    }
}

#[test]
fn an_impossible_order_diverges() {
    let folder = folder("impossible");
    let witness = &saved("lost-update/racy.json", &folder)[0];
    let text = fs::read_to_string(witness).expect("it is there");
    let mut file = WitnessFile::parse("w.json", &text).expect("it is ours");
    file.steps.reverse();
    file.steps.iter_mut().for_each(|step| step.after.clear());
    let path = folder.join("backwards.json");
    fs::write(&path, file.to_text()).expect("written");
    let Ending::Diverged(1, why) = ending(&path, None) else {
        panic!("an action before its own read")
    };
    assert!(why.contains("order[1] cannot run Update_item here"), "{why}");
}

#[test]
fn saved_schedules_stay_fixed() {
    flowrace::witnesses("tests/witnesses").expect_fixed();
    let folder = folder("kept");
    saved("lost-update/racy.json", &folder);
    flowrace::witnesses(&folder).expect_reproduced();
}

/// What a failing assertion says.
fn said(fails: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let message = std::panic::catch_unwind(fails).expect_err("it has to fail");
    message.downcast_ref::<String>().expect("assertions say a text").clone()
}

#[test]
fn a_failing_test_shows_the_lanes() {
    let table = "order[1]      order[2]      ProcessedCount";
    let racy = root().join("models/lost-update/racy.json");
    let message = said(|| flowrace::flow(&racy).items(3).expect_safe());
    assert!(message.contains(table) && message.contains("unsafe: 1 error"), "{message}");
    let message = said(|| _ = flowrace::flow(&racy).items(2).expect_finding("stuck"));
    assert!(message.starts_with("expected a finding of stuck"), "{message}");
    let folder = folder("failing");
    saved("lost-update/racy.json", &folder);
    let message = said(|| flowrace::witnesses(&folder).expect_fixed());
    assert!(message.contains(table) && message.contains("reproduced: lost-update"), "{message}");
    let message = said(|| flowrace::flow("no/such.json").expect_safe());
    assert!(message.contains("no such file or folder"), "{message}");
    let message = said(|| flowrace::witnesses("src").expect_fixed());
    assert!(message.contains("there is no witness in src"), "{message}");
}

#[test]
fn a_fix_that_closes_one_order_of_several_is_none() {
    // Somebody else writes once the first order is counted: to a cell of its own, or to the counter.
    let model = |concurrency: u32, other: &str| {
        format!(
            r#"{{ "flowrace": 1, "name": "two",
  "state": {{ "m": {{ "kind": "item", "fields": {{ "n": 0 }} }},
             "o": {{ "kind": "item", "fields": {{ "n": 0 }} }},
             "counted": {{ "kind": "blob", "value": 0 }} }},
  "flows": {{
    "Count": {{ "do": [ {{ "forEach": "order", "items": 2, "concurrency": {concurrency}, "do": [
      {{ "name": "Get", "get": "m" }},
      {{ "name": "Put", "update": "m", "set": {{ "n": "@add(outputs('Get')?['n'], 1)" }} }},
      {{ "name": "Tell", "write": "counted", "value": 1 }} ] }} ] }},
    "Other": {{ "do": [ {{ "until": "@equals(outputs('Look')?['value'], 1)", "limit": 3, "do": [
      {{ "name": "Look", "get": "counted" }} ] }},
      {{ "name": "If_counted", "if": "@equals(outputs('Look')?['value'], 1)", "then": [
        {{ "name": "Write", "update": "{other}", "set": {{ "n": 100 }} }} ] }} ] }} }} }}"#
        )
    };
    let here = folder("half-fixed");
    let flow = here.join("flow.json");
    fs::write(&flow, model(2, "o")).expect("it can be written");
    let report = check(std::slice::from_ref(&flow), &Config::default(), &Unstopped);
    let shown = flow.to_string_lossy().into_owned();
    let lost = |f: &&flowrace::finding::Finding| f.rule == "lost-update";
    let found = report.flows[0].findings.iter().find(lost).expect("the counter is racy");
    let saved = WitnessFile::of(&report.flows[0], found, &Config::default(), shown);
    let saved = saved.expect("it has a schedule");
    let witness = here.join("w.json");
    fs::write(&witness, saved.to_text()).expect("it can be written");
    assert_eq!(ending(&witness, None), Ending::Reproduced);
    // One at a time, and nobody else writes: no order is left.
    fs::write(&flow, model(1, "o")).expect("it can be written");
    let Ending::Fixed(how) = ending(&witness, None) else { panic!("it is fixed") };
    assert!(how.ends_with("; no other order goes wrong"), "{how}");
    // One at a time, but somebody else writes by now: the schedule cannot run, and its anomaly is there.
    fs::write(&flow, model(1, "m")).expect("it can be written");
    let Ending::Diverged(_, why) = ending(&witness, None) else { panic!("another order is left") };
    assert!(why.contains("another one still goes wrong"), "{why}");
}
