//! Native queries of the SQL connectors in exports: the text meets the connector's row operations at the same rows.

mod support;

use flowrace::finding::{Across, FlowReport, Severity, Verdict};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, on_request, one_run, told};

type Told<'a> = (&'a str, Severity, Option<Across>);

const fn across(rule: &str) -> Told<'_> {
    (rule, Severity::Warning, Some(Across::Runs))
}

const fn within(rule: &str) -> Told<'_> {
    (rule, Severity::Error, Some(Across::Iterations))
}

fn call(operation: &str, mut parameters: Json) -> Json {
    parameters["server"] = json!("sql.contoso.com");
    parameters["database"] = json!("shop");
    json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_sql", "connectionName": "shared_sql", "operationId": operation},
        "parameters": parameters}})
}

/// A native query; every `p1`, `p2`… gets its value.
fn native(text: &str, values: &[&str]) -> Json {
    let mut parameters = json!({"query/query": text});
    for (number, value) in values.iter().enumerate() {
        let name = format!("p{}", number + 1);
        parameters[format!("query/formalParameters/{name}")] = json!("INT");
        parameters[format!("query/actualParameters/{name}")] = json!(value);
    }
    call("ExecutePassThroughNativeQuery_V2", parameters)
}

fn get(id: &str) -> Json {
    call("GetItem_V2", json!({"table": "[dbo].[Orders]", "id": id}))
}

fn patch(id: &str, column: &str, value: &str) -> Json {
    let mut parameters = json!({"table": "[dbo].[Orders]", "id": id});
    parameters[format!("item/{column}")] = json!(value);
    call("PatchItem_V2", parameters)
}

const ID: &str = "@triggerBody()?['id']";
const ROW: &str = "first(body('Look')?['resultsets']?['Table1'])";

fn two(first: impl Into<Json>, second: Json) -> Json {
    json!({"Look": first.into(), "Store": after(second, "Look")})
}

fn safe(flow: &FlowReport) {
    assert_eq!(told(flow), []);
    assert_eq!(flow.verdict, Verdict::Safe);
}

#[test]
fn a_row_is_the_same_row_whoever_names_it() {
    let more = "@add(body('Look')?['Stock'], 1)";
    let by_native = native("UPDATE dbo.Orders SET stock = @p1 WHERE Id = @p2", &[more, ID]);
    let flow = checked("get-native", &on_request(), &two(get(ID), by_native));
    assert_eq!(told(&flow), [across("lost-update")]);
    assert_eq!(flow.findings[0].actions, ["Look", "Store"]);
    let seen = native("SELECT Stock FROM Orders WHERE Id = @p1", &[ID]);
    let written = patch(ID, "Stock", &format!("@add({ROW}?['Stock'], 1)"));
    let flow = checked("native-patch", &on_request(), &two(seen, written));
    assert_eq!(told(&flow), [across("lost-update")]);
    assert!(flow.unknown.is_empty(), "{:?}", flow.unknown);
    let atomic = native("UPDATE Orders SET Stock = Stock + 1 WHERE Id = @p1", &[ID]);
    safe(&checked("native-atomic", &on_request(), &two(get(ID), atomic)));
}

#[test]
fn what_a_select_said_is_old_by_the_next_action() {
    let seen = || native("SELECT TOP 1 Stock FROM Orders WHERE Id = @{triggerBody()?['id']}", &[]);
    let text = format!(
        "UPDATE [Orders] SET Stock = @{{add({ROW}?['Stock'], 1)}} WHERE Id = '@{{triggerBody()?['id']}}'"
    );
    let flow = checked("select-update", &on_request(), &two(seen(), native(&text, &[])));
    assert_eq!(told(&flow), [across("lost-update")]);
    let atomic = native(
        "UPDATE Orders SET Stock += 1 OUTPUT inserted.Stock WHERE Id = @{triggerBody()?['id']}",
        &[],
    );
    safe(&checked("select-atomic", &on_request(), &two(seen(), atomic)));
    safe(&checked("select-once", &one_run(), &two(seen(), native(&text, &[]))));
}

