//! How containers end, and what is forgotten then.

use super::block::{Mark, NodeState, Phase};
use super::ids::NodeId;
use super::program::{Kind, Status};
use super::settle::length;
use super::transition::Machine;
use super::value::Value;

impl Machine<'_> {
    /// Ends a running container whose children have ended.
    pub(super) fn close(&mut self, node: NodeId) -> bool {
        let program = self.program;
        let at = program.node(node);
        let ended = |m: &mut Self, n: NodeId| match m.at(n).phase {
            Phase::Done(status) => Some(status),
            _ => None,
        };
        match &at.kind {
            Kind::Group | Kind::Parallel => {
                if !at.children.iter().all(|&c| ended(self, c).is_some()) {
                    return false;
                }
                let status = self.leaf_status(node);
                self.close_group(node, status);
                self.finish(node, status, Value::Null);
            }
            Kind::If(_) | Kind::Switch(..) => {
                let statuses: Vec<_> = at.children.iter().map(|&c| ended(self, c)).collect();
                if statuses.iter().any(Option::is_none) {
                    return false;
                }
                let failed = statuses.contains(&Some(Status::Failed));
                self.finish(
                    node,
                    if failed { Status::Failed } else { Status::Succeeded },
                    Value::Null,
                );
            }
            Kind::Loop { degree, .. } => return *degree <= 1 && self.close_serial(node),
            Kind::Until { .. } => {
                if ended(self, at.children[0]).is_none() {
                    return false;
                }
                self.at(node).phase = Phase::Ready(1);
            }
            Kind::Terminate(_) | Kind::Leaf(_) => return false,
        }
        true
    }

    fn close_serial(&mut self, node: NodeId) -> bool {
        let body = self.program.node(node).children[0];
        let Phase::Done(status) = self.at(body).phase else { return false };
        let (count, kept) = (self.at(node).count, self.at(node).output.clone());
        let kept = self.collect(node, &kept, i64::from(count));
        let failed = self.at(node).flag || status == Status::Failed;
        let total = length(&self.at(node).items);
        if u64::from(count) + 1 >= total {
            self.end_loop(node, failed, kept);
            return true;
        }
        self.judge_groups_of(body);
        self.reset(body);
        // The next item is another operation: what was applied for this one says nothing about it.
        let program = self.program;
        self.block.marks.retain(|mark, _| {
            !matches!(mark, Mark::Applied(n) | Mark::Disturbed(n) if program.inside(*n, body))
        });
        let state = self.at(node);
        state.count = count + 1;
        state.output = kept;
        state.flag = failed;
        self.at(body).phase = Phase::Running;
        true
    }

    /// The leaf rule (semantics §3.3): a leaf that was skipped takes the worst status of what it waited for.
    fn leaf_status(&mut self, group: NodeId) -> Status {
        let program = self.program;
        let children = &program.node(group).children;
        let needed: Vec<NodeId> = children
            .iter()
            .flat_map(|&c| program.node(c).run_after.iter().map(|&(n, _)| n))
            .collect();
        let mut todo: Vec<NodeId> =
            children.iter().copied().filter(|c| !needed.contains(c)).collect();
        let mut seen = Vec::new();
        let mut failed = false;
        while let Some(node) = todo.pop() {
            if seen.contains(&node) {
                continue;
            }
            seen.push(node);
            match self.at(node).phase {
                Phase::Done(Status::Skipped) => {
                    todo.extend(program.node(node).run_after.iter().map(|&(n, _)| n));
                }
                Phase::Done(Status::Succeeded) => {}
                _ => failed = true,
            }
        }
        if failed { Status::Failed } else { Status::Succeeded }
    }

    /// Forgets what nobody can ask for any more, so that equal futures are equal states.
    pub(super) fn tidy(&mut self) {
        let program = self.program;
        let class = program.class(self.class);
        self.forget_attempts();
        // What the loop around gathers of its iterations is wanted when this one has ended.
        let gathered = class.looped.map_or(&[][..], |l| program.node(l).collected.as_slice());
        for (slot, &node) in class.nodes.iter().enumerate() {
            let keep = gathered.iter().any(|&n| program.inside(n, node))
                || program.node(node).consumers.iter().any(|&c| self.pending(c));
            if keep {
                continue;
            }
            self.block.marks.retain(
                |m, _| !matches!(m, Mark::Base(r, _) | Mark::BaseAround(r, _) if *r == node),
            );
            let collects = matches!(program.node(node).kind, Kind::Loop { .. })
                && self.block.nodes[slot].phase == Phase::Running;
            if self.block.nodes[slot].output != Value::Null
                && matches!(self.block.nodes[slot].phase, Phase::Done(_))
                && !collects
            {
                self.block.nodes[slot].output = Value::Null;
            }
            let over = program
                .ancestors(node)
                .skip(1)
                .take_while(|&n| program.node(n).class == self.class)
                .any(|n| {
                    matches!(self.block.nodes[program.node(n).slot as usize].phase, Phase::Done(_))
                });
            if over {
                self.block.nodes[slot] = NodeState::default();
            }
        }
    }

    /// What was applied matters only while the action can be made again: by the platform, or by an Until around it.
    fn forget_attempts(&mut self) {
        let applied: Vec<NodeId> = self
            .block
            .marks
            .keys()
            .filter_map(|m| if let Mark::Applied(n) = m { Some(*n) } else { None })
            .collect();
        for node in applied {
            let program = self.program;
            let until = program.ancestors(node).skip(1).any(|n| {
                program.node(n).class == self.class
                    && matches!(program.node(n).kind, Kind::Until { .. })
            });
            let ended = matches!(self.at(node).phase, Phase::Done(_));
            let over = program
                .ancestors(node)
                .skip(1)
                .take_while(|&n| program.node(n).class == self.class)
                .any(|n| {
                    matches!(self.block.nodes[program.node(n).slot as usize].phase, Phase::Done(_))
                });
            let member = !program.node(node).groups.is_empty();
            if over || (ended && !until && !member) {
                self.block.marks.remove(&Mark::Applied(node));
            }
        }
    }

    /// Whether a node of this block can still run.
    fn pending(&self, node: NodeId) -> bool {
        let program = self.program;
        !program.ancestors(node).take_while(|&n| program.node(n).class == self.class).any(|n| {
            matches!(self.block.nodes[program.node(n).slot as usize].phase, Phase::Done(_))
        })
    }
}
