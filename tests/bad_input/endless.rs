//! Flows that would take for ever, or all memory, within one step: values that double, loops that nobody can notice.

use super::{Here, export};
use serde_json::{Map, Value, json};

/// Forty actions, each of which uses the one before twice; then a loop that notices.
fn doubling(first: &str, how: &str) -> String {
    let mut actions = Map::new();
    actions.insert("C0".into(), json!({"type": "Compose", "inputs": first, "runAfter": {}}));
    for n in 1..40 {
        let last = format!("C{}", n - 1);
        let inputs = how.replace('$', &format!("outputs('{last}')"));
        let mut action = json!({"type": "Compose", "inputs": inputs});
        action["runAfter"][last] = json!(["Succeeded"]);
        actions.insert(format!("C{n}"), action);
    }
    let variable = json!([{"name": "v", "type": "array", "value": []}]);
    actions.insert(
        "V".into(),
        json!({"type": "InitializeVariable", "inputs": {"variables": variable}, "runAfter": {"C39": ["Succeeded", "Failed", "Skipped"]}}),
    );
    let set = json!({"type": "SetVariable", "inputs": {"name": "v", "value": "@outputs('C39')"}});
    actions.insert(
        "L".into(),
        json!({"type": "Foreach", "foreach": [1, 2], "actions": {"S": set}, "runAfter": {"V": ["Succeeded"]}}),
    );
    export(&Value::Object(actions))
}

#[test]
fn values_that_double_end() {
    let here = Here::new("doubling");
    let seed = "@json('[1]')";
    // Texts: the platform takes none over 100 MB, so the action fails, and the flow goes on.
    for (first, how) in [
        ("@concat('a','a')", "@concat($,$,$,$,$,$,$,$,$,$,$,$,$)"),
        ("@concat('a','a')", "@replace($,'a',$)"),
        ("@concat('a','a')", "@join(split($,'a'),$)"),
    ] {
        here.taken("f.json", doubling(first, how), 0).says("safe");
    }
    for (first, how) in [
        (seed, "@createArray($,$)"),
        (seed, "@union(createArray($),createArray(createArray($)))"),
        (seed, "@setProperty(json('{}'),'k',createArray($,$))"),
        ("@triggerBody()?['x']", "@concat($,$)"),
        ("@triggerBody()?['x']", "@createArray($,$)"),
    ] {
        here.taken("f.json", doubling(first, how), 3)
            .says("inconclusive: a value is larger than any message may be");
    }
}

#[test]
fn a_loop_that_nobody_can_notice_asks_the_clock_and_the_memory() {
    let here = Here::new("unnoticed");
    let counter = json!({"c": {"kind": "variable", "value": 0}});
    let each = json!({"forEach": "L", "items": 1_000_000_000, "concurrency": 1, "do": [{"increment": "c", "by": 1}]});
    here.write("f.json", json!({"flowrace": 1, "state": counter, "flow": [each]}).to_string());
    here.run(&["check", "f.json", "good.json", "--timeout", "100ms"]).is(3).silent();
    here.run(&["check", "f.json", "--max-memory", "64MiB"])
        .is(3)
        .silent()
        .says("inconclusive: stopped at --max-memory within one step")
        .says("--items 2");
    let until = json!({"until": "@equals(variables('c'), -1)", "limit": 1_000_000_000, "do": [{"increment": "c", "by": 1}]});
    here.write("f.json", json!({"flowrace": 1, "state": counter, "flow": [until]}).to_string());
    here.run(&["check", "f.json", "--timeout", "100ms"])
        .is(3)
        .silent()
        .says("inconclusive: stopped by --timeout");
}
