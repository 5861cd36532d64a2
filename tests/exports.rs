//! Exports as makers have them: small flows, each with the answer that it must get.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, init, item, on_request, set, told};

/// Reads the layout of a page and sets the other one, chosen by a condition; `headers` of the write.
fn toggle(headers: &Json) -> Json {
    json!({
        "Get": item("GET", &json!({}), &json!("")),
        "Layout": after(init("layout", "string", "@body('Get')?['Layout']"), "Get"),
        "Which": after(json!({"type": "If", "expression": {"equals": ["@variables('layout')", "Home"]},
            "actions": {"Article": set("layout", "Article")},
            "else": {"actions": {"Home": set("layout", "Home")}}}), "Layout"),
        "Put": after(item("PATCH", headers, &json!("{\"Layout\": \"@{variables('layout')}\"}")), "Which"),
    })
}

#[test]
fn a_value_that_a_condition_chose_is_as_old_as_what_the_condition_read() {
    let flow = checked("toggle", &on_request(), &toggle(&json!({"If-Match": "*"})));
    let lost = ("lost-update", Severity::Warning, Some(Across::Runs));
    assert_eq!(told(&flow), [lost], "two clicks toggle once");
    assert_eq!(flow.findings[0].actions, ["Get", "Put"]);
    let guarded = toggle(&json!({"If-Match": "@body('Get')?['@odata.etag']"}));
    let given_up = ("retry-exhausted", Severity::Warning, Some(Across::Runs));
    let flow = checked("toggle-etag", &on_request(), &guarded);
    assert_eq!(told(&flow), [given_up], "the second click is refused, and nobody looks");
}

#[test]
fn nothing_goes_wrong_with_one_run_alone() {
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let flow = checked("toggle-once", &trigger, &toggle(&json!({"If-Match": "*"})));
    assert_eq!(told(&flow), []);
    let parse = json!({
        "Get": item("GET", &json!({}), &json!("")),
        "Parse": after(json!({"type": "ParseJson", "inputs": {"content": "@body('Get')", "schema": {}}}), "Get"),
        "Put": after(item("PATCH", &json!({}), &json!({"N": "@add(body('Parse')?['N'], 1)"})), "Parse"),
    });
    let flow = checked("parsed-once", &trigger, &parse);
    assert_eq!(told(&flow), [], "a row that was parsed is still the row");
    let flow = checked("parsed", &on_request(), &parse);
    assert_eq!(told(&flow), [("lost-update", Severity::Warning, Some(Across::Runs))]);
}

#[test]
fn a_json_text_sets_its_members_and_no_others() {
    let two = |first: &str, second: &str| {
        json!({
            "One": item("PATCH", &json!({}), &json!(first)),
            "Two": item("PATCH", &json!({}), &json!(second)),
        })
    };
    let apart = two("{\"A\": \"@{utcNow()}\"}", "{\"B\": 1, \"C\": @{length('x')}}");
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    assert_eq!(told(&checked("members-apart", &trigger, &apart)), []);
    let same = two("{\"A\": \"x\", \"B\": 2}", "{ \"B\": 1 }");
    let both = ("last-writer-wins", Severity::Error, Some(Across::Branches));
    assert_eq!(told(&checked("members-same", &trigger, &same)), [both]);
}

#[test]
fn one_address_may_be_written_in_two_ways() {
    let call = |method: &str, uri: &str, body: Json| json!({"type": "Http", "inputs": {"method": method, "uri": uri, "body": body}});
    let flow = json!({
        "Get": call("GET", "https://graph.microsoft.com/beta/settings/5?x=//", json!(null)),
        "Put": after(call("PATCH", "https://graph.microsoft.com/beta//settings/5?x=//", json!({"list": "@concat(body('Get')?['list'], 'x')"})), "Get"),
    });
    let flow = checked("slashes", &on_request(), &flow);
    assert_eq!(told(&flow), [("lost-update", Severity::Warning, Some(Across::Runs))]);
}

