//! What two runs do to each other at rows that a query finds, counts, or does not find; and events that can only be about
//! a row of their own.

mod support;

use flowrace::check::Config;
use flowrace::finding::{Severity, Verdict};
use serde_json::{Value as Json, json};
use support::flows::{after, broken, call, checked, on_request, orders, row, then, told, when};

const ROWS: &str = "outputs('First')?['body/value']";

fn on_new() -> Json {
    let host = json!({"apiId": "/providers/Microsoft.PowerApps/apis/shared_sharepointonline",
        "connectionName": "sharepointonline", "operationId": "GetOnNewItems"});
    let place = json!({"dataset": "https://x.sharepoint.com/sites/s", "table": "Orders"});
    json!({"type": "OpenApiConnection", "splitOn": "@triggerOutputs()?['body/value']",
        "inputs": {"host": host, "parameters": place}})
}

fn on_change() -> Json {
    let mut trigger = on_new();
    trigger["inputs"]["host"]["operationId"] = json!("GetOnUpdatedItems");
    trigger
}

fn rules(name: &str, trigger: &Json, actions: &Json) -> Vec<&'static str> {
    checked(name, trigger, actions).findings.iter().map(|f| f.rule).collect()
}

/// Each event that a row has been made is about another row; a row can be changed twice.
#[test]
fn a_row_is_made_once() {
    let own =
        |id: &str| json!({"Put": row("PatchItem", id, &json!({"Due": "@triggerBody()?['Date']"}))});
    let id = "@triggerOutputs()?['body/ID']";
    assert_eq!(rules("meet-new", &on_new(), &own(id)), [""; 0]);
    assert_eq!(rules("meet-new-body", &on_new(), &own("@triggerBody()?['ID']")), [""; 0]);
    assert_eq!(rules("meet-changed", &on_change(), &own(id)), ["last-writer-wins"]);
    // What is made of a part of it, or perhaps of something else, two rows can share.
    for (name, id) in [
        ("own", "concat('r', triggerBody()?['ID'])"),
        ("shared", "coalesce(triggerBody()?['Parent'], triggerBody()?['ID'])"),
        ("shared", "if(empty(triggerBody()?['Parent']), triggerBody()?['ID'], 1)"),
        ("shared", "mod(triggerBody()?['ID'], 3)"),
    ] {
        let found = rules(&format!("meet-{name}-{}", id.len()), &on_new(), &own(&format!("@{id}")));
        assert_eq!(found.is_empty(), name == "own", "{id}: {found:?}");
    }
    // The row that it belongs to is nobody's own, whatever it is called.
    let parent = "@triggerBody()?['parent']?['ID']";
    assert_eq!(rules("meet-parent", &on_new(), &own(parent)), ["last-writer-wins"]);
    let dataverse = |message: u8, id: &str| {
        let host = json!({"apiId": "/providers/Microsoft.PowerApps/apis/shared_commondataserviceforapps",
            "connectionName": "d", "operationId": "SubscribeWebhookTrigger"});
        let asked = json!({"subscriptionRequest/message": message, "subscriptionRequest/entityname": "account"});
        let trigger = json!({"type": "OpenApiConnectionWebhook", "inputs": {"host": host, "parameters": asked}});
        let put = call(
            "commondataserviceforapps",
            "UpdateRecord",
            &json!({"entityName": "accounts", "recordId": id, "item/name": "@triggerBody()?['other']"}),
        );
        rules(&format!("meet-message-{message}-{}", id.len()), &trigger, &json!({"Put": put}))
    };
    assert_eq!(dataverse(1, "@triggerOutputs()?['body/accountid']"), [""; 0]);
    assert_eq!(dataverse(3, "@triggerOutputs()?['body/accountid']"), ["last-writer-wins"]);
    assert_eq!(dataverse(1, "@triggerOutputs()?['body/_parent_value']"), ["last-writer-wins"]);
}

/// With two triggers a row of the one may be a row of the other.
#[test]
fn of_two_triggers_none_has_rows_of_its_own() {
    let put = row("PatchItem", "@triggerBody()?['ID']", &json!({"Due": "@triggerBody()?['Date']"}));
    let found = |triggers: Json| {
        let flow = json!({"definition": {"triggers": triggers, "actions": {"Put": put}}});
        let report = flowrace::check_text("flow.json", &flow.to_string(), &Config::default());
        report.flows[0].findings.len()
    };
    assert_eq!(found(json!({"New": on_new()})), 0);
    assert_ne!(found(json!({"New": on_new(), "Changed": on_change()})), 0);
}

