//! What an answer says and where: statuses, rows that a filter keeps, the greatest number so far. Each race stands beside
//! the same flow without it.

mod support;

use serde_json::{Value as Json, json};
use support::flows::{after, broken, call, http, native, orders, rest, then, when};

const ID: &str = "@triggerBody()?['id']";
const MAIL: &str = "@triggerBody()?['mail']";
const PLACE: &str = "https://api.example.com/orders/@{triggerBody()?['id']}";

/// Counts up without a look whether somebody else does, or sets.
fn counting(racy: bool) -> Json {
    let value = if racy { "@add(body('Get')?['Counter'], 1)" } else { "5" };
    let get = orders("GetItem", &json!({"id": ID}));
    let put = orders("PatchItem", &json!({"id": ID, "item/Counter": value}));
    json!({"Get": get, "Put": after(put, "Get")})
}

#[test]
fn what_stands_behind_a_status_may_happen() {
    let status = "@outputs('First')?['statusCode']";
    let text = "@{outputs('First')?['statusCode']}";
    for (name, call, left, code) in [
        (
            "post",
            http("POST", "https://api.example.com/jobs", &json!({"a": 1})),
            status,
            json!(202),
        ),
        ("patch", http("PATCH", PLACE, &json!({"a": 1})), status, json!(204)),
        ("put", http("PUT", PLACE, &json!({"a": 1})), text, json!("201")),
        // Of two that delete one thing only one is told so.
        ("delete", http("DELETE", &format!("{PLACE}/@{{guid()}}"), &json!("")), status, json!(204)),
        ("create", orders("PostItem", &json!({"item/Title": "a"})), status, json!(200)),
        ("update", orders("PatchItem", &json!({"id": ID, "item/Title": "a"})), status, json!(204)),
        (
            "merge",
            rest(
                "POST",
                "_api/web/lists/getbytitle('Orders')/items(7)",
                &json!({"X-HTTP-Method": "MERGE"}),
                &json!({"Title": "a"}),
            ),
            status,
            json!(204),
        ),
    ] {
        let flow = |racy| json!({"First": call, "If": when(left, &code, &counting(racy), "First")});
        assert!(broken(&format!("status-{name}"), &flow(true)).contains(&"lost-update"), "{name}");
        assert_eq!(broken(&format!("status-{name}-fixed"), &flow(false)), [""; 0], "{name}");
        let never = json!({"First": call, "If": when(left, &json!(404), &counting(true), "First")});
        if name != "post" {
            assert_eq!(broken(&format!("status-{name}-never"), &never), [""; 0], "{name}");
        }
    }
}

#[test]
fn a_status_is_one_and_not_two() {
    let status = "@outputs('First')?['statusCode']";
    let inner = when(status, &json!(201), &counting(true), "Pause");
    let pause = json!({"type": "Compose", "inputs": 1});
    let both = when(status, &json!(204), &json!({"Pause": pause, "If2": inner}), "First");
    let flow = json!({"First": http("PUT", PLACE, &json!({"a": 1})), "If": both});
    assert_eq!(broken("status-both", &flow), [""; 0]);
}

/// A fetch that may find nothing, and what is made then.
fn missing(place: &str, statuses: &Json) -> (Json, Json) {
    let mut make = http("PUT", PLACE, &json!({"n": "@guid()"}));
    make["runAfter"] = json!({place: statuses});
    (http("GET", PLACE, &json!("")), make)
}

#[test]
fn a_row_that_was_not_there_may_be_there_by_now() {
    let (get, make) = missing("Get", &json!(["Failed"]));
    assert_eq!(broken("missed", &json!({"Get": get, "Make": make})), ["stale-guard"]);
    let (get, make) = missing("Try", &json!(["Failed"]));
    let tried = json!({"type": "Scope", "actions": {"Get": get}});
    assert_eq!(broken("missed-in-scope", &json!({"Try": tried, "Make": make})), ["stale-guard"]);
    let (get, _) = missing("Get", &json!(["Failed"]));
    let put = http("PUT", PLACE, &json!({"n": "@guid()"}));
    let mut looked =
        when("@outputs('Get')?['statusCode']", &json!(404), &json!({"Make": put}), "Get");
    looked["runAfter"] = json!({"Get": ["Succeeded", "Failed"]});
    assert_eq!(broken("missed-by-status", &json!({"Get": get, "If": looked})), ["stale-guard"]);
}

#[test]
fn what_comes_after_a_failure_is_no_race_by_itself() {
    let (get, _) = missing("Get", &json!([]));
    let mut tell = call("office365", "SendEmailV2", &json!({"emailMessage/To": "a@example.com"}));
    tell["runAfter"] = json!({"Get": ["Failed", "TimedOut"]});
    assert_eq!(broken("missed-and-told", &json!({"Get": get, "Tell": tell})), [""; 0]);
    // A file that is there is not made again.
    let seen = call(
        "sharepointonline",
        "GetFileMetadataByPath",
        &json!({"dataset": "https://x.sharepoint.com", "path": "/Docs/@{triggerBody()?['id']}"}),
    );
    let mut make = call(
        "sharepointonline",
        "CreateFile",
        &json!({"dataset": "https://x.sharepoint.com", "folderPath": "/Docs", "name": ID, "body": "x"}),
    );
    make["runAfter"] = json!({"Get": ["Failed"]});
    assert_eq!(broken("missed-file", &json!({"Get": seen, "Make": make})), [""; 0]);
}

