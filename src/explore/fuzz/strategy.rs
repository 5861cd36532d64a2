//! Who goes next: uniform random walk, PCT (Burckhardt, Kothari, Musuvathi and Nagarakatte 2010) and partial-order
//! sampling (Yuan, Yang and Gu 2018).

use super::random::Random;
use crate::explore::engine::Move;
use crate::model::ids::NodeId;
use crate::model::program::{Kind, Program, Step};

/// How schedules are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Each enabled step is as likely.
    Random,
    /// The process of highest priority, which drops at a few random places.
    #[default]
    Pct,
    /// The step of highest priority, drawn anew for what races with a step.
    Pos,
}

impl Strategy {
    /// As on the command line.
    pub fn id(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Pct => "pct",
            Self::Pos => "pos",
        }
    }
}

/// A process, as far as priorities go: a run or a slot of a loop, and the branch in it.
type Process = (u32, u32, u32);

/// Time has a process of its own for each lease.
const TIME: u32 = u32::MAX;

/// What is the same in all schedules of a program.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// By node: its branch.
    branches: Vec<u32>,
    /// By node: the resource it is about, and whether it may change it.
    about: Vec<Option<(u32, bool)>>,
}

impl Plan {
    pub(super) fn new(program: &Program) -> Self {
        let about = |n: &crate::model::program::Node| match &n.kind {
            Kind::Leaf(steps) => steps.iter().find_map(|s| match s {
                Step::Access(r, access) => Some((r.0, !access.only_reads())),
                _ => None,
            }),
            _ => None,
        };
        let branch = |node: usize| {
            let id = NodeId(u32::try_from(node).unwrap_or(u32::MAX));
            // The innermost place where the processes around part: a side of a parallel, or a chain of a container.
            let mut inner = id;
            for outer in program.ancestors(id).skip(1) {
                let mut chains =
                    program.node(outer).children.iter().map(|&c| program.node(c).chain);
                let first = chains.next();
                match program.node(outer).kind {
                    Kind::Parallel => return inner.0,
                    Kind::Group if chains.any(|c| Some(c) != first) => {
                        return program.node(inner).chain;
                    }
                    _ => {}
                }
                inner = outer;
            }
            u32::MAX
        };
        Self {
            branches: (0..program.nodes.len()).map(branch).collect(),
            about: program.nodes.iter().map(about).collect(),
        }
    }

    fn process(&self, chosen: Move) -> Process {
        match chosen {
            Move::Step(unit, node) | Move::Fault(unit, node, _) => {
                (unit.run, unit.slot, self.branches[node.index()])
            }
            Move::Expire(_, resource) => (TIME, TIME, resource.0),
        }
    }

    fn about(&self, chosen: Move) -> Option<(u32, bool)> {
        match chosen {
            Move::Step(_, node) | Move::Fault(_, node, _) => self.about[node.index()],
            Move::Expire(_, resource) => Some((resource.0, true)),
        }
    }

    fn race(&self, a: Move, b: Move) -> bool {
        match (self.about(a), self.about(b)) {
            (Some((a, writes)), Some((b, also))) => a == b && (writes || also),
            _ => false,
        }
    }
}

/// The priorities of one schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Priorities {
    processes: Vec<(Process, u64)>,
    moves: Vec<(Move, u64)>,
    /// Steps before which the process of highest priority drops, and to what.
    changes: Vec<(u32, u64)>,
    /// Of several moves of one process one was drawn: the bound of PCT does not speak of that.
    pub(super) chance: bool,
}

impl Priorities {
    /// For a new schedule; `depth` and `steps` as PCT has them.
    pub(super) fn begin(&mut self, random: &mut Random, depth: u32, steps: u32) {
        self.processes.clear();
        self.moves.clear();
        self.changes.clear();
        for change in 1..depth {
            self.changes.push((random.below(steps.max(1)), u64::from(depth - change)));
        }
    }

    /// Processes met.
    pub(super) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// The place in `open` of the move to try.
    pub(super) fn choose(
        &mut self,
        strategy: Strategy,
        plan: &Plan,
        open: &[Move],
        random: &mut Random,
    ) -> usize {
        match strategy {
            Strategy::Random => random.below(count(open.len())) as usize,
            Strategy::Pct => self.by_process(plan, open, random),
            Strategy::Pos => self.by_move(open, random),
        }
    }

    fn by_process(&mut self, plan: &Plan, open: &[Move], random: &mut Random) -> usize {
        let mut best = (0, 0);
        let mut alike = 0;
        for (at, &chosen) in open.iter().enumerate() {
            let process = plan.process(chosen);
            let known = self.processes.iter().find(|(p, _)| *p == process).map(|(_, q)| *q);
            let priority = known.unwrap_or_else(|| {
                // Above all that ever drop.
                let priority = random.priority() | 1 << 63;
                self.processes.push((process, priority));
                priority
            });
            if priority > best.1 {
                best = (at, priority);
                alike = 1;
            } else if priority == best.1 {
                alike += 1;
                if random.below(alike) == 0 {
                    best.0 = at;
                }
            }
        }
        self.chance |= alike > 1;
        best.0
    }

    /// Before the step of this number: whoever is about to take it may drop below all others.
    pub(super) fn drops(&mut self, plan: &Plan, chosen: Move, step: u32) -> bool {
        let Some(at) = self.changes.iter().position(|c| c.0 == step) else { return false };
        let (_, low) = self.changes.swap_remove(at);
        let process = plan.process(chosen);
        if let Some(own) = self.processes.iter_mut().find(|(p, _)| *p == process) {
            own.1 = low;
        }
        true
    }

    fn by_move(&mut self, open: &[Move], random: &mut Random) -> usize {
        let mut best = (0, 0);
        for (at, &chosen) in open.iter().enumerate() {
            let known = self.moves.iter().find(|(m, _)| *m == chosen).map(|(_, p)| *p);
            let priority = known.unwrap_or_else(|| {
                let priority = random.priority();
                self.moves.push((chosen, priority));
                priority
            });
            if priority >= best.1 {
                best = (at, priority);
            }
        }
        best.0
    }

    /// A step was taken: it and what races with it are drawn anew.
    pub(super) fn took(&mut self, strategy: Strategy, plan: &Plan, chosen: Move) {
        if strategy == Strategy::Pos {
            self.moves.retain(|&(m, _)| m != chosen && !plan.race(m, chosen));
        }
    }
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
