//! Finding one's way in a program.

use super::ids::{ClassId, NodeId, ResourceId};
use super::program::{Access, Class, Kind, Node, Program, Resource, Step};

impl Program {
    /// All nodes, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + Clone + use<> {
        (0..self.nodes.len()).map(|n| NodeId(u32::try_from(n).unwrap_or(u32::MAX)))
    }
    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }
    /// A resource.
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.index()]
    }
    /// A class.
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }
    /// Whether the action writes this column without having looked at it.
    pub fn blind(&self, node: NodeId, column: &str) -> bool {
        self.node(node).blind.contains(column)
    }
    /// The resource that a get, list or SELECT reads.
    pub fn reads(&self, node: NodeId) -> Option<ResourceId> {
        let Kind::Leaf(steps) = &self.node(node).kind else { return None };
        steps.iter().find_map(|s| match s {
            Step::Access(
                r,
                Access::Get | Access::Fetch(_) | Access::List(_) | Access::Select(..),
            ) => Some(*r),
            _ => None,
        })
    }
    /// The node and what is around it, innermost first.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |&n| self.node(n).parent)
    }
    /// Whether `inner` is `outer` or inside it.
    pub fn inside(&self, inner: NodeId, outer: NodeId) -> bool {
        self.ancestors(inner).any(|n| n == outer)
    }
    /// The nodes below (and with) this one, outermost first.
    pub fn subtree(&self, root: NodeId) -> Vec<NodeId> {
        let mut all = vec![root];
        let mut next = 0;
        while let Some(&node) = all.get(next) {
            all.extend(&self.node(node).children);
            next += 1;
        }
        all
    }
}
