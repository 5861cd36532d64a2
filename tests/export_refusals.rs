//! Conditional writes that are refused: the update is gone where nobody looks at the refusal, and where every further
//! attempt names the same old etag.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, init, item, on_request, one_run, set, told};

fn http(method: &str, more: &Json) -> Json {
    let mut inputs = json!({"method": method, "uri": "https://x.example/items/5"});
    let all = inputs.as_object_mut().expect("an object");
    all.extend(more.as_object().cloned().expect("an object"));
    json!({"type": "Http", "inputs": inputs})
}

fn get() -> Json {
    http("GET", &json!({}))
}

/// Counts on with the etag of `Get`.
fn put() -> Json {
    http(
        "PUT",
        &json!({"headers": {"If-Match": "@outputs('Get')['headers']['ETag']"},
        "body": {"Count": "@add(body('Get')?['Count'], 1)"}}),
    )
}

fn behind(mut action: Json, name: &str, statuses: &[&str]) -> Json {
    action["runAfter"] = json!({name: statuses});
    action
}

fn each(actions: &Json) -> Json {
    json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']", "actions": actions,
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}})
}

const GIVEN_UP: (&str, Severity, Option<Across>) =
    ("retry-exhausted", Severity::Error, Some(Across::Iterations));
const ACROSS: (&str, Severity, Option<Across>) =
    ("retry-exhausted", Severity::Warning, Some(Across::Runs));

#[test]
fn a_refusal_that_nobody_looks_at_loses_the_update() {
    let bare = json!({"Get": get(), "Put": after(put(), "Get")});
    let flow = checked("refused", &one_run(), &each(&bare));
    assert_eq!(told(&flow), [GIVEN_UP]);
    assert_eq!(flow.findings[0].actions, ["Put"]);
    assert_eq!(told(&checked("refused-runs", &on_request(), &bare)), [ACROSS]);
    assert_eq!(told(&checked("refused-once", &one_run(), &bare)), []);
    // To go on as if nothing had happened is not to look.
    let mut masked = bare.clone();
    masked["Next"] =
        behind(json!({"type": "Compose", "inputs": "x"}), "Put", &["Succeeded", "Failed"]);
    assert_eq!(told(&checked("refused-masked", &one_run(), &each(&masked))), [GIVEN_UP]);
}

#[test]
fn who_looks_at_a_refusal_has_been_told() {
    let bare = json!({"Get": get(), "Put": after(put(), "Get")});
    let fail = json!({"type": "Terminate", "inputs": {"runStatus": "Failed"}});
    let mut other_way = bare.clone();
    other_way["Tell"] = behind(fail.clone(), "Put", &["Failed", "TimedOut"]);
    assert_eq!(told(&checked("refused-told", &one_run(), &each(&other_way))), []);
    let caught = json!({"Try": {"type": "Scope", "actions": bare},
        "Catch": behind(json!({"type": "Scope", "actions": {"Tell": fail}}), "Try", &["Failed"])});
    assert_eq!(told(&checked("refused-caught", &one_run(), &each(&caught))), []);
    let mut asked = bare;
    asked["Ask"] = behind(
        json!({"type": "If", "expression": {"equals": ["@outputs('Put')?['statusCode']", 412]},
            "actions": {"Tell": {"type": "Compose", "inputs": "again, please"}}}),
        "Put",
        &["Succeeded", "Failed"],
    );
    assert_eq!(told(&checked("refused-asked", &one_run(), &each(&asked))), []);
}

/// SharePoint's older answers wrap the row and its etag.
#[test]
fn an_etag_in_its_wrapping_is_an_etag() {
    let flow = |tag: &str| {
        let body = json!({"Count": "@add(body('Get')?['d']?['Count'], 1)"});
        each(&json!({"Get": item("GET", &json!({}), &json!("")),
            "Put": after(item("PATCH", &json!({"IF-MATCH": tag}), &body), "Get"),
            "Tell": behind(json!({"type": "Terminate", "inputs": {"runStatus": "Failed"}}), "Put", &["Failed"])}))
    };
    let wrapped = flow("@body('Get')?['d']?['__metadata']?['etag']");
    assert_eq!(told(&checked("wrapped-etag", &one_run(), &wrapped)), []);
    let lost = ("lost-update", Severity::Error, Some(Across::Iterations));
    assert_eq!(told(&checked("wrapped-star", &one_run(), &flow("*"))), [lost]);
}

/// Until the write is accepted, at most ten times; the read inside the loop or before it.
fn retry(inside: bool) -> Json {
    let mut body = json!({"Put": put()});
    if inside {
        body = json!({"Get": get(), "Put": after(put(), "Get")});
    }
    body["Yes"] = behind(set("done", "@true"), "Put", &["Succeeded"]);
    body["No"] = behind(json!({"type": "Compose", "inputs": "again"}), "Put", &["Failed"]);
    let until = json!({"type": "Until", "expression": "@equals(variables('done'), true)",
        "limit": {"count": 10, "timeout": "PT1H"}, "actions": body});
    let start = init("done", "boolean", "@false");
    if inside {
        json!({"Done": start, "Retry": after(until, "Done")})
    } else {
        json!({"Done": start, "Get": after(get(), "Done"), "Retry": after(until, "Get")})
    }
}

#[test]
fn an_etag_that_is_never_read_again_is_refused_for_good() {
    assert_eq!(told(&checked("etag-renewed", &on_request(), &retry(true))), []);
    let flow = checked("etag-old", &on_request(), &retry(false));
    assert_eq!(told(&flow), [ACROSS]);
}

/// The counter of such a loop is not dropped: no success of another process puts an end to it.
#[test]
fn a_design_model_says_the_same() {
    let model = |inside: bool| {
        let get = json!({"name": "Get", "get": "m"});
        let put = json!({"name": "Put", "update": "m", "ifMatch": "@outputs('Get')?['etag']",
            "set": {"A": "@add(outputs('Get')?['A'], 1)"}});
        let body = if inside { json!([get, put]) } else { json!([put]) };
        let until = json!({"name": "Retry", "until": "@equals(outputs('Put')?['statusCode'], 200)",
            "limit": 4, "do": body});
        let body = if inside { json!([until]) } else { json!([get, until]) };
        json!({"flowrace": 1, "state": {"m": {"kind": "item", "fields": {"A": 0}}},
            "flow": [{"forEach": "order", "items": 2, "concurrency": 2, "do": body}]})
    };
    let rules = |inside: bool| {
        let text = model(inside).to_string();
        let report = flowrace::check_text("m.json", &text, &flowrace::check::Config::default());
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report.flows[0].findings.iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    assert!(rules(true).is_empty());
    assert_eq!(rules(false), ["retry-exhausted"]);
}
