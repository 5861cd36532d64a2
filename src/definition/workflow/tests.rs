//! Definitions: containers in all the forms that exports have.

use super::*;
use crate::definition::ast::{Action, ActionKind, Platform, Status};

fn read(text: &str) -> (Definition, Vec<String>) {
    let doc = Document::parse("f.json", text).unwrap();
    let parsed = parse(&doc, &Beside::default()).pop().expect("a flow");
    let problems = parsed.problems.iter().map(ToString::to_string).collect();
    (parsed.definition.expect("actions"), problems)
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
    assert!(parse(&none, &Beside::default()).is_empty());
}

fn one(path: &str, text: &str) -> Definition {
    let doc = Document::parse(path, text).unwrap();
    let parsed = parse(&doc, &Beside::default()).pop().expect("a flow");
    assert_eq!(parsed.problems, []);
    parsed.definition.unwrap()
}

#[test]
fn more_containers() {
    let a = r#"{"type": "OpenApiConnection", "inputs": {"host": {"operationId": "GetItem"}}, "runAfter": {"X": ["Succeeded"]}}"#;
    // Pasted from the code view, with a name or without; from the clipboard; a whole scope.
    for (text, name, pointer) in [
        (a.to_owned(), "f", ""),
        (format!(r#"{{"Get_item": {a}}}"#), "Get_item", "/Get_item"),
        (
            format!(r#"{{"id": "1", "operationName": "Get_it", "operationDefinition": {a}}}"#),
            "Get_it",
            "/operationDefinition",
        ),
        (
            format!(
                r#"{{"type": "Scope", "actions": {{"B": {a}, "X": {{"type": "Compose", "inputs": 1}}}}}}"#
            ),
            "f",
            "",
        ),
    ] {
        let found = one("f.json", &text);
        let action = &found.flows[0].actions[0];
        assert_eq!((action.name.as_str(), action.at.pointer.as_str()), (name, pointer), "{text}");
        assert!(action.run_after.is_empty());
    }
    let d = r#"{"actions": {"A": {"type": "Compose", "inputs": 1}}}"#;
    let run = format!(
        r#"{{"type": "Microsoft.Logic/workflows/runs", "properties": {{"workflow": {{"properties": {{"definition": {d}}}}}}}}}"#
    );
    assert_eq!(one("f.json", &run).platform, Some(Platform::LogicApps));
    let gallery = format!(
        r#"{{"type": "Microsoft.Logic/galleries/templates", "properties": {{"displayName": "N", "definition": {d}}}}}"#
    );
    let gallery = one("f.json", &gallery);
    assert_eq!((gallery.name.as_str(), gallery.platform), ("N", Some(Platform::LogicApps)));
    let list = format!(
        r#"{{"value": [{{"x": 1}}, {{"name": "L", "type": "Microsoft.Logic/workflows", "properties": {{"definition": {d}}}}}]}}"#
    );
    let list = one("f.json", &list);
    assert_eq!(
        (list.name.as_str(), list.flows[0].at.pointer.as_str()),
        ("L", "/value/1/properties/definition")
    );
    let solution =
        format!(r#"{{"properties": {{"definition": {d}}}, "schemaVersion": "1.0.0.0"}}"#);
    assert_eq!(one("Count-1AD90513-B7A0-ED11-AAD1-0022482A43B9.json", &solution).name, "Count");
    for no in [
        r#"{"type": "object", "properties": {}}"#,
        r#"{"name": "x", "actions": {}}"#,
        "[]",
        "{}",
        r#"{"type": "Scope", "actions": {}, "jobs": 1}"#,
    ] {
        assert!(
            parse(&Document::parse("f.json", no).unwrap(), &Beside::default()).is_empty(),
            "{no}"
        );
    }
}

#[test]
fn client_data_has_its_places_in_the_row() {
    let inner =
        r#"{"properties": {"definition": {"actions": {"Ä\"": {"type": "Compose", "inputs": 1}}}}}"#;
    let text = serde_json::json!({"name": "Row", "clientdata": inner}).to_string();
    let text = text.replace('Ä', "\\u00c4");
    let found = one("row.json", &text);
    let action = &found.flows[0].actions[0];
    assert_eq!((found.name.as_str(), action.name.as_str()), ("Row", "Ä\""));
    assert_eq!(action.at.pointer, "/clientdata/properties/definition/actions/Ä\"");
    let place = text.find(r#"{\"type"#).unwrap() + 1;
    assert_eq!((action.at.line, action.at.column as usize), (1, place));
}

#[test]
fn a_project_says_the_default_degree_and_the_connectors() {
    let text = r#"{"definition": {"actions": {"L": {"type": "Foreach", "foreach": "@x()", "actions": {
        "C": {"type": "ServiceProvider", "inputs": {"serviceProviderConfiguration": {"connectionName": "b", "operationId": "o", "serviceProviderId": "/serviceProviders/AzureBlob"}}},
        "D": {"type": "ApiConnection", "inputs": {"method": "get", "path": "/x", "host": {"connection": {"referenceName": "mine"}}}}}}}}, "kind": "Stateful"}"#;
    let doc = Document::parse("Orders/workflow.json", text).unwrap();
    let connectors = [("mine".to_owned(), "sharepointonline".to_owned())].into();
    let beside = Beside { degree: Some(7), connectors, ..Beside::default() };
    let definition = parse(&doc, &beside).pop().unwrap().definition.unwrap();
    let ActionKind::Foreach { concurrency: Some(7), actions, .. } =
        &definition.flows[0].actions[0].kind
    else {
        panic!()
    };
    let ActionKind::Call(call) = &actions[1].kind else { panic!() };
    assert_eq!((definition.name.as_str(), call.connector.as_str()), ("Orders", "sharepointonline"));
}

