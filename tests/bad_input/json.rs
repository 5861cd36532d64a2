//! Rows 19 to 25: what is nearly JSON, or too much of it.

use super::{GOOD, Here, export};
use serde_json::json;

/// Row 19.
#[test]
fn what_is_nearly_json_is_told_where_it_goes_wrong() {
    let here = Here::new("row-19");
    let bad =
        |text: &str, message: &str| here.refused("f.json", text, &format!("f.json:{message}"));
    bad("{\"flowrace\": 1,\n \"flow\": [],\n}", "3:1: not valid JSON: trailing comma");
    bad("{\"flowrace\": 1, \"flow\": [1,]}", "1:28: not valid JSON: trailing comma");
    let comment = "not valid JSON: key must be a string; JSON has no comments";
    bad("{\n // why\n \"flowrace\": 1}", &format!("2:2: {comment}"));
    bad("{\n # why\n \"flowrace\": 1}", &format!("2:2: {comment}"));
    bad(
        "{\"flowrace\": /* one */ 1}",
        "1:14: not valid JSON: expected value; JSON has no comments",
    );
    bad(
        "{'flowrace': 1}",
        "1:2: not valid JSON: key must be a string; texts stand in double quotes",
    );
    bad("{\"flowrace\": 1, \"flow\": [", "1:25: not valid JSON: EOF while parsing a list");
    bad("{\"flowrace\": 1", "1:14: not valid JSON: EOF while parsing an object");
    bad("{\"flowrace\": 1, \"flow", "1:21: not valid JSON: EOF while parsing a string");
    bad("{\"flowrace\": 1} ]", "1:17: not valid JSON: trailing characters; expected one document");
    let two = format!("{}\n{GOOD}", GOOD.trim_end());
    let line = GOOD.trim_end().lines().count() + 1;
    bad(&two, &format!("{line}:1: not valid JSON: trailing characters; expected one document"));
    bad("{\"flowrace\": True}", "1:14: not valid JSON: expected value");
    bad("{\"flowrace\": NaN}", "1:14: not valid JSON: expected value");
}

/// Row 20; files too large to be opened: `files::a_large_file_is_not_read`, the limit of values to the number:
/// `definition::json::tests::many_values`.
#[test]
fn a_lot_of_json_is_refused_or_read() {
    let here = Here::new("row-20");
    let numbers = format!("{{\"flowrace\": 1, \"description\": [{}0]}}", "0,".repeat(1_000_000));
    here.refused("f.json", numbers, "f.json:1:20000");
    here.run(&["check", "f.json"]).is(2).tells("f.json:1:2000027: more than 1000000 values");
    let long = "x".repeat(20 << 20);
    let text =
        format!("{{\"flowrace\": 1, \"flow\": [{{ \"name\": \"A\", \"compose\": \"{long}\" }}]}}");
    let said = here.taken("f.json", text, 0).says("safe: nothing is shared");
    assert!(said.out.len() < 1000);
    let text = export(&json!({"A": {"type": "Compose", "inputs": long}}));
    here.taken("f.json", text, 0).says("safe: nothing is shared");
}

