//! From a definition to a program: containers, order, resources. What the actions do is in `leaf.rs`.

use super::cells::observed;
use super::chains::{chains, status};
use super::connector::{Table, Unread};
use super::leaf::{self, Answer, Scope};
use super::resources::{may_miss, resources};
use super::scenario::Scenario;
use super::time::REQUEST;
use crate::definition::ast::{Action, ActionKind, Definition, Over as Written, Platform, Retry};
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::order::Order;
use crate::model::program::{
    Call, Class, FlowPlan, Kind, Node, Over, Program, StatusSet, Visibility,
};
use std::collections::{BTreeMap, BTreeSet};

/// A program, where its actions stand in the file, and what nobody knows.
#[derive(Debug)]
pub struct Lowered {
    /// The program.
    pub program: Program,
    /// By node.
    pub places: Vec<Location>,
    /// Unknown operations and functions.
    pub unknown: Vec<String>,
    /// Queries that nobody can read over tables that others touch.
    pub blind: Vec<String>,
    /// Those that two runs may race in.
    pub doubled: Vec<String>,
    /// Loop name to items in scope.
    pub items: BTreeMap<String, u64>,
}

/// A container or action still to be given its kind.
struct Pending<'d> {
    node: NodeId,
    action: &'d Action,
    scope: Scope,
}

struct Builder<'d> {
    definition: &'d Definition,
    scenario: &'d Scenario,
    program: Program,
    places: Vec<Location>,
    pending: Vec<Pending<'d>>,
    names: Vec<BTreeMap<String, NodeId>>,
    items: BTreeMap<String, u64>,
    problems: Vec<Problem>,
    unknown: BTreeSet<String>,
    /// Retry policies as written, by node.
    retries: BTreeMap<NodeId, Retry>,
    stores: BTreeMap<String, ResourceId>,
    tables: BTreeMap<ResourceId, Table>,
    unread: Vec<Unread>,
    answers: BTreeMap<NodeId, Answer>,
    /// Scopes that the model calls all-or-nothing.
    groups: BTreeSet<NodeId>,
}

/// A name as the platform compares it: case and blanks do not matter.
pub fn folded(name: &str) -> String {
    name.replace(' ', "_").to_lowercase()
}

/// Compiles a definition for a scenario.
pub fn lower(definition: &Definition, scenario: &Scenario) -> Result<Lowered, Vec<Problem>> {
    let mut lowered = outline(definition, scenario)?;
    lowered.program.observed = observed(&lowered.program, &definition.setup);
    crate::model::analysis::analyse(&mut lowered.program, scenario.merge);
    Ok(lowered)
}

/// Compiles a definition without what follows from it: enough to see what depends on what.
pub fn outline(definition: &Definition, scenario: &Scenario) -> Result<Lowered, Vec<Problem>> {
    let mut builder = Builder {
        definition,
        scenario,
        program: Program::default(),
        places: Vec::new(),
        pending: Vec::new(),
        names: Vec::new(),
        items: BTreeMap::new(),
        problems: Vec::new(),
        unknown: BTreeSet::new(),
        retries: BTreeMap::new(),
        stores: BTreeMap::new(),
        tables: BTreeMap::new(),
        unread: Vec::new(),
        answers: BTreeMap::new(),
        groups: BTreeSet::new(),
    };
    let resources = resources(definition, &mut builder.problems);
    builder.program.resources = resources.all;
    builder.stores = resources.stores;
    builder.tables = resources.tables;
    builder.unknown = resources.unknown;
    for (index, flow) in definition.flows.iter().enumerate() {
        builder.flow(index, flow);
    }
    builder.kinds();
    builder.finally();
    builder.program.order = Order::new(&builder.program);
    may_miss(&mut builder.program);
    if !builder.problems.is_empty() {
        return Err(builder.problems);
    }
    scenario.pin(&mut builder.program);
    super::time::bound_loops(&mut builder.program);
    super::time::bound_untils(&mut builder.program);
    super::group::plan(&mut builder.program, builder.groups, scenario.faults > 0);
    super::fault::plan(&mut builder.program, scenario, &builder.retries);
    let blind = Unread::in_the_way(&builder.unread, &builder.program);
    let doubled = builder.unread.iter().filter_map(Unread::alone).collect();
    Ok(Lowered {
        blind,
        doubled,
        program: builder.program,
        places: builder.places,
        unknown: builder.unknown.into_iter().collect(),
        items: builder.items,
    })
}

