//! Leases of blobs over HTTP, as makers write them: a lock loop around an Http action, right and wrong side by side.

mod support;

use flowrace::finding::{Across, Severity, Verdict};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, init, item, on_request, set, told};

const BLOB: &str = "https://acc.blob.core.windows.net/locks/counter.json";
const ID: &str = "@{outputs('Acquire')?['headers']?['x-ms-lease-id']}";
const BUSY: (&str, Severity, Option<Across>) =
    ("lost-update", Severity::Warning, Some(Across::Runs));

fn http(method: &str, uri: &str, headers: &Json, body: &str) -> Json {
    json!({"type": "Http", "inputs": {"method": method, "uri": uri, "headers": headers, "body": body}})
}

fn lease(action: &str, headers: &Json) -> Json {
    let mut all = headers.clone();
    all["x-ms-lease-action"] = json!(action);
    http("PUT", &format!("{BLOB}?comp=lease"), &all, "")
}

fn acquire(seconds: &str) -> Json {
    lease("acquire", &json!({"x-ms-lease-duration": seconds}))
}

fn whatever(mut action: Json, name: &str) -> Json {
    action["runAfter"] = json!({name: ["Succeeded", "Failed", "Skipped", "TimedOut"]});
    action
}

/// The lock loop: tries until the answer is 201.
fn lock(seconds: &str) -> Json {
    let mut wait = json!({"type": "Wait", "inputs": {"interval": {"count": 5, "unit": "Second"}}});
    wait["runAfter"] = json!({"Acquire": ["Failed"]});
    json!({"type": "Until", "expression": "@equals(outputs('Acquire')?['statusCode'], 201)",
        "limit": {"count": 60, "timeout": "PT1H"}, "actions": {"Acquire": acquire(seconds), "Pause": wait}})
}

/// The lock loop, a look whether it was left with the lease, and the section.
fn guarded(seconds: &str, section: &Json) -> Json {
    let stop = json!({"Stop": {"type": "Terminate", "inputs": {"runStatus": "Failed"}}});
    json!({
        "Lock": lock(seconds),
        "Have": whatever(json!({"type": "If", "expression": {"equals": ["@outputs('Acquire')?['statusCode']", 201]},
            "actions": section, "else": {"actions": stop}}), "Lock"),
    })
}

/// Reads the blob and writes it back with one more; `headers` of the write.
fn count(headers: &Json) -> Json {
    json!({
        "Read": http("GET", BLOB, &json!({}), ""),
        "Write": after(http("PUT", BLOB, headers, "@{add(body('Read')?['n'], 1)}"), "Read"),
        "Release": whatever(lease("release", &json!({"x-ms-lease-id": ID})), "Write"),
    })
}

#[test]
fn a_blob_written_under_its_lease_is_safe_and_without_one_is_not() {
    let bare = json!({
        "Read": http("GET", BLOB, &json!({}), ""),
        "Write": after(http("PUT", BLOB, &json!({}), "@{add(body('Read')?['n'], 1)}"), "Read"),
    });
    assert_eq!(told(&checked("http-bare", &on_request(), &bare)), [BUSY]);
    for seconds in ["60", "-1"] {
        let with = guarded(seconds, &count(&json!({"x-ms-lease-id": ID})));
        let flow = checked(&format!("http-lease{seconds}"), &on_request(), &with);
        assert_eq!(told(&flow), [], "{seconds} s");
        assert_eq!(flow.verdict, Verdict::Safe);
    }
}

#[test]
fn an_etag_does_it_too() {
    let flow = |tag: &str| {
        json!({
            "Seen": lease("break", &json!({})),
            "Read": whatever(http("GET", BLOB, &json!({}), ""), "Seen"),
            "Write": after(http("PUT", BLOB, &json!({"If-Match": tag}), "@{add(body('Read')?['n'], 1)}"), "Read"),
        })
    };
    let tag = "@{outputs('Read')?['headers']?['ETag']}";
    let given_up = ("retry-exhausted", Severity::Warning, Some(Across::Runs));
    let flow_with = checked("http-etag", &on_request(), &flow(tag));
    assert_eq!(told(&flow_with), [given_up], "refused in time, and nobody looks");
    assert_eq!(told(&checked("http-star", &on_request(), &flow("*"))), [BUSY]);
}

