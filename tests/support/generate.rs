//! Random small design models: two or three processes of a few idioms each over few cells. What the design leaves open
//! (order inside appended arrays, upsert over duplicates, the first of several rows) is not generated.

use proptest::prelude::*;
use serde_json::{Value, json};

/// One idiom. Numbers choose cells and constants, so that a failure shrinks to small ones.
#[derive(Clone, Debug)]
enum Piece {
    /// Get, then update computed from it; `to` another column or item is a value from elsewhere.
    ReadWrite {
        from: usize,
        to: usize,
        etag: bool,
    },
    /// Update with a constant, or with the item's value.
    Blind {
        to: usize,
        value: i64,
        own: bool,
    },
    /// A conditional write whose etag was kept in a variable, with another read in between or not.
    Kept {
        again: bool,
    },
    /// The correct loop, or one that gives up early.
    Retry {
        limit: u64,
        /// Its time limit: none, or what one round takes, a second more, or two rounds.
        time: u64,
    },
    /// A conditional write, and what happens when it is refused.
    Handled {
        value: i64,
    },
    /// Get, and a write or an effect only if the value is small.
    Guarded {
        at: usize,
        send: bool,
    },
    /// Writes back a column as it was read.
    CopyBack,
    Set {
        value: i64,
        own: bool,
    },
    SetFromVariable {
        between: bool,
    },
    Increment {
        by: i64,
    },
    Append {
        own: bool,
    },
    /// List, create if there is none; or create without a look.
    Create {
        guarded: bool,
        key: i64,
    },
    Upsert {
        key: i64,
        own: bool,
    },
    Rows {
        key: i64,
        delete: bool,
    },
    /// Waits until the variable is large enough.
    Wait {
        least: i64,
    },
    /// Reads the variable until it is large enough, then writes.
    Poll {
        least: i64,
    },
    Scope(Vec<Piece>),
    Parallel(Vec<Piece>, Vec<Piece>),
    Inner(Vec<Piece>),
}

#[derive(Clone, Debug)]
enum Shape {
    Loop { items: usize, window: usize, last: Vec<Piece>, body: Vec<Piece> },
    Branches(Vec<Vec<Piece>>),
    Flows { runs: usize, flows: Vec<Vec<Piece>> },
    RunAfter(Vec<Piece>, Vec<Piece>),
}

/// A design model.
pub(crate) fn models() -> impl Strategy<Value = Value> {
    let pieces = |most| prop::collection::vec(piece(), 1..=most);
    let shape = prop_oneof![
        5 => (2..=3_usize, 2..=3_usize, prop::collection::vec(simple(), 0..=1), pieces(2))
            .prop_map(|(items, window, last, body)| Shape::Loop { items, window, last, body }),
        3 => prop::collection::vec(pieces(2), 2..=3).prop_map(Shape::Branches),
        1 => (1..=2_usize, prop::collection::vec(pieces(2), 1..=2)).prop_map(|(runs, flows)| Shape::Flows { runs, flows }),
        1 => (pieces(2), pieces(2)).prop_map(|(a, b)| Shape::RunAfter(a, b)),
    ];
    (shape, any::<bool>(), any::<bool>())
        .prop_map(|(shape, unique, rows)| build(&shape, unique, rows))
}

