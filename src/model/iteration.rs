//! Iteration: how one begins, and what is left of it in its loop when it has ended.

use super::block::{Block, Mark, Memory, NodeState, Phase};
use super::ids::{ClassId, NodeId};
use super::program::{Program, Status};
use super::value::Value;

impl Block {
    /// A process of this class that has not done anything.
    pub fn fresh(program: &Program, class: ClassId) -> Self {
        let nodes = vec![NodeState::default(); program.class(class).nodes.len()];
        Self { nodes, ..Self::default() }
    }

    /// An iteration has ended: its loop takes what it answered and what it wrote last.
    pub fn fold(&mut self, program: &Program, looped: NodeId, child: &Self, kept: Value) {
        let state = &mut self.nodes[program.node(looped).slot as usize];
        state.output = kept;
        state.count += 1;
        state.flag |= child.ended == Some(Status::Failed);
        for (mark, memory) in &child.marks {
            if let Mark::Last(r, row, column) = mark {
                self.marks.insert(Mark::ChildLast(*r, *row, column.clone()), memory.clone());
            }
            if let Mark::Late(..) = mark {
                self.marks.insert(mark.clone(), memory.clone());
            }
            // What an iteration did for a group around its loop is the group's.
            let class = program.node(looped).class;
            if mark.group().is_some_and(|g| program.node(g).class == class) {
                self.marks.entry(mark.clone()).or_insert_with(|| memory.clone());
            }
        }
    }

    /// The last iteration has ended: the loop has too, and what its iterations wrote is the run's own.
    pub fn complete(&mut self, program: &Program, looped: NodeId) {
        let state = &mut self.nodes[program.node(looped).slot as usize];
        let status = if state.flag { Status::Failed } else { Status::Succeeded };
        let output = std::mem::take(&mut state.output);
        *state = NodeState { phase: Phase::Done(status), output, ..NodeState::default() };
        // Leases that the run holds meanwhile run on.
        let takes = program.node(looped).takes;
        for (mark, memory) in &mut self.marks {
            if let (Mark::Holds(_), Memory::Clock(passed, Some(limit))) = (mark, memory) {
                *passed = passed.saturating_add(takes).min(*limit);
            }
        }
        self.own_bases(program, looped);
        let children: Vec<Mark> =
            self.marks.keys().filter(|m| matches!(m, Mark::ChildLast(..))).cloned().collect();
        for mark in children {
            if let Mark::ChildLast(r, row, column) = &mark {
                self.marks.insert(Mark::Last(*r, *row, column.clone()), Memory::Set);
            }
            self.marks.remove(&mark);
        }
    }

    /// What the iterations of a loop that has ended changed counts as changed by the run.
    fn own_bases(&mut self, program: &Program, looped: NodeId) {
        let around: Vec<(NodeId, NodeId)> = self
            .marks
            .keys()
            .filter_map(|m| match m {
                Mark::BaseAround(r, w) if program.inside(*w, looped) => Some((*r, *w)),
                _ => None,
            })
            .collect();
        for (reader, writer) in around {
            let Some(base) = self.marks.remove(&Mark::BaseAround(reader, writer)) else { continue };
            let same = |m: &Mark| matches!(m, Mark::Base(r, w) if *r == reader && !program.parted(*w, writer));
            self.marks.retain(|m, _| !same(m));
            self.marks.insert(Mark::Base(reader, writer), base);
        }
    }

    /// The run was ended under its processes.
    pub fn terminate(&mut self, status: Status) {
        self.ended = Some(status);
        for node in &mut self.nodes {
            *node = NodeState::default();
        }
    }
}
