//! Etags kept in a variable or a column age there too.

mod support;

use serde_json::{Value, json};
use support::engine::check;

/// One branch reads, keeps the etag in `v`, and updates on condition; the other branch writes in between.
fn model(condition: &Value, keep: &Value) -> Value {
    let mut update =
        json!({ "name": "Put", "update": "m", "set": { "A": "@add(outputs('Get')?['A'], 1)" } });
    let last = if let Some(test) = condition.get("if") {
        json!({ "name": "If", "if": test, "then": [update] })
    } else {
        update["ifMatch"] = condition["ifMatch"].clone();
        update
    };
    json!({ "flowrace": 1,
        "state": {
            "m": { "kind": "item", "fields": { "A": 0 } },
            "v": { "kind": "variable", "value": "" },
            "o": { "kind": "item", "fields": { "tag": "" } },
        },
        "observe": ["m"],
        "flow": [{ "name": "P", "parallel": [
            [{ "name": "Get", "get": "m" }, keep, { "name": "Look", "get": "o" }, last],
            [{ "name": "Other", "update": "m", "set": { "A": 10 } }],
        ] }] })
}

fn values(model: &Value) -> (Value, Value) {
    let flow = check(model, "all");
    (flow["verdict"].clone(), flow["outcomes"]["m.A"]["values"].clone())
}

#[test]
fn in_a_variable() {
    let keep = json!({ "name": "Keep", "setVariable": "v", "value": "@outputs('Get')?['etag']" });
    let direct = model(&json!({ "ifMatch": "@outputs('Get')?['etag']" }), &keep);
    let kept = model(&json!({ "ifMatch": "@variables('v')" }), &keep);
    assert_eq!(values(&kept), (json!("safe"), json!([10, 11])));
    assert_eq!(values(&kept), values(&direct));
}

#[test]
fn in_a_column_and_in_an_object() {
    let keep =
        json!({ "name": "Keep", "update": "o", "set": { "tag": "@outputs('Get')?['etag']" } });
    let kept = model(&json!({ "ifMatch": "@outputs('Look')?['tag']" }), &keep);
    assert_eq!(values(&kept), (json!("safe"), json!([10, 11])));
    let keep = json!({ "name": "Keep", "setVariable": "v", "value": "@outputs('Get')" });
    let kept = model(&json!({ "ifMatch": "@variables('v')?['etag']" }), &keep);
    assert_eq!(values(&kept), (json!("safe"), json!([10, 11])));
}

/// Comparing a kept etag with a fresh one tells whether the row was written, and the write after that is a race still.
#[test]
fn compared() {
    let keep = json!({ "name": "Keep", "setVariable": "v", "value": "@outputs('Get')?['etag']" });
    let mut model =
        model(&json!({ "if": "@equals(outputs('Again')?['etag'], variables('v'))" }), &keep);
    let first = model["flow"][0]["parallel"][0].as_array_mut().expect("a branch");
    first.insert(3, json!({ "name": "Again", "get": "m" }));
    let flow = check(&model, "all");
    assert_eq!(flow["outcomes"]["m.A"]["values"], json!([1, 10, 11]));
    let rules: Vec<&Value> =
        flow["findings"].as_array().expect("findings").iter().map(|f| &f["rule"]).collect();
    assert_eq!(rules, [&json!("lost-update")]);
    // With nobody in between it is the same etag.
    model["flow"][0]["parallel"].as_array_mut().expect("branches").pop();
    assert_eq!(values(&model), (json!("safe"), json!([1])));
}

/// The loop as makers write it, with the version in a variable of the run.
#[test]
fn a_retry_loop_over_a_variable_of_an_export() {
    let http = |method: &str, more: Value| {
        let mut inputs = json!({ "method": method, "uri": "https://x.example/items/5" });
        inputs
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().expect("an object"));
        json!({ "type": "Http", "inputs": inputs })
    };
    let after = |mut action: Value, name: &str, status: &str| {
        action["runAfter"] = json!({ name: [status] });
        action
    };
    let variable = |kind: &str, name: &str, value: Value| {
        let inputs = json!({ "name": name, "value": value, "variables": [{ "name": name, "type": "string", "value": value }] });
        json!({ "type": kind, "inputs": inputs })
    };
    let flow = |tag: &str| {
        let body = json!({ "n": "@add(body('Get')?['n'], 1)" });
        let put = http("PATCH", json!({ "headers": { "If-Match": tag }, "body": body }));
        let keep = variable("SetVariable", "tag", json!("@outputs('Get')?['headers']?['ETag']"));
        let until = json!({ "type": "Until", "expression": "@equals(outputs('Put')?['statusCode'], 200)",
            "limit": { "count": 5 }, "actions": {
                "Get": http("GET", json!({})),
                "Keep": after(keep, "Get", "Succeeded"),
                "Put": after(put, "Keep", "Succeeded"),
            } });
        json!({ "definition": {
            "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
            "contentVersion": "1.0.0.0",
            "triggers": { "manual": { "type": "Request" } },
            "actions": {
                "Init": variable("InitializeVariable", "tag", json!("")),
                "Retry": after(until, "Init", "Succeeded"),
            } } })
        .to_string()
    };
    let rules = |text: &str| -> Vec<String> {
        let report = flowrace::check_text("flow.json", text, &flowrace::check::Config::default());
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report.flows[0].findings.iter().map(|f| f.rule.to_owned()).collect()
    };
    assert!(rules(&flow("@variables('tag')")).is_empty());
    assert_eq!(rules(&flow("*")), ["lost-update"]);
}

/// `string()` and `json()` on the way change nothing: an etag is a text, and what was read is what was read.
#[test]
fn through_texts_and_back() {
    let direct = "@outputs('Get')?['etag']";
    for expression in [
        "@string(outputs('Get')?['etag'])",
        "@json(string(outputs('Get')))?['etag']",
        "@{outputs('Get')?['etag']}",
        "@concat('\"', outputs('Get')?['etag'], '\"')",
        "\"@{outputs('Get')?['etag']}\"",
        "@replace(outputs('Get')?['etag'], '\"', '')",
        "@trim(outputs('Get')?['etag'])",
        "@decodeUriComponent(encodeUriComponent(outputs('Get')?['etag']))",
        "@base64ToString(base64(outputs('Get')?['etag']))",
        "@first(split(outputs('Get')?['etag'], ','))",
        "@join(createArray(outputs('Get')?['etag']), '')",
        "@json(concat('\"', outputs('Get')?['etag'], '\"'))",
    ] {
        for keep in [direct, expression] {
            let keep = json!({ "name": "Keep", "setVariable": "v", "value": keep });
            let kept = model(&json!({ "ifMatch": expression }), &keep);
            assert_eq!(values(&kept), (json!("safe"), json!([10, 11])), "{expression}");
            let kept = model(&json!({ "ifMatch": "@variables('v')" }), &keep);
            assert_eq!(values(&kept), (json!("safe"), json!([10, 11])), "{expression}");
        }
    }
}
