//! Which siblings run after which, once for the whole program.

use super::ids::NodeId;
use super::program::Program;
use std::collections::BTreeMap;

/// For each action the siblings that run before it, directly or through others, as bits over its container's children.
#[derive(Clone, Debug, Default)]
pub struct Order {
    position: Vec<usize>,
    before: Vec<Vec<u64>>,
}

impl Order {
    /// The order of a program whose actions are all there.
    pub fn new(program: &Program) -> Self {
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

    /// Whether these siblings run one after another: then each has another number of predecessors.
    pub fn is_chain(&self, siblings: &[NodeId]) -> bool {
        let before =
            |n: &NodeId| self.before[n.index()].iter().map(|w| w.count_ones()).sum::<u32>();
        let mut counts: Vec<u32> = siblings.iter().map(before).collect();
        counts.sort_unstable();
        counts.dedup();
        counts.len() == siblings.len()
    }

    /// Whether sibling `a` has ended before sibling `b` starts; `None` before the order is made.
    pub(super) fn precedes(&self, a: NodeId, b: NodeId) -> Option<bool> {
        let at = *self.position.get(a.index())?;
        Some(self.before[b.index()].get(at / 64).is_some_and(|w| w >> (at % 64) & 1 == 1))
    }
}
