//! What a flow does to its cells, as far as it says what has to be looked at: whether it only sets something when it is
//! asked to, whether it makes rows, adds up, or decides.

use crate::model::analysis::expressions;
use crate::model::expression::Expr;
use crate::model::ids::ResourceId;
use crate::model::program::{Access, Kind, Program, Shape, Step};
use crate::model::support::support;

/// Whether one action writes to stores outside, and neither what it writes nor whether it does is computed from what is
/// there: at most, which row it is was looked up.
pub(super) fn only_sets(program: &Program) -> bool {
    let looks = |expr: &Expr| {
        support(program, expr).iter().any(|r| program.resource(*r).shape == Shape::External)
    };
    // Whoever is sent something is told of what is there by then.
    let tells = |step: &Step| matches!(step, Step::Send(_) | Step::Opaque { effect: true, .. });
    let mut writes = Vec::new();
    for node in &program.nodes {
        match &node.kind {
            Kind::If(condition) | Kind::Until { condition, .. } if looks(condition) => {
                return false;
            }
            Kind::Switch(on, _) if looks(on) => return false,
            Kind::Leaf(steps) if steps.iter().any(tells) => return false,
            Kind::Leaf(steps) => writes.extend(steps.iter().filter_map(|step| match step {
                Step::Access(r, access) if !access.only_reads() => {
                    (program.resource(*r).shape == Shape::External).then_some(access)
                }
                _ => None,
            })),
            _ => {}
        }
    }
    match writes.as_slice() {
        [Access::Update { set, .. } | Access::Upsert { row: set, .. }] => {
            !set.iter().any(|(_, value)| looks(value))
        }
        _ => false,
    }
}

pub(super) fn has_loop(program: &Program) -> bool {
    program.nodes.iter().any(|n| matches!(n.kind, Kind::Loop { degree, .. } if degree > 1))
}

pub(super) fn creates(program: &Program, cell: ResourceId) -> bool {
    any_access(program, cell, |a| matches!(a, Access::Create(_) | Access::CreateIfNone { .. }))
}

pub(super) fn adds(program: &Program, cell: ResourceId) -> bool {
    any_access(program, cell, |a| matches!(a, Access::Add { .. }))
}

fn any_access(program: &Program, cell: ResourceId, wanted: impl Fn(&Access) -> bool) -> bool {
    program.nodes.iter().any(|n| match &n.kind {
        Kind::Leaf(steps) => {
            steps.iter().any(|s| matches!(s, Step::Access(r, a) if *r == cell && wanted(a)))
        }
        _ => false,
    })
}

/// Whether a condition hangs on it.
pub(super) fn decides(program: &Program, cell: ResourceId) -> bool {
    program.ids().any(|n| {
        matches!(program.node(n).kind, Kind::If(_) | Kind::Switch(..))
            && expressions(program, n).into_iter().any(|e| support(program, e).contains(&cell))
    })
}
