//! One store, however a flow reaches it: by a connector's operation, over HTTP, in SQL; by title, id or address. Each
//! race stands beside the same flow without it.

mod support;

use flowrace::finding::Verdict;
use serde_json::{Value as Json, json};
use support::flows::{broken, call, checked, http, native, on_request, orders, rest, then, when};

const ID: &str = "@triggerBody()?['id']";
const MAIL: &str = "@triggerBody()?['mail']";
const ITEMS: &str = "_api/web/lists/getbytitle('Orders')/items";
const ITEM: &str = "_api/web/lists/getbytitle('Orders')/items(@{triggerBody()?['id']})";
const GRAPH: &str = "https://graph.microsoft.com/v1.0/sites/abc/lists/Orders/items";
const LIST_ID: &str = "11111111-2222-3333-4444-555555555555";

fn merge() -> Json {
    json!({"X-HTTP-Method": "MERGE", "If-Match": "*"})
}

fn verbose() -> Json {
    json!({"Accept": "application/json;odata=verbose"})
}

fn get(uri: &str) -> Json {
    rest("GET", uri, &json!({}), &Json::Null)
}

fn patch(value: &str) -> Json {
    orders("PatchItem", &json!({"id": ID, "item/Counter": value}))
}

fn added(path: &str) -> String {
    format!("@add(body('First'){path}?['Counter'], 1)")
}

/// Reading and adding one is a race, reading and setting five is none.
fn counted(name: &str, read: &Json, write: impl Fn(&str) -> Json, path: &str) {
    let flow = then(read.clone(), write(&added(path)));
    assert_eq!(broken(&format!("{name}-racy"), &flow), ["lost-update"], "{name}");
    let flow = then(read.clone(), write("5"));
    assert_eq!(broken(&format!("{name}-fixed"), &flow), [""; 0], "{name}");
}

#[test]
fn a_list_is_one_store_over_its_interface_and_by_its_connector() {
    counted("rest-then-connector", &get(ITEM), patch, "");
    let read = orders("GetItem", &json!({"id": ID}));
    let write = |value: &str| rest("POST", ITEM, &merge(), &json!({"Counter": value}));
    counted("connector-then-rest", &read, write, "");
    for (number, other) in [
        "/_api/Web/Lists/GetByTitle('orders')/GetItemById(@{triggerBody()?['id']})",
        "https://x.sharepoint.com/sites/s/_api/web/lists/getbytitle('Orders')/items(@{triggerBody()?['id']})/",
        "_api//lists/getByTitle('Orders')/items/getbyid(@{triggerBody()?['id']})?$select=Counter",
        "_api/web/GetList('/sites/s/Lists/Orders')/items('@{triggerBody()?['id']}')",
    ]
    .into_iter()
    .enumerate()
    {
        let write = |value: &str| rest("PATCH", other, &json!({}), &json!({"Counter": value}));
        counted(&format!("spelled-{number}"), &get(ITEM), write, "");
    }
}

#[test]
fn a_list_may_be_named_by_its_id() {
    let uri = format!("_api/web/lists(guid'{LIST_ID}')/items(@{{triggerBody()?['id']}})");
    let write = |value: &str| {
        orders("PatchItem", &json!({"table": LIST_ID, "id": ID, "item/Counter": value}))
    };
    counted("by-id", &get(&uri), write, "");
    // Nothing says which list has this title: there is one of each, and that is told.
    counted("by-title-and-id", &get(ITEM), write, "");
    let flow = then(get(ITEM), write("5"));
    let flow = checked("by-title-and-id-told", &on_request(), &flow);
    assert_eq!(flow.unknown, ["list Orders, taken for list 11111111 of the same site"]);
    let elsewhere = get(
        "https://x.sharepoint.com/sites/other/_api/web/lists/getbytitle('Orders')/items(@{triggerBody()?['id']})",
    );
    assert_eq!(broken("another-site", &then(elsewhere, write(&added("")))), [""; 0]);
}

