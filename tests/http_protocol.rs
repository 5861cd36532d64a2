//! The lease protocol of semantics §8 as requests over HTTP, row by row: what each operation answers in each state, also
//! after a break, by the id in the answer and by one that a variable keeps. What the service refuses or nobody knows is
//! no lease.

mod support;

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use support::flows::{checked, init, on_request, one_run, set};

const BLOB: &str = "https://acc.blob.core.windows.net/locks/counter.json";
const A: &str = "@{outputs('A')?['headers']?['x-ms-lease-id']}";
const B: &str = "@{outputs('B')?['headers']?['x-ms-lease-id']}";
const KEPT: &str = "@variables('id')";

fn http(method: &str, uri: &str, headers: &Json) -> Json {
    json!({"type": "Http", "inputs": {"method": method, "uri": uri, "headers": headers, "body": "x"}})
}

fn lease(action: &str, more: &[(&str, &str)]) -> Json {
    let mut headers = json!({"x-ms-lease-action": action});
    for (name, value) in more {
        headers[format!("x-ms-lease-{name}")] = json!(value);
    }
    http("PUT", &format!("{BLOB}?comp=lease"), &headers)
}

fn acquire(seconds: &str) -> Json {
    lease("acquire", &[("duration", seconds)])
}

/// One after the other, whatever becomes of each.
fn chain(steps: &[(&str, Json)]) -> Json {
    let mut flow = json!({"Id": init("id", "string", "")});
    let mut last = "Id";
    for (name, step) in steps {
        flow[name] = step.clone();
        flow[name]["runAfter"] = json!({last: ["Succeeded", "Failed", "Skipped", "TimedOut"]});
        last = name;
    }
    flow
}

/// The codes that the last step can answer with, the run being alone: for each of them a flow that has a race if, and only
/// if, it is this one.
fn codes(test: &str, steps: &[(&str, Json)]) -> BTreeSet<u16> {
    let list = "https://example.org/rows";
    let race = json!({
        "Get": http("GET", list, &json!({})),
        "Put": {"type": "Http", "inputs": {"method": "PUT", "uri": list, "body": "@{add(body('Get')?['n'], 1)}"},
            "runAfter": {"Get": ["Succeeded"]}}});
    let twice = json!({"type": "Foreach", "foreach": [1, 2], "actions": race,
        "runtimeConfiguration": {"concurrency": {"repetitions": 2}}});
    let asked = steps.last().expect("a step").0;
    let is = |code: &u16| {
        let code_is = json!({"equals": [format!("@outputs('{asked}')?['statusCode']"), code]});
        let look = json!({"type": "If", "expression": code_is, "actions": {"Each": twice}});
        let all: Vec<_> = steps.iter().cloned().chain([("Look", look)]).collect();
        let flow = checked(&format!("{test}-{code}"), &one_run(), &chain(&all));
        flow.findings.iter().any(|f| f.rule == "lost-update")
    };
    [200, 201, 202, 409, 412].into_iter().filter(is).collect()
}