/// A moment names a row of its own, unless it is cut to what two runs share.
#[test]
fn a_name_made_of_the_time_is_new() {
    let at = |name: &str| {
        let key = format!("@{name}");
        let put = row("PatchItem", &key, &json!({"Due": "@triggerBody()?['Date']"}));
        rules(&format!("meet-time-{}", name.len()), &on_change(), &json!({"Put": put}))
    };
    assert_eq!(at("utcNow()"), [""; 0]);
    assert_eq!(at("concat('r-', utcNow('yyyyMMddHHmmss'))"), [""; 0]);
    assert_eq!(at("formatDateTime(utcNow(), 'o')"), [""; 0]);
    assert_eq!(at("utcNow('yyyyMMdd')"), ["last-writer-wins"]);
    assert_eq!(at("formatDateTime(utcNow(), 'yyyy-MM')"), ["last-writer-wins"]);
    assert_eq!(at("startOfDay(utcNow())"), ["last-writer-wins"]);
}

/// What names the row is the same for whoever names the same row.
#[test]
fn a_value_that_follows_from_the_key_is_no_other() {
    let put = |value: &str| {
        let columns = json!({"Link": value});
        let flow = json!({"Put": row("PatchItem", "@triggerBody()?['id']", &columns)});
        rules(&format!("meet-follows-{}", value.len()), &on_change(), &flow)
    };
    assert_eq!(put("https://x/@{triggerBody()?['id']}"), [""; 0]);
    assert_eq!(put("https://x/@{triggerBody()?['who']}"), ["last-writer-wins"]);
    // Two orders of one number are two messages; two addresses in small letters can be one.
    let named = |key: &str, value: &str| {
        let put = row("PatchItem", key, &json!({"Link": value}));
        rules(
            &format!("meet-named-{}-{}", key.len(), value.len()),
            &on_change(),
            &json!({"Put": put}),
        )
    };
    let message = "json(triggerBody()?['content'])";
    let number = format!("@{message}?['number']");
    assert_eq!(named(&number, &format!("@{message}?['status']")), ["last-writer-wins"]);
    assert_eq!(
        named("@toLower(triggerBody()?['mail'])", "@triggerBody()?['mail']"),
        ["last-writer-wins"]
    );
    assert_eq!(
        named("@concat(triggerBody()?['a'], triggerBody()?['b'])", "@triggerBody()?['a']"),
        ["last-writer-wins"]
    );
}

/// Two take the first free row, mark it alike, and both use it.
#[test]
fn the_first_free_row_is_taken_twice() {
    let list = orders("GetItems", &json!({"$filter": "Status eq 'Free'", "$top": 1}));
    let id = format!("@first({ROWS})?['ID']");
    let take = row("PatchItem", &id, &json!({"Status": "Taken"}));
    assert_eq!(broken("meet-free", &then(list.clone(), take)), ["stale-guard"]);
    // Only one of two deletes it, and the other goes no further.
    let take = row("DeleteItem", &id, &json!({}));
    assert_eq!(broken("meet-free-deleted", &then(list, take)), [""; 0]);
}

/// A condition that does not hold any more does no harm where the other run has written the same.
#[test]
fn the_same_is_set_twice() {
    let flow = |value: &str| {
        let put = row("PatchItem", "@triggerBody()?['id']", &json!({"Link": value}));
        let empty = when("@body('First')?['Link']", &Json::Null, &json!({"Put": put}), "First");
        json!({"First": row("GetItem", "@triggerBody()?['id']", &json!({})), "If": empty})
    };
    assert_eq!(broken("meet-same", &flow("https://x/@{triggerBody()?['id']}")), [""; 0]);
    assert_eq!(broken("meet-other", &flow("https://x/@{triggerBody()?['by']}")), ["stale-guard"]);
}