#[test]
fn an_answer_in_verbose_form_says_the_same() {
    let read = rest("GET", ITEM, &verbose(), &Json::Null);
    let write = |value: &str| rest("POST", ITEM, &merge(), &json!({"Counter": value}));
    counted("verbose", &read, write, "?['d']");
    let text = |value: &str| {
        let kind = "{\"type\": \"SP.Data.OrdersListItem\"}";
        let value = value.strip_prefix('@').map_or(value.to_owned(), |v| format!("@{{{v}}}"));
        let body = format!("{{\"__metadata\": {kind}, \"Counter\": {value}}}");
        rest("POST", ITEM, &merge(), &json!(body))
    };
    counted("verbose-text", &read, text, "?['d']");
    let etag = "@body('First')?['d']?['__metadata']?['etag']";
    let headers = json!({"X-HTTP-Method": "MERGE", "If-Match": etag});
    let body = json!({"Counter": added("?['d']")});
    let guarded = then(read, rest("POST", ITEM, &headers, &body));
    // What was read is not lost; that it is refused, nobody looks at.
    assert_eq!(broken("verbose-etag", &guarded), ["retry-exhausted"]);
}

#[test]
fn a_row_is_the_same_by_a_query_for_its_id_and_in_a_form() {
    let list = orders("GetItems", &json!({"$filter": "ID eq @{triggerBody()?['id']}"}));
    let row = "first(body('First')?['value'])";
    let racy = then(list.clone(), patch(&format!("@add({row}?['Counter'], 1)")));
    assert_eq!(broken("query-by-id", &racy), ["lost-update"]);
    assert_eq!(broken("query-by-id-fixed", &then(list, patch("5"))), [""; 0]);
    let uri = format!("{ITEM}/validateUpdateListItem");
    let form = |value: &str| {
        let fields = json!([{"FieldName": "Counter", "FieldValue": value}]);
        rest("POST", &uri, &json!({}), &json!({"formValues": fields}))
    };
    counted("form", &orders("GetItem", &json!({"id": ID})), form, "");
}

#[test]
fn an_item_of_graph_and_its_fields_are_one_row() {
    let whole = format!("{GRAPH}/@{{triggerBody()?['id']}}");
    let fields = format!("{whole}/fields");
    let write = |value: &str| http("PATCH", &fields, &json!({"Counter": value}));
    counted("graph-item", &http("GET", &whole, &json!("")), write, "?['fields']");
    let write = |value: &str| http("PATCH", &whole, &json!({"fields": {"Counter": value}}));
    counted("graph-fields", &http("GET", &fields, &json!("")), write, "");
}

#[test]
fn an_address_is_the_same_in_capital_letters() {
    let write =
        |value: &str| http("PUT", "https://api.example.com/counter/", &json!({"Counter": value}));
    let read = http("GET", "https://API.example.com//Counter?api-version=1", &json!(""));
    counted("capitals", &read, write, "");
}

#[test]
fn a_path_is_the_same_with_a_slash_before_it() {
    let read = call(
        "azureblob",
        "GetFileContentByPath_V2",
        &json!({"dataset": "acc", "path": "docs/n.json"}),
    );
    let write = |value: &str| {
        call(
            "azureblob",
            "CreateFile_V2",
            &json!({"dataset": "acc", "folderPath": "/Docs", "name": "n.json", "body": {"Counter": value}}),
        )
    };
    counted("slash", &read, write, "");
    let encoded = json!({"dataset": "acc", "id": "%252fdocs%252fn.json"});
    counted("encoded", &call("azureblob", "GetFileContent_V2", &encoded), write, "");
}

#[test]
fn a_table_of_dataverse_is_one_store_over_its_interface() {
    let uri = "https://org.crm.dynamics.com/api/data/v9.2/orders(@{triggerBody()?['id']})";
    let write = |value: &str| {
        call(
            "commondataserviceforapps",
            "UpdateOnlyRecord",
            &json!({"entityName": "orders", "recordId": ID, "item/Counter": value}),
        )
    };
    counted("dataverse", &http("GET", uri, &json!("")), write, "");
}

/// Looks for a row, and makes one if there is none; `path` leads to the rows found.
fn made(name: &str, look: &Json, path: &str, make: &Json) {
    for (kind, left, right) in [
        ("length", format!("@length(body('First'){path})"), json!(0)),
        ("empty", format!("@empty(body('First'){path})"), json!(true)),
    ] {
        let flow =
            json!({"First": look, "If": when(&left, &right, &json!({"Make": make}), "First")});
        assert_eq!(broken(&format!("{name}-{kind}"), &flow), ["duplicate-create"], "{name} {kind}");
    }
    assert_eq!(broken(&format!("{name}-blind"), &json!({"Make": make})), [""; 0], "{name}");
}

