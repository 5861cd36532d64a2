//! `items('text')` inside a forEach that also has a `name`: the tree knows one name per action, so the text is
//! replaced by it where it is read.

use super::super::ast::{Action, ActionKind, Over};
use super::super::expression::{Expr, Part, Template};

/// Lets every `items('text')` inside this action say `items('name')`.
pub(super) fn rename(kind: &mut ActionKind, text: &str, name: &str) {
    let mut open = vec![kind];
    while let Some(kind) = open.pop() {
        for template in templates(kind) {
            in_template(template, text, name);
        }
        let (containers, _) = parts(kind);
        open.extend(containers.into_iter().flatten().map(|action: &mut Action| &mut action.kind));
    }
}

fn templates(kind: &mut ActionKind) -> Vec<&mut Template> {
    parts(kind).1
}

/// Containers and templates of one action.
fn parts(kind: &mut ActionKind) -> (Vec<&mut Vec<Action>>, Vec<&mut Template>) {
    match kind {
        ActionKind::Scope { actions, .. } => (vec![actions], vec![]),
        ActionKind::Parallel { branches } => (branches.iter_mut().collect(), vec![]),
        ActionKind::If { condition, then, otherwise } => (vec![then, otherwise], vec![condition]),
        ActionKind::Switch { on, cases, default } => {
            let mut containers = vec![default];
            let mut templates = vec![on];
            for (value, actions) in cases {
                templates.push(value);
                containers.push(actions);
            }
            (containers, templates)
        }
        ActionKind::Foreach { over: Over::Values(template), actions, .. } => {
            (vec![actions], vec![template])
        }
        ActionKind::Foreach { over: Over::Count(_), actions, .. } => (vec![actions], vec![]),
        ActionKind::Until { condition, actions, .. } => (vec![actions], vec![condition]),
        ActionKind::Terminate { .. } | ActionKind::Delay => (vec![], vec![]),
        ActionKind::Initialize { value, .. }
        | ActionKind::Set { value, .. }
        | ActionKind::Increment { by: value, .. }
        | ActionKind::Append { value, .. }
        | ActionKind::Compose { value }
        | ActionKind::Wait { condition: value } => (vec![], vec![value]),
        ActionKind::Query { from, condition: other }
        | ActionKind::Select { from, select: other }
        | ActionKind::Join { from, with: other } => (vec![], vec![from, other]),
        ActionKind::Call(call) => (vec![], call.parameters.values_mut().collect()),
    }
}

fn in_template(template: &mut Template, text: &str, name: &str) {
    match template {
        Template::Literal(_) | Template::Text(_) => {}
        Template::Expr(expr, _) => in_expr(expr, text, name),
        Template::Concat(parts, _) => {
            for part in parts {
                if let Part::Expr(expr) = part {
                    in_expr(expr, text, name);
                }
            }
        }
        Template::Array(list) => {
            list.iter_mut().for_each(|element| in_template(element, text, name));
        }
        Template::Object(members) => {
            for (key, value) in members {
                in_template(key, text, name);
                in_template(value, text, name);
            }
        }
    }
}

fn in_expr(expr: &mut Expr, text: &str, name: &str) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Call { name: function, args } => {
            let items = function.eq_ignore_ascii_case("items");
            if let [Expr::Literal(value)] = &mut args[..]
                && items
                && value.as_str() == Some(text)
            {
                *value = name.into();
            }
            args.iter_mut().for_each(|arg| in_expr(arg, text, name));
        }
        Expr::Index { base, key, .. } => {
            in_expr(base, text, name);
            in_expr(key, text, name);
        }
    }
}
