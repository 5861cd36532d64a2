//! What a run has read before its loops: what the iterations of a loop that has ended did is the run's own doing.

mod support;

use flowrace::finding::{Across, Severity};
use serde_json::{Value as Json, json};
use support::flows::{after, call, checked, init, on_request, one_run, orders, set, told};

fn list() -> Json {
    orders("GetItems", &json!({"$filter": "Status eq 'New'"}))
}

/// Writes a column of the loop's item from what the list said of it.
fn put(looped: &str, column: &str, by: u32) -> Json {
    let value = format!("@add(items('{looped}')?['Count'], {by})");
    let item = format!("item/{column}");
    orders("PatchItem", &json!({"id": format!("@items('{looped}')?['ID']"), item: value}))
}

fn each(actions: &Json, repetitions: u32) -> Json {
    json!({"type": "Foreach", "foreach": "@body('Get')?['value']", "actions": actions,
        "runtimeConfiguration": {"concurrency": {"repetitions": repetitions}}})
}

/// Two loops over one list that write the column each time; the second goes after the action of this name.
fn two(repetitions: (u32, u32), second: &Json, behind: &str) -> Json {
    let first = each(&json!({"Put1": put("First", "Count", 1)}), repetitions.0);
    json!({"Get": list(), "First": after(first, "Get"),
        "Second": after(each(second, repetitions.1), behind)})
}

#[test]
fn loops_in_sequence_write_the_rows_of_one_list() {
    let second = json!({"Put2": put("Second", "Count", 2)});
    let twice = json!({"Put2": put("Second", "Count", 2),
        "Put3": after(put("Second", "Count", 3), "Put2")});
    for repetitions in [(20, 20), (20, 1), (1, 20)] {
        let (a, b) = repetitions;
        let flow = two(repetitions, &second, "First");
        assert_eq!(told(&checked(&format!("loops-{a}-{b}"), &one_run(), &flow)), []);
        let flow = two(repetitions, &twice, "First");
        assert_eq!(told(&checked(&format!("loops-twice-{a}-{b}"), &one_run(), &flow)), []);
    }
}

#[test]
fn another_run_in_between_is_somebody_else() {
    let second = json!({"Put2": put("Second", "Count", 2)});
    let flow = two((20, 20), &second, "First");
    let lost = ("lost-update", Severity::Warning, Some(Across::Runs));
    let found = checked("loops-runs", &on_request(), &flow);
    assert!(!told(&found).is_empty() && told(&found).iter().all(|f| *f == lost), "{found:?}");
}

#[test]
fn loops_beside_each_other_are_strangers() {
    let second = json!({"Put2": put("Second", "Count", 2)});
    let flow = two((20, 20), &second, "Get");
    let lost = ("lost-update", Severity::Error, Some(Across::Branches));
    let found = checked("loops-beside", &one_run(), &flow);
    assert!(!told(&found).is_empty() && told(&found).iter().all(|f| *f == lost), "{found:?}");
}

/// The list is as old as it was before the first loop; a branch beside both loops is a stranger still.
#[test]
fn a_branch_beside_both_loops_is_a_stranger() {
    let second = json!({"Put2": put("Second", "Count", 2)});
    let mut flow = two((20, 20), &second, "First");
    let other = each(
        &json!({"Other": orders("PatchItem", &json!({
        "id": "@items('Beside')?['ID']", "item/Count": 7}))}),
        20,
    );
    flow["Beside"] = after(other, "Get");
    let found = checked("loops-branch", &one_run(), &flow);
    let lost = |f: &flowrace::finding::Finding| {
        f.rule == "lost-update" && f.actions.iter().any(|a| a == "Put2")
    };
    assert!(found.findings.iter().any(lost), "{:?}", told(&found));
}

/// Which iteration has set a variable last decides nothing if nobody asks for it afterwards.
#[test]
fn a_variable_that_nobody_reads_in_the_end() {
    let put = json!({"Set": set("v", "@items('Each')")});
    let each = json!({"type": "Foreach", "foreach": "@triggerBody()?['rows']", "actions": put,
        "runtimeConfiguration": {"concurrency": {"repetitions": 20}}});
    let mail = call("office365", "SendEmailV2", &json!({"emailMessage/Body": "@variables('v')"}));
    let alone = json!({"Init": init("v", "string", ""), "Each": after(each, "Init")});
    let mut read = alone.clone();
    read["Mail"] = after(mail.clone(), "Each");
    let rules = |name: &str, actions: &Json| -> Vec<&str> {
        checked(name, &one_run(), actions).findings.iter().map(|f| f.rule).collect()
    };
    assert_eq!(rules("loop-unread", &alone), [""; 0]);
    // Nor is it said where another variable is looked at, or of actions that might be two steps each.
    let add = json!({"type": "AppendToStringVariable", "inputs": {"name": "w", "value": "@variables('v')"}});
    let mut beside = read.clone();
    beside["Also"] = after(init("w", "string", ""), "Init");
    beside["Each"]["runAfter"] = json!({"Also": ["Succeeded"]});
    beside["Each"]["actions"]["Add"] = after(add, "Set");
    beside["Mail"]["inputs"]["parameters"]["emailMessage/Body"] = json!("@variables('w')");
    let flow = checked("loop-beside", &one_run(), &beside);
    let found = told(&flow);
    assert!(found.iter().any(|f| f.0 == "iteration-bleed"), "{found:?}");
    assert!(
        !flow.findings.iter().any(|f| (f.rule, &*f.cell) == ("last-writer-wins", "v")),
        "{found:?}"
    );
    // Whoever reads it meanwhile without having set it is told of nothing else.
    let mut other = alone.clone();
    let first = json!({"equals": ["@items('Each')?['first']", true]});
    let set = &alone["Each"]["actions"];
    other["Each"]["actions"] = json!({"If": {"type": "If", "expression": first, "actions": set, "else": {"actions": {"Mail": mail}}}});
    assert!(rules("loop-other", &other).contains(&"last-writer-wins"));
    assert_eq!(rules("loop-read", &read), ["last-writer-wins"]);
}
