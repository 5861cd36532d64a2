//! Conditions on values that nobody knows: answers that contradict each other never meet in one schedule.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, one_run, row, told};

const ID: &str = "@triggerBody()?['id']";

/// Reads the row and writes its count plus one.
fn count(name: &str) -> Json {
    let (get, put) = (format!("Get{name}"), format!("Put{name}"));
    let value = format!("@add(body('{get}')?['Count'], 1)");
    json!({get.clone(): row("GetItem", ID, &json!({})), put: after(row("PatchItem", ID, &json!({"Count": value})), &get)})
}

fn when(condition: &Json, actions: &Json) -> Json {
    json!({"type": "If", "expression": condition, "actions": actions})
}

fn switch(on: &str, case: &str, actions: &Json) -> Json {
    json!({"type": "Switch", "expression": on, "cases": {"One": {"case": case, "actions": actions}},
        "default": {"actions": {}}})
}

const K: &str = "@triggerBody()?['k']";
const LOST: (&str, Severity, Option<Across>) =
    ("lost-update", Severity::Error, Some(Across::Branches));

/// Two branches that count on one row under these conditions: whether both can.
fn meet(name: &str, one: &Json, other: &Json) -> bool {
    let flow = json!({"A": when(one, &count("1")), "B": when(other, &count("2"))});
    let flow = checked(&format!("conditions-{name}"), &one_run(), &flow);
    let found = told(&flow);
    assert!(found.is_empty() || found == [LOST, LOST], "{name}: {found:?}");
    !found.is_empty()
}

#[test]
fn a_value_is_not_two_constants() {
    assert!(!meet("two", &json!({"equals": [K, 1]}), &json!({"equals": [K, 2]})));
    assert!(!meet("types", &json!({"equals": [K, 1]}), &json!({"equals": [K, "1"]})));
    assert!(!meet("case", &json!({"equals": [K, "a"]}), &json!({"equals": [K, "A"]})));
    assert!(!meet("null", &json!({"equals": [K, "a"]}), &json!({"equals": [K, "@null"]})));
    let opposite = json!({"not": {"equals": [K, "a"]}});
    assert!(!meet("not", &json!({"equals": [K, "a"]}), &opposite));
    // Null may pass for an empty text, a whole number for one with a fraction.
    assert!(meet("empty", &json!({"equals": [K, ""]}), &json!({"equals": [K, "@null"]})));
    assert!(meet("float", &json!({"equals": [K, 1]}), &json!({"equals": [K, 1.0]})));
    let another = json!({"equals": ["@triggerBody()?['m']", 2]});
    assert!(meet("another", &json!({"equals": [K, 1]}), &another));
}

#[test]
fn a_number_is_on_one_side_of_a_bound() {
    let five = |f: &str| json!({f: [K, 5]});
    assert!(!meet("above", &five("greater"), &five("lessOrEquals")));
    assert!(!meet("below", &five("less"), &five("greaterOrEquals")));
    assert!(!meet("apart", &json!({"greater": [K, 9]}), &json!({"less": [K, 3]})));
    assert!(!meet("turned", &json!({"greater": [K, 9]}), &json!({"greater": [3, K]})));
    assert!(!meet("above-equal", &json!({"greater": [K, 9]}), &json!({"equals": [K, 9]})));
    assert!(meet("at-least", &five("greaterOrEquals"), &five("lessOrEquals")));
    assert!(meet("between", &json!({"greater": [K, 3]}), &json!({"less": [K, 9]})));
    let both = json!({"and": [five("greaterOrEquals"), five("lessOrEquals")]});
    assert!(!meet("squeezed", &both, &json!({"not": {"equals": [K, 5]}})));
}

#[test]
fn conditions_of_conditions() {
    let is = |n: u32| json!({"equals": [K, n]});
    let either = json!({"or": [is(1), is(2)]});
    assert!(!meet("neither", &either, &is(3)));
    assert!(meet("either", &either, &is(2)));
    assert!(!meet(
        "none",
        &either,
        &json!({"and": [json!({"not": is(1)}), json!({"not": is(2)})]})
    ));
    let more = json!({"and": [is(1), json!({"equals": ["@triggerBody()?['m']", 1]})]});
    assert!(!meet("and", &more, &is(2)));
    assert!(meet("and-same", &more, &is(1)));
    // The designer writes functions as comparisons with true.
    let text =
        json!("@and(equals(triggerBody()?['k'],1), equals(true,greater(triggerBody()?['m'],2)))");
    assert!(!meet("text", &text, &json!({"lessOrEquals": ["@triggerBody()?['m']", 2]})));
    // What is computed from a value is known with it.
    let named = json!({"equals": [K, "Done"]});
    assert!(!meet("empty-of", &named, &json!({"equals": ["@empty(triggerBody()?['k'])", true]})));
    assert!(!meet("starts", &named, &json!("@startsWith(triggerBody()?['k'], 'New')")));
    assert!(meet("starts-so", &named, &json!("@startsWith(triggerBody()?['k'], 'Do')")));
}

#[test]
fn switches_on_one_value_take_one_way() {
    let flow =
        |case: &str| json!({"A": switch(K, "a", &count("1")), "B": switch(K, case, &count("2"))});
    assert_eq!(told(&checked("switch-two", &one_run(), &flow("b"))), []);
    assert_eq!(told(&checked("switch-same", &one_run(), &flow("a"))), [LOST, LOST]);
    let mixed = |condition: &Json| json!({"A": switch(K, "a", &count("1")), "B": when(condition, &count("2"))});
    let other = mixed(&json!({"not": {"equals": [K, "a"]}}));
    assert_eq!(told(&checked("switch-if-not", &one_run(), &other)), []);
    let same = mixed(&json!({"equals": [K, "a"]}));
    assert_eq!(told(&checked("switch-if", &one_run(), &same)), [LOST, LOST]);
}

#[test]
fn a_column_that_was_read_is_one_value() {
    let column = "@body('Get')?['Status']";
    let flow = |one: &str, other: &str| {
        json!({"Get": row("GetItem", ID, &json!({})),
            "A": after(when(&json!({"equals": [column, one]}), &count("1")), "Get"),
            "B": after(when(&json!({"equals": [column, other]}), &count("2")), "Get")})
    };
    assert_eq!(told(&checked("column-two", &one_run(), &flow("New", "Done"))), []);
    assert_eq!(told(&checked("column-same", &one_run(), &flow("New", "New"))), [LOST, LOST]);
}

/// The same field of another item, or of another run, is another value.
#[test]
fn another_item_has_a_value_of_its_own() {
    let both = json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']",
        "actions": {
            "A": when(&json!({"equals": ["@items('Each')?['k']", 1]}), &json!({"One": row("PatchItem", ID, &json!({"Count": 1}))})),
            "B": when(&json!({"equals": ["@items('Each')?['k']", 2]}), &json!({"Two": row("PatchItem", ID, &json!({"Count": 2}))}))},
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}});
    let last = ("last-writer-wins", Severity::Error, Some(Across::Iterations));
    assert_eq!(told(&checked("items-own", &one_run(), &both)), [last]);
}