/// Whoever is asked twice to set something sets it twice. That is told, but not held against the flow.
#[test]
fn a_setter_is_told_and_forgiven() {
    let put = json!({"Put": row("PatchItem", "@triggerBody()?['id']", &json!({"Due": "@triggerBody()?['due']"}))});
    let flow = checked("meet-setter", &on_request(), &put);
    assert_eq!((told(&flow)[0].0, told(&flow)[0].1), ("last-writer-wins", Severity::Note));
    assert_eq!(flow.verdict, Verdict::Safe);
    assert_ne!(checked("meet-setter-event", &on_change(), &put).verdict, Verdict::Safe);
    // Two actions can mix what two callers say.
    let mut both = put.clone();
    let more = row("PatchItem", "@triggerBody()?['id']", &json!({"Who": "@triggerBody()?['who']"}));
    both["More"] = after(more, "Put");
    assert_ne!(checked("meet-setters", &on_request(), &both).verdict, Verdict::Safe);
}

/// The site is an address: its slashes are no slashes of the path.
#[test]
fn a_site_in_a_path_is_one_segment() {
    let items = "/datasets/@{encodeURIComponent(encodeURIComponent('https://x.sharepoint.com/sites/s'))}/tables/@{encodeURIComponent(encodeURIComponent('Orders'))}/items";
    let api = |method: &str, more: Json| {
        let mut inputs = more;
        inputs["host"] = json!({"connection": {"name": "@parameters('$connections')['sharepointonline']['connectionId']"}});
        inputs["method"] = json!(method);
        inputs["path"] = json!(items);
        json!({"type": "ApiConnection", "inputs": inputs})
    };
    let list = api("get", json!({"queries": {"$filter": "Email eq '@{triggerBody()?['mail']}'"}}));
    let add = |mail: &str| json!({"Add": api("post", json!({"body": {"Email": mail}}))});
    let flow = |mail: &str| {
        let none = when("@length(body('First')?['value'])", &json!(0), &add(mail), "First");
        json!({"First": list.clone(), "If": none})
    };
    assert_eq!(broken("meet-path", &flow("@triggerBody()?['mail']")), ["duplicate-create"]);
    // The same in a text, which says the same.
    assert_eq!(broken("meet-path-text", &flow("@{triggerBody()?['mail']}")), ["duplicate-create"]);
}

/// The next number can also be given to a row that is there already.
#[test]
fn the_next_number_of_another_row() {
    let list = |order: &str| orders("GetItems", &json!({"$orderby": order, "$top": 1}));
    let put = row(
        "PatchItem",
        "@triggerOutputs()?['body/ID']",
        &json!({"Number": format!("@add(first({ROWS})?['Number'], 1)")}),
    );
    assert_eq!(
        rules("meet-next", &on_new(), &then(list("Number desc"), put.clone())),
        ["lost-update"]
    );
    // By another column the row does not come first.
    assert_eq!(rules("meet-next-other", &on_new(), &then(list("Created desc"), put)), [""; 0]);
}

/// Fewer than ten, and both see nine.
#[test]
fn a_limit_on_the_number_of_rows() {
    let flow = |condition: Json| {
        let list = orders("GetItems", &json!({"$filter": "Room eq '@{triggerBody()?['room']}'"}));
        let add =
            json!({"Add": orders("PostItem", &json!({"item/Room": "@triggerBody()?['room']"}))});
        let guard = json!({"type": "If", "expression": condition, "actions": add});
        then(list, guard)
    };
    let count = format!("@length({ROWS})");
    assert_eq!(broken("meet-limit", &flow(json!({"less": [count, 10]}))), ["duplicate-create"]);
    assert_eq!(
        broken("meet-limit-or", &flow(json!({"greaterOrEquals": [12, count]}))),
        ["duplicate-create"]
    );
    // A number that somebody else has set.
    let by_row = json!({"less": [count, "@triggerBody()?['most']"]});
    assert_eq!(broken("meet-limit-row", &flow(by_row)), ["duplicate-create"]);
    assert_eq!(broken("meet-limit-none", &flow(json!({"greater": [count, -1]}))), [""; 0]);
}

