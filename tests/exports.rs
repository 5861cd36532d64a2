//! Exports as makers have them: small flows, each with the answer that it must get.

use flowrace::finding::{Across, FlowReport, Severity};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Answers what the checker says of a flow with this trigger and these actions.
fn checked(name: &str, trigger: &Json, actions: &Json) -> FlowReport {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exports");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join(format!("{name}.json"));
    let flow = json!({"definition": {"triggers": {"t": trigger}, "actions": actions}});
    std::fs::write(&file, flow.to_string()).expect("the flow can be written");
    let mut report = flowrace::flow(&file).check();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report.flows.remove(0)
}

fn on_request() -> Json {
    json!({"type": "Request", "kind": "Http"})
}

fn after(mut action: Json, name: &str) -> Json {
    action["runAfter"] = json!({name: ["Succeeded"]});
    action
}

fn set(variable: &str, value: &str) -> Json {
    json!({"type": "SetVariable", "inputs": {"name": variable, "value": value}})
}

fn init(variable: &str, kind: &str, value: &str) -> Json {
    json!({"type": "InitializeVariable", "inputs": {"variables": [{"name": variable, "type": kind, "value": value}]}})
}

/// A call of SharePoint's REST address of one item.
fn item(method: &str, headers: &Json, body: &Json) -> Json {
    json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline", "connectionName": "shared_sharepointonline", "operationId": "HttpRequest"},
        "parameters": {"dataset": "https://x.sharepoint.com", "parameters/method": method,
            "parameters/uri": "_api/web/lists/getByTitle('Pages')/items(@{triggerBody()?['id']})",
            "parameters/headers": headers, "parameters/body": body}}})
}

/// `(rule, severity, across)` of each finding.
fn told(flow: &FlowReport) -> Vec<(&str, Severity, Option<Across>)> {
    flow.findings.iter().map(|f| (f.rule, f.severity, f.across)).collect()
}

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
    assert_eq!(told(&checked("toggle-etag", &on_request(), &guarded)), []);
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

/// Checks a folder with these Logic Apps Standard workflows; the answer for the one called `Parent`.
fn project(name: &str, workflows: &[(&str, Json)]) -> FlowReport {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects").join(name);
    for (workflow, flow) in workflows {
        let place = folder.join(workflow);
        std::fs::create_dir_all(&place).expect("the folder can be made");
        let flow = json!({"definition": flow, "kind": "Stateful"}).to_string();
        std::fs::write(place.join("workflow.json"), flow).expect("the flow can be written");
    }
    let report = flowrace::flow(&folder).check();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let parent = report.flows.into_iter().find(|f| f.path.ends_with("Parent/workflow.json"));
    parent.expect("the parent is checked")
}

fn child(body: &Json) -> Json {
    json!({"type": "Workflow", "inputs": {"host": {"workflow": {"id": "Child"}, "triggerName": "t"}, "body": body}})
}

fn caller(actions: &Json) -> Json {
    let trigger = json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    json!({"triggers": {"t": trigger}, "actions": actions})
}

/// A flow that others call: reads the count of the row it is told, writes one more, and answers the old one.
fn counter(trigger: &Json, answered_first: bool) -> Json {
    let row = |method: &str, body: Json| json!({"type": "Http", "inputs": {"method": method, "uri": "https://x.org/rows/@{triggerBody()?['row']}", "body": body}});
    let answer = json!({"type": "Response", "inputs": {"statusCode": 200, "body": {"old": "@body('Get')?['n']"}}});
    let put = row("PATCH", json!({"n": "@add(int(variables('old')), 1)"}));
    let (put, answer) = if answered_first {
        (after(put, "Answer"), after(answer, "Old"))
    } else {
        (after(put, "Old"), after(answer, "Put"))
    };
    json!({"triggers": {"t": trigger}, "actions": {
        "Get": row("GET", json!(null)),
        "Old": after(init("old", "string", "@{body('Get')?['n']}"), "Get"),
        "Put": put,
        "Answer": answer,
    }})
}

#[test]
fn a_child_does_what_its_definition_says() {
    let lost = |flow: &FlowReport| {
        let rules = flow.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule);
        rules.collect::<Vec<_>>()
    };
    let both = |a: &str, b: &str| {
        caller(&json!({"One": child(&json!({"row": a})), "Two": child(&json!({"row": b}))}))
    };
    let same = project(
        "same-row",
        &[("Parent", both("7", "7")), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&same), ["lost-update"; 2], "two calls at once, one row");
    assert!(same.unknown.is_empty(), "{:?}", same.unknown);
    let apart = project(
        "own-rows",
        &[("Parent", both("7", "8")), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&apart), [""; 0], "two calls at once, a row each");
    // The caller's second call waits for the answer of the first.
    let in_turn = caller(&json!({
        "One": child(&json!({"row": "7"})),
        "Two": after(child(&json!({"row": "@if(equals(body('One')?['old'], 0), '7', '7')"})), "One"),
    }));
    let waits = project(
        "in-turn",
        &[("Parent", in_turn.clone()), ("Child", counter(&on_request(), false))],
    );
    assert_eq!(lost(&waits), [""; 0], "the answer comes when the row is written");
    let early = project("early", &[("Parent", in_turn), ("Child", counter(&on_request(), true))]);
    assert_eq!(lost(&early), ["lost-update"], "the answer comes before the row is written");
}

#[test]
fn a_child_that_cannot_stand_in_the_place_of_its_call_stays_a_call() {
    let one_at_a_time =
        json!({"type": "Request", "runtimeConfiguration": {"concurrency": {"runs": 1}}});
    let both =
        caller(&json!({"One": child(&json!({"row": "7"})), "Two": child(&json!({"row": "7"}))}));
    let flow =
        project("one-at-a-time", &[("Parent", both), ("Child", counter(&one_at_a_time, false))]);
    assert!(flow.findings.is_empty(), "{:?}", told(&flow));
    let itself = caller(
        &json!({"Again": json!({"type": "Workflow", "inputs": {"host": {"workflow": {"id": "Parent"}}}})}),
    );
    assert!(project("itself", &[("Parent", itself)]).findings.is_empty());
    let each = caller(
        &json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']", "actions": {"One": child(&json!({"row": "@item()"}))},
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}}),
    );
    let flow =
        project("own-variables", &[("Parent", each), ("Child", counter(&on_request(), false))]);
    assert!(flow.findings.is_empty(), "each call has variables of its own: {:?}", told(&flow));
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
    assert_eq!(flow.unknown, ["operation shared_office365/InventedByNobody"]);
}