#[test]
fn a_table_of_one_row_needs_no_where() {
    let seen = || native("SELECT Number FROM Counter", &[]);
    let next = native("UPDATE Counter SET Number = @p1", &[&format!("@add({ROW}?['Number'], 1)")]);
    let flow = checked("counter", &on_request(), &two(seen(), next));
    assert_eq!(told(&flow), [across("lost-update")]);
    let atomic = native("UPDATE Counter SET Number = Number + 1", &[]);
    safe(&checked("counter-atomic", &on_request(), &two(seen(), atomic)));
    let max = native("SELECT MAX(Number) AS n FROM Tickets", &[]);
    let insert =
        native("INSERT INTO Tickets (Number) VALUES (@p1)", &[&format!("@add({ROW}?['n'], 1)")]);
    let flow = checked("next-number", &on_request(), &two(max, insert));
    assert_eq!(told(&flow), [across("lost-update")]);
}

#[test]
fn a_look_before_an_insert_needs_its_range_locked() {
    let insert = |hint: &str| {
        let text = format!(
            "INSERT INTO Customers (Email) SELECT @p1 WHERE NOT EXISTS (SELECT 1 FROM Customers {hint} WHERE Email = @p1)"
        );
        json!({"Insert": native(&text, &["@triggerBody()?['email']"])})
    };
    let flow = checked("insert-none", &on_request(), &insert(""));
    assert_eq!(told(&flow), [across("duplicate-create")]);
    safe(&checked("insert-hold", &on_request(), &insert("WITH (UPDLOCK, HOLDLOCK)")));
    let merge = |hint: &str| {
        let text = format!(
            "MERGE Customers {hint} AS t USING (SELECT @p1 AS Email) AS s ON t.Email = s.Email \
             WHEN MATCHED THEN UPDATE SET t.Visits = t.Visits + 1 \
             WHEN NOT MATCHED THEN INSERT (Email, Visits) VALUES (s.Email, 1);"
        );
        json!({"Merge": native(&text, &["@triggerBody()?['email']"])})
    };
    let flow = checked("merge-bare", &on_request(), &merge(""));
    assert_eq!(told(&flow), [across("duplicate-create")]);
    safe(&checked("merge-hold", &on_request(), &merge("WITH (HOLDLOCK)")));
    let count = native(
        "SELECT COUNT(*) AS n FROM Customers WHERE Email = @p1",
        &["@triggerBody()?['email']"],
    );
    let plain = native("INSERT INTO Customers (Email) VALUES (@p1)", &["@triggerBody()?['email']"]);
    let flow = json!({
        "Look": count,
        "If": after(json!({"type": "If", "expression": {"equals": [format!("@{ROW}?['n']"), 0]},
            "actions": {"Create": plain}, "else": {"actions": {}}}), "Look"),
    });
    let flow = checked("count-insert", &on_request(), &flow);
    assert_eq!(told(&flow), [across("duplicate-create")]);
}

#[test]
fn a_claim_in_the_update_is_one_step() {
    let mail = json!({"type": "OpenApiConnection", "inputs": {
        "host": {"apiId": "/providers/Microsoft.PowerApps/apis/shared_office365", "connectionName": "shared_office365", "operationId": "SendEmailV2"}, "parameters": {}}});
    let claim = |look: Json, take: Json| {
        json!({
            "Look": look,
            "If": after(json!({"type": "If", "expression": {"equals": [format!("@{ROW}?['Status']"), "new"]},
                "actions": {"Take": take, "Mail": after(mail.clone(), "Take")}, "else": {"actions": {}}}), "Look"),
        })
    };
    let look = native("SELECT Status FROM Orders WHERE Id = @p1", &[ID]);
    let take = native("UPDATE Orders SET Status = 'taken' WHERE Id = @p1", &[ID]);
    let flow = checked("claim-racy", &on_request(), &claim(look, take));
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"stale-guard"), "{rules:?}");
    let take = native(
        "UPDATE Orders SET Status = 'taken' OUTPUT deleted.Id WHERE Id = @p1 AND Status = 'new'",
        &[ID],
    );
    let flow = json!({
        "Take": take,
        "If": after(json!({"type": "If", "expression": {"greater": ["@length(body('Take')?['resultsets']?['Table1'])", 0]},
            "actions": {"Mail": mail}, "else": {"actions": {}}}), "Take"),
    });
    safe(&checked("claim-atomic", &on_request(), &flow));
}

