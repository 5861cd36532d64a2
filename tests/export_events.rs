//! Two runs that different events have started: what each of them is answered is its own.

mod support;

use serde_json::{Value as Json, json};
use support::flows::{after, call, checked, http, row, then};

/// Something happened elsewhere; its answer is looked up.
fn hook() -> Json {
    json!({"type": "HttpWebhook", "inputs": {"subscribe": {"method": "POST", "uri": "https://x.com/hooks"}}})
}

fn broken(name: &str, actions: &Json) -> Vec<&'static str> {
    checked(name, &hook(), actions).findings.iter().map(|f| f.rule).collect()
}

/// An answer written to one place, whatever it was asked.
fn kept(value: &str) -> Json {
    http("PUT", "https://x.com/latest", &json!({"v": value}))
}

#[test]
fn what_a_call_answers_to_another_event_is_something_else() {
    let told = "@triggerBody()?['host']";
    let asked = [
        http("POST", "https://x.com/lookup", &json!(told)),
        http("GET", "https://x.com/hosts?name=@{triggerBody()?['host']}", &Json::Null),
        http("GET", "https://x.com/hosts/@{triggerBody()?['host']}", &Json::Null),
    ];
    for (at, call) in asked.into_iter().enumerate() {
        let flow = then(call, kept("@body('First')?['ip']"));
        assert_eq!(broken(&format!("event-{at}"), &flow), ["last-writer-wins"], "{at}");
    }
    let same = then(http("POST", "https://x.com/lookup", &json!("all")), kept("@body('First')"));
    assert_eq!(broken("event-none", &same), [""; 0]);
}

/// It may hear of the event from another action, or from a variable.
#[test]
fn an_answer_hangs_on_the_event_through_others() {
    let through = |name: &str, ask: &str| {
        let lookup = http("POST", "https://x.com/lookup", &json!(ask));
        let flow = json!({
            "Host": {"type": "Compose", "inputs": "@triggerBody()?['host']"},
            "Known": {"type": "InitializeVariable", "runAfter": {"Host": ["Succeeded"]},
                "inputs": {"variables": [{"name": "known", "type": "string", "value": "@{outputs('Host')}"}]}},
            "Ask": after(lookup, "Known"),
            "Keep": after(kept("@body('Ask')?['ip']"), "Ask"),
        });
        broken(name, &flow)
    };
    assert_eq!(through("event-compose", "@outputs('Host')"), ["last-writer-wins"]);
    assert_eq!(through("event-variable", "@variables('known')"), ["last-writer-wins"]);
    assert_eq!(through("event-apart", "@workflow()['tags']['environmentName']"), [""; 0]);
}

/// Whoever names the row by what was asked is answered the same.
#[test]
fn two_runs_about_one_row_are_answered_alike() {
    let flow = |method: &str, id: &str| {
        let look = http(method, "https://x.com/hosts/@{triggerBody()?['id']}", &Json::Null);
        then(look, row("PatchItem", id, &json!({"Ip": "@body('First')?['ip']"})))
    };
    assert_eq!(broken("event-own", &flow("GET", "@triggerBody()?['id']")), [""; 0]);
    assert_eq!(
        broken("event-other", &flow("GET", "@triggerBody()?['room']")),
        ["last-writer-wins"]
    );
    // A record that was read is named by its id; what else comes with an answer need not be.
    assert_eq!(broken("event-read", &flow("GET", "@body('First')?['id']")), [""; 0]);
    assert_eq!(broken("event-asked", &flow("POST", "@body('First')?['id']")), ["last-writer-wins"]);
}

/// A row that was found is the row that is written, with all that is in it.
#[test]
fn what_a_row_says_goes_with_its_id() {
    let flow = |column: &str| {
        let filter = json!({"$filter": "Room eq '@{triggerBody()?['room']}'"});
        let list = support::flows::orders("GetItems", &filter);
        let found = |column: &str| format!("@first(body('First')?['value'])?['{column}']");
        let copy = call(
            "commondataserviceforapps",
            "UpdateRecord",
            &json!({"entityName": "rooms", "recordId": found(column), "item/title": found("Title")}),
        );
        then(list, copy)
    };
    assert_eq!(broken("event-row", &flow("ID")), [""; 0]);
    assert_eq!(broken("event-row-by-title", &flow("Kind")), ["last-writer-wins"]);
}

/// That a row is there says nothing about what is in it.
#[test]
fn whether_a_row_is_there_is_no_look_at_it() {
    let flow = |condition: &Json| {
        let filter = json!({"$filter": "Room eq '@{triggerBody()?['room']}'"});
        let list = support::flows::orders("GetItems", &filter);
        let id = "@first(body('First')?['value'])?['ID']";
        let put = row("PatchItem", id, &json!({"Ip": "@triggerBody()?['ip']"}));
        let check = json!({"type": "If", "expression": condition, "actions": {"Put": put}});
        then(list, check)
    };
    let there = json!({"greater": ["@length(body('First')?['value'])", 0]});
    assert_eq!(broken("event-there", &flow(&there)), ["last-writer-wins"]);
    let looked = json!({"equals": ["@first(body('First')?['value'])?['Ip']", ""]});
    assert!(!broken("event-looked", &flow(&looked)).contains(&"last-writer-wins"));
}
