//! Which siblings run after which, once for the whole program.

use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program};
use std::collections::BTreeMap;

/// For each action the siblings that run before it, directly or through others, as bits over its container's children.
pub(super) struct Order {
    position: Vec<usize>,
    before: Vec<Vec<u64>>,
}

impl Order {
    pub(super) fn new(program: &Program) -> Self {
        let n = program.nodes.len();
        let mut order = Self { position: vec![0; n], before: vec![Vec::new(); n] };
        for node in &program.nodes {
            order.container(program, &node.children);
        }
        order
    }

    fn container(&mut self, program: &Program, children: &[NodeId]) {
        let words = children.len().div_ceil(64);
        let at: BTreeMap<NodeId, usize> =
            children.iter().enumerate().map(|(i, &c)| (c, i)).collect();
        for (&child, &index) in &at {
            self.position[child.index()] = index;
            self.before[child.index()] = vec![0; words];
        }
        // Predecessors first; what stands in a circle is never reached and stays without.
        let mut done = vec![false; children.len()];
        let mut moved = true;
        while moved {
            moved = false;
            for (index, &child) in children.iter().enumerate() {
                let after = &program.node(child).run_after;
                if done[index] || !after.iter().all(|(p, _)| at.get(p).is_none_or(|&i| done[i])) {
                    continue;
                }
                let mut bits = vec![0; words];
                for (before, _) in after {
                    let Some(&i) = at.get(before) else { continue };
                    bits[i / 64] |= 1u64 << (i % 64);
                    for (word, more) in bits.iter_mut().zip(&self.before[before.index()]) {
                        *word |= more;
                    }
                }
                self.before[child.index()] = bits;
                done[index] = true;
                moved = true;
            }
        }
    }

    /// Whether sibling `a` has ended before sibling `b` starts.
    fn precedes(&self, a: NodeId, b: NodeId) -> bool {
        let at = self.position[a.index()];
        self.before[b.index()].get(at / 64).is_some_and(|w| w >> (at % 64) & 1 == 1)
    }

    /// Whether two instances of these actions can be under way at once within one run.
    pub(super) fn overlap(&self, program: &Program, a: NodeId, b: NodeId) -> bool {
        let looped = program.ancestors(a).skip(1).any(|n| {
            matches!(program.node(n).kind, Kind::Loop { degree, .. } if degree > 1)
                && program.inside(b, n)
        });
        looped
            || program.fork(a, b).is_some_and(|(container, x, y)| {
                match program.node(container).kind {
                    Kind::Parallel => x != y,
                    Kind::Group => !self.precedes(x, y) && !self.precedes(y, x),
                    Kind::If(_) | Kind::Switch(..) | Kind::Loop { .. } | Kind::Until { .. } => {
                        false
                    }
                    Kind::Terminate(_) | Kind::Leaf(_) => false,
                }
            })
    }
}
