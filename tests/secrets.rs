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

/// SQL, and names that say it in short: every value that can be printed is one of a secret.
fn short_names() -> String {
    let sql = |text: &str| {
        serde_json::json!({"type": "OpenApiConnection", "runAfter": {}, "inputs": {
            "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sql", "connectionName": "s",
                "operationId": "ExecutePassThroughNativeQuery_V2"},
            "parameters": {"server": "s", "database": "d", "query/query": text}}})
    };
    let set = |name: &str, value: String| serde_json::json!({"type": "SetVariable", "runAfter": {}, "inputs": {"name": name, "value": value}});
    let patch = |value: &str| {
        serde_json::json!({"type": "OpenApiConnection", "runAfter": {}, "inputs": {
            "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "connectionName": "p", "operationId": "PatchItem"},
            "parameters": {"dataset": "https://x", "table": "T", "id": 5, "item/Title": value}}})
    };
    let when = serde_json::json!({"type": "If", "runAfter": {}, "actions": {"There": patch("@items('Loop')")},
        "expression": {"equals": ["@triggerBody()?['clientSecret']", CANARY]}});
    serde_json::json!({
        "definition": {
            "parameters": {"sqlPw": {"type": "String", "defaultValue": CANARY}},
            "triggers": {"t": {"type": "Request"}},
            "actions": {
                "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "pw", "type": "string", "value": CANARY}]}},
                "Loop": {"type": "Foreach", "foreach": "@triggerBody()?['rows']", "runAfter": {"Init": ["Succeeded"]},
                    "runtimeConfiguration": {"concurrency": {"repetitions": 2}},
                    "actions": {
                        "Set": set("pw", format!("{CANARY}@{{items('Loop')}}")),
                        "Sql": sql(&format!("UPDATE Users SET [Password] = N'{CANARY}', N = '@{{items('Loop')}}' WHERE Id = 5")),
                        "Row": sql(&format!("INSERT INTO Users (Id, N, Pwd) VALUES (6, '@{{items('Loop')}}', '{CANARY}')")),
                        "Here": patch("@concat(items('Loop'), parameters('sqlPw'))"),
                        "When": when,
                    }},
            },
        },
    })
    .to_string()
}

#[test]
fn no_secret_in_sql_or_under_a_short_name_is_printed() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("secrets-short");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join("flow.json");
    std::fs::write(&file, short_names()).expect("the flow can be written");
    let path = file.to_str().expect("the path is text");
    let kept = folder.join("witnesses");
    let witnesses = kept.to_str().expect("the path is text");
    for format in ["text", "json", "html", "markdown", "sarif", "junit", "github"] {
        let text = said(&["check", path, "--format", format, "-v", "--witnesses", witnesses]);
        assert!(!text.contains(CANARY), "{format}: {text}");
        assert!(text.contains("Title"), "the race on the row is told: {format}: {text}");
    }
    let files: Vec<_> = std::fs::read_dir(&kept).expect("schedules were kept").collect();
    assert!(!files.is_empty());
    for file in files {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a schedule is text");
        assert!(!text.contains(CANARY), "{}: {text}", path.display());
    }
}
