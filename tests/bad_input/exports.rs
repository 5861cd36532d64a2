//! Rows 28, 29 and 31 to 37: exports that hold together as JSON and not as flows.

use super::{Here, export};
use serde_json::{Map, Value, json};

fn compose() -> Value {
    json!({"type": "Compose", "inputs": 1})
}

/// Actions with these `runAfter`.
fn after(list: &[(&str, Value)]) -> String {
    let with = |after: &Value| json!({"type": "Compose", "inputs": 1, "runAfter": after});
    export(
        &list
            .iter()
            .map(|(name, after)| ((*name).to_owned(), with(after)))
            .collect::<Map<_, _>>()
            .into(),
    )
}

/// A counter of one flow that loses updates if its loop is concurrent.
fn counting(loop_: Value) -> String {
    let mut each = json!({"type": "Foreach", "foreach": "@triggerBody()", "runAfter": {"Init": ["Succeeded"]}, "actions": {
        "Next": {"type": "Compose", "inputs": "@add(variables('n'), 1)"},
        "Set": {"type": "SetVariable", "runAfter": {"Next": ["Succeeded"]}, "inputs": {"name": "n", "value": "@outputs('Next')"}}}});
    let Value::Object(members) = loop_ else { panic!("an object") };
    each.as_object_mut().expect("an object").extend(members);
    export(&json!({
        "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "n", "type": "integer", "value": 0}]}},
        "Loop": each,
    }))
}

/// Row 28.
#[test]
fn graphs_that_cannot_run_are_findings() {
    let here = Here::new("row-28");
    let done = || json!(["Succeeded"]);
    let unknown = |flow: String, says: &str| {
        here.taken("f.json", flow, 1).says(&format!("error[run-after-unknown]: {says}"));
    };
    unknown(
        after(&[("A", json!({"Nope": done()}))]),
        "\"A\" runs after \"Nope\", which is not beside it",
    );
    let inside = json!({"S": {"type": "Foreach", "foreach": [1, 2], "actions": {"In": compose()}},
        "B": {"type": "Compose", "inputs": 1, "runAfter": {"In": done()}}});
    unknown(export(&inside), "\"B\" runs after \"In\", which is not beside it");
    let outside = json!({"Out": compose(), "S": {"type": "Foreach", "foreach": [1, 2], "actions": {
        "In": {"type": "Compose", "inputs": 1, "runAfter": {"Out": done()}}}}});
    unknown(export(&outside), "\"In\" runs after \"Out\", which is not beside it");
    let circle = |flow: String, says: &str| {
        let title = "error[run-after-cycle]: these actions wait for each other: ";
        here.taken("f.json", flow, 1).says(&format!("{title}{says}"));
    };
    circle(after(&[("A", json!({"A": done()}))]), "A → A\n");
    circle(after(&[("A", json!({"B": done()})), ("B", json!({"A": done()}))]), "A → B → A\n");
    // Five hundred are cut in the terminal, where a message is one line; programs get the whole circle.
    let names: Vec<String> = (0..500).map(|n| format!("A{n}")).collect();
    let round: Vec<(&str, Value)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), json!({names[(n + 1) % 500].as_str(): done()})))
        .collect();
    here.write("f.json", after(&round));
    let said = here.run(&["check", "f.json", "--format", "json"]).is(1);
    let report: Value = serde_json::from_str(&said.out).expect("the report is JSON");
    let message = report["flows"][0]["findings"][0]["message"].as_str().expect("a message");
    assert!(message.ends_with(&format!(": {} → A0", names.join(" → "))), "{message}");
}

/// Row 29.
#[test]
fn run_after_is_taken_as_the_platform_takes_it() {
    let here = Here::new("row-29");
    let second = |written: Value| after(&[("A", json!({})), ("B", written)]);
    for fine in [json!(null), json!([]), json!({"A": []}), json!({"A": ["SUCCEEDED"]})] {
        here.taken("f.json", second(fine), 0).says("safe: nothing is shared");
    }
    let place = "(at /definition/actions/B/runAfter/A";
    for (wrong, message) in [
        (
            json!({"A": ["Suceeded"]}),
            format!("unknown status \"Suceeded\"; expected one of Succeeded, Failed, Skipped, TimedOut, Cancelled; did you mean \"Succeeded\"? {place}/0)"),
        ),
        (json!({"A": null}), format!("\"A\" is null; expected a list of statuses {place})")),
        (json!({"A": "Succeeded"}), format!("\"A\" is \"Succeeded\"; expected a list of statuses {place})")),
        (json!({"A": [1]}), format!("element 0 is 1; expected one of Succeeded, Failed, Skipped, TimedOut, Cancelled {place}/0)")),
        (json!("A"), "\"runAfter\" is \"A\"; expected an object of action name to list of statuses (at /definition/actions/B/runAfter)".to_owned()),
    ] {
        here.refused("f.json", second(wrong), "f.json:1:");
        let said = here.run(&["check", "f.json"]);
        assert!(said.err.contains(&message), "{message}\n{}", said.err);
    }
}

