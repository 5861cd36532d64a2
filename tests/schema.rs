//! `flowrace schema` against the parser: what the one takes, the other takes, on every model and on every model with one
//! thing wrong.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn schema() -> Value {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_flowrace"))
        .arg("schema")
        .output()
        .expect("the binary runs");
    serde_json::from_slice(&run.stdout).expect("the schema is JSON")
}

/// As much of JSON Schema 2020-12 as ours uses; a keyword that is not known here fails.
fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else { return schema == &json!(true) };
    let sub = |schema: &Value, value: &Value| valid(root, schema, value);
    keywords.iter().all(|(keyword, says)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let pointer = says.as_str().and_then(|r| r.strip_prefix('#')).expect("our own");
            sub(root.pointer(pointer).expect("a reference leads somewhere"), value)
        }
        "const" => says == value,
        "enum" => list(says).contains(value),
        "type" => match says {
            Value::Array(any) => any.iter().any(|name| is(name, value)),
            one => is(one, value),
        },
        "required" => {
            value.as_object().is_none_or(|o| list(says).iter().all(|k| o.contains_key(text(k))))
        }
        "properties" => value.as_object().is_none_or(|o| {
            o.iter().all(|(key, member)| says.get(key).is_none_or(|s| sub(s, member)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|o| {
            let named = |key: &str| schema["properties"].get(key).is_some();
            o.iter().all(|(key, member)| named(key) || sub(says, member))
        }),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| sub(says, item))),
        "prefixItems" => value
            .as_array()
            .is_none_or(|items| items.iter().zip(list(says)).all(|(item, s)| sub(s, item))),
        "minItems" => value.as_array().is_none_or(|i| i.len() as u64 >= number(says)),
        "maxItems" => value.as_array().is_none_or(|i| i.len() as u64 <= number(says)),
        "minimum" => value.as_f64().is_none_or(|n| n >= says.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|n| n <= says.as_f64().expect("a number")),
        "oneOf" => list(says).iter().filter(|s| sub(s, value)).count() == 1,
        other => panic!("keyword {other} is not known to this test"),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn is(name: &Value, value: &Value) -> bool {
    match text(name) {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        other => panic!("type {other} is not known to this test"),
    }
}

fn models() -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    for folder in std::fs::read_dir(root).expect("models/ is there") {
        let folder = folder.expect("readable").path();
        for file in std::fs::read_dir(&folder).into_iter().flatten() {
            let file = file.expect("readable").path();
            if file.extension().is_some_and(|e| e == "json") {
                let text = std::fs::read_to_string(&file).expect("readable");
                found.push((file, serde_json::from_str(&text).expect("JSON")));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Whether the parser takes it; what it means is not asked.
fn parses(model: &Value) -> bool {
    let text = model.to_string();
    let none = |path: &str| -> Result<_, flowrace::definition::problem::Problem> {
        panic!("nothing imports here: {path}")
    };
    let beside = flowrace::definition::beside::Beside::default();
    let parsed = flowrace::definition::parse("m.json", &text, &beside, &none);
    parsed.iter().all(|one| one.problems.is_empty())
}

#[test]
fn every_model_keeps_to_the_schema_and_names_it() {
    let schema = schema();
    let models = models();
    assert!(models.len() > 50);
    for (file, model) in models {
        assert!(valid(&schema, &schema, &model), "{}", file.display());
        assert_eq!(model["$schema"], "../../schema/flowrace.schema.json", "{}", file.display());
    }
}

/// Every place where a key may stand, by pointer.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                objects(member, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn what_the_parser_refuses_the_schema_refuses() {
    let schema = schema();
    let mut refused = 0;
    for (file, model) in models() {
        let mut places = Vec::new();
        objects(&model, "", &mut places);
        for place in places {
            let mut wrong = model.clone();
            let object = wrong.pointer_mut(&place).and_then(Value::as_object_mut);
            object.expect("an object").insert("misspelt".into(), json!(1));
            let both = (parses(&wrong), valid(&schema, &schema, &wrong));
            // Names of groups, cells and loops are the parser's alone to know.
            assert!(both.0 || !both.1 || knows(&place), "{} at {place}", file.display());
            assert!(!both.0 || both.1, "the schema is too strict: {} at {place}", file.display());
            refused += u32::from(!both.1);
        }
    }
    assert!(refused > 300, "{refused}");
}

fn knows(place: &str) -> bool {
    ["/scope/items", "/expect/outcomes"].iter().any(|end| place.ends_with(end))
        || place.ends_with("/runAfter")
        || place.ends_with("/cases")
        || place.contains("/cases/")
}

#[test]
fn every_kind_of_step_is_in_the_schema() {
    let kinds = schema()["$defs"]["step"]["oneOf"].clone();
    let kinds: Vec<&str> = list(&kinds).iter().map(|kind| text(&kind["required"][0])).collect();
    let model = json!({ "flowrace": 1, "flow": [ { "nothing": 1 } ] }).to_string();
    let report = flowrace::check::check_text("m.json", &model, &flowrace::check::Config::default());
    let said = report.problems[0].to_string();
    let known = said.split("the kinds are ").nth(1).and_then(|rest| rest.split(" (").next());
    assert_eq!(known.expect(&said).split(", ").collect::<Vec<_>>(), kinds, "{said}");
}
