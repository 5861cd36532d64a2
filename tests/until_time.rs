//! The time of an Until (semantics §4.4): looked at between rounds, it can be up as soon as so many rounds can have
//! taken as long, and need not be up then.

mod support;

use serde_json::{Value, json};
use support::engine::check;

/// Increments with etags by `items` at once; a round has two calls of up to 30 seconds.
fn counter(items: u64, until: &Value) -> Value {
    let mut poll = json!({ "name": "Try", "until": "@equals(outputs('Put')?['statusCode'], 200)", "do": [
        { "name": "Get", "get": "m", "takes": [0, 30] },
        { "name": "Put", "update": "m", "ifMatch": "@outputs('Get')?['etag']", "takes": [0, 30],
          "set": { "C": "@add(outputs('Get')?['C'], 1)" } },
    ] });
    poll.as_object_mut().expect("a step").extend(until.as_object().cloned().expect("keys"));
    json!({ "flowrace": 1, "state": { "m": { "kind": "item", "fields": { "C": 0 } } },
        "flow": [{ "forEach": "L", "items": items, "concurrency": items, "do": [poll] }] })
}

fn answer(model: &Value, reduction: &str) -> (Value, Value, Vec<String>) {
    let flow = check(model, reduction);
    let found = flow["findings"].as_array().into_iter().flatten();
    let rules = found.map(|f| f["rule"].as_str().unwrap_or_default().to_owned()).collect();
    (flow["verdict"].clone(), flow["outcomes"]["m.C"]["values"].clone(), rules)
}

/// With three items a try is refused twice at most. Where the time can be up after one round, or two, it is as with a
/// limit of so many rounds; where only after three, nothing is lost, whatever the limit.
#[test]
fn it_can_be_up_as_soon_as_the_rounds_can_have_taken_as_long() {
    for (timeout, rounds) in [(1, 1), (60, 1), (61, 2), (120, 2), (121, 3), (3_600, 60)] {
        for reduction in ["none", "symmetry", "all"] {
            let timed = answer(&counter(3, &json!({ "limit": 60, "timeout": timeout })), reduction);
            let limited = answer(&counter(3, &json!({ "limit": rounds })), reduction);
            assert_eq!(timed, limited, "{timeout} s, {reduction}");
            let lost = if rounds > 2 { vec![] } else { vec!["retry-exhausted".to_owned()] };
            assert_eq!(timed.2, lost, "{timeout} s, {reduction}");
        }
    }
}

/// Which bound would do is said of time, too: so many rounds are sure as soon as one fewer cannot take as long, and with a
/// second less the next check finds it used up. `it_can_be_up_as_soon_as_the_rounds_can_have_taken_as_long` has both.
#[test]
fn the_time_that_would_do_is_told() {
    let said = |until: Value| {
        let flow = check(&counter(3, &until), "all");
        flow["findings"][0]["message"].as_str().unwrap_or_default().to_owned()
    };
    let rounds = "; 3 rounds would do, and no fewer";
    let time = "; they are sure with a time limit of more than 120 s";
    for timeout in [1, 60, 120] {
        let message = said(json!({ "limit": 60, "timeout": timeout }));
        assert!(message.ends_with(&format!("{rounds}{time}")), "{timeout}: {message}");
    }
    let message = said(json!({ "limit": 2, "timeout": 60 }));
    assert!(message.ends_with(&format!("{rounds}{time}")), "{message}");
    assert!(said(json!({ "limit": 2 })).ends_with(rounds));
    assert_eq!(said(json!({ "limit": 3, "timeout": 121 })), "");
}