/// Row 21; the depth to the number: `definition::json::tests::depth`.
#[test]
fn depth_is_refused_before_anything_recurses() {
    let here = Here::new("row-21");
    let deeper = "nested deeper than 128";
    here.refused("f.json", "[".repeat(200_000), &format!("f.json:1:129: {deeper}"));
    here.refused("f.json", "{\"a\":".repeat(200_000), &format!("f.json:1:641: {deeper}"));
    let whole = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    here.refused(
        "f.json",
        format!("{{\"flowrace\": 1, \"flow\": {whole}}}"),
        "f.json:1:152: nested",
    );
    let scopes = |depth: usize| {
        let scope = |n: usize| format!("{{\"S{n}\": {{\"type\": \"Scope\", \"actions\": ");
        let open = (0..depth).map(scope).collect::<Vec<String>>().concat();
        let inner = "{\"A\": {\"type\": \"Compose\", \"inputs\": 1}}";
        format!(
            "{{\"definition\": {{\"triggers\": {{}}, \"actions\": {open}{inner}{}}}}}",
            "}}".repeat(depth)
        )
    };
    here.refused("f.json", scopes(100_000), "f.json:1:");
    here.run(&["check", "f.json"]).is(2).says("1 problem").tells("f.json:1:");
    // As deep as it can be read, it is lowered, checked and shown in every form.
    here.write("f.json", scopes(61));
    for format in ["text", "json", "sarif", "junit", "github", "azure", "markdown", "html"] {
        here.run(&["check", "f.json", "--format", format]).is(0).silent();
    }
    here.run(&["check", "f.json"]).says("note: actions stand 61 deep; the platform takes 8");
}

/// Row 22.
#[test]
fn keys_given_twice_are_told_with_both_places() {
    let here = Here::new("row-22");
    let twice = "is given twice; first at line 2 column 2; keep one (at /definition/actions/A";
    let actions = "{\"definition\": {\"triggers\": {}, \"actions\": {\n \"A\": {\"type\": \"Compose\"},\n \"A\": {\"type\": \"Compose\"}}}}";
    here.refused("f.json", actions, &format!("f.json:3:2: key \"A\" {twice})"));
    let after = "{\"definition\": {\"triggers\": {}, \"actions\": {\"A\": {\n \"runAfter\": {}, \"type\": \"Compose\",\n \"runAfter\": {}}}}}";
    here.refused("f.json", after, &format!("f.json:3:2: key \"runAfter\" {twice}/runAfter)"));
    let model = "{\"flowrace\": 1,\n \"flow\": [],\n \"flow\": []}";
    here.refused(
        "f.json",
        model,
        "f.json:3:2: key \"flow\" is given twice; first at line 2 column 2; keep one (at /flow)",
    );
}

/// Row 23; hostile names in every format: `report_hostile.rs` (tests).
#[test]
fn any_name_is_a_name_but_case_tells_none_apart() {
    let here = Here::new("row-23");
    let compose = json!({"type": "Compose", "inputs": 1});
    let clash = export(&json!({"Get": compose, "GET": compose}));
    here.refused("f.json", clash, "f.json:1:");
    here.run(&["check", "f.json"]).is(2).tells("f.json:1:").says("1 problem");
    let said = here.run(&["check", "f.json"]);
    assert!(
        said.err.contains("action name \"GET\" is used twice; first at line 1 column "),
        "{said:?}"
    );
    let long = "x".repeat(10_000);
    for name in ["it's", "a.b", "@x", "say \"hi\"", "\u{1F600}", "\u{5d0}\u{5d1}", "a/b~c", &long] {
        let quoted = name.replace('\'', "''");
        let next = format!("@add(variables('{quoted}'), 1)");
        let outputs = format!("@outputs('{quoted}')");
        let flow = json!({
            "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": name, "type": "integer", "value": 0}]}},
            "Loop": {"type": "Foreach", "foreach": "@triggerBody()", "runAfter": {"Init": ["Succeeded"]},
                "runtimeConfiguration": {"concurrency": {"repetitions": 5}}, "actions": {
                    name: {"type": "Compose", "inputs": next},
                    "Set": {"type": "SetVariable", "runAfter": {name: ["Succeeded"]}, "inputs": {"name": name, "value": outputs}}}},
        });
        let said = here.taken("f.json", export(&flow), 1);
        let said = said.says("error[lost-update]: Set overwrites an update it never saw");
        assert!(said.out.len() < 20_000, "{} bytes", said.out.len());
    }
}