#[test]
fn a_schedule_begins_with_the_answer_that_leads_to_the_race() {
    for wanted in ["actions", "else"] {
        let both = json!({"A": set("v", "a"), "B": set("v", "b")});
        let (yes, no) = if wanted == "actions" { (both, json!({})) } else { (json!({}), both) };
        let flow = json!({
            "V": init("v", "string", ""),
            "If": after(json!({"type": "If", "expression": {"equals": ["@triggerBody()?['x']", 1]}, "actions": yes, "else": {"actions": no}}), "V"),
            "Show": after(json!({"type": "Response", "inputs": {"statusCode": 200, "body": "@variables('v')"}}), "If"),
        });
        let flow = checked(&format!("starts-{wanted}"), &on_request(), &flow);
        let decided = ("last-writer-wins", Severity::Error, Some(Across::Branches));
        assert!(told(&flow).contains(&decided), "{:?}", told(&flow));
        let witness = flow.findings[0].witness.as_ref().expect("there is a schedule");
        let steps: Vec<&str> = witness.steps.iter().map(|s| s.action.as_str()).collect();
        assert!(steps.contains(&"A") && steps.contains(&"B"), "{steps:?}");
    }
}

#[test]
fn copying_and_appending_in_a_serial_loop_is_safe() {
    let body = json!({
        "Copy": set("copy", "@variables('list')"),
        "Append": after(json!({"type": "AppendToStringVariable", "inputs": {"name": "list",
            "value": "@{if(contains(variables('copy'), 'v'), ',', '')}@{items('Each')}"}}), "Copy"),
    });
    let flow = |repetitions: u32| {
        json!({
            "List": init("list", "string", "["),
            "Dup": after(init("copy", "string", ""), "List"),
            "Each": after(json!({"type": "Foreach", "foreach": "@triggerBody()?['tags']", "actions": body,
                "runtimeConfiguration": {"concurrency": {"repetitions": repetitions}}}), "Dup"),
            "End": after(json!({"type": "AppendToStringVariable", "inputs": {"name": "list", "value": "]"}}), "Each"),
        })
    };
    assert_eq!(told(&checked("serial", &on_request(), &flow(1))), []);
    let racy = checked("concurrent", &on_request(), &flow(20));
    assert!(racy.findings.iter().any(|f| f.severity == Severity::Error), "{:?}", told(&racy));
}

#[test]
fn how_grave_an_overlap_is_depends_on_the_trigger() {
    let lookup = json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "operationId": "GetItems"},
        "parameters": {"dataset": "https://x.sharepoint.com", "table": "orders", "$filter": "Title eq '@{triggerBody()?['number']}'"}}});
    let create = json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "operationId": "PostItem"},
        "parameters": {"dataset": "https://x.sharepoint.com", "table": "orders", "item/Title": "@triggerBody()?['number']"}}});
    let flow = json!({
        "Look": lookup,
        "If": after(json!({"type": "If", "expression": {"equals": ["@length(body('Look')?['value'])", 0]}, "actions": {"Create": create}, "else": {"actions": {}}}), "Look"),
    });
    let across = |name: &str, trigger: &Json| checked(name, trigger, &flow);
    let duplicate = |severity| [("duplicate-create", severity, Some(Across::Runs))];
    assert_eq!(told(&across("on-request", &on_request())), duplicate(Severity::Warning));
    let daily = json!({"type": "Recurrence", "recurrence": {"frequency": "Day", "interval": 1}});
    assert_eq!(told(&across("daily", &daily)), duplicate(Severity::Note));
    let one = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    assert_eq!(told(&across("one-at-a-time", &one)), []);
}

