//! The order inside a container: that `runAfter` names siblings and goes round in no circle. petgraph's one home.

use super::ast::{Action, ActionKind};
use super::location::Location;
use super::suggest::nearest;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, VecDeque};

/// What is wrong with a container's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphFault {
    /// Each waits for the next, the last for the first.
    Cycle {
        /// The whole circle, from the action that comes first in the file; each runs after the one behind it.
        actions: Vec<String>,
        /// Where the first names the second.
        at: Location,
    },
    /// A `runAfter` that names no sibling.
    Unknown {
        /// The one that waits.
        action: String,
        /// The name it gives.
        target: String,
        /// Where it gives it.
        at: Location,
        /// A sibling of nearly that name.
        suggestion: Option<String>,
    },
}

/// The containers directly inside an action.
pub fn containers(kind: &ActionKind) -> Vec<&[Action]> {
    match kind {
        ActionKind::Scope { actions, .. }
        | ActionKind::Foreach { actions, .. }
        | ActionKind::Until { actions, .. } => {
            vec![actions]
        }
        ActionKind::Parallel { branches } => branches.iter().map(Vec::as_slice).collect(),
        ActionKind::If { then, otherwise, .. } => vec![then, otherwise],
        ActionKind::Switch { cases, default, .. } => cases
            .iter()
            .map(|(_, actions)| actions.as_slice())
            .chain([default.as_slice()])
            .collect(),
        ActionKind::Terminate { .. }
        | ActionKind::Initialize { .. }
        | ActionKind::Set { .. }
        | ActionKind::Increment { .. }
        | ActionKind::Append { .. }
        | ActionKind::Compose { .. }
        | ActionKind::Response { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Wait { .. }
        | ActionKind::Delay
        | ActionKind::Call(_) => Vec::new(),
    }
}

/// The faults of a container and of all containers inside it, in file order.
pub fn check_all(actions: &[Action]) -> Vec<GraphFault> {
    let mut faults = Vec::new();
    let mut open = VecDeque::from([actions]);
    while let Some(actions) = open.pop_front() {
        faults.extend(check(actions));
        open.extend(actions.iter().flat_map(|action| containers(&action.kind)));
    }
    faults.sort_by(|a, b| place(a).cmp(&place(b)));
    faults
}

fn place(fault: &GraphFault) -> (&str, u32, u32) {
    let (GraphFault::Cycle { at, .. } | GraphFault::Unknown { at, .. }) = fault;
    (&at.path, at.line, at.column)
}

/// The faults of one container: names nobody bears, then one circle of each knot.
pub fn check(actions: &[Action]) -> Vec<GraphFault> {
    let by_name: BTreeMap<String, NodeIndex> = actions
        .iter()
        .enumerate()
        .map(|(n, action)| (action.name.to_lowercase(), NodeIndex::new(n)))
        .collect();
    let mut graph: DiGraph<(), &Location> = DiGraph::new();
    for _ in actions {
        graph.add_node(());
    }
    let mut faults = Vec::new();
    for (n, action) in actions.iter().enumerate() {
        for after in &action.run_after {
            if let Some(&target) = by_name.get(&after.action.to_lowercase()) {
                graph.add_edge(NodeIndex::new(n), target, &after.at);
            } else {
                let others = actions
                    .iter()
                    .map(|other| other.name.as_str())
                    .filter(|name| *name != action.name);
                faults.push(GraphFault::Unknown {
                    action: action.name.clone(),
                    target: after.action.clone(),
                    at: after.at.clone(),
                    suggestion: nearest(&after.action, others).map(str::to_owned),
                });
            }
        }
    }
    let mut cycles = cycles(actions, &graph);
    cycles.sort_by(|a, b| place(a).cmp(&place(b)));
    faults.extend(cycles);
    faults
}

fn cycles(actions: &[Action], graph: &DiGraph<(), &Location>) -> Vec<GraphFault> {
    let mut cycles = Vec::new();
    for knot in tarjan_scc(graph) {
        let first = *knot.iter().min().expect("a strongly connected component has a node");
        // What is alone in its knot is in no circle, unless it waits for itself.
        if knot.len() == 1 && !graph.contains_edge(first, first) {
            continue;
        }
        let Some(round) = shortest_round(graph, first) else { continue };
        let second = round.get(1).copied().unwrap_or(first);
        let edge = graph.find_edge(first, second).expect("the circle goes along edges");
        cycles.push(GraphFault::Cycle {
            actions: round.iter().map(|node| actions[node.index()].name.clone()).collect(),
            at: graph[edge].clone(),
        });
    }
    cycles
}

/// The shortest way from a node back to itself, without the return; breadth first.
fn shortest_round(graph: &DiGraph<(), &Location>, first: NodeIndex) -> Option<Vec<NodeIndex>> {
    let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut open = VecDeque::from([first]);
    while let Some(node) = open.pop_front() {
        for next in graph.neighbors(node) {
            if next == first {
                let mut round = vec![node];
                while let Some(before) = came_from.get(&round[round.len() - 1]) {
                    round.push(*before);
                }
                round.reverse();
                return Some(round);
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = came_from.entry(next) {
                slot.insert(node);
                open.push_back(next);
            }
        }
    }
    None
}