/// A queue that two runs work off: what one has done the other has in its list still.
#[test]
fn a_row_that_the_query_would_not_find_again() {
    let flow = |filter: &str, guarded: bool| {
        let list = orders("GetItems", &json!({"$filter": filter}));
        let made = json!({"table": "Invoices", "item/Order": "@items('Second')?['ID']"});
        let done = row("PatchItem", "@items('Second')?['ID']", &json!({"Status": "Done"}));
        let actions = if guarded {
            json!({"Done": done})
        } else {
            json!({"Create": orders("PostItem", &made), "Done": after(done, "Create")})
        };
        then(list, json!({"type": "Foreach", "foreach": format!("@{ROWS}"), "actions": actions}))
    };
    let rules = |name: &str, filter: &str, guarded: bool| broken(name, &flow(filter, guarded));
    assert_eq!(rules("meet-queue", "Status eq 'New'", false), ["duplicate-create"]);
    let mut mailed = flow("Status eq 'New'", false);
    mailed["Second"]["actions"]["Create"] =
        call("office365", "SendEmailV2", &json!({"emailMessage/To": "a@b.c"}));
    let mailed = checked("meet-queue-mail", &on_request(), &mailed);
    let said: Vec<&str> = mailed.findings.iter().map(|f| &*f.message).collect();
    assert_eq!(said, ["Create acts on a row that it would no longer choose"]);
    // However the query says it.
    for (at, filter) in [
        "Status ne 'DONE'",
        "Status ne '@{'DONE'}'",
        "Kind eq 'a' and (Status eq 'New' or Status eq 'Open')",
        "not startswith(Status, 'Do')",
        "substringof('ew', Status)",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("meet-queue-{at}");
        assert_eq!(rules(&name, filter, false), ["duplicate-create"], "{filter}");
        let name = format!("meet-queue-still-{at}");
        let still = filter.replace("Status", "Kind");
        assert_eq!(rules(&name, &still, false), [""; 0], "{still}");
    }
    assert_eq!(rules("meet-queue-ne", "Status ne 'Other'", false), [""; 0]);
    // A query that asks for something else would find it again; and the same mark twice is no harm.
    assert_eq!(rules("meet-queue-other", "Kind eq 'New'", false), [""; 0]);
    assert_eq!(rules("meet-queue-mark", "Status eq 'New'", true), [""; 0]);
}

/// *Update a row* with a new id where none was found makes a row.
#[test]
fn an_update_by_a_new_id_makes_a_row() {
    let table = "commondataserviceforapps";
    let list = |mail: &str| {
        call(
            table,
            "ListRecords",
            &json!({"entityName": "accounts", "$filter": format!("mail eq '{mail}'")}),
        )
    };
    let found = format!("first({ROWS})?['accountid']");
    let put = call(
        table,
        "UpdateRecord",
        &json!({"entityName": "accounts",
        "recordId": format!("@if(equals({found}, null), guid(), {found})"), "item/mail": "@triggerBody()?['mail']"}),
    );
    let rules = broken("meet-upsert", &then(list("@{triggerBody()?['mail']}"), put.clone()));
    assert!(rules.contains(&"duplicate-create"), "{rules:?}");
    let named = call(
        table,
        "UpdateRecord",
        &json!({"entityName": "accounts",
        "recordId": "@triggerBody()?['id']", "item/mail": "a"}),
    );
    assert_eq!(broken("meet-upsert-named", &then(list("a"), named)), [""; 0]);
}

/// A row is deleted once: the second time there is nothing to delete, and nothing is deleted where nothing was found.
#[test]
fn a_row_is_deleted_once() {
    let delete = row("DeleteItem", "@triggerBody()?['id']", &json!({}));
    let get = row("GetItem", "@triggerBody()?['id']", &json!({}));
    assert_eq!(broken("meet-delete", &then(get, delete)), [""; 0]);
    let list = orders("GetItems", &json!({"$filter": "Mail eq '@{triggerBody()?['mail']}'"}));
    let first = row("DeleteItem", &format!("@first({ROWS})?['ID']"), &json!({}));
    assert_eq!(broken("meet-delete-found", &then(list, first)), [""; 0]);
}

/// A condition on a value that nobody knows, and that somebody else has replaced by another: it may not hold any more.
#[test]
fn a_condition_on_what_has_been_replaced() {
    let look = row("GetItem", "@triggerBody()?['id']", &json!({}));
    let mail = call("office365", "SendEmailV2", &json!({"emailMessage/To": "a@b.c"}));
    let flow = |written: &str| {
        let put =
            row("PatchItem", "@triggerBody()?['id']", &json!({written: "@triggerBody()?['next']"}));
        let actions = json!({"Mail": mail, "Put": after(put, "Mail")});
        json!({"First": look.clone(), "If": when("@body('First')?['Status']", &json!("New"), &actions, "First")})
    };
    let rules = broken("meet-replaced", &flow("Status"));
    assert!(rules.contains(&"stale-guard"), "{rules:?}");
    assert!(!broken("meet-replaced-other", &flow("Title")).contains(&"stale-guard"));
}
