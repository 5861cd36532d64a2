//! Walking the tree: the containers and the expressions of actions, to be changed in place.

use super::ast::{Action, ActionKind, Over};
use super::expression::{Expr, Part, Template};

/// Containers and templates of one action.
pub(super) fn parts(kind: &mut ActionKind) -> (Vec<&mut Vec<Action>>, Vec<&mut Template>) {
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
        | ActionKind::Response { value, .. }
        | ActionKind::Wait { condition: value } => (vec![], vec![value]),
        ActionKind::Query { from, condition: other }
        | ActionKind::Select { from, select: other }
        | ActionKind::Join { from, with: other } => (vec![], vec![from, other]),
        ActionKind::Call(call) => (vec![], call.parameters.values_mut().collect()),
    }
}

/// These actions and all inside them, the outer ones first.
pub(super) fn every_action(actions: &mut [Action], change: &mut dyn FnMut(&mut Action)) {
    let mut open: Vec<&mut Action> = actions.iter_mut().rev().collect();
    while let Some(action) = open.pop() {
        change(action);
        let (containers, _) = parts(&mut action.kind);
        open.extend(containers.into_iter().flatten());
    }
}

/// Every expression that an action itself evaluates, with all inside it, the inner ones first.
pub(crate) fn own_exprs(kind: &mut ActionKind, change: &mut dyn FnMut(&mut Expr)) {
    for template in parts(kind).1 {
        in_template(template, change);
    }
}

/// Every expression of these actions and of all inside them.
pub(super) fn every_expr(actions: &mut [Action], change: &mut dyn FnMut(&mut Expr)) {
    every_action(actions, &mut |action| own_exprs(&mut action.kind, change));
}

/// Every expression of a template.
pub(super) fn in_template(template: &mut Template, change: &mut dyn FnMut(&mut Expr)) {
    match template {
        Template::Literal(_) | Template::Text(_) => {}
        Template::Expr(expr, _) => in_expr(expr, change),
        Template::Concat(parts, _) => {
            for part in parts {
                if let Part::Expr(expr) = part {
                    in_expr(expr, change);
                }
            }
        }
        Template::Array(list) => list.iter_mut().for_each(|element| in_template(element, change)),
        Template::Object(members) => {
            for (key, value) in members {
                in_template(key, change);
                in_template(value, change);
            }
        }
    }
}

fn in_expr(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Call { args, .. } => args.iter_mut().for_each(|arg| in_expr(arg, change)),
        Expr::Index { base, key, .. } => {
            in_expr(base, change);
            in_expr(key, change);
        }
    }
    change(expr);
}
