//! Which actions are ordered by the flow itself, and which processes they belong to.

use super::ids::{ClassId, NodeId, ResourceId};
use super::program::{Kind, Program, Shape};

impl Program {
    /// The innermost container of both, and its children that hold `a` and `b`; `None` across flows or if one is
    /// inside the other.
    pub fn fork(&self, a: NodeId, b: NodeId) -> Option<(NodeId, NodeId, NodeId)> {
        let depth = |n: NodeId| self.ancestors(n).count();
        let up = |n: NodeId| self.node(n).parent;
        let (mut x, mut y) = (a, b);
        let (mut above_x, mut above_y) = (depth(a), depth(b));
        while above_x > above_y {
            (x, above_x) = (up(x)?, above_x - 1);
        }
        while above_y > above_x {
            (y, above_y) = (up(y)?, above_y - 1);
        }
        if x == y {
            return None;
        }
        loop {
            let (outer, other) = (up(x)?, up(y)?);
            if outer == other {
                return Some((outer, x, y));
            }
            (x, y) = (outer, other);
        }
    }

    /// Whether the paths of the two actions part at parallel branches of one container.
    pub fn parted(&self, a: NodeId, b: NodeId) -> bool {
        let Some((container, x, y)) = self.fork(a, b) else { return false };
        match self.node(container).kind {
            Kind::Parallel => x != y,
            Kind::Group => !self.reaches(x, y) && !self.reaches(y, x),
            Kind::If(_) | Kind::Switch(..) | Kind::Loop { .. } | Kind::Until { .. } => false,
            Kind::Terminate(_) | Kind::Leaf(_) => false,
        }
    }

    /// Whether there is more than one run, of one flow or of several.
    pub fn has_several_runs(&self) -> bool {
        self.flows.len() > 1 || self.flows.iter().any(|flow| flow.runs > 1)
    }

    /// Whether two writes of a variable are of parallel branches of its run, in a concurrent loop of a branch or not.
    pub fn branches_of(&self, class: ClassId, cell: ResourceId, (a, b): (NodeId, NodeId)) -> bool {
        self.resource(cell).shape == Shape::Variable
            && self.class(class).parent.is_none()
            && self.fork(a, b).is_some_and(|(container, ..)| self.node(container).class == class)
            && self.parted(a, b)
    }

    /// Whether `a` has ended before `b` starts, in one process.
    pub fn precedes(&self, a: NodeId, b: NodeId) -> bool {
        self.fork(a, b).is_some_and(|(container, x, y)| {
            matches!(self.node(container).kind, Kind::Group) && x != y && self.reaches(x, y)
        })
    }

    /// Whether sibling `to` runs after sibling `from`, directly or through others.
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        if let Some(known) = self.order.precedes(from, to) {
            return known || from == to;
        }
        let mut todo = vec![to];
        let mut seen = Vec::new();
        while let Some(node) = todo.pop() {
            if node == from {
                return true;
            }
            if !seen.contains(&node) {
                seen.push(node);
                todo.extend(self.node(node).run_after.iter().map(|&(n, _)| n));
            }
        }
        false
    }

    /// Whether a loop whose rounds follow each other brings `then` after `first` in the same process, whatever their
    /// order in a round. `first` may be that loop.
    pub fn comes_round(&self, first: NodeId, then: NodeId) -> bool {
        self.ancestors(first).any(|outer| {
            let serial = match self.node(outer).kind {
                Kind::Until { .. } => true,
                Kind::Loop { degree, .. } => degree <= 1,
                Kind::Leaf(_) | Kind::Group | Kind::Parallel | Kind::Terminate(_) => false,
                Kind::If(_) | Kind::Switch(..) => false,
            };
            serial && self.inside(then, outer)
        })
    }

    /// The innermost loop whose iterations run at once around this action.
    pub fn concurrent_loop(&self, node: NodeId) -> Option<NodeId> {
        self.ancestors(node)
            .skip(1)
            .find(|&n| matches!(self.node(n).kind, Kind::Loop { degree, .. } if degree > 1))
    }

    /// Whether two instances of these actions can be under way at once within one run.
    pub fn overlap_in_run(&self, a: NodeId, b: NodeId) -> bool {
        let shared = self.ancestors(a).skip(1).find(|&n| {
            matches!(self.node(n).kind, Kind::Loop { degree, .. } if degree > 1)
                && self.inside(b, n)
                && b != n
        });
        shared.is_some() || self.parted(a, b)
    }

    /// Which flow an action belongs to.
    pub fn flow_of(&self, node: NodeId) -> u32 {
        self.class(self.node(node).class).flow
    }

    /// Whether two instances of these actions can be under way at once, in one run or in two.
    pub fn overlap(&self, a: NodeId, b: NodeId) -> bool {
        let (f, g) = (self.flow_of(a), self.flow_of(b));
        f != g || self.flows[f as usize].runs > 1 || self.overlap_in_run(a, b)
    }
}