#[test]
fn rows_of_a_select_are_touched_once_each() {
    let flow = |body: Json| {
        json!({
            "All": native("SELECT Id, Stock FROM Orders WHERE Status = 'open'", &[]),
            "Each": after(json!({"type": "Foreach", "foreach": "@body('All')?['resultsets']?['Table1']", "actions": body,
                "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}), "All"),
        })
    };
    let own = json!({"Store": native("UPDATE Orders SET Stock = @p1 WHERE Id = @p2", &["@add(items('Each')?['Stock'], 1)", "@items('Each')?['Id']"])});
    safe(&checked("each-own", &one_run(), &flow(own)));
    let shared = two(
        get("7"),
        native("UPDATE Orders SET Stock = @p1 WHERE Id = 7", &["@add(body('Look')?['Stock'], 1)"]),
    );
    let flow = checked("each-shared", &one_run(), &flow(shared));
    assert_eq!(told(&flow), [within("lost-update")]);
}

#[test]
fn an_update_of_many_rows_may_be_of_this_one() {
    let all = |set: &str| native(&format!("UPDATE Orders SET {set} WHERE Status = 'open'"), &[]);
    let flow = |set: &str| {
        json!({
            "Look": get(ID),
            "Store": after(patch(ID, "Stock", "@add(body('Look')?['Stock'], 1)"), "Look"),
            "All": all(set),
        })
    };
    let rules =
        |flow: &FlowReport| flow.findings.iter().map(|f| f.rule).collect::<Vec<_>>().join(" ");
    let racy = checked("many", &one_run(), &flow("Stock = 0"));
    assert!(rules(&racy).contains("lost-update"), "{}", rules(&racy));
    safe(&checked("many-apart", &one_run(), &flow("Note = 'x'")));
}

#[test]
fn logic_apps_write_the_same_in_other_words() {
    let place = "/v2/datasets/@{encodeURIComponent(encodeURIComponent('default'))},@{encodeURIComponent(encodeURIComponent('default'))}";
    let api = |method: &str, path: &str, body: Json| {
        json!({"type": "ApiConnection", "inputs": {"host": {"connection": {"name": "@parameters('$connections')['sql']['connectionId']"}},
            "method": method, "path": format!("{place}{path}"), "body": body}})
    };
    let table = "@{encodeURIComponent(encodeURIComponent('[dbo].[Orders]'))}";
    let row = format!(
        "/tables/{table}/items/@{{encodeURIComponent(encodeURIComponent(triggerBody()?['id']))}}"
    );
    let query = |text: &str| {
        let body = json!({"query": text, "formalParameters": {"n": "int", "id": "int"},
            "actualParameters": {"n": "@add(body('Look')?['Stock'], 1)", "id": ID}});
        two(api("get", &row, json!(null)), api("post", "/query/sql", body))
    };
    let racy = query("UPDATE Orders SET Stock = @n WHERE Id = @id");
    assert_eq!(told(&checked("la-racy", &on_request(), &racy)), [across("lost-update")]);
    safe(&checked(
        "la-atomic",
        &on_request(),
        &query("UPDATE Orders SET Stock = Stock + 1 WHERE Id = @id"),
    ));
    let built_in = |text: &str| {
        json!({"type": "ServiceProvider", "inputs": {
            "parameters": {"query": text, "queryParameters": {"id": ID, "n": "@add(first(body('Look')?[0])?['Stock'], 1)"}},
            "serviceProviderConfiguration": {"connectionName": "sql", "operationId": "executeQuery", "serviceProviderId": "/serviceProviders/sql"}}})
    };
    let look = || built_in("SELECT Stock FROM Orders WHERE Id = @id");
    let racy = two(look(), built_in("UPDATE Orders SET Stock = @n WHERE Id = @id"));
    assert_eq!(told(&checked("built-in-racy", &on_request(), &racy)), [across("lost-update")]);
    safe(&checked(
        "built-in-atomic",
        &on_request(),
        &two(look(), built_in("UPDATE Orders SET Stock = Stock + 1 WHERE Id = @id")),
    ));
}

#[test]
fn what_nobody_can_read_hides_nothing() {
    let unread = |name: &str, query: Json| checked(name, &on_request(), &two(get(ID), query));
    let joined = unread(
        "joined",
        native("UPDATE o SET o.Stock = s.N FROM Orders o JOIN Stocks s ON s.Id = o.Id", &[]),
    );
    let reason = "the SQL of Store cannot be read, and Look touches its table".to_owned();
    assert_eq!(joined.verdict, Verdict::Inconclusive(reason.clone()));
    assert_eq!(joined.unknown, ["the SQL of Store over Orders, Stocks"]);
    let any = unread("any-text", native("@{triggerBody()?['sql']}", &[]));
    assert_eq!(
        (any.verdict, any.unknown),
        (Verdict::Inconclusive(reason), vec!["the SQL of Store".to_owned()])
    );
    let elsewhere = unread(
        "elsewhere",
        native("UPDATE a SET a.N = b.N FROM Prices a JOIN Stocks b ON b.Id = a.Id", &[]),
    );
    let twice = "the SQL of Store cannot be read, and two runs meet at its table".to_owned();
    assert_eq!(elsewhere.verdict, Verdict::Inconclusive(twice));
    let reads = unread("reads", native("SELECT * FROM Orders o JOIN Stocks s ON s.Id = o.Id", &[]));
    assert_eq!(reads.verdict, Verdict::Safe, "two reads do not race");
    let broken = unread("broken", native("this is no SQL 'at all", &[]));
    assert!(matches!(broken.verdict, Verdict::Inconclusive(_)));
    let procedure =
        unread("procedure", call("ExecuteProcedure_V2", json!({"procedure": "[dbo].[Next]"})));
    assert_eq!(
        (procedure.verdict, procedure.unknown),
        (Verdict::Safe, vec!["what the stored procedure of Store does".to_owned()])
    );
}

/// Iterations and branches of one run meet as two runs do.
#[test]
fn what_nobody_can_read_may_meet_itself_within_one_run() {
    let join = || native("UPDATE o SET o.N = s.N FROM Orders o JOIN Stocks s ON s.Id = o.Id", &[]);
    let each = |at_once: u64| {
        json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']", "actions": {"Store": join()},
            "runtimeConfiguration": {"concurrency": {"repetitions": at_once}}}})
    };
    let verdict = |name: &str, actions: &Json| checked(name, &one_run(), actions).verdict;
    assert!(matches!(verdict("loop", &each(2)), Verdict::Inconclusive(_)));
    assert_eq!(verdict("loop-one", &each(1)), Verdict::Safe);
    let beside = json!({"A": join(), "B": join()});
    assert!(matches!(verdict("branches", &beside), Verdict::Inconclusive(_)));
    assert_eq!(verdict("in-order", &two(join(), join())), Verdict::Safe);
}