/// The lock guards a row elsewhere, which asks for no lease: what counts is who gets in, and for how long.
#[test]
fn a_lock_around_a_row_holds_only_as_long_as_the_lease() {
    let section = |body: Json| {
        let mut section = body;
        section["Release"] = whatever(lease("release", &json!({"x-ms-lease-id": ID})), "Put");
        section
    };
    let row = || {
        section(json!({
            "Get": item("GET", &json!({}), &json!("")),
            "Put": after(item("PATCH", &json!({}), &json!({"N": "@add(body('Get')?['N'], 1)"})), "Get"),
        }))
    };
    let flow = checked("row-for-ever", &on_request(), &guarded("-1", &row()));
    assert_eq!(told(&flow), []);
    let flow = checked("row-a-minute", &on_request(), &guarded("60", &row()));
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"lease-misuse") && rules.contains(&"lost-update"), "{rules:?}");
}

/// Seconds that are known only at run time are the fewest that there can be.
#[test]
fn a_lease_of_unknown_length_is_short() {
    let row = |seconds: &str| {
        let quick = |mut call: Json| {
            call["limit"] = json!({"timeout": "PT7S"});
            call["inputs"]["retryPolicy"] = json!({"type": "none"});
            call
        };
        let more = json!({"N": "@add(body('Get')?['N'], 1)"});
        let section = json!({
            "Get": quick(item("GET", &json!({}), &json!(""))),
            "Put": after(quick(item("PATCH", &json!({}), &more)), "Get"),
            "Release": whatever(lease("release", &json!({"x-ms-lease-id": ID})), "Put"),
        });
        let name = format!("row-{}", seconds.len());
        let mut flow = guarded(seconds, &section);
        let ask = &mut flow["Lock"]["actions"]["Acquire"];
        *ask = quick(ask.clone());
        let found = checked(&name, &on_request(), &flow).findings;
        found.iter().any(|f| f.rule == "lost-update")
    };
    assert!(row("@triggerBody()?['seconds']") && row("15"));
    assert!(!row("60"));
}

/// What the lock guards: counting up, and giving the lease back whatever came of it.
fn counting() -> Json {
    json!({
        "Get": item("GET", &json!({}), &json!("")),
        "Put": after(item("PATCH", &json!({}), &json!({"N": "@add(body('Get')?['N'], 1)"})), "Get"),
        "Release": whatever(lease("release", &json!({"x-ms-lease-id": ID})), "Put"),
    })
}

#[test]
fn a_lock_loop_that_gives_up_must_not_go_in() {
    let section = counting();
    let mut through = section.clone();
    through["Lock"] = lock("-1");
    through["Get"] = after(through["Get"].clone(), "Lock");
    let flow = checked("falls-through", &on_request(), &through);
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"lease-misuse"), "{rules:?}");
    assert_eq!(told(&checked("looks", &on_request(), &guarded("-1", &section))), []);
}

#[test]
fn a_lease_id_kept_in_a_variable_is_the_id() {
    let flow = |id: &str| {
        let mut all = guarded(
            "60",
            &json!({
                "Keep": set("id", ID),
                "Read": after(http("GET", BLOB, &json!({}), ""), "Keep"),
                "Write": after(http("PUT", BLOB, &json!({"x-ms-lease-id": id}), "@{add(body('Read')?['n'], 1)}"), "Read"),
                "Release": whatever(lease("release", &json!({"x-ms-lease-id": "@variables('id')"})), "Write"),
            }),
        );
        all["Id"] = init("id", "string", "");
        all["Lock"] = after(all["Lock"].clone(), "Id");
        all
    };
    let flow = checked("id-in-variable", &on_request(), &flow("@variables('id')"));
    assert_eq!(told(&flow), []);
}

#[test]
fn a_lease_that_nobody_gives_back_is_misuse() {
    let section = json!({
        "Read": http("GET", BLOB, &json!({}), ""),
        "Write": after(http("PUT", BLOB, &json!({"x-ms-lease-id": ID}), "@{add(body('Read')?['n'], 1)}"), "Read"),
    });
    let flow = checked("leak", &on_request(), &guarded("-1", &section));
    assert_eq!(told(&flow), [("lease-misuse", Severity::Warning, Some(Across::Runs))]);
    assert_eq!(flow.findings[0].actions, ["Acquire"]);
}