#[test]
fn a_post_to_the_items_of_a_list_makes_one() {
    let uri = format!("{ITEMS}?$filter=Email eq '@{{triggerBody()?['mail']}}'");
    let row = json!({"Email": MAIL});
    made("rest-make", &get(&uri), "?['value']", &rest("POST", ITEMS, &json!({}), &row));
    let look = rest("GET", &uri, &verbose(), &Json::Null);
    made("verbose-make", &look, "?['d']?['results']", &rest("POST", ITEMS, &verbose(), &row));
    made(
        "connector-make",
        &get(&uri),
        "?['value']",
        &orders("PostItem", &json!({"item/Email": MAIL})),
    );
    let uri =
        format!("{GRAPH}?$expand=fields&$filter=fields/Email eq '@{{triggerBody()?['mail']}}'");
    let make = http("POST", GRAPH, &json!({"fields": row}));
    made("graph-make", &http("GET", &uri, &json!("")), "?['value']", &make);
}

#[test]
fn a_request_may_delete() {
    let headers = json!({"X-HTTP-Method": "DELETE", "If-Match": "*"});
    let delete = json!({"Delete": rest("POST", ITEM, &headers, &Json::Null)});
    let set = rest("POST", ITEM, &merge(), &json!({"State": "new"}));
    let guarded = when("@body('First')?['State']", &json!("old"), &delete, "First");
    let racy = json!({"First": get(ITEM), "If": guarded, "Set": set});
    assert!(broken("rest-delete", &racy).contains(&"stale-guard"));
    assert_eq!(broken("rest-delete-blind", &delete), [""; 0]);
}

const TABLE: &str = "?['ResultSets']?['Table1']";

fn sql(operation: &str, parameters: &Json) -> Json {
    let mut all = parameters.clone();
    all["server"] = json!("s.example.com");
    all["database"] = json!("shop");
    all["table"] = json!("[dbo].[Orders]");
    call("sql", operation, &all)
}

#[test]
fn a_query_and_an_operation_of_sql_meet_at_one_table() {
    let look = native("SELECT Id FROM dbo.Orders WHERE Email = @p", MAIL);
    made("sql-make", &look, TABLE, &sql("PostItem_V2", &json!({"item/Email": MAIL})));
    let look = native("SELECT OrderNo, Counter FROM dbo.Orders WHERE OrderNo = @p", ID);
    let row = format!("first(body('First'){TABLE})");
    let write = |value: &str| {
        sql("PatchItem_V2", &json!({"id": format!("@{row}?['OrderNo']"), "item/Counter": value}))
    };
    let racy = then(look.clone(), write(&format!("@add({row}?['Counter'], 1)")));
    assert_eq!(broken("sql-patch", &racy), ["lost-update"]);
    assert_eq!(broken("sql-patch-fixed", &then(look, write("5"))), [""; 0]);
}

#[test]
fn a_text_equals_another_whatever_its_case_in_sql() {
    let flow = |statement: &str| {
        then(
            native("SELECT Total FROM Orders WHERE Name = 'a'", "1"),
            native(statement, &format!("@add(first(body('First'){TABLE})?['Total'], 1)")),
        )
    };
    let racy = flow("UPDATE Orders SET Total = @p WHERE Name = 'A'");
    assert_eq!(broken("sql-case", &racy), ["lost-update"]);
    let other = flow("UPDATE Orders SET Total = @p WHERE Name = 'B'");
    assert_eq!(broken("sql-another", &other), [""; 0]);
}

#[test]
fn what_an_action_of_dataverse_changes_is_not_known() {
    let table = "commondataserviceforapps";
    let act = call(table, "PerformUnboundAction", &json!({"actionName": "new_Recount"}));
    let alone = checked("action-alone", &on_request(), &json!({"Act": act.clone()}));
    assert_eq!(alone.unknown, [""; 0]);
    let read = call(table, "GetItem", &json!({"entityName": "orders", "recordId": ID}));
    let beside = checked("action-beside-rows", &on_request(), &then(read, act));
    assert_eq!(beside.unknown, ["what actions and changesets of Dataverse change"]);
}

#[test]
fn a_lease_is_taken_by_put_alone() {
    let blob = "https://acc.blob.core.windows.net/locks/counter.json";
    let flow = |method: &str| {
        let headers = json!({"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1"});
        let mut take = http(method, &format!("{blob}?comp=lease"), &json!(""));
        take["inputs"]["headers"] = headers;
        then(take, http("PUT", blob, &json!("x")))
    };
    let flow = checked("lease-by-post", &on_request(), &flow("POST"));
    assert_eq!(flow.unknown, ["what First does to a leased blob"]);
    assert!(flow.verdict != Verdict::Safe || flow.findings.is_empty());
}
