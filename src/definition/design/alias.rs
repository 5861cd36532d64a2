//! `items('text')` inside a forEach that also has a `name`: the tree knows one name per action, so the text is
//! replaced by it where it is read.

use super::super::ast::ActionKind;
use super::super::expression::Expr;
use super::super::walk::{every_expr, own_exprs, parts};

/// Lets every `items('text')` inside this action say `items('name')`.
pub(super) fn rename(kind: &mut ActionKind, text: &str, name: &str) {
    let mut change = |expr: &mut Expr| {
        if let Expr::Call { name: function, args } = expr
            && function.eq_ignore_ascii_case("items")
            && let [Expr::Literal(value)] = &mut args[..]
            && value.as_str() == Some(text)
        {
            *value = name.into();
        }
    };
    own_exprs(kind, &mut change);
    for actions in parts(kind).0 {
        every_expr(actions, &mut change);
    }
}