#[test]
fn whoever_breaks_the_lease_of_another_opens_the_section() {
    let section = counting();
    let mut forced = guarded("-1", &section);
    forced["Force"] = lease("break", &json!({"x-ms-lease-break-period": "0"}));
    forced["Lock"] = whatever(forced["Lock"].clone(), "Force");
    let flow = checked("forced", &on_request(), &forced);
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"lost-update"), "{rules:?}");
    assert!(rules.contains(&"lease-misuse"), "the holder goes on without it: {rules:?}");
    // What was broken is not left behind by whoever had it.
    assert!(flow.findings.iter().all(|f| f.actions != ["Acquire"]), "{:?}", told(&flow));
}

#[test]
fn what_is_not_known_of_a_lease_is_said() {
    let unknown = |name: &str, headers: Json, action: &str, uri: &str| {
        let mut call = lease(action, &headers);
        call["inputs"]["uri"] = json!(uri);
        checked(name, &on_request(), &json!({"Call": call})).unknown
    };
    let here = format!("{BLOB}?comp=lease");
    let dynamic = "https://acc.blob.core.windows.net/locks/@{triggerBody()?['id']}?comp=lease";
    let renew = json!({"x-ms-lease-id": "x"});
    assert_eq!(
        unknown("dynamic", renew.clone(), "renew", dynamic),
        ["the lease of a blob whose address is not there beforehand"]
    );
    assert_eq!(unknown("change", renew, "change", &here), ["what Call does to a leased blob"]);
    let same = json!({"x-ms-lease-duration": "60", "x-ms-proposed-lease-id": "00000000-0000-0000-0000-000000000001"});
    let one = "a lease whose id is proposed by the flow and may be the same for all";
    assert_eq!(
        unknown("same-id", same, "acquire", &here),
        [one, "what Call does to a leased blob"]
    );
    let own = json!({"x-ms-lease-duration": "@triggerBody()?['seconds']", "x-ms-proposed-lease-id": "@guid()"});
    assert_eq!(
        unknown("own-id", own, "acquire", &here),
        ["the seconds of a lease: taken for the 15 that it lasts at least"]
    );
}

/// As in the wild: the answer's code goes into a variable, and the loop looks at that.
#[test]
fn a_lock_loop_may_look_at_a_variable() {
    let section = |headers: Json| {
        let mut all = json!({
            "Code": init("code", "string", ""),
            "Lock": after(json!({"type": "Until", "expression": "@not(equals(variables('code'), '409'))",
                "limit": {"count": 120, "timeout": "PT15M"}, "actions": {
                    "Acquire": acquire("30"),
                    "Set": whatever(set("code", "@{outputs('Acquire')?['statusCode']}"), "Acquire")}}), "Code"),
        });
        let guarded = guarded("30", &count(&headers))["Have"].clone();
        all["Have"] = guarded;
        all["Have"]["expression"] = json!({"equals": ["@variables('code')", "201"]});
        all
    };
    let with = section(json!({"x-ms-lease-id": ID}));
    assert_eq!(told(&checked("code-in-variable", &on_request(), &with)), []);
    let flow = checked("code-without-id", &on_request(), &section(json!({})));
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"lease-misuse"), "written once the lease has run out: {rules:?}");
}

/// 409 is an answer, not a failure of the line: whatever the retry policy, the action is over (semantics §6).
#[test]
fn a_busy_lease_is_not_asked_for_again_by_the_platform() {
    let mut locked = count(&json!({"x-ms-lease-id": ID}));
    locked["Acquire"] = acquire("60");
    locked["Acquire"]["inputs"]["retryPolicy"] =
        json!({"type": "fixed", "count": 90, "interval": "PT60S"});
    locked["Read"] = after(locked["Read"].clone(), "Acquire");
    assert_eq!(told(&checked("tries-once", &on_request(), &locked)), []);
    locked["Read"]["runAfter"] = json!({"Acquire": ["Succeeded", "Failed"]});
    locked["Put"] = after(item("PATCH", &json!({}), &json!({"N": "@body('Read')?['n']"})), "Read");
    locked["Write"]["runAfter"] = json!({"Put": ["Succeeded"]});
    let flow = checked("goes-in-anyway", &on_request(), &locked);
    let rules: Vec<&str> = flow.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"lease-misuse"), "{rules:?}");
}
