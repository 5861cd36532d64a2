//! What an answer has to do with the event that started its run: two runs that ask different things are answered
//! different things, also where a slice keeps no more of the call than a symbol.

use crate::definition::ast::{Action, ActionKind, Flow};
use crate::definition::expression::Expr;
use crate::definition::order::containers;
use crate::definition::walk::own_exprs;
use crate::platform::lower::folded;
use std::collections::{BTreeMap, BTreeSet};

/// Where the values of a flow come from, by name.
pub(super) struct Sources<'d> {
    actions: BTreeMap<String, &'d Action>,
    setters: BTreeMap<String, Vec<&'d Action>>,
}

impl<'d> Sources<'d> {
    pub(super) fn new(flow: &'d Flow) -> Self {
        let mut all = Self { actions: BTreeMap::new(), setters: BTreeMap::new() };
        let mut todo: Vec<&Action> = flow.actions.iter().collect();
        while let Some(action) = todo.pop() {
            todo.extend(containers(&action.kind).into_iter().flatten());
            all.actions.insert(folded(&action.name), action);
            match &action.kind {
                ActionKind::Initialize { variable, .. }
                | ActionKind::Set { variable, .. }
                | ActionKind::Increment { variable, .. }
                | ActionKind::Append { variable, .. } => {
                    all.setters.entry(variable.to_lowercase()).or_default().push(action);
                }
                _ => {}
            }
        }
        all
    }

    /// The parts of what the trigger said that an action is told, by itself or by those whose answers it looks at.
    pub(super) fn told(&self, action: &Action) -> Vec<Expr> {
        let mut told: Vec<Expr> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut todo = vec![action];
        while let Some(action) = todo.pop() {
            if !seen.insert(&*action.name) {
                continue;
            }
            // What a container answers is made of those inside.
            todo.extend(containers(&action.kind).into_iter().flatten());
            let mut parts = Vec::new();
            own_exprs(&mut leaf(&action.kind), &mut |expr| match &*expr {
                Expr::Call { name, .. } if is_trigger(name) => parts.push(expr.clone()),
                Expr::Call { name, args } => {
                    if let Some(Expr::Literal(serde_json::Value::String(named))) = args.first() {
                        match &*name.to_lowercase() {
                            "body" | "outputs" | "actions" | "actionbody" | "actionoutputs"
                            | "result" => {
                                todo.extend(self.actions.get(&folded(named)));
                            }
                            "variables" => {
                                let setters = self.setters.get(&named.to_lowercase());
                                todo.extend(setters.into_iter().flatten());
                            }
                            // An item says by itself of whose list it is.
                            _ => {}
                        }
                    }
                }
                Expr::Index { base, key, .. } if matches!(**key, Expr::Literal(_)) => {
                    if let Some(known) = parts.iter_mut().rfind(|p| **p == **base) {
                        *known = expr.clone();
                    }
                }
                Expr::Index { .. } | Expr::Literal(_) => {}
            });
            parts.retain(|part| !told.contains(part));
            told.extend(parts);
        }
        told
    }
}

fn is_trigger(name: &str) -> bool {
    ["triggerbody", "triggeroutputs", "trigger", "triggerformdatavalue"]
        .contains(&name.to_lowercase().as_str())
}

/// What an action evaluates by itself, without those inside.
fn leaf(kind: &ActionKind) -> ActionKind {
    match kind {
        ActionKind::Foreach { over, concurrency, .. } => ActionKind::Foreach {
            over: over.clone(),
            concurrency: *concurrency,
            actions: Vec::new(),
        },
        kind if containers(kind).is_empty() => kind.clone(),
        _ => ActionKind::Delay,
    }
}
