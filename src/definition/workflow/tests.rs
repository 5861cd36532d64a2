use super::*;
use crate::definition::ast::{Action, ActionKind, Platform, Status};

fn read(text: &str) -> (Definition, Vec<String>) {
    let doc = Document::parse("f.json", text).unwrap();
    let (definition, problems) = parse(&doc).expect("a flow");
    (definition.expect("actions"), problems.iter().map(ToString::to_string).collect())
}

fn check(actions: &str, expected: &[&str]) {
    let (_, said) = read(&format!("{{\"triggers\": {{}}, \"actions\": {{\n{actions}}}}}"));
    let fits = said.len() == expected.len()
        && said.iter().zip(expected).all(|(said, start)| said.starts_with(start));
    assert!(fits, "{actions}\nsaid {said:#?}\nexpected {expected:#?}");
}

fn actions(text: &str) -> Vec<Action> {
    let (mut definition, problems) =
        read(&format!("{{\"triggers\": {{}}, \"actions\": {{{text}}}}}"));
    assert_eq!(problems, Vec::<String>::new());
    definition.flows.remove(0).actions
}

#[test]
fn containers() {
    let platform = |text: &str| read(text).0.platform;
    let d = r#"{"actions": {}}"#;
    let pa = Some(Platform::PowerAutomate);
    let la = Some(Platform::LogicApps);
    assert_eq!(
        platform(&format!(
            r#"{{"properties": {{"definition": {d}}}, "schemaVersion": "1.0.0.0"}}"#
        )),
        pa
    );
    assert_eq!(
        platform(&format!(
            r#"{{"type": "Microsoft.Logic/workflows", "properties": {{"definition": {d}}}}}"#
        )),
        la
    );
    assert_eq!(platform(&format!(r#"{{"definition": {d}, "kind": "Stateful"}}"#)), la);
    assert_eq!(platform(r#"{"actions": {}, "triggers": {}}"#), None);
    assert_eq!(
        platform(r#"{"actions": {}, "triggers": {}, "parameters": {"$authentication": {}}}"#),
        pa
    );
    assert_eq!(
        platform(
            r#"{"actions": {"S": {"type": "Scope", "actions": {"A": {"type": "ServiceProvider"}}}}}"#
        ),
        la
    );
    let none = Document::parse("f.json", r#"{"actions": ["build"]}"#).unwrap();
    assert!(parse(&none).is_none());
}

#[test]
fn control_and_settings() {
    let found = actions(
        r#""L": {"type": "foreach", "foreach": "@x()", "operationOptions": "Sequential", "actions": {
            "U": {"type": "Until", "expression": "@y()", "limit": {"count": "5"}, "operationOptions": "FailWhenLimitsReached", "actions": {}}}},
        "M": {"type": "Foreach", "foreach": "@x()", "runtimeConfiguration": {"concurrency": {"repetitions": "20"}},
            "runAfter": {"l": ["SUCCEEDED", "TimedOut"]}},
        "H": {"type": "Http", "inputs": {"method": "patch", "uri": "u", "retryPolicy": {"type": "fixed", "count": 2, "interval": "PT1M30S"}}}"#,
    );
    let ActionKind::Foreach { concurrency: Some(1), actions, .. } = &found[0].kind else {
        panic!()
    };
    assert!(matches!(
        actions[0].kind,
        ActionKind::Until { limit: Some(5), fail_at_limit: true, .. }
    ));
    assert_eq!(actions[0].at.pointer, "/actions/L/actions/U");
    assert!(matches!(found[1].kind, ActionKind::Foreach { concurrency: Some(20), .. }));
    let after = &found[1].run_after[0];
    assert_eq!(
        (after.action.as_str(), &after.statuses[..]),
        ("L", &[Status::Succeeded, Status::TimedOut][..])
    );
    assert_eq!(found[2].retry.as_ref().map(|retry| (retry.count, retry.interval)), Some((2, 90)));
}

#[test]
fn calls() {
    let found = actions(
        r#""A": {"type": "OpenApiConnection", "inputs": {"host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline",
            "operationId": "PatchItem"}, "parameters": {"item/Title": "x"}}},
        "B": {"type": "ApiConnection", "inputs": {"method": "get", "path": "/x", "host": {"connection": {"name":
            "@parameters('$connections')['office365_1']['connectionId']"}}}},
        "C": {"type": "Frobnicate", "inputs": {"a": 1}}"#,
    );
    let call = |n: usize| match &found[n].kind {
        ActionKind::Call(call) => {
            let names: Vec<&str> = call.parameters.keys().map(String::as_str).collect();
            format!("{} {} {}", call.connector, call.operation, names.join(","))
        }
        _ => panic!("a call"),
    };
    assert_eq!(call(0), "shared_sharepointonline PatchItem item/Title");
    assert_eq!(call(1), "office365 GET /x method,path");
    assert_eq!(call(2), "frobnicate  a");
}

#[test]
fn several_variables_are_a_chain() {
    let found = actions(
        r#""I": {"type": "InitializeVariable", "runAfter": {"X": ["Failed"]}, "inputs": {"variables": [
            {"name": "a", "type": "Integer", "value": 1}, {"name": "b", "type": "array"}]}}"#,
    );
    let names: Vec<_> =
        found.iter().map(|a| (a.name.as_str(), a.run_after[0].action.as_str())).collect();
    assert_eq!(names, [("I.a", "X"), ("I", "I.a")]);
}