/// Row 24.
#[test]
fn numbers_are_taken_or_told_with_what_is_allowed() {
    let here = Here::new("row-24");
    let counted = |items: &str| {
        format!(
            "{{\"flowrace\": 1, \"state\": {{ \"m\": {{ \"kind\": \"item\", \"fields\": {{ \"n\": 0 }} }} }}, \"flow\": [\n{{ \"forEach\": \"o\", \"items\": {items}, \"concurrency\": 5, \"do\": [\
             {{ \"name\": \"G\", \"get\": \"m\" }}, {{ \"name\": \"P\", \"update\": \"m\", \"set\": {{ \"n\": \"@add(outputs('G')?['n'], 1)\" }} }}] }}] }}"
        )
    };
    for (items, message) in [
        ("-1", "is -1; expected a whole number from 0 up"),
        ("2.5", "is 2.5; expected a whole number from 0 up"),
        (
            "18446744073709551616",
            "is 1.8446744073709552e+19; expected a whole number from 0 to 18446744073709551615",
        ),
        ("1e300", "is 1e+300; expected a whole number from 0 to 18446744073709551615"),
        (
            "true",
            "is true; expected a number of items, an array of values or an expression for one",
        ),
        (
            "null",
            "is null; expected a number of items, an array of values or an expression for one",
        ),
        (
            "\"5\"",
            "is \"5\"; expected a number of items, an array of values or an expression for one",
        ),
    ] {
        let message = format!("f.json:2:28: \"items\" {message} (at /flow/0/items)");
        here.refused("f.json", counted(items), &message);
    }
    here.refused("f.json", counted("1e400"), "f.json:2:32: not valid JSON: number out of range");
    here.taken("f.json", counted("-0"), 0).says("safe");
    here.taken("f.json", counted("2e0"), 1).says("error[lost-update]: P ");
    // Counted or given up with a reason; nobody makes a list of them.
    for items in ["1e9", "1000000000", "9223372036854775808", "18446744073709551615"] {
        let said = here.taken("f.json", counted(items), 3);
        said.says("inconclusive: a loop over ").says("too long to be listed; try --items ");
    }
    let constants = "[9223372036854775808, -9223372036854775809, -0, -0.0, 1e308, 5e-324, 123456789012345678901234567890]";
    let model =
        format!("{{\"flowrace\": 1, \"flow\": [{{ \"name\": \"A\", \"compose\": {constants} }}]}}");
    here.taken("f.json", model, 0);
    // Division by zero fails its action, and the check goes on.
    let model = "{\"flowrace\": 1, \"state\": { \"v\": { \"kind\": \"variable\", \"value\": 0 } }, \"flow\": [
        { \"name\": \"A\", \"compose\": \"@div(1, 0)\" },
        { \"name\": \"B\", \"setVariable\": \"v\", \"value\": 1, \"runAfter\": { \"A\": [\"Failed\"] } } ],
        \"finally\": [\"@equals(variables('v'), 1)\"] }";
    here.taken("f.json", model, 0).says("safe");
}

/// Row 25.
#[test]
fn letters_that_are_none_are_told_where_they_stand() {
    let here = Here::new("row-25");
    let bad = |text: &str, message: &str| {
        let model = format!("{{\"flowrace\": 1,\n\"name\": \"{text}\"}}");
        here.refused("f.json", model, &format!("f.json:{message}"));
    };
    let half = "half of a letter that takes two \\u escapes";
    bad("\\ud800", &format!("2:16: not valid JSON: unexpected end of hex escape; {half}"));
    bad("\\ud800\\u0041", "2:21: not valid JSON: lone leading surrogate in hex escape; half of");
    bad("\\udc00 ", "2:15: not valid JSON: ");
    let control = "not valid JSON: control character (\\u0000-\\u001F) found while parsing a string; written as \\n, \\t or \\u001F";
    bad("a\u{1}b", &format!("2:11: {control}"));
    bad("a\tb", &format!("2:11: {control}"));
    bad("a\nb", "3:");
    bad("\\x41", "2:11: not valid JSON: invalid escape");
}
