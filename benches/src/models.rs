//! The models of the table, as design models.

use serde_json::{Value, json};

/// One line of the table.
pub struct Row {
    pub name: &'static str,
    pub items: u64,
    pub slots: u64,
    /// What is asked of us: the command and its flags.
    pub command: &'static str,
    /// Processor seconds that it should take at most; for random schedules, how many a second there should be.
    pub goal: Option<f64>,
    /// Which peers run it, and with how many items.
    pub peers: &'static [(&'static str, u64)],
}

const fn row(
    name: &'static str,
    items: u64,
    slots: u64,
    command: &'static str,
    goal: Option<f64>,
    peers: &'static [(&'static str, u64)],
) -> Row {
    Row { name, items, slots, command, goal, peers }
}

const CHECK: &str = "check";
const SYMMETRY: &str = "check --reduction symmetry";
const NONE: &str = "check --reduction none";

/// By model; what is proved by counting and what is listed both.
pub const ROWS: &[Row] = &[
    row("M1", 20, 50, CHECK, Some(0.05), &[("stateright-symmetry", 20), ("loom", 3)]),
    row("M1", 100, 50, CHECK, Some(0.05), &[("shuttle-random", 10)]),
    row("M1", 16, 50, SYMMETRY, Some(0.25), &[("stateright-symmetry", 16), ("spin", 8)]),
    row("M1", 20, 50, SYMMETRY, Some(10.0), &[("stateright-symmetry", 20)]),
    row("M2", 20, 50, CHECK, Some(0.005), &[("stateright-symmetry", 20)]),
    row("M2", 100, 50, CHECK, Some(0.15), &[]),
    row("M2", 1000, 50, CHECK, None, &[]),
    row("M2", 8, 50, NONE, Some(0.17), &[("stateright", 8), ("spin", 8)]),
    row("M2", 10, 50, NONE, Some(25.0), &[]),
    row("M3", 100, 50, CHECK, Some(0.06), &[("stateright-symmetry", 100), ("spin", 12)]),
    row("M4", 100, 50, CHECK, Some(0.003), &[]),
    row("M4x", 12, 50, CHECK, Some(1.0), &[]),
    row("M5", 100, 50, CHECK, Some(0.002), &[("stateright-symmetry", 100), ("spin", 20)]),
    row("M6", 100, 5, CHECK, Some(0.005), &[]),
    row("M7", 50, 50, CHECK, Some(0.005), &[]),
    row("M8", 100, 10, CHECK, Some(0.05), &[("stateright-symmetry", 20)]),
    row("M8e", 100, 10, CHECK, Some(0.005), &[("stateright-symmetry", 20)]),
    row("M8e", 1000, 50, CHECK, Some(0.5), &[]),
    row("M1", 10, 50, "fuzz --strategy random", Some(1e6), &[("shuttle-random", 10)]),
    row("M1", 10, 50, "fuzz --strategy pct", Some(1e6), &[("shuttle-pct", 10)]),
    row("M8e", 100, 10, "fuzz --strategy random", Some(2e5), &[]),
];

/// The design model of a row.
pub fn json(row: &Row) -> Value {
    let item = json!({ "m": { "kind": "item", "fields": { "N": 0 } } });
    let counter = json!([
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ]);
    let etag = json!([{ "name": "Retry", "until": "@equals(outputs('Update_item')?['statusCode'], 200)", "limit": 5000, "do": [
        { "name": "Get_item", "get": "m" },
        { "name": "Update_item", "update": "m", "ifMatch": "@outputs('Get_item')?['etag']",
          "set": { "N": "@add(outputs('Get_item')?['N'], 1)" } } ] }]);
    let table = |rows: Value| json!({ "t": { "kind": "table", "key": ["k"], "rows": rows } });
    let increment = json!({ "name": "Add", "sql": "UPDATE t SET c = c + 1 WHERE k = 1" });
    let one = json!([{ "k": 1, "c": 0 }]);
    match row.name {
        "M1" | "M8" => looped(row, &item, &counter),
        "M2" | "M8e" => looped(row, &item, &etag),
        "M3" => looped(
            row,
            &table(json!([])),
            &json!([
            { "name": "List", "list": "t", "where": { "k": 1 } },
            { "name": "If", "if": "@equals(length(outputs('List')?['value']), 0)",
              "then": [{ "name": "Create", "create": "t", "row": { "k": 1 } }] } ]),
        ),
        "M4" => looped(row, &json!({ "b": { "kind": "blob", "value": 0 } }), &lease(5)),
        "M4x" => looped(row, &json!({ "b": { "kind": "blob", "value": 0 } }), &lease(120)),
        "M5" => looped(row, &table(one), &json!([increment])),
        "M6" => shards(row),
        "M7" => {
            let branch = |b: u64| {
                let mut steps: Vec<Value> = (0..6)
                    .map(|i| json!({ "name": format!("P{b}_{i}"), "compose": format!("@add({i}, 1)") }))
                    .collect();
                steps.push(
                    json!({ "name": format!("S{b}"), "sql": "UPDATE t SET c = c + 1 WHERE k = 1" }),
                );
                steps
            };
            let branches: Vec<_> = (0..row.items).map(branch).collect();
            model(&table(one), &json!([{ "parallel": branches }]))
        }
        other => panic!("no model {other}"),
    }
}

fn model(state: &Value, flow: &Value) -> Value {
    json!({ "flowrace": 1, "name": "bench", "state": state, "flow": flow })
}

fn looped(row: &Row, state: &Value, body: &Value) -> Value {
    model(
        state,
        &json!([{ "forEach": "order", "items": row.items, "concurrency": row.slots, "do": body }]),
    )
}

fn lease(takes: u64) -> Value {
    let takes = json!([0, takes]);
    json!([
        { "name": "Lock", "acquireLease": "b", "takes": takes, "seconds": 60, "retry": { "count": 1000, "interval": 60, "type": "fixed" } },
        { "name": "Get", "get": "b", "takes": takes },
        { "name": "Write", "write": "b", "lease": "@outputs('Lock')?['leaseId']",
          "value": "@add(outputs('Get')?['value'], 1)", "takes": takes },
        { "name": "Unlock", "releaseLease": "b", "lease": "@outputs('Lock')?['leaseId']", "takes": takes } ])
}

/// Five workers, each with its own item.
fn shards(row: &Row) -> Value {
    let state: serde_json::Map<String, Value> = (0..5)
        .map(|s| (format!("s{s}"), json!({ "kind": "item", "fields": { "N": 0 } })))
        .collect();
    let worker = |s: u64| {
        json!([{ "forEach": format!("w{s}"), "items": row.items / 5, "concurrency": 1, "do": [
            { "name": format!("Get{s}"), "get": format!("s{s}") },
            { "name": format!("Set{s}"), "update": format!("s{s}"),
              "set": { "N": format!("@add(outputs('Get{s}')?['N'], 1)") } } ] }])
    };
    let workers: Vec<_> = (0..5).map(worker).collect();
    model(&Value::Object(state), &json!([{ "parallel": workers }]))
}
