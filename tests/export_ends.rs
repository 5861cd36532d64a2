//! Where a run ends early, what only a failure starts, and what a call is told beside its address: each race beside the
//! same flow without it.

mod support;

use serde_json::{Value as Json, json};
use support::flows::{after, broken, call, checked, http, init, on_request, one_run, row, set};

const ID: &str = "@triggerBody()?['id']";

fn status(value: &str) -> Json {
    row("PatchItem", ID, &json!({"Status": value}))
}

/// A run that has said that it failed says nothing else; of two runs about one row either may be the last.
#[test]
fn what_comes_after_terminate_does_not_happen() {
    let end = json!({"type": "Terminate", "inputs": {"runStatus": "Succeeded"}});
    let flow = |ends: bool| {
        let mut failed = json!({"Failed": status("Failed")});
        if ends {
            failed["End"] = after(end.clone(), "Failed");
        }
        let check = json!({"type": "If", "expression": {"equals": ["@triggerBody()?['x']", 1]}, "actions": failed});
        json!({"If": check, "Created": after(status("Created"), "If")})
    };
    assert_eq!(broken("ends-early", &flow(true)), ["last-writer-wins"]);
    assert_eq!(
        broken("ends-late", &flow(false)),
        [""; 0],
        "whoever failed is created all the same"
    );
}

/// Nothing of a loop happens after the run has ended.
#[test]
fn a_loop_after_terminate_never_starts() {
    let flow = |ends: bool| {
        let body = json!({"Set": set("v", "@{item()}"),
            "Post": after(http("POST", "https://x.com/p", &json!("@variables('v')")), "Set")});
        let looped =
            json!({"type": "Foreach", "foreach": "@triggerBody()?['list']", "actions": body});
        let before = if ends {
            json!({"type": "Terminate", "inputs": {"runStatus": "Failed"}})
        } else {
            json!({"type": "Compose", "inputs": 1})
        };
        json!({"Init": init("v", "string", ""), "Before": after(before, "Init"), "Loop": after(looped, "Before")})
    };
    let logic = |name: &str, ends| {
        checked(name, &one_run(), &flow(ends)).findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    assert_eq!(logic("ends-before-a-loop", true), [""; 0]);
    assert_eq!(logic("ends-never", false), ["iteration-bleed"]);
}

/// A variable is used wherever a call names it.
#[test]
fn a_call_looks_at_its_headers() {
    let rules = |name: &str, ask: Json| {
        let body = json!({"Set": set("v", "@{item()}"), "Ask": after(ask, "Set")});
        let looped =
            json!({"type": "Foreach", "foreach": "@triggerBody()?['list']", "actions": body});
        let flow = json!({"Init": init("v", "string", ""), "Loop": after(looped, "Init")});
        let report = checked(name, &one_run(), &flow);
        report.findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let ask = |method: &str, name: &str| {
        let mut ask = http(method, "https://x.com/@{item()}", &json!("a"));
        ask["inputs"]["headers"] = json!({"X-For": name});
        ask
    };
    for method in ["GET", "PUT", "PATCH", "DELETE", "POST"] {
        let found = rules(&format!("header-{method}"), ask(method, "@variables('v')"));
        assert_eq!(found, ["iteration-bleed"], "{method}");
        assert_eq!(rules(&format!("header-{method}-own"), ask(method, "@item()")), [""; 0]);
    }
}

/// What runs only after a failure is named where no failure was tried in full, and looked at where one was.
#[test]
fn what_only_a_failure_starts_is_said() {
    let failed = |action: Json| {
        let mut action = action;
        action["runAfter"] = json!({"Make": ["Failed", "TimedOut"]});
        action
    };
    let make = http("POST", "https://x.com/make", &json!("a"));
    let flow = json!({"Make": make, "Created": after(status("Created"), "Make"), "Failed": failed(status("Failed"))});
    let report = checked("fails", &on_request(), &flow);
    let says =
        |notes: &[String]| notes.iter().any(|n| n.starts_with("Failed runs only after a failure"));
    assert!(says(&report.notes), "{:?}", report.notes);
    let always = json!({"Make": http("POST", "https://x.com/make", &json!("a")),
        "Created": json!({"type": "Compose", "inputs": 1, "runAfter": {"Make": ["Succeeded", "Failed"]}})});
    assert!(!says(&checked("fails-or-not", &on_request(), &always).notes));
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exports/fails.json");
    let asked = flowrace::flow(file).faults(1).check();
    let rules: Vec<&str> = asked.flows[0].findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"last-writer-wins"), "{rules:?}");
    assert!(!says(&asked.flows[0].notes));
}