impl<'d> Builder<'d> {
    fn flow(&mut self, index: usize, flow: &'d crate::definition::ast::Flow) {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        self.names.push(BTreeMap::new());
        let class = self.class(None, None, 1, number);
        let root = self.node(&flow.name, None, class, &flow.at, false);
        self.program.classes[class.0 as usize].root = root;
        self.program.nodes[root.index()].kind = Kind::Group;
        let variables = (0..self.program.resources.len())
            .filter(|&r| self.program.resources[r].owner == Some(number))
            .map(|r| ResourceId(u32::try_from(r).unwrap_or(u32::MAX)))
            .collect();
        let runs = self.scenario.runs(flow, &self.definition.setup);
        let again = self.scenario.again(flow, runs);
        self.program.flows.push(FlowPlan {
            name: flow.name.as_str().into(),
            runs: runs.saturating_add(again),
            again,
            limit: flow.trigger.as_ref().and_then(|t| u32::try_from(t.runs?).ok()),
            root,
            class,
            variables,
            loops: vec![],
            told_apart: flow.trigger.is_some(),
        });
        let scope = Scope { flow: index, loops: Vec::new(), rounds: Vec::new() };
        self.container(root, &flow.actions, class, &scope);
        let loops = (0..self.program.classes.len())
            .map(|c| ClassId(u32::try_from(c).unwrap_or(u32::MAX)))
            .filter(|&c| {
                self.program.class(c).flow == number && self.program.class(c).looped.is_some()
            })
            .collect();
        self.program.flows[index].loops = loops;
    }

    fn class(
        &mut self,
        looped: Option<NodeId>,
        parent: Option<ClassId>,
        window: u32,
        flow: u32,
    ) -> ClassId {
        let id = ClassId(u32::try_from(self.program.classes.len()).unwrap_or(u32::MAX));
        self.program.classes.push(Class {
            nodes: Vec::new(),
            root: NodeId(0),
            looped,
            parent,
            window,
            indexed: false,
            uses_item: false,
            flow,
        });
        id
    }

