//! Which Until loops need no counter: where a lost attempt consumes another process's success, and there are fewer of
//! those than the limit allows (design.md §7).
//!
//! The argument: in each round the loop writes one resource with the etag that it read in the same round, and an
//! accepted write makes its condition true. So a round that fails was refused, so somebody else's write to the
//! resource was accepted since the round began. Every other process has only so many accepted writes; if they are
//! fewer than the limit, the limit is out of reach. The search checks the first half as it goes: a round that ends
//! without a refusal by somebody else puts the counters back.
//!
//! Only the conditional write itself is accepted once per loop: anything else in its body may happen in every round. The
//! accepted writes grow with the items, so a limit is out of reach up to some number of items: [`most_items`] says which.

use crate::model::analysis::expressions;
use crate::model::evaluate::evaluate;
use crate::model::expression::{Env, Expr, Failure};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Over, Program, Step};
use crate::model::support::{readers, support};
use crate::model::value::Value;

/// Drops the counters that are shown to be useless; whether any was dropped.
pub fn drop_counters(program: &mut Program) -> bool {
    let all: Vec<NodeId> = program.ids().collect();
    let loops = candidates(program, &all);
    let dropped: Vec<NodeId> = loops
        .iter()
        .filter(|&&(node, resource, _)| out_of_reach(program, node, resource, &all, &loops, None))
        .map(|l| l.0)
        .collect();
    for node in &dropped {
        if let Kind::Until { counted, .. } = &mut program.nodes[node.index()].kind {
            *counted = false;
        }
    }
    !dropped.is_empty()
}

/// Optimistic loops whose limit can be reached.
pub fn counted_loops(program: &Program) -> Vec<Optimistic> {
    let all: Vec<NodeId> = program.ids().collect();
    let counted = |n: NodeId| matches!(program.node(n).kind, Kind::Until { counted: true, .. });
    candidates(program, &all).into_iter().filter(|l| counted(l.0)).collect()
}

/// Drops the counters of all optimistic loops, as if they had no limit.
pub fn drop_all(program: &mut Program) {
    for (node, ..) in counted_loops(program) {
        if let Kind::Until { counted, .. } = &mut program.nodes[node.index()].kind {
            *counted = false;
        }
    }
}

/// An optimistic loop, the resource and the conditional write.
pub type Optimistic = (NodeId, ResourceId, NodeId);

fn candidates(program: &Program, all: &[NodeId]) -> Vec<Optimistic> {
    let found = |&n: &NodeId| optimistic(program, n).map(|(r, write)| (n, r, write));
    all.iter().filter_map(found).filter(|l| !counts_rounds(program, l.0, all)).collect()
}

/// Whether anybody looks at the number of the round.
fn counts_rounds(program: &Program, until: NodeId, all: &[NodeId]) -> bool {
    all.iter().flat_map(|&n| expressions(program, n)).any(|e| {
        let mut found = false;
        e.visit(&mut |x| found |= *x == Expr::Round(until));
        found
    })
}

/// Whether the others have fewer accepted writes than the loop has rounds; with so many items in every loop, if given.
fn out_of_reach(
    program: &Program,
    node: NodeId,
    resource: ResourceId,
    all: &[NodeId],
    loops: &[Optimistic],
    items: Option<u64>,
) -> bool {
    let Kind::Until { limit, early, .. } = program.node(node).kind else { return false };
    let limit = early.map_or(limit, |round| round.min(limit));
    others(program, node, resource, all, loops, items).is_some_and(|writes| writes < limit)
}

/// The most items (in every loop) for which the counters that were dropped may stay away; `None`: any number.
pub fn most_items(program: &Program) -> Option<u64> {
    let all: Vec<NodeId> = program.ids().collect();
    let loops = candidates(program, &all);
    let uncounted = |n: NodeId| matches!(program.node(n).kind, Kind::Until { counted: false, .. });
    let holds = |items: u64| {
        loops
            .iter()
            .filter(|l| uncounted(l.0))
            .all(|&(node, r, _)| out_of_reach(program, node, r, &all, &loops, Some(items)))
    };
    largest(holds)
}