/// A condition whose two sides do the same to a row is no condition of that.
#[test]
fn the_same_on_both_sides_hangs_on_nothing() {
    let flow = |other: &str| {
        let put =
            |value: &str| http("PUT", "https://x.com/w/1", &json!({value: "@triggerBody()?['v']"}));
        let mut check = json!({"type": "If", "actions": {"Yes": put("a")}, "else": {"actions": {"No": put(other)}}});
        check["expression"] = json!({"equals": ["@outputs('Look')?['statusCode']", 200]});
        check["runAfter"] = json!({"Look": ["Succeeded", "Failed"]});
        json!({"Look": http("GET", "https://x.com/w/1", &Json::Null), "If": check})
    };
    assert!(!broken("both-sides", &flow("a")).contains(&"stale-guard"));
    assert!(broken("one-side", &flow("b")).contains(&"stale-guard"));
}

/// Tables of one name in two environments are two tables.
#[test]
fn environments_of_dataverse_are_apart() {
    let put = |organization: &str, value: &str| {
        call(
            "commondataserviceforapps",
            "UpdateRecordWithOrganization",
            &json!({"organization": organization, "entityName": "rows", "recordId": "1", "item/n": value}),
        )
    };
    let rules = |name: &str, other: &str| {
        let flow = json!({"A": put("https://a.crm.dynamics.com", "1"), "B": put(other, "2")});
        let report = checked(name, &one_run(), &flow);
        report.findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let own = rules("one-environment", "https://A.crm.dynamics.com/");
    assert_eq!(own, ["last-writer-wins"]);
    assert_eq!(rules("two-environments", "https://b.crm.dynamics.com"), [""; 0]);
}

/// What a list has twice is taken for new twice, if both ask before either has said so.
#[test]
fn what_was_seen_is_asked_too_early() {
    let flow = |asks: Json| {
        let mail = call("office365", "SendEmailV2", &json!({"emailMessage/To": "@{item()}"}));
        let note = json!({"type": "AppendToArrayVariable", "inputs": {"name": "seen", "value": "@item()"}});
        let fresh = json!({"Mail": mail, "Note": after(note, "Mail")});
        let check = json!({"type": "If", "expression": {"not": asks}, "actions": fresh});
        let looped = json!({"type": "Foreach", "foreach": "@triggerBody()?['list']", "actions": {"If": check}});
        let mut many = looped.clone();
        many["runtimeConfiguration"] = json!({"concurrency": {"repetitions": 20}});
        [many, looped].map(
            |l| json!({"Init": init("seen", "array", "@json('[]')"), "Loop": after(l, "Init")}),
        )
    };
    let rules = |name: &str, flow: &Json| {
        let report = checked(name, &one_run(), flow);
        let found = report.findings.iter().filter(|f| f.rule == "stale-guard");
        found.flat_map(|f| f.assumptions.clone()).collect::<Vec<_>>()
    };
    let [many, one] = flow(json!({"contains": ["@variables('seen')", "@item()"]}));
    assert_eq!(rules("seen-many", &many), ["shared-key", "shared-key"]);
    assert_eq!(rules("seen-one", &one), [""; 0]);
    let [other, _] = flow(json!({"contains": ["@triggerBody()?['known']", "@item()"]}));
    assert_eq!(rules("seen-elsewhere", &other), [""; 0]);
}