fn sifted(rest: Json) -> Json {
    let mut flow = rest;
    flow["List"] = orders("GetItems", &json!({}));
    flow["Filter"] = after(
        json!({"type": "Query", "inputs": {"from": "@body('List')?['value']",
            "where": "@equals(item()?['Email'], triggerBody()?['mail'])"}}),
        "List",
    );
    flow
}

#[test]
fn a_filter_that_keeps_nothing_is_a_guard() {
    let make = json!({"Make": orders("PostItem", &json!({"item/Email": MAIL}))});
    for (name, left, right) in [
        ("length", "@length(body('Filter'))", json!(0)),
        ("empty", "@empty(body('Filter'))", json!(true)),
        ("first", "@first(body('Filter'))?['ID']", Json::Null),
    ] {
        let flow = sifted(json!({"If": when(left, &right, &make, "Filter")}));
        assert_eq!(broken(&format!("filter-{name}"), &flow), ["duplicate-create"], "{name}");
    }
    let mut contains =
        sifted(json!({"If": when("@empty(body('Filter'))", &json!(true), &make, "Filter")}));
    contains["Filter"]["inputs"]["where"] =
        json!("@contains(item()?['Email'], triggerBody()?['mail'])");
    assert_eq!(broken("filter-contains", &contains), ["duplicate-create"]);
    let other = when("@length(body('Filter'))", &json!(0), &json!({}), "Filter");
    let mut flow = sifted(json!({"If": other}));
    flow["Make"] = after(make["Make"].clone(), "If");
    assert_eq!(broken("filter-no-guard", &flow), [""; 0]);
}

#[test]
fn a_row_that_a_filter_keeps_is_updated() {
    let put = |value: &str| {
        let id = "@first(body('Filter'))?['ID']";
        let put = orders("PatchItem", &json!({"id": id, "item/Counter": value}));
        sifted(json!({"Put": after(put, "Filter")}))
    };
    let racy = put("@add(first(body('Filter'))?['Counter'], 1)");
    assert_eq!(broken("filter-update", &racy), ["lost-update"]);
    assert_eq!(broken("filter-set", &put("5")), [""; 0]);
    let each = |value: &str| {
        let put =
            orders("PatchItem", &json!({"id": "@items('Each')?['ID']", "item/Counter": value}));
        let each =
            json!({"type": "Foreach", "foreach": "@body('Filter')", "actions": {"Put": put}});
        sifted(json!({"Each": after(each, "Filter")}))
    };
    assert_eq!(broken("filter-each", &each("@add(items('Each')?['Counter'], 1)")), ["lost-update"]);
    assert_eq!(broken("filter-each-set", &each("5")), [""; 0]);
}

/// The next number is the greatest so far and one: two runs may find the same.
fn numbered(name: &str, list: &Json, rows: &str, make: impl Fn(&str) -> Json) {
    let racy = make(&format!("@add(first({rows})?['Number'], 1)"));
    assert_eq!(
        broken(&format!("{name}-next"), &then(list.clone(), racy)),
        ["lost-update"],
        "{name}"
    );
    assert_eq!(broken(&format!("{name}-any"), &then(list.clone(), make("5"))), [""; 0], "{name}");
}

#[test]
fn two_runs_may_find_the_same_greatest_number() {
    let newest = json!({"$orderby": "Number desc", "$top": 1});
    let make = |n: &str| orders("PostItem", &json!({"item/Number": n}));
    numbered("list", &orders("GetItems", &newest), "body('First')?['value']", make);
    let items = "_api/web/lists/getbytitle('Orders')/items";
    let list =
        rest("GET", &format!("{items}?$orderby=Number%20desc&$top=1"), &json!({}), &Json::Null);
    let make = |n: &str| rest("POST", items, &json!({}), &json!({"Number": n}));
    numbered("rest", &list, "body('First')?['value']", make);
    let table = "commondataserviceforapps";
    let list = json!({"entityName": "orders", "$orderby": "Number desc", "$top": 1});
    let make =
        |n: &str| call(table, "CreateRecord", &json!({"entityName": "orders", "item/Number": n}));
    numbered(
        "dataverse",
        &call(table, "ListRecords", &list),
        "outputs('First')?['body/value']",
        make,
    );
    let make = |n: &str| native("INSERT INTO Orders (Number) VALUES (@p)", n);
    for (name, query) in [
        ("top", "SELECT TOP 1 Number FROM Orders ORDER BY Number DESC"),
        ("max", "SELECT MAX(Number) AS Number FROM Orders"),
    ] {
        numbered(name, &native(query, "1"), "body('First')?['ResultSets']?['Table1']", make);
    }
}
