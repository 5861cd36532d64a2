//! Design models: what is taken, and what is said about the rest.

use super::*;
use crate::definition::ast::{Call, Over, Status};

fn no_import(path: &str) -> Result<Document, Problem> {
    Err(Problem {
        at: Location { path: path.to_owned(), ..Location::default() },
        message: "no such file".to_owned(),
    })
}

/// What is wrong with a model, a line each.
fn problems(text: &str) -> Vec<String> {
    let doc = Document::parse("m.json", text).unwrap();
    let (definition, problems) = parse(&doc, &no_import);
    assert_eq!(definition.is_some(), problems.is_empty(), "a definition or a reason");
    problems.iter().map(ToString::to_string).collect()
}

fn check(text: &str, expected: &[&str]) {
    let said = problems(text);
    let fits = said.len() == expected.len()
        && said.iter().zip(expected).all(|(said, start)| said.starts_with(start));
    assert!(fits, "{text}\nsaid {said:#?}\nexpected {expected:#?}");
}

/// Problems of these steps, with one group of each kind.
fn check_steps(steps: &str, expected: &[&str]) {
    let state = r#"{"v": {"kind": "variable", "value": 0}, "item": {"kind": "item", "fields": {"A": 1}},
        "rows": {"kind": "table", "rows": [], "key": ["K"]}, "blob": {"kind": "blob"}}"#;
    check(&format!("{{\"flowrace\": 1, \"state\": {state}, \"flow\":\n[{steps}]}}"), expected);
}

fn actions(text: &str) -> Vec<Action> {
    let doc = Document::parse("m.json", text).unwrap();
    let (definition, problems) = parse(&doc, &no_import);
    assert_eq!(problems, vec![], "{text}");
    definition.unwrap().flows.remove(0).actions
}

fn names(actions: &[Action]) -> Vec<&str> {
    actions.iter().map(|action| action.name.as_str()).collect()
}

#[test]
fn every_kind_of_step() {
    check_steps(
        r#"{"get": "item"}, {"get": "v"}, {"update": "rows", "set": {"A": 1}, "where": {"K": 1}, "ifMatch": "@x()"},
        {"list": "rows", "where": {}}, {"create": "rows", "row": {"K": 1}}, {"upsert": "rows", "key": {"K": 1}, "row": {}},
        {"delete": "rows", "where": {"K": 1}}, {"sql": "DELETE FROM rows"}, {"setVariable": "v", "value": null},
        {"increment": "v"}, {"decrement": "v", "by": 2}, {"append": "v", "value": 1},
        {"acquireLease": "blob", "seconds": 60, "retry": {"count": 3, "interval": 1, "type": "fixed"}},
        {"renewLease": "blob"}, {"write": "blob", "value": 1, "lease": "@x()", "ifMatch": "@y()", "takes": [0, 10]},
        {"releaseLease": "blob", "lease": "@x()"}, {"send": "hello"}, {"compose": {"a": 1}},
        {"forEach": "an order", "items": 1e9, "concurrency": 50, "do": []}, {"forEach": "x", "items": [1, "a"], "do": []},
        {"parallel": [[{"send": "a"}], []]}, {"if": "@true", "then": [], "else": []},
        {"switch": "@x()", "cases": {"a": [], "b": []}, "default": []}, {"switch": "@x()", "cases": [{"case": 1, "do": []}]},
        {"until": "@true", "limit": 3, "do": []}, {"scope": "all", "allOrNothing": true, "do": []},
        {"wait": "@true", "name": "W", "runAfter": {"all": ["Failed"]}}, {"terminate": "Failed"}"#,
        &[],
    );
}

#[test]
fn names_and_order() {
    let found = actions(
        r#"{"flowrace": 1, "state": {"m": {"kind": "item", "fields": {}}}, "flow": [{"get": "m"}, {"get": "m"},
        {"name": "get_m_3", "get": "m", "runAfter": {}}, {"get": "m"}, {"forEach": "an order", "items": 2, "do": [
        {"parallel": []}, {"if": "@true", "then": []}]}, {"until": "@x()", "do": []}]}"#,
    );
    assert_eq!(names(&found), ["get_m", "get_m_2", "get_m_3", "get_m_4", "an order", "@x()"]);
    assert_eq!(found[0].run_after.len(), 0);
    assert_eq!(
        (found[1].run_after[0].action.as_str(), &found[1].run_after[0].statuses[..]),
        ("get_m", &[Status::Succeeded][..])
    );
    assert_eq!(found[2].run_after.len(), 0);
    assert_eq!(found[1].at.pointer, "/flow/1");
    let ActionKind::Foreach { over: Over::Count(2), actions, .. } = &found[4].kind else {
        panic!()
    };
    assert_eq!(
        (names(actions), actions[1].at.pointer.as_str()),
        (vec!["parallel", "If"], "/flow/4/do/1")
    );
    let ActionKind::Call(Call { connector, operation, parameters }) = &found[0].kind else {
        panic!()
    };
    assert_eq!((connector.as_str(), operation.as_str(), parameters.len()), ("cell", "get", 1));
}

