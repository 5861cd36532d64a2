//! What makers write again and again, racy and as it should be.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, call, checked, on_request, one_run, told};

fn list() -> Json {
    call(
        "sharepointonline",
        "GetItems",
        &json!({"dataset": "https://x.sharepoint.com/s", "table": "Orders", "$filter": "Status eq 'New'"}),
    )
}

fn patch(looped: &str, columns: &Json) -> Json {
    let mut parameters = json!({"dataset": "https://x.sharepoint.com/s", "table": "Orders", "id": format!("@items('{looped}')?['ID']")});
    for (column, value) in columns.as_object().expect("columns are an object") {
        parameters[format!("item/{column}")] = value.clone();
    }
    call("sharepointonline", "PatchItem", &parameters)
}

fn each(over: &str, actions: &Json, repetitions: u32) -> Json {
    json!({"type": "Foreach", "foreach": over, "actions": actions,
        "runtimeConfiguration": {"concurrency": {"repetitions": repetitions}}})
}

/// `(rule, across)` of each finding.
fn rules(name: &str, trigger: &Json, flow: &Json) -> Vec<(String, Option<Across>)> {
    let flow = checked(name, trigger, flow);
    flow.findings.iter().map(|f| (f.rule.to_owned(), f.across)).collect()
}

#[test]
fn an_item_of_a_loop_is_as_old_as_its_list() {
    let flow = |value: &str, repetitions| {
        let update = patch("Each", &json!({"Count": value}));
        json!({"Get": list(), "Each": after(each("@body('Get')?['value']", &json!({"Update": update}), repetitions), "Get")})
    };
    let lost = ("lost-update", Severity::Warning, Some(Across::Runs));
    for repetitions in [1, 20] {
        let racy = flow("@add(items('Each')?['Count'], 1)", repetitions);
        let name = format!("each-add-{repetitions}");
        assert_eq!(told(&checked(&name, &on_request(), &racy)), [lost]);
        assert_eq!(told(&checked(&name, &one_run(), &racy)), [], "one run has each row once");
        let fixed = flow("done", repetitions);
        let name = format!("each-constant-{repetitions}");
        assert_eq!(told(&checked(&name, &on_request(), &fixed)), []);
    }
}

#[test]
fn every_iteration_that_goes_over_the_same_list_updates_the_same_rows() {
    let flow = |repetitions| {
        let update = patch("Inner", &json!({"Count": "@add(items('Inner')?['Count'], 1)"}));
        let inner = json!({"Get": list(),
            "Inner": after(each("@body('Get')?['value']", &json!({"Update": update}), 1), "Get")});
        json!({"Outer": each("@triggerBody()?['rows']", &inner, repetitions)})
    };
    let lost = ("lost-update", Severity::Error, Some(Across::Iterations));
    assert_eq!(told(&checked("list-inside", &one_run(), &flow(20))), [lost]);
    assert_eq!(told(&checked("list-inside-serial", &one_run(), &flow(1))), []);
}

#[test]
fn what_a_run_itself_did_to_an_item_is_no_race() {
    let both = json!({
        "First": patch("Each", &json!({"Count": "@add(items('Each')?['Count'], 1)"})),
        "Second": after(patch("Each", &json!({"Total": "@add(items('Each')?['Count'], 1)"})), "First"),
    });
    let each_of = |actions: &Json, repetitions| {
        after(each("@body('Get')?['value']", actions, repetitions), "Get")
    };
    let alongside = json!({"Get": list(), "Each": each_of(&both, 20)});
    assert_eq!(rules("own-changes", &one_run(), &alongside), []);
    let third =
        json!({"Third": patch("Again", &json!({"Count": "@add(items('Again')?['Count'], 2)"}))});
    let mut again = each_of(&third, 1);
    again["runAfter"] = json!({"Each": ["Succeeded"]});
    let serial = json!({"Get": list(), "Each": each_of(&both, 1), "Again": again});
    assert_eq!(rules("own-changes-serial", &one_run(), &serial), []);
}