#[test]
fn each_row_of_a_query_is_touched_once() {
    let call = |operation: &str, parameters: Json| {
        json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "operationId": operation}, "parameters": parameters}})
    };
    let place = |mut more: Json| {
        more["dataset"] = json!("https://x.sharepoint.com");
        more["table"] = json!("orders");
        more
    };
    let flow = |body: Json| {
        json!({
            "All": call("GetItems", place(json!({}))),
            "Each": after(json!({"type": "Foreach", "foreach": "@body('All')?['value']", "actions": body,
                "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}), "All"),
        })
    };
    let update = |id: &str, old: &str| {
        call(
            "PatchItem",
            place(json!({"id": id, "item/Count": format!("@add({old}?['Count'], 1)")})),
        )
    };
    let one = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let own = flow(json!({"Update": update("@items('Each')?['ID']", "items('Each')")}));
    assert_eq!(told(&checked("own-row", &one, &own)), []);
    let shared = flow(json!({
        "Get": call("GetItem", place(json!({"id": 7}))),
        "Update": after(update("7", "body('Get')"), "Get"),
    }));
    let lost = ("lost-update", Severity::Error, Some(Across::Iterations));
    assert_eq!(told(&checked("one-row", &one, &shared)), [lost]);
}

#[test]
fn an_error_flag_that_nobody_raised_is_no_race() {
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let mut raise = set("x", "9");
    raise["runAfter"] = json!({"Try": ["Failed"]});
    let flow = json!({
        "Get": item("GET", &json!({}), &json!("")),
        "X": after(init("x", "string", "0"), "Get"),
        "If": after(json!({"type": "If", "expression": {"greater": ["@body('Get')?['A']", 0]},
            "actions": {"Try": {"type": "Compose", "inputs": 1}, "Raise": raise}, "else": {"actions": {}}}), "X"),
        "Put": after(item("PATCH", &json!({}), &json!({"A": "@variables('x')"})), "If"),
    });
    assert_eq!(told(&checked("error-flag", &trigger, &flow)), []);
}

#[test]
fn a_chain_of_conditions_on_one_variable_is_no_race_of_one_run() {
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let mut flow = json!({
        "Get": item("GET", &json!({}), &json!("")),
        "X": after(init("x", "string", "@{body('Get')?['A']}"), "Get"),
    });
    let mut last = "X".to_owned();
    for n in 0..12 {
        let name = format!("If{n}");
        flow[&name] = after(
            json!({"type": "If", "expression": {"equals": ["@variables('x')", n.to_string()]},
            "actions": {format!("Set{n}"): set("x", &(n + 1).to_string())}, "else": {"actions": {}}}),
            &last,
        );
        last = name;
    }
    flow["Put"] = after(item("PATCH", &json!({}), &json!({"A": "@variables('x')"})), &last);
    assert_eq!(told(&checked("chain", &trigger, &flow)), []);
}

#[test]
fn what_the_catalogue_has_is_not_called_unknown() {
    let call = |connector: &str, operation: &str| {
        json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": format!("/providers/Microsoft.PowerApps/apis/{connector}"), "connectionName": connector, "operationId": operation}, "parameters": {}}})
    };
    let flow = checked(
        "known",
        &on_request(),
        &json!({
            "Mail": call("shared_office365", "SendEmailV2"),
            "Second": call("shared_office365_2", "SharedMailboxSendEmailV2"),
            "Chat": call("shared_teams-1", "PostMessageToConversation"),
            "Child": {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": "b7d5"}, "body": {}}},
            "Odd": call("shared_office365", "InventedByNobody"),
        }),
    );
    let unknown = ["operation shared_office365/InventedByNobody", "operation workflow"];
    assert_eq!(flow.unknown, unknown, "a child that is not at hand is unknown, too");
}

/// PUT replaces what GET has read, as a whole; an etag in the body is as good as `If-Match`.
#[test]
fn a_document_that_is_put_back() {
    let http = |method: &str, body: Json| {
        let mut inputs = json!({ "method": method, "uri": "https://x.example/items/5" });
        if !body.is_null() {
            inputs["body"] = body;
        }
        json!({ "type": "Http", "inputs": inputs })
    };
    let rules = |body: Json| -> Vec<String> {
        let mut put = http("PUT", body);
        put["runAfter"] = json!({ "Get": ["Succeeded"] });
        let flow = json!({ "definition": {
            "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
            "contentVersion": "1.0.0.0",
            "triggers": { "manual": { "type": "Request" } },
            "actions": { "Get": http("GET", Json::Null), "Put": put } } });
        let config = flowrace::check::Config::default();
        let report = flowrace::check_text("flow.json", &flow.to_string(), &config);
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report.flows[0].findings.iter().map(|f| f.rule.to_owned()).collect()
    };
    let sum = "@add(body('Get')?['n'], 1)";
    assert_eq!(rules(json!({ "n": sum })), ["lost-update"]);
    assert!(rules(json!({ "n": sum, "etag": "@{body('Get')?['etag']}" })).is_empty());
}
