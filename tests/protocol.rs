//! The lease protocol (semantics §8), row by row of its tables, and the ambiguous call (§6): what each operation answers
//! in each state of the lease, by models of one run. `break`, `change` and proposed ids are not in the format.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::engine::check;
use support::seen::{model, pretty, rules};

/// Every code that the step `Op` can answer with after the steps before it.
fn codes(before: &Value, op: &Value, budget: u64) -> BTreeSet<i64> {
    let mut op = op.clone();
    op["name"] = json!("Op");
    op["takes"] = json!([0, 0]);
    let mut steps = before.as_array().expect("steps").clone();
    if let Some(last) = steps.iter().rev().find_map(|step| step["name"].as_str()) {
        op["runAfter"] = json!({ last: ["Succeeded", "Failed", "Skipped", "TimedOut"] });
    }
    steps.push(op);
    steps.push(
        json!({ "name": "Note", "update": "m", "set": { "Code": "@outputs('Op')?['statusCode']" },
        "takes": [0, 0], "retry": { "type": "none" },
        "runAfter": { "Op": ["Succeeded", "Failed", "Skipped", "TimedOut"] } }),
    );
    let mut model = model(budget, &json!(steps));
    model["state"]["b"] = json!({ "kind": "blob", "value": 0 });
    model["state"]["m"] = json!({ "kind": "item", "fields": { "Code": 0 } });
    let [merged, plain] = ["all", "none"].map(|reduction| {
        let flow = check(&model, reduction);
        let values = flow["outcomes"]["m.Code"]["values"].as_array().expect("observed").clone();
        let number = |v: &Value| v.as_i64().unwrap_or_else(|| panic!("{v} in {}", pretty(&model)));
        values.iter().map(number).collect::<BTreeSet<i64>>()
    });
    assert_eq!(merged, plain, "with and without merged steps: {}", pretty(&model));
    merged
}

fn lock(name: &str) -> Value {
    json!({ "name": name, "acquireLease": "b", "seconds": 30, "takes": [0, 0] })
}

fn unlock(name: &str, of: &str) -> Value {
    json!({ "name": name, "releaseLease": "b", "lease": format!("@outputs('{of}')?['leaseId']"), "takes": [0, 0] })
}

