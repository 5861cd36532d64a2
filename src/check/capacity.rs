//! A limit on how many rows there are: *if there are fewer than ten, add one*. Two of them have to meet at the limit, so
//! the query has to find as many rows as there are just below it.

use crate::definition::ast::Definition;
use crate::definition::problem::Problem;
use crate::model::analysis::expressions;
use crate::model::expression::Expr;
use crate::model::program::Program;
use crate::model::value::Value;
use crate::platform::lower::outline;
use crate::platform::scenario::Scenario;

/// More rows than these are not listed.
const MOST: i64 = 50;

/// The same scenario with as many rows as a condition on their number bears.
pub(super) fn at_capacity(
    part: &Definition,
    scenario: &Scenario,
) -> Result<Option<Scenario>, Vec<Problem>> {
    let rows = rows(&outline(part, scenario)?.program, scenario.unknown_items);
    Ok(rows.map(|rows| Scenario { rows: Some(rows), ..scenario.clone() }))
}

/// How many rows bring a query of this program to the limit that it is held against, if that is more than `usual`.
pub(super) fn rows(program: &Program, usual: u64) -> Option<u64> {
    let mut found = None;
    for expr in program.ids().flat_map(|node| expressions(program, node)) {
        expr.visit(&mut |e| found = found.max(at_limit(e)));
    }
    found.and_then(|n| u64::try_from(n).ok()).filter(|&n| n > usual)
}

/// The number of rows from which on one more turns the comparison.
fn at_limit(expr: &Expr) -> Option<i64> {
    let Expr::Call(function, args) = expr else { return None };
    let (length, limit, turned) = match args.as_slice() {
        [length, Expr::Const(Value::Int(n))] => (length, *n, false),
        [Expr::Const(Value::Int(n)), length] => (length, *n, true),
        _ => return None,
    };
    let counts = matches!(length, Expr::Call(f, _) if f.name() == "length");
    let below = match (function.name(), turned) {
        ("less" | "greaterorequals", false) | ("greater" | "lessorequals", true) => 1,
        ("lessorequals" | "greater", false) | ("greaterorequals" | "less", true) => 0,
        ("equals", _) => 1,
        _ => return None,
    };
    Some(limit - below).filter(|n| counts && (0..=MOST).contains(n))
}
