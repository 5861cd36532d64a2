//! Unknown data: whether anything in a program hangs on what only the world outside can say.

use super::analysis::expressions;
use super::expression::Expr;
use super::ids::NodeId;
use super::program::{Kind, Program, Shape, Step};

impl Program {
    /// Whether any value of the program may be one that nobody knows: rows of an external store, what a trigger brings,
    /// the answer of a call that somebody looks at. A call whose answer nobody looks at adds none.
    pub fn has_unknown_data(&self) -> bool {
        let calls = |n: NodeId| {
            matches!(&self.node(n).kind, Kind::Leaf(steps)
                if steps.iter().any(|s| matches!(s, Step::Opaque { .. })))
        };
        let unknown = |expr: &Expr| {
            let mut found = false;
            expr.visit(&mut |e| {
                found |= match e {
                    Expr::Opaque(..) => true,
                    Expr::Const(value) => value.is_unknown(),
                    Expr::Output(n) | Expr::Body(n) | Expr::Action(n) | Expr::Result(n) => {
                        self.subtree(*n).into_iter().any(calls)
                    }
                    _ => false,
                }
            });
            found
        };
        let outside = |n: NodeId| {
            // What a call is told goes nowhere that the model sees.
            !calls(n) && expressions(self, n).into_iter().any(unknown)
        };
        let mut cells = self.resources.iter();
        let given = |r: &super::program::Resource| {
            r.shape == Shape::External
                || r.initial
                    .iter()
                    .flat_map(|row| row.values())
                    .any(super::value::Value::is_unknown)
        };
        cells.any(given) || self.ids().any(outside)
    }
}