fn simple() -> impl Strategy<Value = Piece> {
    let flag = any::<bool>;
    prop_oneof![
        5 => (0..3_usize, 0..3_usize, prop::bool::weighted(0.3)).prop_map(|(from, to, etag)| Piece::ReadWrite { from, to, etag }),
        3 => (0..3_usize, 1..=2_i64, flag()).prop_map(|(to, value, own)| Piece::Blind { to, value, own }),
        1 => flag().prop_map(|again| Piece::Kept { again }),
        2 => (1..=3_u64, 0..=3_u64).prop_map(|(limit, time)| Piece::Retry { limit, time }),
        1 => (1..=2_i64).prop_map(|value| Piece::Handled { value }),
        2 => (0..3_usize, flag()).prop_map(|(at, send)| Piece::Guarded { at, send }),
        1 => Just(Piece::CopyBack),
        2 => (1..=2_i64, flag()).prop_map(|(value, own)| Piece::Set { value, own }),
        2 => flag().prop_map(|between| Piece::SetFromVariable { between }),
        2 => (1..=2_i64).prop_map(|by| Piece::Increment { by }),
        1 => flag().prop_map(|own| Piece::Append { own }),
        2 => (flag(), 1..=2_i64).prop_map(|(guarded, key)| Piece::Create { guarded, key }),
        1 => (1..=2_i64, flag()).prop_map(|(key, own)| Piece::Upsert { key, own }),
        1 => (1..=2_i64, flag()).prop_map(|(key, delete)| Piece::Rows { key, delete }),
        1 => (1..=2_i64).prop_map(|least| Piece::Wait { least }),
        1 => (1..=2_i64).prop_map(|least| Piece::Poll { least }),
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    let some = || prop::collection::vec(simple(), 1..=2);
    let one = || prop::collection::vec(simple(), 1..=1);
    prop_oneof![
        12 => simple(),
        1 => some().prop_map(Piece::Scope),
        1 => (one(), one()).prop_map(|(a, b)| Piece::Parallel(a, b)),
        1 => one().prop_map(Piece::Inner),
    ]
}

/// Numbers the names; `item` is the expression for a process's own value, if it has one.
struct Builder {
    count: usize,
    item: Option<&'static str>,
    unique: bool,
}

fn build(shape: &Shape, unique: bool, rows: bool) -> Value {
    let mut b = Builder { count: 0, item: None, unique };
    let mut model = json!({ "flowrace": 1, "name": "random", "state": {} });
    match shape {
        Shape::Loop { items, window, last, body } => {
            b.item = Some("@items('order')");
            let body = b.list(body);
            b.item = None;
            let mut flow = vec![
                json!({ "forEach": "order", "items": items, "concurrency": window, "do": body }),
            ];
            flow.extend(b.list(last));
            model["flow"] = json!(flow);
        }
        Shape::Branches(branches) => {
            let branches: Vec<_> = branches.iter().map(|branch| b.list(branch)).collect();
            model["flow"] = json!([{ "name": "Branches", "parallel": branches }]);
        }
        Shape::Flows { runs, flows } => {
            let flow = |pieces, b: &mut Builder| json!({ "do": b.list(pieces), "runs": if flows.len() == 1 { 2 } else { *runs } });
            let flows = flows
                .iter()
                .zip(["ones", "twos"])
                .map(|(f, name)| (name.to_owned(), flow(f, &mut b)))
                .collect();
            model["flows"] = Value::Object(flows);
        }
        Shape::RunAfter(one, two) => {
            let mut flow = vec![];
            for branch in [one, two] {
                let mut steps = b.list(branch);
                steps[0]["runAfter"] = json!({});
                flow.extend(steps);
            }
            model["flow"] = json!(flow);
        }
    }
    let text = model.to_string();
    let rows = if rows { json!([{ "k": 1, "n": 0 }]) } else { json!([]) };
    let cells = [
        ("m", json!({ "kind": "item", "fields": { "A": 5, "B": 0 } })),
        ("o", json!({ "kind": "item", "fields": { "A": 1 } })),
        ("v", json!({ "kind": "variable", "value": 0 })),
        ("w", json!({ "kind": "variable", "value": "" })),
        ("l", json!({ "kind": "variable", "value": [] })),
        ("t", json!({ "kind": "table", "key": ["k"], "unique": unique, "rows": rows })),
    ];
    for (name, cell) in cells {
        if text.contains(&format!("\"{name}\"")) || text.contains(&format!("('{name}')")) {
            model["state"][name] = cell;
        }
    }
    model
}

impl Builder {
    fn name(&mut self, of: &str) -> String {
        self.count += 1;
        format!("{of}_{}", self.count)
    }

    fn own(&self, own: bool, value: i64) -> Value {
        self.item.filter(|_| own).map_or(json!(value), |item| json!(item))
    }

    fn list(&mut self, pieces: &[Piece]) -> Vec<Value> {
        pieces.iter().flat_map(|piece| self.piece(piece)).collect()
    }

    fn piece(&mut self, piece: &Piece) -> Vec<Value> {
        match piece {
            Piece::Scope(..) | Piece::Parallel(..) | Piece::Inner(..) => {
                vec![self.container(piece)]
            }
            Piece::Create { .. } | Piece::Upsert { .. } | Piece::Rows { .. } => self.table(piece),
            Piece::Set { .. }
            | Piece::SetFromVariable { .. }
            | Piece::Increment { .. }
            | Piece::Append { .. }
            | Piece::Wait { .. }
            | Piece::Poll { .. } => self.variable(piece),
            _ => self.item(piece),
        }
    }

    fn item(&mut self, piece: &Piece) -> Vec<Value> {
        let (get, update) = (self.name("Get"), self.name("Update"));
        let read = |column: &str| format!("outputs('{get}')?['{column}']");
        let tag = format!("@outputs('{get}')?['etag']");
        match piece {
            Piece::ReadWrite { from, to, etag } => {
                let ((source, column), (target, set)) = (place(*from), place(*to));
                let mut write = json!({ "name": update, "update": target, "set": { set: format!("@add({}, 1)", read(column)) } });
                if *etag && source == target {
                    write["ifMatch"] = json!(tag);
                }
                vec![json!({ "name": get, "get": source }), write]
            }
            Piece::Kept { again } => {
                let (keep, more) = (self.name("Keep"), self.name("Get"));
                let mut steps = vec![
                    json!({ "name": get, "get": "m" }),
                    json!({ "name": keep, "setVariable": "w", "value": tag }),
                ];
                if *again {
                    steps.push(json!({ "name": more, "get": "m" }));
                    let same = format!("@equals(outputs('{more}')?['etag'], variables('w'))");
                    let update = json!({ "name": update, "update": "m", "set": { "A": format!("@add({}, 1)", read("A")) } });
                    steps.push(json!({ "name": self.name("If"), "if": same, "then": [update] }));
                } else {
                    steps
                        .push(json!({ "name": update, "update": "m", "ifMatch": "@variables('w')",
                        "set": { "A": format!("@add({}, 1)", read("A")) } }));
                }
                steps
            }
            Piece::Blind { to, value, own } => {
                let (target, set) = place(*to);
                vec![
                    json!({ "name": update, "update": target, "set": { set: self.own(*own, *value) } }),
                ]
            }
            Piece::Retry { limit, time } => {
                let mut retry = json!({ "name": self.name("Retry"), "limit": limit,
                    "until": format!("@equals(outputs('{update}')?['statusCode'], 200)"), "do": [
                    { "name": get, "get": "m" },
                    { "name": update, "update": "m", "ifMatch": tag, "set": { "A": format!("@add({}, 1)", read("A")) } } ] });
                if *time > 0 {
                    retry["timeout"] =
                        json!([240, 241, 480][usize::try_from(*time - 1).unwrap_or(0)]);
                }
                vec![retry]
            }
            Piece::Handled { value } => vec![
                json!({ "name": get, "get": "m" }),
                json!({ "name": update, "update": "m", "ifMatch": tag, "set": { "A": value } }),
                json!({ "name": self.name("Handler"), "update": "o", "set": { "A": 9 }, "runAfter": { update: ["Failed"] } }),
            ],
            Piece::Guarded { at, send } => {
                let (target, column) = place(*at);
                let then = match send {
                    true => json!({ "name": self.name("Send"), "send": "a mail" }),
                    false => json!({ "name": update, "update": target, "set": { column: 7 } }),
                };
                vec![
                    json!({ "name": get, "get": target }),
                    json!({ "name": self.name("If"), "if": format!("@less({}, 6)", read(column)), "then": [then] }),
                ]
            }
            _ => vec![
                json!({ "name": get, "get": "m" }),
                json!({ "name": update, "update": "m", "set": { "A": format!("@{}", read("A")), "B": format!("@add({}, 1)", read("B")) } }),
            ],
        }
    }

    fn variable(&mut self, piece: &Piece) -> Vec<Value> {
        match piece {
            Piece::Set { value, own } => vec![
                json!({ "name": self.name("Set"), "setVariable": "v", "value": self.own(*own, *value) }),
            ],
            Piece::SetFromVariable { between } => {
                let (compose, update) = (self.name("Compose"), self.name("Update"));
                let mut steps =
                    vec![json!({ "name": compose, "compose": "@add(variables('v'), 1)" })];
                if *between {
                    steps.push(
                        json!({ "name": update, "update": "o", "set": { "A": "@variables('v')" } }),
                    );
                }
                steps.push(json!({ "name": self.name("Set"), "setVariable": "v", "value": format!("@outputs('{compose}')") }));
                steps
            }
            Piece::Increment { by } => {
                vec![json!({ "name": self.name("Increment"), "increment": "v", "by": by })]
            }
            Piece::Append { own } => vec![
                json!({ "name": self.name("Append"), "append": "l", "value": self.own(*own, 1) }),
            ],
            Piece::Wait { least } => vec![
                json!({ "name": self.name("Wait"), "wait": format!("@not(less(variables('v'), {least}))") }),
            ],
            Piece::Poll { least } => {
                let get = self.name("Get");
                let test = format!("@not(less(outputs('{get}')?['value'], {least}))");
                vec![
                    json!({ "name": self.name("Poll"), "until": test, "limit": 2, "do": [{ "name": get, "get": "v" }] }),
                ]
            }
            _ => unreachable!("not about a variable"),
        }
    }

    fn table(&mut self, piece: &Piece) -> Vec<Value> {
        match piece {
            Piece::Create { guarded, key } => {
                let list = self.name("List");
                let create = json!({ "name": self.name("Create"), "create": "t", "row": { "k": key, "n": 1 } });
                if !guarded {
                    return vec![create];
                }
                vec![
                    json!({ "name": list, "list": "t", "where": { "k": key } }),
                    json!({ "name": self.name("If"), "if": format!("@empty(outputs('{list}')?['value'])"), "then": [create] }),
                ]
            }
            // Over duplicates its meaning is open: only where the store enforces the key.
            Piece::Upsert { key, own } if self.unique => {
                vec![
                    json!({ "name": self.name("Upsert"), "upsert": "t", "key": { "k": key }, "row": { "n": self.own(*own, 2) } }),
                ]
            }
            Piece::Rows { key, delete: true } => {
                vec![json!({ "name": self.name("Delete"), "delete": "t", "where": { "k": key } })]
            }
            Piece::Rows { key, .. } | Piece::Upsert { key, .. } => {
                vec![
                    json!({ "name": self.name("Rows"), "update": "t", "where": { "k": key }, "set": { "n": 3 } }),
                ]
            }
            _ => unreachable!("not about a table"),
        }
    }

    fn container(&mut self, piece: &Piece) -> Value {
        match piece {
            Piece::Scope(inside) => json!({ "scope": self.name("Scope"), "do": self.list(inside) }),
            Piece::Parallel(a, b) => {
                json!({ "name": self.name("Both"), "parallel": [self.list(a), self.list(b)] })
            }
            Piece::Inner(inside) => {
                json!({ "forEach": self.name("inner"), "items": 2, "concurrency": 2, "do": self.list(inside) })
            }
            _ => unreachable!("not a container"),
        }
    }
}

fn place(at: usize) -> (&'static str, &'static str) {
    [("m", "A"), ("m", "B"), ("o", "A")][at]
}