/// Row 31.
#[test]
fn a_degree_is_a_number_from_1_to_50() {
    let here = Here::new("row-31");
    let degree =
        |n: Value| counting(json!({"runtimeConfiguration": {"concurrency": {"repetitions": n}}}));
    for wrong in [
        json!(0),
        json!(51),
        json!(-1),
        json!(2.5),
        json!(null),
        json!("abc"),
        json!("0"),
        json!([5]),
    ] {
        here.refused("f.json", degree(wrong), "f.json:1:");
        let said = here.run(&["check", "f.json"]).is(2);
        assert!(said.err.contains("; expected a whole number from 1 to 50 (at /definition/actions/Loop/runtimeConfiguration/concurrency/repetitions)"), "{}", said.err);
    }
    let lost = "error[lost-update]: Set overwrites an update it never saw";
    for fine in [json!(2), json!(50), json!("20"), json!(" 20 "), json!(2e1)] {
        here.taken("f.json", degree(fine), 1).says(lost);
    }
    here.taken("f.json", degree(json!("1")), 0).says("safe");
    let note = "how many at once is an expression; taken as 50, the most";
    here.taken("f.json", degree(json!("@parameters('x')")), 1).says(lost).says(note);
}

/// Row 32.
#[test]
fn loops_over_anything_end() {
    let here = Here::new("row-32");
    let degree = json!({"concurrency": {"repetitions": 5}});
    for over in [
        json!("@items('Loop')"),
        json!("@item()"),
        json!("@outputs('Loop')"),
        json!("@variables('n')"),
        json!(5),
        json!(null),
        json!(""),
    ] {
        here.write("f.json", counting(json!({"foreach": over, "runtimeConfiguration": degree})));
        let said = here.run(&["check", "f.json"]).silent();
        assert!(matches!(said.code, 0 | 1), "{over}: {said:?}");
    }
    here.taken("f.json", counting(json!({"foreach": [], "runtimeConfiguration": degree})), 0)
        .says("safe: nothing is shared, with 0 items in \"Loop\"");
    let until = |limit: Value| {
        export(&json!({
            "Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "n", "type": "integer", "value": 0}]}},
            "Until": {"type": "Until", "expression": "@equals(1, 2)", "limit": limit, "runAfter": {"Init": ["Succeeded"]},
                "actions": {"More": {"type": "IncrementVariable", "inputs": {"name": "n", "value": 1}}}},
        }))
    };
    for fine in [json!({"count": 5000}), json!({"count": "10"})] {
        let said = here.taken("f.json", until(fine), 0).says("safe");
        assert!(!said.out.contains("note"), "{said:?}");
    }
    for none in [json!(null), json!({}), json!({"timeout": "zz"}), json!({"count": "@add(1, 2)"})] {
        here.taken("f.json", until(none), 0)
            .says("an Until without a number of rounds; taken as 60, the platform's own");
    }
    for wrong in [json!({"count": 0}), json!({"count": "x"}), json!({"count": -3})] {
        here.refused("f.json", until(wrong), "f.json:1:");
    }
    // What can never end, ends there.
    let model = "{\"flowrace\": 1, \"state\": { \"m\": { \"kind\": \"item\", \"fields\": { \"n\": 0 } } }, \"flow\": [
      { \"until\": \"@equals(1, 2)\", \"do\": [ { \"name\": \"G\", \"get\": \"m\" },
        { \"name\": \"P\", \"update\": \"m\", \"set\": { \"n\": \"@add(outputs('G')?['n'], 1)\" } } ] } ] }";
    here.write("f.json", model);
    let json = here.run(&["check", "f.json", "--format", "json"]).is(0).silent();
    let report: Value = serde_json::from_str(&json.out).expect("the report is JSON");
    assert_eq!(
        report["flows"][0]["outcomes"]["m.n"]["values"],
        json!([60]),
        "{}",
        report["flows"][0]
    );
}

/// Row 33, in sizes that take no time: what the platform would refuse is remarked on, what is too much has a reason.
#[test]
fn large_flows_are_checked_or_given_up_with_a_reason() {
    let here = Here::new("row-33");
    let mut list = vec![("A0".to_owned(), json!({}))];
    list.extend(
        (1..1000).map(|n| (format!("A{n}"), json!({format!("A{}", n - 1): ["Succeeded"]}))),
    );
    let list: Vec<(&str, Value)> =
        list.iter().map(|(name, after)| (name.as_str(), after.clone())).collect();
    here.taken("f.json", after(&list), 0)
        .says("note: 1000 actions; the platform takes 500 in a flow");
    let mut side_by_side = json!({"Init": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "n", "type": "integer", "value": 0}]}}});
    for n in 0..60 {
        side_by_side[format!("B{n}")] = json!({"type": "SetVariable", "runAfter": {"Init": ["Succeeded"]}, "inputs": {"name": "n", "value": n}});
    }
    here.write("f.json", export(&side_by_side));
    let said = here.run(&["check", "f.json", "--max-states", "2000"]).silent();
    let reason =
        said.code == 3 && said.out.contains("inconclusive: stopped at --max-states after ");
    assert!(reason || said.code == 1, "{said:?}");
    let nested = (0..9).fold(json!({"A": compose()}), |actions, n| {
        json!({format!("L{n}"): {"type": "Foreach", "foreach": [1, 2], "actions": actions}})
    });
    here.taken("f.json", export(&nested), 0)
        .says("note: actions stand 9 deep; the platform takes 8");
}