#[test]
fn what_is_odd_is_a_remark() {
    let text = r#"{"triggers": {}, "actions": {"A": {"type": "Compose", "inputs": "@f('x"}, "B": {"type": "SetVariable", "inputs": {}},
        "C": {"type": "SetVariable"}, "D": {"type": "Compose", "inputs": "@"}, "E": {"type": "If"}, "F": {"type": "Terminate"}}}"#;
    let notes = one("f.json", text).notes;
    assert_eq!(
        notes,
        [
            "no trigger: nothing starts this flow",
            "f.json:2:85: this action needs \"expression\"; taken as a value that nobody knows (at /actions/E)",
            "f.json:2:106: Terminate without \"runStatus\"; taken as Failed (at /actions/F)",
            "f.json:1:69: in the expression: text without its closing quote (at /actions/A/inputs); taken as a value that nobody knows",
            "B and 1 more without inputs: nobody has filled them in; they do nothing",
        ]
    );
}

#[test]
fn keys_given_twice_matter_inside_the_definition_only() {
    let read = |text: &str| {
        let load = |_: &str| Err(Problem { at: Location::default(), message: String::new() });
        crate::definition::parse("f.json", text, &Beside::default(), &load).pop().unwrap().problems
    };
    let d = r#"{"triggers": {}, "actions": {"A": {"type": "Compose", "type": "Scope"}}}"#;
    assert_eq!(read(&format!(r#"{{"definition": {d}}}"#)).len(), 1);
    assert_eq!(read(r#"{"tags": {"a": 1, "a": 2}, "definition": {"actions": {}}}"#), []);
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
            "f.json:4:101: \"repetitions\" is 51; expected a whole number from 1 to 50",
            "f.json:5:135: both \"Sequential\" and \"repetitions\"",
        ],
    );
}

/// Every export of a folder named by `FLOWRACE_CORPUS` is read: without a problem, and with all its flows.
#[test]
fn corpus() {
    let Ok(folder) = std::env::var("FLOWRACE_CORPUS") else { return };
    let sources = crate::source::read(&[folder.into()]);
    let mut said: Vec<String> = sources.problems.iter().map(ToString::to_string).collect();
    let (mut files, mut flows) = (0, 0);
    for source in &sources.texts {
        let load = |_: &str| Err(Problem { at: Location::default(), message: String::new() });
        let parsed = crate::definition::parse(&source.path, &source.text, &source.beside, &load);
        files += usize::from(!parsed.is_empty());
        flows += parsed.len();
        if parsed.is_empty() && !source.path.contains(".zip!/") {
            said.push(format!("no flow: {}", source.path));
        }
        for one in parsed {
            said.extend(one.problems.iter().map(ToString::to_string));
            let flow = one.definition.as_ref().and_then(|definition| definition.flows.first());
            let faults =
                flow.map_or(0, |flow| crate::definition::order::check_all(&flow.actions).len());
            if faults > 0 {
                said.push(format!("{faults} graph faults: {}", source.path));
            }
        }
    }
    assert!(said.is_empty(), "{files} files, {flows} flows\n{}", said.join("\n"));
}
