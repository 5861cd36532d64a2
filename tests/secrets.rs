//! No secret of a definition reaches any output: a canary in every place that can hold one, every format.

use std::path::PathBuf;
use std::process::Command;

/// Appears in every secret of the flow below and nowhere else.
const CANARY: &str = "CANARY7f3a";

/// A racy flow whose every value is, or holds, a secret, so that schedules, cells and unknowns would print it.
fn flow() -> String {
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{CANARY}{CANARY}.c2lnbmF0dXJl");
    let key = format!("{}{CANARY}AAAA==", "Ab1/".repeat(18));
    let call = |name: &str, inputs: serde_json::Value| {
        (name.to_owned(), serde_json::json!({"type": "Http", "inputs": inputs}))
    };
    let actions: serde_json::Map<String, serde_json::Value> = [
        call("Sas", serde_json::json!({"method": "PUT", "uri": format!("https://a.blob.core.windows.net/c/b?sv=1&sig={CANARY}%3D"), "body": jwt})),
        call("Header", serde_json::json!({"method": "PATCH", "uri": "https://x/y", "headers": {"Authorization": format!("Bearer {CANARY}"), "Ocp-Apim-Subscription-Key": CANARY}, "queries": {"code": CANARY},
            "authentication": {"type": "Basic", "username": "u", "password": CANARY}})),
        call("Text", serde_json::json!({"method": "POST", "uri": format!("https://u:{CANARY}@x/z"), "body": format!("AccountName=a;AccountKey={CANARY};Password={CANARY}"), "headers": {"x": key}})),
        ("Api".to_owned(), serde_json::json!({"type": "ApiConnection", "inputs": {"method": "get", "path": format!("/x?code={CANARY}"),
            "host": {"connection": {"name": "@parameters('$connections')['odd']['connectionId']"}}, "body": {"name": "password", "value": CANARY}}})),
        ("Compose".to_owned(), serde_json::json!({"type": "Compose", "inputs": format!("@concat('Bearer ', 'x', setProperty(json('{{}}'), 'secret', '{CANARY}'), '?sig={CANARY}', parameters('pass'))")})),
        ("Read".to_owned(), serde_json::json!({"type": "Compose", "inputs": format!("@concat(variables('password'), parameters('pass'), item(), 'Basic {CANARY}')")})),
        ("Set".to_owned(), serde_json::json!({"type": "SetVariable", "inputs": {"name": "password", "value": "@outputs('Read')"}, "runAfter": {"Read": ["Succeeded"]}})),
    ]
    .into_iter()
    .collect();
    serde_json::json!({
        "definition": {
            "parameters": {"pass": {"type": "SecureString", "defaultValue": CANARY}},
            "triggers": {"t": {"type": "Request", "inputs": {"headers": {"Authorization": CANARY}}}},
            "actions": {
                "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "password", "type": "string", "value": format!("{CANARY}0")}]}},
                "Loop": {"type": "Foreach", "foreach": [1, 2], "actions": actions, "runAfter": {"Init": ["Succeeded"]},
                    "runtimeConfiguration": {"concurrency": {"repetitions": 2}}},
            },
        },
        "parameters": {"pass": {"value": CANARY}},
        "kind": "Stateful",
    })
    .to_string()
}

/// Everything that a command says.
fn said(args: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_flowrace")).args(args).output().expect("the binary runs");
    assert_ne!(output.status.code(), Some(101), "{args:?}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn no_format_prints_a_secret() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secrets");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join("flow.json");
    std::fs::write(&file, flow()).expect("the flow can be written");
    let path = file.to_str().expect("the path is text");
    let refused = said(&["check", path, "--format", "?"]);
    let formats =
        refused.split("[possible values: ").nth(1).and_then(|rest| rest.split(']').next());
    let all: Vec<&str> = formats.expect("the formats are listed").split(", ").collect();
    assert!(all.contains(&"json") && all.len() > 3, "{all:?}");
    for format in all {
        let text = said(&["check", path, "--format", format, "--max-states", "3000"]);
        assert!(!text.contains(CANARY), "{format}: {text}");
        assert!(text.contains("password"), "the race on the variable is told: {format}: {text}");
    }
}

#[test]
fn no_problem_prints_a_secret() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secret-problems");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (n, part) in [
        format!(r#"{{"type": "Compose", "inputs": "@concat('{CANARY}"}}"#),
        format!(r#"{{"type": "Foreach", "foreach": "@x()", "runtimeConfiguration": {{"concurrency": {{"repetitions": "https://x?sig={CANARY}"}}}}}}"#),
        format!(r#"{{"type": "Http", "inputs": {{"method": "GET", "uri": "https://x?sig={CANARY}", "retryPolicy": {{"type": "Bearer {CANARY}"}}}}}}"#),
    ]
    .iter()
    .enumerate()
    {
        let file = folder.join(format!("{n}.json"));
        std::fs::write(&file, format!(r#"{{"triggers": {{}}, "actions": {{"A": {part}}}}}"#))
            .expect("the flow can be written");
        let text = said(&["check", file.to_str().expect("the path is text")]);
        assert!(!text.is_empty() && !text.contains(CANARY), "{text}");
    }
}