/// The states of the lease, each with the steps that lead there. `A` is the id that counts (or counted), `B` another one.
fn states() -> [(&'static str, Value); 3] {
    let other = [lock("B"), unlock("Back", "B")];
    let [b, back] = other.clone();
    let [b2, back2] = other;
    [
        ("available", json!([lock("B"), unlock("Back", "B"), lock("A"), unlock("Gone", "A")])),
        ("leased", json!([b, back, lock("A")])),
        // A wait longer than the lease: it may run out, and in some schedule it does.
        (
            "expired",
            json!([b2, back2, lock("A"), { "name": "Delay", "compose": "", "takes": [60, 60] }]),
        ),
    ]
}

#[test]
fn what_each_operation_answers_in_each_state() {
    let id = |of: &str| json!(format!("@outputs('{of}')?['leaseId']"));
    let write = |lease: Option<&str>| match lease {
        Some(of) => json!({ "write": "b", "value": 1, "lease": id(of) }),
        None => json!({ "write": "b", "value": 1 }),
    };
    // By row of the tables: available, leased by A, and what expiry adds to that.
    let rows: [(&str, Value, i64, i64, i64); 9] = [
        ("acquire without an id", json!({ "acquireLease": "b", "seconds": 15 }), 201, 409, 201),
        ("renew A", json!({ "renewLease": "b", "lease": id("A") }), 409, 200, 200),
        ("renew B", json!({ "renewLease": "b", "lease": id("B") }), 409, 409, 409),
        ("release A", json!({ "releaseLease": "b", "lease": id("A") }), 409, 200, 200),
        ("release B", json!({ "releaseLease": "b", "lease": id("B") }), 409, 409, 409),
        ("write with A", write(Some("A")), 412, 200, 412),
        ("write with B", write(Some("B")), 412, 412, 412),
        ("write without an id", write(None), 200, 412, 200),
        ("read without an id", json!({ "get": "b" }), 200, 200, 200),
    ];
    let [(_, available), (_, leased), (_, expired)] = states();
    for (name, op, first, second, third) in rows {
        assert_eq!(codes(&available, &op, 0), [first].into(), "{name}, available");
        assert_eq!(codes(&leased, &op, 0), [second].into(), "{name}, leased");
        assert_eq!(codes(&expired, &op, 0), [second, third].into(), "{name}, expired or not");
    }
}

/// Without an id it is the caller's own lease; what is no lease id is none.
#[test]
fn whose_lease_it_is() {
    let [(_, available), (_, leased), (_, expired)] = states();
    for kind in ["renewLease", "releaseLease"] {
        let own = json!({ kind: "b" });
        assert_eq!(codes(&available, &own, 0), [409].into(), "{kind}");
        assert_eq!(codes(&leased, &own, 0), [200].into(), "{kind}");
        assert_eq!(codes(&expired, &own, 0), [200].into(), "{kind}");
        let steps = json!([{ "name": "Get", "get": "b", "takes": [0, 0] }, lock("A")]);
        let tag = json!({ kind: "b", "lease": "@outputs('Get')?['etag']" });
        assert_eq!(codes(&steps, &tag, 0), [409].into(), "{kind}");
    }
    // Two iterations; one may find that the other has taken the lease since its own ran out.
    let each = |lock: Value, then: Value| {
        let mut model = model(
            0,
            &json!([{ "forEach": "o", "items": 2, "concurrency": 2, "do": [lock, then,
            { "name": "Row", "create": "t", "row": { "k": "@outputs('End')?['statusCode']" }, "takes": [0, 0],
              "runAfter": { "End": ["Succeeded", "Failed"] } }] }]),
        );
        model["state"]["b"] = json!({ "kind": "blob" });
        let flow = check(&model, "all");
        let ends = flow["outcomes"]["t"]["values"].as_array().expect("observed").clone();
        ends.iter().map(ToString::to_string).collect::<BTreeSet<_>>()
    };
    let late = json!({ "name": "End", "releaseLease": "b", "takes": [60, 60] });
    let ends = each(lock("A"), late);
    assert!(ends.iter().any(|e| e.contains("409") && e.contains("200")), "{ends:?}");
    // One without end that was renewed is without end, also when its holder has ended.
    let forever = json!({ "name": "A", "acquireLease": "b", "seconds": -1, "takes": [0, 0] });
    let ends = each(forever, json!({ "name": "End", "renewLease": "b", "takes": [0, 0] }));
    assert_eq!(ends, BTreeSet::from(["[{\"k\":200}]".to_owned()]));
}

/// The old id is remembered after expiry until the blob is modified or leased again.
#[test]
fn after_expiry_the_old_id_counts_until_something_happens() {
    let renew = json!({ "renewLease": "b", "lease": "@outputs('A')?['leaseId']" });
    let release = json!({ "releaseLease": "b", "lease": "@outputs('A')?['leaseId']" });
    let [_, _, (_, expired)] = states();
    let with = |step: Value| {
        let mut steps = expired.as_array().expect("steps").clone();
        steps.push(step);
        json!(steps)
    };
    // The write is refused while the lease holds; where it is not, the old id is forgotten.
    let written = with(json!({ "name": "W", "write": "b", "value": 7, "takes": [0, 0] }));
    assert_eq!(codes(&written, &renew, 0), [200, 409].into());
    assert_eq!(codes(&written, &release, 0), [200, 409].into());
    let taken = with(json!({ "name": "C", "acquireLease": "b", "seconds": 60, "takes": [0, 0] }));
    // Where the lease had run out it was taken anew, and the older id is worth nothing.
    assert_eq!(codes(&taken, &renew, 0), [200, 409].into());
    assert_eq!(codes(&taken, &release, 0), [200, 409].into());
    // A lease that was renewed is held again, however it stood before.
    let mut again = renew.clone();
    (again["name"], again["takes"]) = (json!("N"), json!([0, 0]));
    let acquire = json!({ "acquireLease": "b", "seconds": 15 });
    assert_eq!(codes(&with(again), &acquire, 0), [409].into());
    let read = with(json!({ "name": "R", "get": "b", "takes": [0, 0] }));
    assert_eq!(codes(&read, &renew, 0), [200].into());
}

/// Lease operations leave the etag alone; a write changes it.
#[test]
fn a_lease_is_no_change_of_the_blob() {
    let conditional = json!({ "write": "b", "value": 2, "ifMatch": "@outputs('Get')?['etag']",
        "lease": "@outputs('A')?['leaseId']" });
    let get = json!({ "name": "Get", "get": "b", "takes": [0, 0] });
    let leased = json!([get.clone(), lock("B"), unlock("Back", "B"), lock("A"),
        { "name": "Again", "renewLease": "b", "lease": "@outputs('A')?['leaseId']", "takes": [0, 0] }]);
    assert_eq!(codes(&leased, &conditional, 0), [200].into());
    let written = json!([get, lock("A"),
        { "name": "W", "write": "b", "value": 1, "lease": "@outputs('A')?['leaseId']", "takes": [0, 0] }]);
    assert_eq!(codes(&written, &conditional, 0), [412].into());
}

/// A lease without end never runs out, however long its section takes.
#[test]
fn an_infinite_lease_stays() {
    let forever = json!([{ "name": "A", "acquireLease": "b", "seconds": -1, "takes": [0, 0] },
        { "name": "Delay", "compose": "", "takes": [86_400, 86_400] }]);
    let acquire = json!({ "acquireLease": "b", "seconds": 15 });
    assert_eq!(codes(&forever, &acquire, 0), [409].into());
}

/// An acquire whose 201 was lost and that the engine repeats is refused by itself (semantics §8, *acquire retry hazard*);
/// a 409 itself is not repeated.
#[test]
fn a_repeated_acquire_is_refused_by_itself() {
    let acquire = json!({ "acquireLease": "b", "seconds": 30 });
    assert_eq!(codes(&json!([]), &acquire, 0), [201].into());
    // Lost and repeated: 409. Never done, or never answered: 504; by its own time limit: 408. 0 if the note itself fails.
    assert_eq!(codes(&json!([]), &acquire, 1), [0, 201, 408, 409, 504].into());
}

/// Whoever leaves the section without giving the lease back leaks it: also when the section failed, ended the run, or was
/// cut short by a fault (semantics §8, *release must also run when the section failed*).
#[test]
fn what_leaks() {
    let release = |after: &[&str]| {
        json!({ "name": "Unlock", "releaseLease": "b", "lease": "@outputs('A')?['leaseId']", "takes": [0, 0],
            "retry": { "type": "none" }, "runAfter": { "Store": after } })
    };
    let section = |release: Option<Value>, end: bool, budget: u64| {
        let mut steps = vec![
            lock("A"),
            json!({ "name": "Store", "update": "m", "set": { "N": 1 }, "takes": [0, 0], "retry": { "type": "none" } }),
        ];
        if end {
            steps.push(json!({ "name": "End", "terminate": "Succeeded" }));
        }
        steps.extend(release);
        let mut model = model(budget, &json!(steps));
        model["state"]["b"] = json!({ "kind": "blob" });
        rules(&check(&model, "all")).contains("lease-misuse")
    };
    let any = ["Succeeded", "Failed", "Skipped", "TimedOut"];
    assert!(section(None, false, 0));
    assert!(!section(Some(release(&["Succeeded"])), false, 0));
    assert!(section(Some(release(&["Succeeded"])), false, 1), "a failed section leaks");
    assert!(section(Some(release(&any)), true, 0), "Terminate skips the release");
}

/// The lease protects its own blob alone: a write elsewhere does not ask for it (semantics §8).
#[test]
fn a_lease_is_no_fence_elsewhere() {
    let section = |takes: u64, inside: Value| {
        let mut steps =
            vec![json!({ "name": "Lock", "acquireLease": "b", "seconds": 30, "takes": [0, 0],
            "retry": { "count": 90, "interval": 60 } })];
        steps.push(json!({ "name": "Slow", "compose": "", "takes": [0, takes] }));
        steps.push(inside);
        steps.push(json!({ "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 0],
            "retry": { "type": "none" }, "runAfter": { "Store": ["Succeeded", "Failed", "Skipped", "TimedOut"] } }));
        let mut model =
            model(0, &json!([{ "forEach": "o", "items": 2, "concurrency": 2, "do": steps }]));
        model["state"]["b"] = json!({ "kind": "blob", "value": 0 });
        let flow = check(&model, "all");
        let found = flow["findings"].as_array().expect("a list").iter();
        found
            .filter(|f| f["rule"] == "lease-misuse")
            .map(|f| f["cell"].to_string())
            .collect::<Vec<_>>()
    };
    let elsewhere = json!({ "name": "Store", "update": "m", "set": { "N": 1 }, "takes": [0, 0] });
    let own = json!({ "name": "Store", "write": "b", "value": 1, "lease": "@outputs('Lock')?['leaseId']", "takes": [0, 0] });
    assert_eq!(section(29, elsewhere.clone()), Vec::<String>::new());
    assert_eq!(section(30, elsewhere), ["\"m.N\""]);
    // The blob itself refuses the late write: 412, and nothing was misused.
    assert_eq!(section(30, own), Vec::<String>::new());
}

/// A run whose loop has two iterations at once, between steps of its own; what it ends with in table `t`, and its rules.
fn beside(before: &Value, body: &Value, behind: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let each = json!({ "forEach": "o", "items": 2, "concurrency": 2, "do": body });
    let steps = [before.as_array(), Some(&vec![each]), behind.as_array()];
    let steps: Vec<Value> = steps.into_iter().flatten().flatten().cloned().collect();
    let mut model = model(0, &json!(steps));
    model["state"]["b"] = json!({ "kind": "blob", "value": 0 });
    let flow = check(&model, "all");
    let ends = flow["outcomes"]["t"]["values"].as_array().cloned().unwrap_or_default();
    (ends.iter().map(ToString::to_string).collect(), rules(&flow))
}

/// A row that says what an expression is, whatever came before.
fn row(key: &str, after: &str) -> Value {
    json!({ "name": "Row", "create": "t", "row": { "k": key }, "takes": [0, 0], "retry": { "type": "none" },
        "runAfter": { after: ["Succeeded", "Failed", "Skipped", "TimedOut"] } })
}

/// A finite lease runs out also when whoever had it has ended.
#[test]
fn a_lease_that_was_left_behind_runs_out() {
    let body = json!([lock("A"), row("@outputs('A')?['statusCode']", "A")]);
    let (ends, _) = beside(&json!([]), &body, &json!([]));
    let both = "[{\"k\":201},{\"k\":201}]";
    assert!(ends.iter().any(|end| end == both), "{ends:?}");
}

/// The own lease, not named, is good after it ran out only until another is given: whoever has that keeps it.
#[test]
fn a_lease_that_ran_out_gives_back_no_other() {
    let write = json!({ "name": "Write", "write": "b", "value": 1, "lease": "@outputs('A')?['leaseId']", "takes": [0, 0] });
    let back = json!({ "name": "Back", "releaseLease": "b", "takes": [60, 60] });
    let body = json!([lock("A"), { "name": "First", "if": "@equals(items('o'), 1)", "then": [back], "else": [
        write, row("@concat(outputs('A')?['statusCode'], '-', outputs('Write')?['statusCode'])", "Write")] }]);
    let (ends, _) = beside(&json!([]), &body, &json!([]));
    assert!(ends.iter().any(|end| end.contains("201-200")), "{ends:?}");
    assert!(!ends.iter().any(|end| end.contains("201-412")), "{ends:?}");
}

/// A lease that somebody else of the run gave back by its id is given back.
#[test]
fn a_lease_that_an_iteration_gives_back_leaks_no_more() {
    let (_, kept) =
        beside(&json!([lock("A")]), &json!([{ "name": "No", "compose": "" }]), &json!([]));
    assert!(kept.contains("lease-misuse"));
    let (_, given) = beside(&json!([lock("A")]), &json!([unlock("Back", "A")]), &json!([]));
    assert!(!given.contains("lease-misuse"), "{given:?}");
}

/// The lease of a run guards its iterations too, and when it has run out they write without it.
#[test]
fn a_lease_around_a_loop_is_that_of_its_iterations() {
    let section = |takes: u64| {
        let body = json!([{ "name": "Slow", "compose": "", "takes": [0, takes] },
            { "name": "Store", "update": "m", "set": { "N": 1 }, "takes": [0, 0] }]);
        let back = json!([unlock("Back", "A")]);
        beside(&json!([lock("A")]), &body, &back).1.contains("lease-misuse")
    };
    assert!(section(60) && !section(5));
}
