//! Rows 26, 27, 30 and 38: design models, their expressions, what they import.

use super::{GOOD, Here, export};
use serde_json::json;

/// Row 26; each kind and key by itself: `definition::design::tests`.
#[test]
fn all_that_is_wrong_with_a_model_is_told_at_once() {
    let here = Here::new("row-26");
    let model = "{ \"flowrace\": 1, \"nmae\": \"x\",
  \"state\": { \"m\": { \"kind\": \"itm\" }, \"n\": { \"kind\": \"item\", \"fields\": { \"a\": 1 } } },
  \"flow\": [
    { \"name\": \"A\", \"composse\": 1 },
    { \"forEach\": \"x\", \"items\": 2 },
    { \"name\": 3, \"get\": \"n\" },
    { \"name\": \"B\", \"get\": \"nn\" },
    { \"name\": \"C\", \"update\": \"n\", \"set\": [] },
    { \"forEach\": \"y\", \"items\": 1, \"concurrency\": 0, \"do\": [] },
    { \"forEach\": \"z\", \"items\": 1, \"concurrency\": 51, \"do\": [] },
    { \"name\": \"D\", \"compose\": \"@add(1\" },
    { \"name\": \"E\", \"compose\": 1, \"runAfter\": { \"Aa\": [\"Suceeded\"] } } ] }";
    here.write("f.json", model);
    let mut said = here.run(&["check", "f.json", "good.json"]).is(2).says("good.json, ");
    for message in [
        "1:18: unknown key \"nmae\" in a design model; did you mean \"name\"?",
        "2:29: \"kind\" is \"itm\"; expected one of ",
        "4:20: unknown step kind \"composse\"; did you mean \"compose\"?",
        "5:5: a forEach step without \"do\"",
        "6:15: \"name\" is 3; expected a text",
        "7:27: no group \"nn\" in \"state\"; ",
        "8:42: \"set\" is an array; expected an object",
        "9:50: \"concurrency\" is 0; expected a whole number from 1 to 50",
        "10:50: \"concurrency\" is 51; expected a whole number from 1 to 50",
        "11:38: in the expression: found its end at character 6; expected \",\" or \")\"",
        "12:55: unknown status \"Suceeded\"; expected one of ",
    ] {
        said = said.tells(&format!("f.json:{message}"));
    }
    assert!(said.err.contains("the kinds are get, update, "), "{}", said.err);
    assert!(said.err.contains("did you mean \"item\"?"), "{}", said.err);
    assert!(said.err.contains("did you mean \"Succeeded\"?"), "{}", said.err);
    for (model, message) in [
        ("{\"flowrace\": 1}", "1:1: no steps; expected one of \"flow\", \"flows\", \"import\""),
        ("{\"flowrace\": 1, \"flow\": 3}", "1:25: \"flow\" is 3; expected an array"),
        ("{\"flowrace\": 1, \"flows\": {}}", "1:26: \"flows\" names no flow"),
        ("{\"flowrace\": 1, \"flow\": [3]}", "1:26: element 0 is 3; expected an object"),
    ] {
        here.refused("f.json", model, &format!("f.json:{message}"));
    }
    for other in ["{}", "[]", "3", "null", "\"flow\"", "{\"definition\": {\"actions\": []}}"] {
        let message = "f.json: not a flow; expected a design model or a workflow definition";
        here.refused("f.json", other, message);
    }
}

/// Row 27.
#[test]
fn a_model_of_another_version_is_told() {
    let here = Here::new("row-27");
    let version = |written: &str| format!("{{\"flowrace\": {written}, \"flow\": []}}");
    let newer = "f.json:1:14: made for a newer flowrace; this one reads 1 (at /flowrace)";
    here.refused("f.json", version("2"), newer);
    here.refused("f.json", version("999"), newer);
    for (written, shown) in [("0", "0"), ("\"1\"", "\"1\""), ("null", "null"), ("1.5", "1.5")] {
        let message = format!("f.json:1:14: \"flowrace\" is {shown}; expected 1 (at /flowrace)");
        here.refused("f.json", version(written), &message);
    }
}

/// Row 30. What cannot be read is told where it is inside its text, and what spells it may be longer than it is. In
/// an export it is a value that nobody knows, because exports in use have such expressions.
#[test]
fn an_expression_is_wrong_where_it_is_wrong() {
    let here = Here::new("row-30");
    let long = format!("@{}true{}", "not(".repeat(100_000), ")".repeat(100_000));
    for (written, column, message) in [
        ("\"@{\"", 5, "found its end at character 1; expected a function"),
        (
            "\"a @{outputs('A')\"",
            19,
            "found its end at character 13; expected \"}\" at the end of \"@{\"",
        ),
        ("\"@add(1, 2\"", 12, "found its end at character 9; expected \",\" or \")\""),
        ("\"\\u00e9 \\\"x\\\" @{add(1, }\"", 25, "found \"}\" at character 8; expected a function"),
        ("\"\u{1F600}\\n@{add(1,, 2)}\"", 14, "found \",\" at character 7; expected a function"),
        ("\"@concat('x)\"", 11, "text without its closing quote"),
        ("\"@add(1, 2.3.4)\"", 11, "\"2.3.4\" is no number"),
        ("\"@f(\\\"x\\\")\"", 6, "found \"\"\" at character 3; expected text in single quotes"),
        (&format!("\"{long}\""), 408, "nested deeper than 100"),
    ] {
        let model = format!(
            "{{\"flowrace\": 1, \"flow\": [{{ \"name\": \"A\", \"compose\":\n {written} }}]}}"
        );
        let fault = format!("in the expression: {message}");
        here.refused("f.json", model, &format!("f.json:2:{column}: {fault}"));
        let flow = format!(
            "{{\"triggers\": {{\"t\": {{}}}}, \"actions\": {{\"A\": {{\"type\": \"Compose\", \"inputs\":\n {written}}}}}}}"
        );
        let said = here.taken("f.json", flow, 0).says("safe: nothing is shared");
        let said = said.says(&format!("note: f.json:2:{column}: in the expression: "));
        let flat = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("; taken as a value that nobody knows"), "{flat}");
    }
    // A condition may be written without its `@`.
    let model =
        "{\"flowrace\": 1, \"flow\": [{ \"name\": \"A\", \"then\": [], \"if\":\n \"equals(1,\" }]}";
    here.refused("f.json", model, "f.json:2:12: in the expression: found its end");
    let compose = |text: &str| export(&json!({"A": {"type": "Compose", "inputs": text}}));
    here.taken("f.json", compose("@@literal"), 0);
    here.taken("f.json", compose(&format!("@concat('{}')", "x".repeat(1 << 20))), 0);
    for (text, opaque) in [
        ("@invented(1)", "function invented"),
        ("@add(1)", "function add of 1 arguments"),
        ("@outputs('no such')", "outputs('no such')"),
    ] {
        here.taken("f.json", compose(text), 0).says(&format!("not modelled: {opaque}; "));
    }
}

/// Row 38.
#[test]
fn imports_come_from_files_and_go_round_in_no_circle() {
    let here = Here::new("row-38");
    let import = |path: &str| json!({"flowrace": 1, "import": path}).to_string();
    here.write("b.json", import("a.json"));
    here.refused(
        "a.json",
        import("b.json"),
        "b.json:1:24: imports go round in a circle: a.json imports b.json imports a.json",
    );
    for (path, message) in [
        ("./sub/../self.json", "imports go round in a circle: self.json imports self.json"),
        ("gone.json", "cannot import: gone.json: no such file or folder"),
        ("../../none/x.json", "cannot import: ../../none/x.json: no such file or folder"),
        ("/none/x.json", "cannot import: /none/x.json: no such file or folder"),
        ("C:\\none\\x.json", "cannot import: C:/none/x.json: no such file or folder"),
        ("https://example.com/x.json", "nothing is fetched from the net; expected a path"),
        ("file:///etc/passwd", "nothing is fetched from the net; expected a path"),
        (".", "\"import\" is \".\"; expected the path of a file, relative to this one"),
        ("", "\"import\" is \"\"; expected the path of a file, relative to this one"),
        ("sub", "cannot import: sub: a folder or zip; expected a file"),
    ] {
        std::fs::create_dir_all(here.path("sub")).expect("it can be made");
        here.refused("self.json", import(path), &format!("self.json:1:24: {message}"));
    }
    // Relative to the file, not to where the command runs; a long chain ends.
    here.write("sub/a.json", import("b.json"));
    here.write("sub/b.json", GOOD);
    here.run(&["check", "sub/a.json"]).is(0).silent().says("safe");
    for n in 0..300 {
        here.write(&format!("chain/{n}.json"), import(&format!("{}.json", n + 1)));
    }
    here.write("chain/300.json", GOOD);
    here.run(&["check", "chain/0.json"]).is(0).silent().says("safe");
}