/// Row 34.
#[test]
fn a_flow_of_nothing_shares_nothing() {
    let here = Here::new("row-34");
    let flow = |triggers: Value, actions: Value| {
        json!({"definition": {"triggers": triggers, "actions": actions}}).to_string()
    };
    let one = || json!({"t": {"type": "Request"}});
    let nothing = "note: no actions: this flow does nothing";
    let shares = "safe: nothing is shared";
    here.taken("f.json", flow(one(), json!({})), 0).says(shares).says(nothing);
    here.taken("f.json", json!({"definition": {"triggers": one()}}).to_string(), 0).says(nothing);
    here.taken("f.json", flow(json!({}), json!({"A": compose()})), 0)
        .says(shares)
        .says("note: no trigger: nothing starts this flow");
    here.taken("f.json", "{\"flowrace\": 1, \"flow\": []}", 0).says(shares);
    let two = json!({
        "a": {"type": "Recurrence", "recurrence": {"frequency": "Day", "interval": 1}, "runtimeConfiguration": {"concurrency": {"runs": 1}}},
        "b": {"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}},
    });
    here.taken("f.json", flow(two.clone(), json!({"A": compose()})), 0)
        .says(shares)
        .says("note: 2 triggers: each of them starts the same actions");
    // One run at a time of each trigger is two runs at a time.
    let call = |method: &str, body: Value| json!({"type": "Http", "inputs": {"method": method, "uri": "https://x.example/items/5", "body": body}});
    let mut put = call("PATCH", json!({"n": "@add(body('Get')?['n'], 1)"}));
    put["runAfter"] = json!({"Get": ["Succeeded"]});
    let counter = json!({"Get": call("GET", json!(null)), "Put": put});
    here.taken("f.json", flow(two, counter.clone()), 1)
        .says("[lost-update]: Put overwrites an update");
    let single =
        json!({"b": {"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}}});
    here.taken("f.json", flow(single, counter), 0);
}

/// Row 35; deep, long and scrambled statements: `platform::sql::tests::hostile`.
#[test]
fn sql_that_nobody_can_read_is_said_to_be_unread() {
    let here = Here::new("row-35");
    let deep = format!("SELECT {}1{} FROM T", "(".repeat(100_000), ")".repeat(100_000));
    let long = format!("SELECT '{}' FROM T", "x".repeat(1 << 20));
    let query = |sql: &str| {
        export(&json!({"Q": {"type": "OpenApiConnection", "inputs": {
            "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sql", "connectionName": "shared_sql", "operationId": "ExecutePassThroughNativeQuery_V2"},
            "parameters": {"server": "s", "database": "d", "query/query": sql}}}}))
    };
    for sql in ["FROBNICATE T", "EXEC(@s)", &deep, "'"] {
        here.taken("f.json", query(sql), 0).says("not modelled: the SQL of Q");
    }
    // Batches and long texts can be read.
    for sql in ["UPDATE T SET a = 1\nGO\nDELETE FROM T", &long, ""] {
        here.taken("f.json", query(sql), 0).says("1 flow safe");
    }
    let model = |sql: &str| {
        let state = json!({"T": {"kind": "table", "rows": [{"a": 0}]}});
        json!({"flowrace": 1, "state": state, "flow": [{"name": "Q", "sql": sql}]}).to_string()
    };
    for sql in ["FROBNICATE T", "EXEC(@s)", &deep, "'"] {
        here.taken("f.json", model(sql), 0).says("not modelled: ").says("SQL statement");
    }
}

/// Row 36.
#[test]
fn connections_that_are_not_told_apart_are_an_assumption() {
    let here = Here::new("row-36");
    let call = |connection: &str, api: &str, operation: &str, more: Value| {
        let mut parameters = json!({"dataset": "https://x.example", "table": "orders", "id": 7});
        parameters
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().expect("an object"));
        json!({"type": "OpenApiConnection", "inputs": {"host": {"connectionName": connection, "apiId": api, "operationId": operation}, "parameters": parameters}})
    };
    let flow = |api: &str| {
        let mut put =
            call("second", api, "PatchItem", json!({"item/N": "@add(body('Get')?['N'], 1)"}));
        put["runAfter"] = json!({"Get": ["Succeeded"]});
        let actions = json!({"Get": call("first", api, "GetItem", json!({})), "Put": put});
        json!({"definition": {"triggers": {"t": {"type": "Request"}}, "actions": actions}})
            .to_string()
    };
    here.taken("f.json", flow("/providers/Microsoft.PowerApps/apis/shared_sharepointonline"), 1)
        .says("warning[lost-update]: Put overwrites an update it never saw")
        .says("rests on an assumption: same-row");
    // A connection of which nothing tells the service is said to be unknown.
    let said = here.taken("f.json", flow(""), 0);
    said.says("not modelled: operation ").says("GetItem");
}

/// Row 37; nested templates and what only a deployment knows: `definition::workflow::arm::tests`.
#[test]
fn templates_are_read_as_far_as_they_tell() {
    let here = Here::new("row-37");
    let definition =
        || json!({"triggers": {"t": {"type": "Request"}}, "actions": {"A": compose()}});
    let workflow = |more: Value| {
        let mut resource = json!({"type": "Microsoft.Logic/workflows", "apiVersion": "2019-05-01", "name": "[parameters('x')]", "properties": {"definition": definition()}});
        resource
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().expect("an object"));
        resource
    };
    let template = |resources: Value| json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": resources});
    let safe =
        |template: &Value, flows: &str| here.taken("f.json", template.to_string(), 0).says(flows);
    safe(&template(json!([workflow(json!({}))])), "\n1 flow safe");
    safe(&template(json!([workflow(json!({"copy": {"name": "c", "count": 3}}))])), "\n1 flow safe");
    let nested = (0..5).fold(template(json!([workflow(json!({}))])), |inner, _| {
        template(json!([{"type": "Microsoft.Resources/deployments", "name": "n", "properties": {"template": inner}}]))
    });
    safe(&nested, "\n1 flow safe");
    let mut circle = template(json!([workflow(json!({}))]));
    circle["parameters"] = json!({"x": {"defaultValue": "[parameters('x')]"}});
    circle["variables"] = json!({"x": "[variables('y')]", "y": "[variables('x')]"});
    safe(&circle, "\n1 flow safe");
    let unresolved = template(json!([workflow(
        json!({"properties": {"definition": {"triggers": {}, "actions": "[parameters('x')]"}}})
    )]));
    here.refused("f.json", unresolved.to_string(), "f.json:1:");
    let waiting = template(json!([
        workflow(
            json!({"name": "a", "dependsOn": ["[resourceId('Microsoft.Logic/workflows', 'b')]"]})
        ),
        workflow(json!({"name": "b", "dependsOn": ["a"]})),
        workflow(json!({"name": "c", "dependsOn": ["a"]})),
    ]));
    let said = safe(&waiting, "\n3 flows safe")
        .says("note: never deployed: dependsOn goes round: a → b → a");
    assert_eq!(said.out.matches("never deployed").count(), 2, "{}", said.out);
}

/// An action that can never run may be named; an export with its state described is taken like the plain one.
#[test]
fn who_can_never_run_may_be_asked() {
    let here = Here::new("never");
    let variables = |name: &str, value: Value| json!({"type": "InitializeVariable", "inputs": {"variables": [{"name": name, "type": "array", "value": value}]}});
    let after = |mut action: Value, before: &str, status: &str| {
        action["runAfter"] = json!({before: [status]});
        action
    };
    let actions = json!({
        "V": variables("v", json!([])),
        "W": after(variables("w", json!([])), "V", "Succeeded"),
        "I": after(json!({"type": "AppendToArrayVariable", "inputs": {"name": "v", "value": 1}}), "W", "Succeeded"),
        "D": after(json!({"type": "Compose", "inputs": "@length(variables('w'))"}), "I", "Failed"),
        "U": after(json!({"type": "AppendToArrayVariable", "inputs": {"name": "w", "value": "@outputs('D')"}}), "D", "Skipped"),
    });
    here.taken("f.json", export(&actions), 0);
    let state =
        json!({"v": {"kind": "variable", "value": []}, "w": {"kind": "variable", "value": []}});
    let model = json!({"flowrace": 1, "import": "f.json", "state": state, "observe": ["v", "w"]});
    here.taken("m.json", model.to_string(), 0).says("safe");
}
