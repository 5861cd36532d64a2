//! SQL over tables of `state`: random statements in two branches against all their orders, done here by hand.

mod support;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use support::cases::cases;
use support::cells::normalise;
use support::engine::check;
use support::seen::{findings, pretty};

/// `WHERE column = value`; columns are `k`, `a` and `b`.
type Where = (usize, i64);

#[derive(Clone, Debug)]
enum Sql {
    Set {
        to: usize,
        value: i64,
        top: Option<usize>,
        at: Where,
    },
    Copy {
        to: usize,
        from: usize,
        least: Where,
    },
    Add {
        to: usize,
        at: Where,
    },
    Delete {
        at: Where,
        top: Option<usize>,
    },
    Insert([i64; 3]),
    /// Into the item's column of the branch.
    Total {
        how: usize,
        of: usize,
        at: Where,
    },
    /// The first row's `k`, ordered by a column.
    First {
        by: usize,
        down: bool,
    },
}

const COLUMNS: [&str; 3] = ["k", "a", "b"];
const TOTALS: [&str; 4] = ["COUNT", "SUM", "MIN", "MAX"];

fn statement() -> impl Strategy<Value = Sql> {
    let at = || (0..3_usize, 0..3_i64);
    let top = || prop_oneof![2 => Just(None), 1 => (1..3_usize).prop_map(Some)];
    prop_oneof![
        3 => (0..3_usize, 0..3_i64, top(), at())
            .prop_map(|(to, value, top, at)| Sql::Set { to, value, top, at }),
        2 => (0..3_usize, 0..3_usize, at()).prop_map(|(to, from, least)| Sql::Copy { to, from, least }),
        2 => (0..3_usize, at()).prop_map(|(to, at)| Sql::Add { to, at }),
        1 => (at(), top()).prop_map(|(at, top)| Sql::Delete { at, top }),
        1 => prop::array::uniform3(0..3_i64).prop_map(Sql::Insert),
        2 => (0..4_usize, 0..3_usize, at()).prop_map(|(how, of, at)| Sql::Total { how, of, at }),
        1 => (0..3_usize, any::<bool>()).prop_map(|(by, down)| Sql::First { by, down }),
    ]
}

impl Sql {
    fn text(&self) -> String {
        let name = |column: &usize| COLUMNS[*column];
        let top = |n: &Option<usize>| n.map_or(String::new(), |n| format!("TOP ({n}) "));
        match self {
            Self::Set { to, value, top: n, at } => format!(
                "UPDATE {}t SET {} = {value} WHERE {} = {}",
                top(n),
                name(to),
                name(&at.0),
                at.1
            ),
            Self::Copy { to, from, least } => format!(
                "UPDATE t SET {} = {} + 1 WHERE {} >= {}",
                name(to),
                name(from),
                name(&least.0),
                least.1
            ),
            Self::Add { to, at } => {
                let to = name(to);
                format!("UPDATE t SET {to} = {to} + 1 WHERE {} = {}", name(&at.0), at.1)
            }
            Self::Delete { at, top: n } => {
                format!("DELETE {}FROM t WHERE {} = {}", top(n), name(&at.0), at.1)
            }
            Self::Insert([k, a, b]) => format!("INSERT INTO t (k, a, b) VALUES ({k}, {a}, {b})"),
            Self::Total { how, of, at } => {
                let what = if *how == 0 { "*" } else { name(of) };
                format!(
                    "SELECT {}({what}) AS n FROM t WHERE {} = {}",
                    TOTALS[*how],
                    name(&at.0),
                    at.1
                )
            }
            Self::First { by, down } => {
                let down = if *down { " DESC" } else { "" };
                format!("SELECT TOP (1) k AS n FROM t ORDER BY {}{down}", name(by))
            }
        }
    }