#[test]
fn an_etag_is_one_under_every_name_that_services_give_it() {
    for name in ["@odata.etag", "odata.etag", "ETag"] {
        let flow = |tag: &str| {
            let row = json!({"storageAccountName": "a", "tableName": "t", "PartitionKey": "p", "RowKey": "r"});
            let mut merge = row.clone();
            merge["If-Match"] = json!(tag);
            merge["body"] = json!({"N": "@add(body('Get')?['N'], 1)"});
            let both = json!({"Get": call("azuretables", "GetEntity_V2", &row),
                "Put": after(call("azuretables", "MergeEntity_V2", &merge), "Get")});
            json!({"Each": each("@triggerBody()?['rows']", &both, 20)})
        };
        let guarded = flow(&format!("@body('Get')?['{name}']"));
        let file = format!("tag-{}", name.replace('@', "at-"));
        let given_up = ("retry-exhausted", Severity::Error, Some(Across::Iterations));
        assert_eq!(told(&checked(&file, &one_run(), &guarded)), [given_up], "refused, not lost");
        let lost = ("lost-update", Severity::Error, Some(Across::Iterations));
        assert_eq!(told(&checked(&format!("{file}-any"), &one_run(), &flow("*"))), [lost]);
    }
}

#[test]
fn a_create_that_looks_itself_may_meet_the_same_key_in_another_iteration() {
    let insert = |hint: &str| {
        let query = format!(
            "INSERT INTO Orders (Email) SELECT @p1 WHERE NOT EXISTS (SELECT 1 FROM Orders {hint} WHERE Email=@p1)"
        );
        let insert = call(
            "sql",
            "ExecutePassThroughNativeQuery_V2",
            &json!({"server": "s.example.com", "database": "shop",
            "query/query": query, "query/formalParameters/p1": "INT", "query/actualParameters/p1": "@items('Each')?['e']"}),
        );
        json!({"Each": each("@triggerBody()?['rows']", &json!({"Insert": insert}), 20)})
    };
    let racy = checked("insert-unless", &one_run(), &insert(""));
    assert_eq!(told(&racy), [("duplicate-create", Severity::Warning, Some(Across::Iterations))]);
    assert_eq!(racy.findings[0].assumptions, ["shared-key"]);
    let fixed = insert("WITH (UPDLOCK, HOLDLOCK)");
    assert_eq!(told(&checked("insert-unless-locked", &one_run(), &fixed)), []);
}

/// Two orders of one customer: what the first iteration added, the second overwrites.
#[test]
fn two_items_may_name_the_same_row_of_another_list() {
    let customers = |operation: &str, id: &str, columns: &Json| {
        let mut parameters = json!({"dataset": "https://x.sharepoint.com/s", "table": "Customers", "id": format!("@items('Each')?{id}")});
        for (column, value) in columns.as_object().expect("columns are an object") {
            parameters[format!("item/{column}")] = value.clone();
        }
        call("sharepointonline", operation, &parameters)
    };
    let flow = |id: &str, total: &str, repetitions| {
        let update = customers("PatchItem", id, &json!({"Total": total}));
        let body = json!({"Customer": customers("GetItem", id, &json!({})), "Update": after(update, "Customer")});
        json!({"Get": list(), "Each": after(each("@body('Get')?['value']", &body, repetitions), "Get")})
    };
    let sum = "@add(body('Customer')?['Total'], items('Each')?['Amount'])";
    let racy = checked("foreign-sum", &one_run(), &flow("['Customer']?['Id']", sum, 20));
    assert_eq!(told(&racy), [("lost-update", Severity::Warning, Some(Across::Iterations))]);
    assert_eq!(racy.findings[0].assumptions, ["shared-key"]);
    // One at a time, a row of its own each, or a value that nobody read: nothing is lost.
    for (id, total, repetitions) in [
        ("['Customer']?['Id']", sum, 1),
        ("['ID']", sum, 20),
        ("['Customer']?['Id']", "@items('Each')?['Amount']", 20),
    ] {
        let name = format!("foreign-{repetitions}-{}", id.len() + total.len());
        assert_eq!(told(&checked(&name, &one_run(), &flow(id, total, repetitions))), []);
    }
}