    fn node(
        &mut self,
        name: &str,
        parent: Option<NodeId>,
        class: ClassId,
        at: &Location,
        written: bool,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.program.nodes.len()).unwrap_or(u32::MAX));
        let nodes = &mut self.program.classes[class.0 as usize].nodes;
        let slot = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        nodes.push(id);
        self.program.nodes.push(Node {
            name: name.into(),
            parent,
            kind: Kind::Leaf(Vec::new()),
            run_after: Vec::new(),
            children: Vec::new(),
            class,
            slot,
            chain: 0,
            takes: 0,
            call: Call::default(),
            groups: Vec::new(),
            exhaustible: false,
            written,
            consumers: Vec::new(),
            used: None,
            visibility: Visibility::Local,
            guards: Vec::new(),
            blind: BTreeSet::new(),
            keeps: Vec::new(),
            collected: Vec::new(),
        });
        self.places.push(at.clone());
        if let Some(parent) = parent {
            self.program.nodes[parent.index()].children.push(id);
        }
        id
    }

    /// The actions of one container, with their order.
    fn container(&mut self, parent: NodeId, actions: &'d [Action], class: ClassId, scope: &Scope) {
        let mut siblings = BTreeMap::new();
        for action in actions {
            let id = self.node(&action.name, Some(parent), class, &action.at, true);
            siblings.insert(folded(&action.name), id);
            self.names[scope.flow].insert(folded(&action.name), id);
            self.answers.insert(id, Answer::of(action));
            self.inside(id, action, class, scope);
            self.pending.push(Pending { node: id, action, scope: scope.clone() });
        }
        for action in actions {
            let id = siblings[&folded(&action.name)];
            let after = action.run_after.iter().filter_map(|r| {
                let before = *siblings.get(&folded(&r.action))?;
                Some((before, StatusSet::of(r.statuses.iter().map(|&s| status(s)))))
            });
            self.program.nodes[id.index()].run_after = after.collect();
        }
        chains(&mut self.program, parent);
    }

    /// The containers inside an action.
    fn inside(&mut self, id: NodeId, action: &'d Action, class: ClassId, scope: &Scope) {
        match &action.kind {
            ActionKind::Scope { actions, .. } => self.container(id, actions, class, scope),
            ActionKind::Parallel { branches } => {
                for (index, branch) in branches.iter().enumerate() {
                    let name = format!("{}.{}", action.name, index + 1);
                    self.side(id, &name, branch, class, &action.at, scope);
                }
                chains(&mut self.program, id);
            }
            ActionKind::If { then, otherwise, .. } => {
                self.side(id, &action.name, then, class, &action.at, scope);
                self.side(id, &action.name, otherwise, class, &action.at, scope);
            }
            ActionKind::Switch { cases, default, .. } => {
                for (_, case) in cases {
                    self.side(id, &action.name, case, class, &action.at, scope);
                }
                self.side(id, &action.name, default, class, &action.at, scope);
            }
            ActionKind::Until { actions, .. } => {
                let mut inner = scope.clone();
                inner.rounds.push(id);
                self.side(id, &action.name, actions, class, &action.at, &inner);
            }
            ActionKind::Foreach { over, concurrency, actions } => {
                self.foreach(id, action, over, *concurrency, actions, class, scope);
            }
            _ => {}
        }
    }

    fn side(
        &mut self,
        parent: NodeId,
        name: &str,
        actions: &'d [Action],
        class: ClassId,
        at: &Location,
        scope: &Scope,
    ) -> NodeId {
        let id = self.node(name, Some(parent), class, at, false);
        self.program.nodes[id.index()].kind = Kind::Group;
        self.container(id, actions, class, scope);
        id
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one loop, used here only")]
    fn foreach(
        &mut self,
        id: NodeId,
        action: &'d Action,
        over: &Written,
        concurrency: Option<u64>,
        actions: &'d [Action],
        class: ClassId,
        scope: &Scope,
    ) {
        let setup = &self.definition.setup;
        let count = self.scenario.items(&action.name, over, setup);
        // Only the outermost loop runs at once; loops inside are serial within each iteration (semantics §4.1).
        let nested = !scope.loops.is_empty();
        let default = match self.scenario.platform {
            Platform::PowerAutomate => 1,
            Platform::LogicApps => 20,
        };
        let asked = concurrency.unwrap_or(default);
        let degree = if nested { 1 } else { self.scenario.degree(asked) };
        let degree = u32::try_from(count.map_or(degree, |c| degree.min(c.max(1)))).unwrap_or(50);
        let mut inner = scope.clone();
        inner.loops.push(id);
        let body_class = if degree > 1 {
            self.class(Some(id), Some(class), degree, flow_of(scope))
        } else {
            class
        };
        let body = self.side(id, &action.name, actions, body_class, &action.at, &inner);
        if degree > 1 {
            self.program.classes[body_class.0 as usize].root = body;
        }
        self.program.nodes[id.index()].kind = Kind::Loop { over: Over::Count(0), degree };
        self.items.insert(action.name.clone(), count.unwrap_or(self.scenario.unknown_items));
    }

    fn kinds(&mut self) {
        for Pending { node, action, scope } in std::mem::take(&mut self.pending) {
            if matches!(action.kind, ActionKind::Scope { all_or_nothing: true, .. }) {
                self.groups.insert(node);
            }
            self.retries.extend(action.retry.clone().map(|retry| (node, retry)));
            let takes = action.takes.or(self.definition.setup.takes).unwrap_or((0, REQUEST));
            let degree = match self.program.nodes[node.index()].kind {
                Kind::Loop { degree, .. } => degree,
                _ => 1,
            };
            let mut names = leaf::Resolver {
                program: &self.program,
                definition: self.definition,
                names: &self.names,
                scope: &scope,
                finally: false,
                unknown: &mut self.unknown,
                stores: &self.stores,
                tables: &self.tables,
                unread: &mut self.unread,
                answers: &self.answers,
            };
            match leaf::kind(action, degree, &mut names, self.scenario) {
                Ok(kind) => {
                    let out = leaf::leaves_the_flow(&kind, &self.program);
                    let entry = &mut self.program.nodes[node.index()];
                    entry.kind = kind;
                    let leaf = matches!(entry.kind, Kind::Leaf(_));
                    entry.takes = if out { takes.1 } else { super::time::inside(action, leaf) };
                }
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn finally(&mut self) {
        let definition = self.definition;
        let scope = Scope { flow: 0, loops: Vec::new(), rounds: Vec::new() };
        for (template, at) in &definition.setup.finally {
            let mut names = leaf::Resolver {
                program: &self.program,
                definition,
                names: &self.names,
                scope: &scope,
                finally: true,
                unknown: &mut self.unknown,
                stores: &self.stores,
                tables: &self.tables,
                unread: &mut self.unread,
                answers: &self.answers,
            };
            match super::expression::lower(template, &mut names) {
                Ok(expr) => self.program.finally.push((expr, at.pointer.clone())),
                Err(problem) => self.problems.push(problem),
            }
        }
    }
}

fn flow_of(scope: &Scope) -> u32 {
    u32::try_from(scope.flow).unwrap_or(u32::MAX)
}
