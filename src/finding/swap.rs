//! The one swap that puts a schedule right.

use super::{TraceStep, Witness};
use crate::model::program::{Kind, Program};

/// `let order[2] finish Update_item before order[1] runs Get_item`.
pub fn swap(program: &Program, wrong: &Witness, right: &Witness) -> Option<String> {
    let key = |s: &TraceStep| (s.process.clone(), s.action.clone());
    let place = |w: &Witness, k: &(String, String)| w.steps.iter().position(|s| key(s) == *k);
    for b in &wrong.steps {
        let b_key = key(b);
        let right_at = place(right, &b_key)?;
        let wrong_at = place(wrong, &b_key)?;
        let moved = right.steps[..right_at].iter().rev().find(|a| {
            a.process != b.process && place(wrong, &key(a)).is_some_and(|p| p > wrong_at)
        });
        if let Some(a) = moved {
            return Some(format!(
                "let {} {} {} before {} runs {}",
                a.process,
                verb(program, &a.action),
                a.action,
                b.process,
                b.action
            ));
        }
    }
    None
}

/// What the step of an action is: all of it, or the part that others can notice.
fn verb(program: &Program, action: &str) -> &'static str {
    let named = program.nodes.iter().find(|n| n.written && *n.name == *action);
    match named.map(|n| &n.kind) {
        Some(Kind::If(_) | Kind::Switch(..) | Kind::Until { .. }) => "evaluate",
        Some(Kind::Loop { .. }) => "start",
        _ => "finish",
    }
}