#[test]
fn problems() {
    check(
        r#""A": {"type": "Scope", "actions": {"a": {"type": "Compose"}}},
"B": {"type": "Compose", "runAfter": {"A": ["Suceeded"]}}, "C": {}, "D": {"type": "If"},
"E": {"type": "Foreach", "foreach": "@x()", "runtimeConfiguration": {"concurrency": {"repetitions": 51}}},
"F": {"type": "Foreach", "foreach": "@x()", "operationOptions": "Sequential", "runtimeConfiguration": {"concurrency": {"repetitions": 1}}},
"G": {"type": "Compose", "runAfter": null}, "H": {"type": "Compose", "runAfter": []}, "I": {"type": "Compose", "runAfter": {"A": []}}"#,
        &[
            "f.json:2:36: action name \"a\" is used twice; first at line 2 column 1; names are unique",
            "f.json:3:45: unknown status \"Suceeded\"; expected one of Succeeded, Failed, Skipped, TimedOut, Cancelled; did you mean",
            "f.json:3:65: action \"C\" has no \"type\"",
            "f.json:3:74: this action needs \"expression\"",
            "f.json:4:101: \"repetitions\" is 51; expected a whole number from 1 to 50",
            "f.json:5:135: both \"Sequential\" and \"repetitions\"",
        ],
    );
}

/// Not run by the suite's own data: every export of a folder named by `FLOWRACE_CORPUS`.
#[test]
fn corpus() {
    let Ok(folder) = std::env::var("FLOWRACE_CORPUS") else { return };
    let (sources, problems) = crate::source::read(&[folder.into()]);
    let mut counts = BTreeMap::new();
    let mut said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for source in sources {
        let load = |_: &str| Err(Problem { at: Location::default(), message: String::new() });
        let (definition, problems, flow) =
            crate::definition::parse(&source.path, &source.text, &load);
        *counts.entry((flow, definition.is_some(), problems.is_empty())).or_insert(0) += 1;
        said.extend(problems.iter().map(ToString::to_string));
        if !flow {
            said.push(format!("no flow: {}", source.path));
        }
        let faults = definition
            .map_or(0, |d| crate::definition::order::check_all(&d.flows[0].actions).len());
        if faults > 0 {
            said.push(format!("{} graph faults: {}", faults, source.path));
        }
    }
    // Templates and packages are not read yet; what is read, is read without a problem but for broken files.
    let clean = counts.get(&(true, true, true)).copied().unwrap_or(0);
    assert!(clean >= 400, "{counts:?}\n{}", said.join("\n"));
}