/// It is not up before, and it need not be up: with a limit of one round more there are schedules of both.
#[test]
fn it_need_not_be_up() {
    let poll = |more: &Value| {
        let mut until = json!({ "name": "Poll", "until": "@variables('done')", "do": [
            { "name": "Look", "send": "hello", "takes": [0, 10] }, { "increment": "rounds" } ] });
        until.as_object_mut().expect("a step").extend(more.as_object().cloned().expect("keys"));
        let state = json!({ "done": { "kind": "variable", "value": false }, "rounds": { "kind": "variable", "value": 0 } });
        json!({ "flowrace": 1, "state": state, "observe": ["rounds"], "flow": [{ "parallel": [
            [until],
            [{ "name": "Say", "setVariable": "done", "value": true }] ] }] })
    };
    let rounds = |more: &Value| {
        let flow = check(&poll(more), "all");
        flow["outcomes"]["rounds"]["values"].clone()
    };
    assert_eq!(rounds(&json!({ "limit": 4 })), json!([1, 2, 3, 4]));
    assert_eq!(rounds(&json!({ "limit": 4, "timeout": 1 })), json!([1, 2, 3, 4]));
    let never = |more: &Value| {
        let mut model = poll(more);
        model["flow"][0]["parallel"][1] = json!([{ "compose": 1 }]);
        check(&model, "all")["outcomes"]["rounds"]["values"].clone()
    };
    assert_eq!(never(&json!({ "limit": 4 })), json!([4]));
    for (timeout, left) in [(10, json!([1, 2, 3, 4])), (11, json!([2, 3, 4])), (31, json!([4]))] {
        assert_eq!(never(&json!({ "limit": 4, "timeout": timeout })), left, "{timeout}");
    }
}

/// Nothing has gone wrong: the budget of faults is not touched, and a schedule says what happened.
#[test]
fn it_is_no_fault() {
    let flow = check(&counter(3, &json!({ "timeout": 60 })), "all");
    let witness = &flow["findings"][0]["witness"];
    assert_eq!(witness["faults"], 0);
    let steps = witness["steps"].as_array().expect("steps");
    let up = |s: &&Value| s["action"] == "Try" && s["effect"] == "its time is up";
    assert_eq!(steps.iter().filter(up).count(), 1, "{steps:#?}");
}

/// What an export does not say is the platform's own hour; what a slice leaves out took time, too.
#[test]
fn exports_have_theirs() {
    let export = |timeout: Option<&str>, delay: u64| {
        let http = |after: &str, method: &str, headers: Value| {
            let mut action = json!({ "type": "Http", "inputs": { "method": method, "uri": "https://contoso.table.core.windows.net/t(PartitionKey='p',RowKey='r')", "headers": headers, "body": { "C": "@add(body('Get')?['C'], 1)" } }, "runAfter": {} });
            if method == "GET" {
                action["inputs"].as_object_mut().expect("inputs").remove("body");
            }
            if !after.is_empty() {
                action["runAfter"][after] = json!(["Succeeded", "Failed"]);
            }
            action
        };
        let mut limit = json!({ "count": 2 });
        if let Some(timeout) = timeout {
            limit["timeout"] = json!(timeout);
        }
        let until = json!({ "type": "Until", "expression": "@equals(actions('Put')?['status'], 'Succeeded')", "limit": limit, "actions": {
            "Get": http("", "GET", json!({})),
            "Put": http("Get", "MERGE", json!({ "If-Match": "@outputs('Get')?['headers']?['ETag']" })),
            "Wait": { "type": "Wait", "inputs": { "interval": { "count": delay, "unit": "Second" } }, "runAfter": { "Put": ["Succeeded", "Failed"] } },
        } });
        json!({ "definition": { "triggers": { "t": { "type": "Request" } }, "actions": {
            "L": { "type": "Foreach", "foreach": [1, 2], "actions": { "Try": until } } } } })
    };
    let exhausted = |timeout: Option<&str>, delay: u64| {
        let flow = check(&export(timeout, delay), "all");
        flow["findings"].to_string().contains("retry-exhausted")
    };
    // Two items, two rounds: one refusal is no harm, unless the time can be up after the first round.
    assert!(!exhausted(None, 5));
    assert!(!exhausted(Some("PT10M"), 5));
    assert!(exhausted(Some("PT4M"), 5));
    assert!(exhausted(None, 3_600));
}