/// The largest number for which something that holds up to some number still holds; `None`: it always does.
pub fn largest(holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (0, 1 << 40);
    if holds(high) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// Rounds that are enough for an optimistic loop: it can be refused once for each accepted write of the others.
pub fn enough(program: &Program, until: NodeId) -> Option<u64> {
    let all: Vec<NodeId> = program.ids().collect();
    let loops = candidates(program, &all);
    let resource = loops.iter().find(|l| l.0 == until)?.1;
    others(program, until, resource, &all, &loops, None)?.checked_add(1)
}

/// Puts all counters back.
pub fn restore_counters(program: &mut Program) {
    for node in &mut program.nodes {
        if let Kind::Until { counted, .. } = &mut node.kind {
            *counted = true;
        }
    }
}

/// The resource and the write, if the loop is an optimistic one.
fn optimistic(program: &Program, node: NodeId) -> Option<(ResourceId, NodeId)> {
    let Kind::Until { condition, .. } = &program.node(node).kind else { return None };
    if !support(program, condition).is_empty() {
        return None;
    }
    let body = *program.node(node).children.first()?;
    let writes: Vec<(ResourceId, NodeId, &Expr)> = program
        .node(body)
        .children
        .iter()
        .filter_map(|&n| match &program.node(n).kind {
            Kind::Leaf(steps) => match steps.as_slice() {
                [
                    Step::Access(
                        r,
                        Access::Update { if_match: Some(etag), .. }
                        | Access::Write { if_match: Some(etag), .. },
                    ),
                ] => Some((*r, n, etag)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let &[(resource, write, etag)] = writes.as_slice() else { return None };
    if !renewed(program, node, resource, etag) {
        return None;
    }
    let ends = evaluate(condition, &mut Accepted { write }) == Ok(Value::Bool(true));
    ends.then_some((resource, write))
}

/// Whether every round reads the etag anew.
fn renewed(program: &Program, until: NodeId, resource: ResourceId, etag: &Expr) -> bool {
    let reads = |n: &NodeId| program.reads(*n) == Some(resource);
    let mut read = readers(program, etag).into_iter().filter(reads).peekable();
    read.peek().is_some() && read.all(|n| program.inside(n, until))
}

/// Whether a conditional write of the loop names an etag that comes from before it: once refused, it is always refused,
/// however many rounds there are.
pub fn hopeless(program: &Program, until: NodeId) -> bool {
    program.subtree(until).into_iter().any(|node| {
        let Kind::Leaf(steps) = &program.node(node).kind else { return false };
        steps.iter().any(|step| match step {
            Step::Access(
                _,
                Access::Update { if_match: Some(etag), .. }
                | Access::Write { if_match: Some(etag), .. },
            ) => {
                let read = readers(program, etag);
                !read.is_empty() && !read.iter().any(|&n| program.inside(n, until))
            }
            _ => false,
        })
    })
}

/// Accepted writes to the resource by all other processes together; `None` if there is no bound.
fn others(
    program: &Program,
    own: NodeId,
    resource: ResourceId,
    all: &[NodeId],
    loops: &[Optimistic],
    items: Option<u64>,
) -> Option<u64> {
    // A fault makes at most one write more: it takes effect twice, or late.
    let mut total = u64::from(program.faults);
    for &node in all {
        let Kind::Leaf(steps) = &program.node(node).kind else { continue };
        let writes = steps.iter().any(|s| match s {
            Step::Access(r, a) => {
                *r == resource
                    && !matches!(
                        a,
                        Access::Get
                            | Access::Fetch(_)
                            | Access::List(_)
                            | Access::Select(..)
                            | Access::Probe(_)
                    )
            }
            _ => false,
        });
        if !writes {
            continue;
        }
        let runs = u64::from(program.flows[program.flow_of(node) as usize].runs);
        let mut times = runs;
        for outer in program.ancestors(node).skip(1) {
            times = times.saturating_mul(match &program.node(outer).kind {
                Kind::Loop { over: Over::Count(n) | Over::Values(Expr::Const(_), n), .. } => {
                    items.unwrap_or(*n)
                }
                // How long a computed list is shows only when it is there.
                Kind::Loop { .. } => items?,
                Kind::Until { .. } if loops.iter().any(|l| l.0 == outer && l.2 == node) => 1,
                Kind::Until { limit, .. } => *limit,
                _ => 1,
            });
        }
        let mine = program.inside(node, own);
        total = total.checked_add(if mine { times.saturating_sub(1) } else { times })?;
    }
    Some(total)
}

/// An environment in which the write was accepted and nothing else is known.
struct Accepted {
    write: NodeId,
}

impl Env for Accepted {
    fn output(&mut self, node: NodeId) -> Result<Value, Failure> {
        let accepted = Value::object([("statusCode", Value::Int(200))]);
        if node == self.write { Ok(accepted) } else { Err(Failure("not known".into())) }
    }
    fn body(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.output(node)
    }
    fn action(&mut self, node: NodeId) -> Result<Value, Failure> {
        let outputs = self.output(node)?;
        let code = outputs.get("statusCode");
        Ok(Value::object([
            ("status", Value::text("Succeeded")),
            ("code", code),
            ("outputs", outputs),
        ]))
    }
    fn result(&mut self, _: NodeId) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn variable(&mut self, _: ResourceId) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn item(&mut self, _: NodeId) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn round(&mut self, _: NodeId) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn column(&mut self, _: &str) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn state(&mut self, _: ResourceId) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
    fn element(&mut self) -> Result<Value, Failure> {
        Err(Failure("not known".into()))
    }
}
