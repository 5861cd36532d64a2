//! Child flows: what a call stands for, and when it stays a call.

mod support;

use flowrace::finding::{FlowReport, Severity};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use support::flows::{after, init, item, on_request, told};

/// Checks a folder with these Logic Apps Standard workflows; the answer for the one called `Parent`.
fn project(name: &str, workflows: &[(&str, Json)]) -> FlowReport {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects").join(name);
    for (workflow, flow) in workflows {
        let place = folder.join(workflow);
        std::fs::create_dir_all(&place).expect("the folder can be made");
        let flow = json!({"definition": flow, "kind": "Stateful"}).to_string();
        std::fs::write(place.join("workflow.json"), flow).expect("the flow can be written");
    }
    let report = flowrace::flow(&folder).check();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let parent = report.flows.into_iter().find(|f| f.path.ends_with("Parent/workflow.json"));
    parent.expect("the parent is checked")
}

fn child(body: &Json) -> Json {
    json!({"type": "Workflow", "inputs": {"host": {"workflow": {"id": "Child"}, "triggerName": "t"}, "body": body}})
}

fn caller(actions: &Json) -> Json {
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    json!({"triggers": {"t": trigger}, "actions": actions})
}

/// A flow that others call: reads the count of the row it is told, writes one more, and answers the old one.
fn counter(trigger: &Json, answered_first: bool) -> Json {
    let row = |method: &str, body: Json| json!({"type": "Http", "inputs": {"method": method, "uri": "https://x.org/rows/@{triggerBody()?['row']}", "body": body}});
    let answer = json!({"type": "Response", "inputs": {"statusCode": 200, "body": {"old": "@body('Get')?['n']"}}});
    let put = row("PATCH", json!({"n": "@add(int(variables('old')), 1)"}));
    let (put, answer) = if answered_first {
        (after(put, "Answer"), after(answer, "Old"))
    } else {
        (after(put, "Old"), after(answer, "Put"))
    };
    json!({"triggers": {"t": trigger}, "actions": {
        "Get": row("GET", json!(null)),
        "Old": after(init("old", "string", "@{body('Get')?['n']}"), "Get"),
        "Put": put,
        "Answer": answer,
    }})
}

#[test]
fn a_child_does_what_its_definition_says() {
    let lost = |flow: &FlowReport| {
        let rules = flow.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule);
        rules.collect::<Vec<_>>()
    };
    let both = |a: &str, b: &str| {
        caller(&json!({"One": child(&json!({"row": a})), "Two": child(&json!({"row": b}))}))
    };
    let same = project(
        "same-row",
        &[("Parent", both("7", "7")), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&same), ["lost-update"; 2], "two calls at once, one row");
    assert!(same.unknown.is_empty(), "{:?}", same.unknown);
    let apart = project(
        "own-rows",
        &[("Parent", both("7", "8")), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&apart), [""; 0], "two calls at once, a row each");
    // The caller's second call waits for the answer of the first.
    let in_turn = caller(&json!({
        "One": child(&json!({"row": "7"})),
        "Two": after(child(&json!({"row": "@if(equals(body('One')?['old'], 0), '7', '7')"})), "One"),
    }));
    let waits = project(
        "in-turn",
        &[("Parent", in_turn.clone()), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&waits), [""; 0], "the answer comes when the row is written");
    let early = project("early", &[("Parent", in_turn), ("Child", counter(&on_request(), true))]);
    assert_eq!(lost(&early), ["lost-update"; 2], "the answer comes before the row is written");
}

#[test]
fn a_schedule_inside_a_child_runs_again() {
    let both =
        caller(&json!({"One": child(&json!({"row": "7"})), "Two": child(&json!({"row": "7"}))}));
    project("replayed", &[("Parent", both), ("Child", counter(&on_request(), false))]);
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let saved = root.join("replayed-witnesses");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flowrace"));
        let run = command.current_dir(&root).args(args).output().expect("the binary runs");
        (String::from_utf8_lossy(&run.stdout).into_owned(), run.status.code())
    };
    run(&["check", "replayed", "--witnesses", "replayed-witnesses"]);
    let files: Vec<PathBuf> = std::fs::read_dir(&saved)
        .expect("schedules were saved")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(files.len(), 3, "two of the parent, one of the child");
    for file in files {
        let (said, code) = run(&["replay", file.to_str().expect("a path of letters")]);
        assert_eq!(code, Some(1), "{said}");
    }
}

#[test]
fn a_child_whose_tail_cannot_be_placed_is_listed() {
    let get = |after_it: &str| {
        after(
            json!({"type": "Http", "inputs": {"method": "GET", "uri": "https://x.org/rows/7"}}),
            after_it,
        )
    };
    let answer = json!({"type": "Response", "inputs": {"statusCode": 200, "body": 1}});
    let nested = json!({"triggers": {"t": on_request()}, "actions": {
        "Try": {"type": "Scope", "actions": {"Answer": answer, "Get": get("Answer")}}}});
    let failing = json!({"triggers": {"t": on_request()}, "actions": {
        "Answer": {"type": "Response", "inputs": {"statusCode": 500}}}});
    let ending = json!({"triggers": {"t": on_request()}, "actions": {
        "Answer": answer, "End": after(json!({"type": "Terminate", "inputs": {"runStatus": "Failed"}}), "Answer")}});
    let mut handler = after(item("PATCH", &json!({}), &json!({"a": 1})), "Answer");
    handler["runAfter"]["Answer"] = json!(["Failed"]);
    let handling =
        json!({"triggers": {"t": on_request()}, "actions": {"Answer": answer, "Handle": handler}});
    let one = caller(&json!({"One": child(&json!({}))}));
    let in_a_loop = caller(
        &json!({"Each": {"type": "Foreach", "foreach": [1, 2], "actions": {"One": child(&json!({"row": 7}))},
        "runtimeConfiguration": {"concurrency": {"repetitions": 1}}}}),
    );
    for (name, parent, called) in [
        ("nested", &one, nested),
        ("failing", &one, failing),
        ("ending", &one, ending),
        ("handling", &one, handling),
        ("goes-on", &in_a_loop, counter(&on_request(), true)),
    ] {
        let flow = project(name, &[("Parent", parent.clone()), ("Child", called)]);
        assert_eq!(flow.unknown, ["operation workflow"], "{name}");
        assert!(
            flow.notes.iter().any(|n| n.contains("not looked into")),
            "{name}: {:?}",
            flow.notes
        );
    }
}

#[test]
fn a_child_that_cannot_stand_in_the_place_of_its_call_stays_a_call() {
    let one_at_a_time =
        json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let both =
        caller(&json!({"One": child(&json!({"row": "7"})), "Two": child(&json!({"row": "7"}))}));
    let flow =
        project("one-at-a-time", &[("Parent", both), ("Child", counter(&one_at_a_time, false))]);
    assert!(flow.findings.is_empty(), "{:?}", told(&flow));
    let itself = caller(
        &json!({"Again": json!({"type": "Workflow", "inputs": {"host": {"workflow": {"id": "Parent"}}}})}),
    );
    assert!(project("itself", &[("Parent", itself)]).findings.is_empty());
    let each = caller(
        &json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']", "actions": {"One": child(&json!({"row": "@item()"}))},
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}}),
    );
    let flow =
        project("own-variables", &[("Parent", each), ("Child", counter(&on_request(), false))]);
    assert!(flow.findings.is_empty(), "each call has variables of its own: {:?}", told(&flow));
}