    /// The model's steps: what a SELECT answers is written down in a step of its own.
    fn steps(&self, name: &str) -> Vec<Value> {
        let mut steps = vec![json!({ "name": name, "sql": self.text() })];
        if matches!(self, Self::Total { .. } | Self::First { .. }) {
            let read = format!("@first(outputs('{name}')?['rows'])?['n']");
            let column = &name[..1];
            steps.push(
                json!({ "name": format!("{name}_w"), "update": "m", "set": { column: read } }),
            );
        }
        steps
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    rows: Vec<[i64; 3]>,
    /// What each branch has written down.
    noted: [Option<i64>; 2],
}

impl Table {
    /// What the statement answers, and the table after it.
    fn run(&mut self, sql: &Sql) -> Option<i64> {
        let all = |rows: &[[i64; 3]], at: &Where, top: Option<usize>| -> Vec<usize> {
            let matching = (0..rows.len()).filter(|&r| rows[r][at.0] == at.1);
            matching.take(top.unwrap_or(usize::MAX)).collect()
        };
        match sql {
            Sql::Set { to, value, top, at } => {
                all(&self.rows, at, *top).into_iter().for_each(|r| self.rows[r][*to] = *value);
            }
            Sql::Copy { to, from, least } => {
                for row in self.rows.iter_mut().filter(|row| row[least.0] >= least.1) {
                    row[*to] = row[*from] + 1;
                }
            }
            Sql::Add { to, at } => {
                all(&self.rows, at, None).into_iter().for_each(|r| self.rows[r][*to] += 1);
            }
            Sql::Delete { at, top } => {
                let gone = all(&self.rows, at, *top);
                let mut number = 0;
                self.rows.retain(|_| {
                    number += 1;
                    !gone.contains(&(number - 1))
                });
            }
            Sql::Insert(row) => self.rows.push(*row),
            Sql::Total { how, of, at } => {
                let values: Vec<i64> =
                    all(&self.rows, at, None).into_iter().map(|r| self.rows[r][*of]).collect();
                return match how {
                    0 => i64::try_from(values.len()).ok(),
                    1 => values.into_iter().reduce(|a, b| a + b),
                    2 => values.into_iter().min(),
                    _ => values.into_iter().max(),
                };
            }
            Sql::First { by, down } => {
                let key = |row: &&[i64; 3]| if *down { -row[*by] } else { row[*by] };
                return self.rows.iter().min_by_key(key).map(|row| row[0]);
            }
        }
        None
    }
}

/// Every order of the two branches' steps.
fn orders(branches: &[Vec<Sql>; 2], start: &Table) -> BTreeSet<Table> {
    // A branch stands before its statement, or between a SELECT and writing down what it answered.
    let mut todo = vec![(start.clone(), [0_usize; 2], [None; 2])];
    let (mut seen, mut ends) = (BTreeSet::new(), BTreeSet::new());
    while let Some((table, at, pending)) = todo.pop() {
        if !seen.insert((table.clone(), at, pending)) {
            continue;
        }
        let mut any = false;
        for who in 0..2 {
            let (mut table, mut at, mut pending) = (table.clone(), at, pending);
            if let Some(answer) = pending[who].take() {
                table.noted[who] = answer;
            } else if let Some(sql) = branches[who].get(at[who]) {
                let answer = table.run(sql);
                at[who] += 1;
                if matches!(sql, Sql::Total { .. } | Sql::First { .. }) {
                    pending[who] = Some(answer);
                }
            } else {
                continue;
            }
            any = true;
            todo.push((table, at, pending));
        }
        if !any {
            ends.insert(table);
        }
    }
    ends
}

fn model(branches: &[Vec<Sql>; 2], start: &Table) -> Value {
    let row = |row: &[i64; 3]| -> Value {
        COLUMNS
            .iter()
            .zip(row)
            .map(|(c, v)| ((*c).to_owned(), json!(v)))
            .collect::<Map<_, _>>()
            .into()
    };
    let branch = |who: usize| -> Vec<Value> {
        let named = branches[who].iter().enumerate();
        named.flat_map(|(n, sql)| sql.steps(&format!("{}{n}", ["A", "B"][who]))).collect()
    };
    json!({ "flowrace": 1, "name": "sql", "state": {
        "t": { "kind": "table", "rows": start.rows.iter().map(row).collect::<Vec<_>>() },
        "m": { "kind": "item", "fields": { "A": null, "B": null } } },
      "flow": [{ "name": "Both", "parallel": [branch(0), branch(1)] }] })
}

fn values(flow: &Value, cell: &str) -> BTreeSet<String> {
    let values = flow["outcomes"][cell]["values"].as_array().into_iter().flatten();
    values.map(|v| normalise(v).to_string()).collect()
}

fn branch() -> impl Strategy<Value = Vec<Sql>> {
    prop::collection::vec(statement(), 1..3)
}

proptest! {
    #![proptest_config(cases("proptest-regressions/sql.txt", 400))]

    #[test]
    fn statements_are_what_all_orders_say(a in branch(), b in branch(), rows in prop::collection::vec(prop::array::uniform3(0..3_i64), 1..4)) {
        let (branches, start) = ([a, b], Table { rows, noted: [None; 2] });
        let model = model(&branches, &start);
        let text = pretty(&model);
        let ends = orders(&branches, &start);
        let table = |t: &Table| {
            let rows: Vec<Value> = t.rows.iter().map(|r| json!({ "k": r[0], "a": r[1], "b": r[2] })).collect();
            normalise(&json!(rows)).to_string()
        };
        let [none, all] = ["none", "all"].map(|reduction| check(&model, reduction));
        for flow in [&none, &all] {
            // One row that only changes is shown by its columns.
            if flow["outcomes"].get("t").is_some() {
                prop_assert_eq!(values(flow, "t"), ends.iter().map(table).collect::<BTreeSet<_>>(), "{}", text);
            } else {
                for (n, column) in COLUMNS.iter().enumerate() {
                    let want: BTreeSet<String> = ends.iter().map(|t| t.rows[0][n].to_string()).collect();
                    prop_assert_eq!(values(flow, &format!("t.{column}")), want, "{} of {}", column, text);
                }
            }
            for (who, cell) in ["m.A", "m.B"].into_iter().enumerate() {
                let want: BTreeSet<String> = ends.iter().map(|t| json!(t.noted[who]).to_string()).collect();
                prop_assert_eq!(values(flow, cell), want, "{} of {}", cell, text);
            }
        }
        prop_assert_eq!(findings(&none), findings(&all), "findings of {}", text);
        prop_assert_eq!(&none["level"], &all["level"], "level of {}", text);
    }
}

/// Nulls are left out of totals, and rows without any total are null, but counted.
#[test]
fn totals_of_nulls_and_of_nothing() {
    let of = |statement: &str| {
        let model = json!({ "flowrace": 1, "name": "sql", "state": {
            "t": { "kind": "table", "rows": [{ "k": 1, "n": 4 }, { "k": 2 }, { "k": 1, "n": 3 }, { "k": 3, "n": null }] },
            "m": { "kind": "item", "fields": { "X": "unset" } } },
          "flow": [{ "name": "Q", "sql": statement },
                   { "update": "m", "set": { "X": "@first(outputs('Q')?['rows'])" } }] });
        check(&model, "all")["outcomes"]["m.X"]["values"][0].clone()
    };
    let all = "SELECT COUNT(*) AS c, SUM(n) AS s, MIN(n) AS lo, MAX(n) AS hi FROM t";
    assert_eq!(of(all), json!({ "c": 4, "s": 7, "lo": 3, "hi": 4 }));
    let none = format!("{all} WHERE k = 9");
    assert_eq!(of(&none), json!({ "c": 0, "s": null, "lo": null, "hi": null }));
    assert_eq!(of("SELECT TOP 1 n FROM t ORDER BY k DESC, n"), json!({ "n": null }));
    assert_eq!(of("SELECT SUM(n) + COUNT(*) AS x FROM t WHERE k = 1"), json!({ "x": 9 }));
}
