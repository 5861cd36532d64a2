//! A column that is written back as it was read says nothing of the other columns of the same update.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, checked, one_run, row, told};

const ID: &str = "@triggerBody()?['id']";

fn each(columns: &Json) -> Json {
    let put = after(row("PatchItem", ID, columns), "Get");
    json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()?['rows']",
        "actions": {"Get": row("GetItem", ID, &json!({})), "Put": put},
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}}})
}

#[test]
fn whoever_writes_last_decides_the_other_columns() {
    let last = ("last-writer-wins", Severity::Error, Some(Across::Iterations));
    for back in [json!({}), json!({"Title": "@body('Get')?['Title']"})] {
        let mut columns = back.clone();
        columns["Status"] = json!("@items('Each')?['status']");
        let name = format!("written-back-{}", back.as_object().expect("an object").len());
        let flow = checked(&name, &one_run(), &each(&columns));
        assert_eq!(told(&flow), [last]);
        assert_eq!(flow.findings[0].cell, "Orders.Status");
        // The same from everybody is nobody's loss.
        columns["Status"] = json!("Done");
        let flow = checked(&format!("{name}-equal"), &one_run(), &each(&columns));
        assert_eq!(told(&flow), []);
    }
}

/// A condition on another row of the list does not mean that this one was looked at. A condition on the row itself does.
#[test]
fn a_row_beside_decides_nothing() {
    let last = ("last-writer-wins", Severity::Error, Some(Across::Branches));
    for (id, rules) in [(1, vec![last]), (2, vec![])] {
        let at = |mut action: Json, id: u64| {
            action["inputs"]["parameters"]["id"] = json!(id);
            action
        };
        let patch = |status: &str| at(row("PatchItem", ID, &json!({"Status": status})), 2);
        let zero = json!({"equals": ["@body('H')?['Status']", "zero"]});
        let both = json!({"A": patch("one"), "B": patch("two")});
        let actions = json!({
            "H": at(row("GetItem", ID, &json!({})), id),
            "If": after(json!({"type": "If", "expression": zero, "actions": both}), "H"),
        });
        let flow = checked(&format!("written-beside-{id}"), &one_run(), &actions);
        let found: Vec<_> = told(&flow).into_iter().filter(|f| f.0 == last.0).collect();
        assert_eq!(found, rules, "{id}");
    }
}
