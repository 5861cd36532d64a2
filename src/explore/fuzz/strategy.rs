//! Who goes next: uniform random walk, PCT (Burckhardt, Kothari, Musuvathi and Nagarakatte 2010) and partial-order
//! sampling (Yuan, Yang and Gu 2018).

use super::random::Random;
use crate::explore::engine::Move;
use crate::explore::layout::Layout;
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

/// A process, as far as priorities go: the place of a run or of a slot of a loop, and the branch in it. Time has a process
/// of its own for each lease.
type Process = usize;

/// What is the same in all schedules of a program.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    layout: Layout,
    /// By node: its branch, from 0.
    branches: Vec<usize>,
    /// How many branches there are.
    width: usize,
    /// By node: the resource it is about, and whether it may change it.
    about: Vec<Option<(u32, bool)>>,
    resources: usize,
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
        let named: Vec<u32> = (0..program.nodes.len()).map(branch).collect();
        let mut names = named.clone();
        names.sort_unstable();
        names.dedup();
        let branches = named.iter().map(|n| names.partition_point(|m| m < n)).collect();
        let about = program.nodes.iter().map(about).collect();
        Self {
            layout: Layout::new(program),
            branches,
            width: names.len(),
            about,
            resources: program.resources.len(),
        }
    }

    /// How many processes there can be, time included.
    fn processes(&self, resources: usize) -> usize {
        self.layout.places.len() * self.width + resources
    }

    fn process(&self, chosen: Move) -> Process {
        match chosen {
            Move::Step(unit, node) | Move::Fault(unit, node, _) => {
                self.at(self.layout.place(unit), node)
            }
            Move::Expire(_, resource) | Move::Arrives(resource, _) => {
                self.processes(resource.index())
            }
        }
    }

    /// The process at a place that takes a step of this action.
    pub(super) fn at(&self, place: usize, node: NodeId) -> Process {
        place * self.width + self.branches[node.index()]
    }

    fn about(&self, chosen: Move) -> Option<(u32, bool)> {
        match chosen {
            Move::Step(_, node) | Move::Fault(_, node, _) => self.about[node.index()],
            Move::Expire(_, resource) | Move::Arrives(resource, _) => Some((resource.0, true)),
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
    /// By process; 0 for those not met yet.
    processes: Vec<u64>,
    met: usize,
    moves: Vec<(Move, u64)>,
    /// Steps before which the process of highest priority drops, and to what.
    changes: Vec<(u32, u64)>,
    /// Of several moves of one process one was drawn: the bound of PCT does not speak of that.
    pub(super) chance: bool,
}

impl Priorities {
    /// For a new schedule; `depth` and `steps` as PCT has them.
    pub(super) fn begin(&mut self, plan: &Plan, random: &mut Random, depth: u32, steps: u32) {
        self.processes.clear();
        self.processes.resize(plan.processes(plan.resources), 0);
        self.met = 0;
        self.moves.clear();
        self.changes.clear();
        for change in 1..depth {
            self.changes.push((random.below(steps.max(1)), u64::from(depth - change)));
        }
    }

    /// Processes met.
    pub(super) fn processes(&self) -> usize {
        self.met
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
        let processes = open.iter().map(|&chosen| plan.process(chosen));
        self.highest(processes.enumerate(), random)
    }

    /// A move of the process of highest priority; one of them, if it offers several.
    pub(super) fn highest<T: Copy + Default>(
        &mut self,
        moves: impl Iterator<Item = (T, Process)>,
        random: &mut Random,
    ) -> T {
        let mut best = (T::default(), 0);
        let mut alike = 0;
        for (chosen, process) in moves {
            let mut priority = self.processes[process];
            if priority == 0 {
                // Above all that ever drop.
                priority = random.priority() | 1 << 63;
                self.processes[process] = priority;
                self.met += 1;
            }
            if priority > best.1 {
                best = (chosen, priority);
                alike = 1;
            } else if priority == best.1 {
                alike += 1;
                if random.below(alike) == 0 {
                    best.0 = chosen;
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
        self.processes[plan.process(chosen)] = low;
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