#[test]
fn what_each_request_answers_in_each_state() {
    let with = |seconds: &str, more: &[(&'static str, Json)]| {
        let back = ("Back", lease("release", &[("id", B)]));
        let start = [("B", acquire("60")), back, ("A", acquire(seconds)), ("Keep", set("id", A))];
        [&start, more].concat()
    };
    let wait = json!({"type": "Wait", "inputs": {"interval": {"count": 5, "unit": "Minute"}}});
    // Available, leased by A, expired, broken. What can expire need not: then it is leased.
    let states = [
        with("-1", &[("Gone", lease("release", &[("id", A)]))]),
        with("-1", &[]),
        with("15", &[("Wait", wait)]),
        with("-1", &[("Force", lease("break", &[]))]),
    ];
    let write = |headers: Json| http("PUT", BLOB, &headers);
    let rows = [
        ("acquire", acquire("30"), [201, 409, 201, 201]),
        ("renew A", lease("renew", &[("id", A)]), [409, 200, 200, 409]),
        ("renew B", lease("renew", &[("id", B)]), [409, 409, 409, 409]),
        ("renew kept", lease("renew", &[("id", KEPT)]), [409, 200, 200, 409]),
        ("renew without id", lease("renew", &[]), [409, 409, 409, 409]),
        ("release A", lease("release", &[("id", A)]), [409, 200, 200, 200]),
        ("release B", lease("release", &[("id", B)]), [409, 409, 409, 409]),
        ("release kept", lease("release", &[("id", KEPT)]), [409, 200, 200, 200]),
        ("release without id", lease("release", &[]), [409, 409, 409, 409]),
        ("break", lease("break", &[("break-period", "0")]), [409, 202, 202, 202]),
        ("write with A", write(json!({"x-ms-lease-id": A})), [412, 200, 412, 412]),
        ("write with B", write(json!({"x-ms-lease-id": B})), [412, 412, 412, 412]),
        ("write kept", write(json!({"x-ms-lease-id": KEPT})), [412, 200, 412, 412]),
        ("write with a text", write(json!({"x-ms-lease-id": "x"})), [412, 412, 412, 412]),
        ("write without id", write(json!({})), [200, 412, 200, 200]),
        ("delete without id", http("DELETE", BLOB, &json!({})), [200, 412, 200, 200]),
        ("read", http("GET", BLOB, &json!({})), [200, 200, 200, 200]),
    ];
    for (name, op, by_state) in rows {
        for (nth, state) in states.iter().enumerate() {
            let steps = [state.clone(), vec![("Op", op.clone())]].concat();
            let mut expected = BTreeSet::from([by_state[nth]]);
            if nth == 2 {
                expected.insert(by_state[1]);
            }
            assert_eq!(codes("states", &steps), expected, "{name}, state {nth}");
        }
    }
}

/// What was broken is as if it had never been, once somebody wrote or took the lease anew: the old id, also one that a
/// variable keeps, is worth nothing to the lease of another.
#[test]
fn an_old_id_is_nothing_to_a_newer_lease() {
    let write = |headers: Json| http("PUT", BLOB, &headers);
    let start = vec![("A", acquire("-1")), ("Keep", set("id", A))];
    let force = |name: &'static str| (name, lease("break", &[]));
    let newer = vec![force("Force"), ("B", acquire("-1"))];
    let given_back = vec![("Back", lease("release", &[("id", A)])), ("B", acquire("-1"))];
    for id in [A, KEPT] {
        for between in [&newer, &given_back] {
            for (op, code) in [
                (lease("release", &[("id", id)]), 409),
                (lease("renew", &[("id", id)]), 409),
                (write(json!({"x-ms-lease-id": id})), 412),
            ] {
                let steps = [start.clone(), between.clone(), vec![("Op", op)]].concat();
                assert_eq!(codes("newer", &steps), [code].into(), "{id}");
            }
        }
        let release = || ("Op", lease("release", &[("id", id)]));
        let again = [start.clone(), newer.clone(), vec![force("Again"), release()]].concat();
        assert_eq!(codes("newer", &again), [409].into(), "broken is the newer one: {id}");
        let written = [start.clone(), vec![force("Force"), ("W", write(json!({}))), release()]];
        assert_eq!(codes("newer", &written.concat()), [409].into(), "written since: {id}");
    }
}

/// Lease requests leave the etag alone: all of them.
#[test]
fn no_lease_request_changes_the_etag() {
    let tag = json!({"If-Match": "@{outputs('Seen')?['headers']?['ETag']}"});
    let steps = [
        ("Seen", http("GET", BLOB, &json!({}))),
        ("B", acquire("-1")),
        ("Again", lease("renew", &[("id", B)])),
        ("Back", lease("release", &[("id", B)])),
        ("A", acquire("-1")),
        ("Force", lease("break", &[])),
        ("First", http("PUT", BLOB, &tag)),
    ];
    assert_eq!(codes("etag", &steps), [200].into());
    let twice = [&steps[..], &[("Stale", http("PUT", BLOB, &tag))]].concat();
    assert_eq!(codes("etag", &twice), [412].into());
}

/// What the service answers with 400, or what nobody knows, is said and not taken for a lease (§8, *request*): another
/// method than PUT, seconds that it does not grant, none, an id where it asks for none, a changed id; and a read by id or
/// a blob that is deleted.
#[test]
fn what_is_no_lease() {
    let held = [("A", acquire("60"))];
    let unknown = |name: &str, step: Json| {
        let flow = chain(&[&held[..], &[("Op", step)]].concat());
        checked(&format!("no-lease-{name}"), &on_request(), &flow).unknown
    };
    let nothing: Vec<String> = vec![];
    assert_eq!(unknown("renew", lease("renew", &[("id", A)])), nothing);
    assert_eq!(unknown("get", http("GET", BLOB, &json!({}))), nothing);
    let odd = vec!["what Op does to a leased blob".to_owned()];
    for seconds in ["15", "60", "-1"] {
        assert_eq!(unknown("granted", acquire(seconds)), nothing, "{seconds}");
    }
    for seconds in ["14", "61", "3600", "0", "-2"] {
        assert_eq!(unknown("not-granted", acquire(seconds)), odd, "{seconds}");
    }
    assert_eq!(unknown("none", lease("acquire", &[])), odd);
    assert_eq!(unknown("own", lease("acquire", &[("duration", "60"), ("id", A)])), odd);
    assert_eq!(unknown("change", lease("change", &[("id", A)])), odd);
    for method in ["POST", "DELETE", "PATCH"] {
        let mut call = acquire("60");
        call["inputs"]["method"] = json!(method);
        assert_eq!(unknown("method", call), odd, "{method}");
        let mut call = lease("release", &[("id", A)]);
        call["inputs"]["method"] = json!(method);
        assert_eq!(unknown("release-method", call), odd, "{method}");
    }
    for (method, headers) in [("GET", json!({"x-ms-lease-id": A})), ("DELETE", json!({}))] {
        assert_eq!(unknown("unsure", http(method, BLOB, &headers)).len(), 1, "{method}");
    }
    for headers in
        [json!({"If-None-Match": "*"}), json!({"x-ms-lease-id": A, "If-None-Match": "*"})]
    {
        assert_eq!(unknown("create-only", http("PUT", BLOB, &headers)), odd);
    }
    let part = http("PUT", &format!("{BLOB}?comp=metadata"), &json!({}));
    assert_eq!(unknown("part", part), odd);
}
