//! Whose outputs are read by whom, and so how long they have to be kept.

use super::visibility::is_effect;
use super::{expressions, steps};
use crate::model::content::Missing;
use crate::model::expression::Expr;
use crate::model::fault::Fault;
use crate::model::ids::NodeId;
use crate::model::program::{Access, Kind, Program, Step};
use crate::model::support::readers;
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn collected(program: &mut Program, all: &[NodeId]) {
    for &reader in all {
        let mut wanted = Vec::new();
        for expr in expressions(program, reader) {
            expr.visit(&mut |e| {
                if let Expr::Output(n) | Expr::Body(n) | Expr::Action(n) = e {
                    wanted.push(*n);
                }
                if let Expr::Result(n) = e {
                    wanted.extend(program.subtree(*n));
                }
            });
        }
        for node in wanted {
            let loops: Vec<NodeId> = program
                .ancestors(node)
                .skip(1)
                .filter(|&l| {
                    matches!(program.node(l).kind, Kind::Loop { .. }) && !program.inside(reader, l)
                })
                .collect();
            for looped in loops {
                let list = &mut program.nodes[looped.index()].collected;
                if !list.contains(&node) {
                    list.push(node);
                    list.sort();
                }
            }
        }
    }
}

/// For each node, those of its class that may still ask for its output, directly or by a re-evaluation.
pub(super) fn consumers(program: &mut Program, all: &[NodeId]) {
    let mut pairs: BTreeSet<(NodeId, NodeId)> = BTreeSet::new();
    for &reader in all {
        let mut wanted = BTreeSet::new();
        let mut exprs = expressions(program, reader);
        let effect = is_effect(program, reader);
        if effect {
            for guard in &program.node(reader).guards {
                exprs.extend(guard.expressions(program));
            }
        }
        for expr in exprs {
            direct(program, expr, &mut wanted);
            if effect {
                let mut more: BTreeSet<NodeId> = readers(program, expr);
                for &n in &more.clone() {
                    for e in expressions(program, n) {
                        direct(program, e, &mut more);
                    }
                }
                wanted.extend(more);
            }
        }
        for node in wanted {
            pairs.insert((node, reader));
            for looped in program.ancestors(node).skip(1) {
                if program.node(looped).collected.contains(&node) {
                    pairs.insert((looped, reader));
                    pairs.insert((node, looped));
                }
            }
        }
    }
    for (node, reader) in pairs {
        if let Some(seen) = seen_from(program, node, reader) {
            let list = &mut program.nodes[node.index()].consumers;
            if !list.contains(&seen) {
                list.push(seen);
            }
        }
    }
}

pub(super) fn direct(program: &Program, expr: &Expr, wanted: &mut BTreeSet<NodeId>) {
    expr.visit(&mut |e| match e {
        Expr::Output(n) | Expr::Body(n) | Expr::Action(n) => {
            wanted.insert(*n);
        }
        Expr::Result(n) => wanted.extend(program.subtree(*n)),
        _ => {}
    });
}

/// The node of the producer's class that stands for the reader: the reader itself, or the outermost loop around it
/// that the producer is not in (a loop may run it again).
pub(super) fn seen_from(program: &Program, node: NodeId, reader: NodeId) -> Option<NodeId> {
    let class = program.node(node).class;
    let mut seen = None;
    for n in program.ancestors(reader) {
        if program.inside(node, n) && n != reader {
            break;
        }
        if program.node(n).class == class {
            let again = matches!(program.node(n).kind, Kind::Loop { .. } | Kind::Until { .. });
            if seen.is_none() || (again && n != node) {
                seen = Some(n);
            }
        }
    }
    seen
}

/// By node: the properties of its output that anybody reads; `None` if somebody wants all of it.
pub(super) fn used(program: &Program, all: &[NodeId]) -> Vec<Option<BTreeSet<Arc<str>>>> {
    let mut used = vec![Some(BTreeSet::new()); all.len()];
    for &reader in all {
        for expr in expressions(program, reader) {
            use_of(program, expr, &mut used);
        }
    }
    // Whoever comes after a fetch that failed asks why it did.
    for &node in all {
        if let [Step::Access(r, Access::Fetch(_))] = steps(program, node)
            && program.resource(*r).missing == Missing::Minded
            && let Some(properties) = &mut used[node.index()]
        {
            properties.insert("statusCode".into());
        }
    }
    used
}

fn use_of(program: &Program, expr: &Expr, used: &mut [Option<BTreeSet<Arc<str>>>]) {
    // How often each output occurs, less how often only for one of its properties.
    let mut bare: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut indexed: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut whole = Vec::new();
    expr.visit(&mut |e| match e {
        Expr::Output(n) | Expr::Body(n) => *bare.entry(*n).or_default() += 1,
        Expr::Index { base, key, .. } => {
            if let (Expr::Output(n) | Expr::Body(n), Expr::Const(Value::String(k))) =
                (&**base, &**key)
            {
                *indexed.entry(*n).or_default() += 1;
                if let Some(columns) = &mut used[n.index()] {
                    columns.insert(k.clone());
                }
            }
        }
        Expr::Result(n) => whole.extend(program.subtree(*n)),
        Expr::Action(n) => whole.push(*n),
        _ => {}
    });
    let all_of_it = |(n, times): (NodeId, usize)| {
        (times > indexed.get(&n).copied().unwrap_or_default()).then_some(n)
    };
    whole.extend(bare.into_iter().filter_map(all_of_it));
    for node in whole {
        used[node.index()] = None;
    }
}

/// Reads of the resources this action writes, whose answers later effects of the process still use.
pub(super) fn keeps(program: &Program, node: NodeId, all: &[NodeId]) -> Vec<NodeId> {
    let mut kept = Vec::new();
    for step in steps(program, node) {
        let Step::Access(r, access) = step else { continue };
        if matches!(access, Access::Get | Access::Fetch(_) | Access::List(_) | Access::Select(..)) {
            continue;
        }
        for &reader in all {
            let reads = program.reads(reader) == Some(*r)
                || expressions(program, reader).into_iter().any(|e| {
                    let mut found = false;
                    e.visit(&mut |x| found |= *x == Expr::Variable(*r));
                    found
                });
            if !reads || reader == node || !program.precedes(reader, node) {
                continue;
            }
            // A loop around the write, but not around the read, brings the effects before it round again.
            let again = program.ancestors(node).skip(1).any(|l| {
                let serial =
                    matches!(program.node(l).kind, Kind::Loop { degree, .. } if degree <= 1);
                let until = matches!(program.node(l).kind, Kind::Until { .. });
                (serial || until) && !program.inside(reader, l)
            });
            // The platform itself makes the same effect again if its answer was lost.
            let repeated = program.node(node).call.faults.contains(&Fault::Lost);
            let later = all.iter().any(|&e| {
                (again || (repeated && e == node) || (e != node && !program.precedes(e, node)))
                    && is_effect(program, e)
                    && program.precedes(reader, e)
                    && expressions(program, e)
                        .into_iter()
                        .chain(program.node(e).guards.iter().flat_map(|g| g.expressions(program)))
                        .any(|x| readers(program, x).contains(&reader))
            });
            if later {
                kept.push(reader);
            }
        }
    }
    kept
}