/// A read and a write of one batch are two transactions (semantics §10 S3); two tables at once nobody has modelled.
#[test]
fn a_batch_that_cannot_be_taken_apart_is_not_called_safe() {
    let verdict = |name: &str, trigger: &Json, text: &str| {
        checked(name, trigger, &json!({"Store": native(text, &[])})).verdict
    };
    let batch =
        "DECLARE @n INT; SELECT @n = Number FROM Counter; UPDATE Counter SET Number = @n + 1";
    assert!(matches!(verdict("batch", &on_request(), batch), Verdict::Inconclusive(_)));
    assert_eq!(verdict("batch-once", &one_run(), batch), Verdict::Safe);
    let both =
        "UPDATE Orders SET Total = Total + 1 WHERE Id = 7; INSERT INTO Log (Text) VALUES ('x')";
    assert!(matches!(verdict("two-tables", &on_request(), both), Verdict::Inconclusive(_)));
    let one =
        "UPDATE Orders SET Total = Total + 1 WHERE Id = 7; UPDATE Orders SET Seen = 1 WHERE Id = 7";
    assert_eq!(verdict("one-table", &on_request(), one), Verdict::Safe);
    let called = "EXEC dbo.NextNumber @id = 7";
    assert_eq!(verdict("called", &on_request(), called), Verdict::Safe, "a procedure is listed");
}

/// Whoever asks for the version that it has read writes once or not at all.
#[test]
fn a_version_in_the_condition_is_an_etag() {
    let flow = |column: &str, set: &str, version: &str| {
        let look = native(&format!("SELECT Stock, {column} FROM Orders WHERE Id = @p1"), &[ID]);
        let text = format!("UPDATE Orders SET Stock = @p1{set} WHERE Id = @p2{version}");
        let stock = format!("@add({ROW}?['Stock'], 1)");
        two(look, native(&text, &[&stock, ID, &format!("@{ROW}?['{column}']")]))
    };
    let counted = flow("Version", ", Version = Version + 1", " AND Version = @p3");
    safe(&checked("version", &on_request(), &counted));
    safe(&checked("rowversion", &on_request(), &flow("RowVersion", "", " AND RowVersion = @p3")));
    let forgot = flow("Version", ", Version = Version + 1", "");
    let racy = checked("version-forgot", &on_request(), &forgot);
    assert_eq!(told(&racy), [across("lost-update")]);
}