#[test]
fn all_problems_at_once() {
    check_steps(
        r#"{"foreahc": "x", "do": []}, {"send": "a", "compose": 1}, 7, {},
{"forEach": "x", "items": -1, "concurency": 3, "do": []}, {"forEach": "y", "items": 2.5},
{"forEach": "z", "items": 1, "concurrency": 51, "do": 5}, {"name": "A", "send": "a"}, {"name": "a", "send": "b"},
{"send": "c", "runAfter": {"A": ["Suceeded"]}}, {"get": "itme"}, {"acquireLease": "item"}, {"get": "item", "retry": {"count": -1}}"#,
        &[
            "m.json:3:3: unknown step kind \"foreahc\"; did you mean \"forEach\"?; the kinds are get, update, ",
            "m.json:3:44: a step of two kinds, \"send\" and \"compose\"; keep \"send\" or split it (at /flow/1/compose)",
            "m.json:3:59: element 2 is 7; expected an object",
            "m.json:3:62: a step without a kind; the kinds are get",
            "m.json:4:27: \"items\" is -1; expected a whole number from 0 up",
            "m.json:4:31: unknown key \"concurency\" in a forEach step; did you mean \"concurrency\"?",
            "m.json:4:59: a forEach step without \"do\"",
            "m.json:4:85: \"items\" is 2.5; expected a whole number from 0 up",
            "m.json:5:45: \"concurrency\" is 51; expected a whole number from 1 to 50",
            "m.json:5:55: \"do\" is 5; expected an array",
            "m.json:5:96: name \"a\" is used twice; first at line 5 column 68; names are unique, whatever their case",
            "m.json:6:34: unknown status \"Suceeded\"; expected one of Succeeded, Failed, Skipped, TimedOut, Cancelled; did you mean \"Succeeded\"?",
            "m.json:6:57: no group \"itme\" in \"state\"; expected an item or a variable or a blob; did you mean \"item\"?",
            "m.json:6:83: acquireLease works on a blob; \"item\" is an item",
            "m.json:6:127: \"count\" is -1; expected a whole number from 0 up",
        ],
    );
}

#[test]
fn top_level() {
    check(
        r#"{"flowrace": 2}"#,
        &["m.json:1:14: made for a newer flowrace; this one reads 1 (at /flowrace)"],
    );
    check(r#"{"flowrace": "1"}"#, &["m.json:1:14: \"flowrace\" is \"1\"; expected 1"]);
    check(
        r#"{"flowrace": 1}"#,
        &["m.json:1:1: no steps; expected one of \"flow\", \"flows\", \"import\""],
    );
    check(
        r#"{"flowrace": 1, "flow": [], "flows": {"a": {"do": []}}}"#,
        &["m.json:1:29: expected only one of"],
    );
    check(
        r#"{"flowrace": 1, "flow": [], "stat": {}, "takes": [3, 1], "observe": ["x.y"], "platform": "pa",
        "expect": {"verdict": "fine", "outcomes": {"z": 3}}, "scope": {"items": {"ordr": 1}, "runs": 0}}"#,
        &[
            "m.json:1:29: unknown key \"stat\" in a design model; did you mean \"state\"?",
            "m.json:1:50: \"takes\" is an array; expected [min, max] in whole seconds",
            "m.json:1:70: no cell \"x.y\": \"state\" has no group \"x\"",
            "m.json:1:90: \"platform\" is \"pa\"; expected \"power-automate\" or \"logic-apps\"",
            "m.json:2:31: \"verdict\" is \"fine\"; expected one of safe, unsafe, inconclusive",
            "m.json:2:52: no cell \"z\": \"state\" has no group \"z\"",
            "m.json:2:57: \"z\" is 3; expected [min, max] or {\"exactly\": [...]}",
            "m.json:2:82: no loop \"ordr\" over items",
            "m.json:2:102: \"runs\" is 0; expected a whole number from 1 up",
        ],
    );
    check(
        r#"{"flowrace": 1, "flow": [], "state": {"a": {"kind": "blub"}, "b": {}, "c": {"kind": "variable", "fields": {}},
        "d": {"kind": "table", "unique": true}}}"#,
        &[
            "m.json:1:53: \"kind\" is \"blub\"; expected one of variable, item, table, blob; did you mean \"blob\"?",
            "m.json:1:67: group \"b\" has no \"kind\"; expected one of",
            "m.json:1:76: variable \"c\" has no \"value\"",
            "m.json:1:97: unknown key \"fields\" in group \"c\"; expected one of kind, value",
            "m.json:2:42: \"unique\" needs \"key\"",
        ],
    );
}

#[test]
fn imports() {
    let load = |path: &str| {
        let text = match path {
            "models/a.json" => r#"{"flowrace": 1, "import": "b.json"}"#,
            "models/b.json" => r#"{"flowrace": 1, "import": "../models/a.json"}"#,
            "models/c.json" => {
                r#"{"flowrace": 1, "state": {"v": {"kind": "variable", "value": 1}}, "flow": [{"get": "v"}]}"#
            }
            "models/none.json" => "{}",
            _ => return no_import(path),
        };
        Document::parse(path, text)
    };
    let import = |path: &str| {
        let text = format!("{{\"flowrace\": 1, \"import\": \"{path}\"}}");
        let (definition, problems) =
            parse(&Document::parse("models/m.json", &text).unwrap(), &load);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (definition.map(|d| (d.flows.len(), d.setup.state.len())), problems.join("\n"))
    };
    assert_eq!(import("./c.json"), (Some((1, 1)), String::new()));
    let circle = "models/b.json:1:27: imports go round in a circle: models/a.json imports models/b.json imports models/a.json (at /import)";
    assert_eq!(import("a.json"), (None, circle.to_owned()));
    assert_eq!(import("none.json").1, "models/m.json:1:27: \"none.json\" is no flow (at /import)");
    assert_eq!(
        import("x/y.json").1,
        "models/m.json:1:27: cannot import: models/x/y.json: no such file (at /import)"
    );
    assert!(import("https://example.com/f.json").1.contains("nothing is fetched from the net"));
}
