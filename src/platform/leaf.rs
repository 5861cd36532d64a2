//! What one action does: its indivisible steps.

use super::chains::container_kind;
use super::expression::{Names, lower};
use super::lower::folded;
use super::scenario::Scenario;
use crate::definition::ast::{Action, ActionKind, Call, Definition, Over as Written};
use crate::definition::expression::Template;
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::model::expression::Expr;
use crate::model::function::Function;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Adding, Filter, Kind, Node, Over, Program, Shape, Step};
use crate::model::value::Value;
use crate::platform::connector;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an action stands: its flow and the loops around it, outermost first.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Index of the flow.
    pub flow: usize,
    /// Loops around.
    pub loops: Vec<NodeId>,
    /// Untils around, outermost first.
    pub rounds: Vec<NodeId>,
}

/// How an action's answer is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `body()` and `outputs()` are the same.
    Flat,
    /// `body()` is the property `body` of `outputs()`.
    Wrapped,
    /// The value is the body.
    Body,
}

impl Answer {
    /// The layout of an action's answer.
    pub fn of(action: &Action) -> Self {
        match &action.kind {
            ActionKind::Call(call) if call.connector != "cell" => Self::Wrapped,
            ActionKind::Query { .. } | ActionKind::Select { .. } | ActionKind::Join { .. } => {
                Self::Body
            }
            _ => Self::Flat,
        }
    }
}

/// Finds what names mean.
#[derive(Debug)]
pub struct Resolver<'a> {
    /// Nodes and resources so far.
    pub program: &'a Program,
    /// The document.
    pub definition: &'a Definition,
    /// Action names by flow.
    pub names: &'a [BTreeMap<String, NodeId>],
    /// Where the expression stands.
    pub scope: &'a Scope,
    /// Whether it is a `finally` expression.
    pub finally: bool,
    /// What nobody knows.
    pub unknown: &'a mut BTreeSet<String>,
    /// External stores by their full names.
    pub stores: &'a BTreeMap<String, ResourceId>,
    /// What native queries say of their tables.
    pub tables: &'a BTreeMap<ResourceId, connector::Table>,
    /// Queries that could not be read.
    pub unread: &'a mut Vec<connector::Unread>,
    /// How answers are laid out.
    pub answers: &'a BTreeMap<NodeId, Answer>,
}

impl Resolver<'_> {
    /// A resource by name, as this flow sees it.
    pub fn resource(&self, name: &str) -> Option<ResourceId> {
        let flow = u32::try_from(self.scope.flow).ok();
        let found = self.program.resources.iter().position(|r| {
            r.name.eq_ignore_ascii_case(name) && (r.owner.is_none() || r.owner == flow)
        });
        found.and_then(|r| u32::try_from(r).ok()).map(ResourceId)
    }
}

impl Names for Resolver<'_> {
    fn action(&self, name: &str) -> Option<NodeId> {
        self.names.get(self.scope.flow)?.get(&folded(name)).copied()
    }
    fn variable(&self, name: &str) -> Option<ResourceId> {
        self.resource(name).filter(|&r| self.program.resource(r).shape == Shape::Variable)
    }
    fn innermost_loop(&self) -> Option<NodeId> {
        self.scope.loops.last().copied()
    }
    fn loop_named(&self, name: &str) -> Option<NodeId> {
        self.scope
            .loops
            .iter()
            .copied()
            .find(|&l| folded(&self.program.node(l).name) == folded(name))
    }
    fn until_named(&self, name: &str) -> Option<NodeId> {
        self.action(name)
    }
    fn parameter(&self, name: &str) -> Option<Expr> {
        let flow = self.definition.flows.get(self.scope.flow)?;
        let (_, template) = flow.parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?;
        Some(super::expression::constant(template).map_or_else(
            |_| Expr::Const(Value::term("parameters", vec![Value::text(name)])),
            Expr::Const,
        ))
    }
    fn trigger(&self) -> Expr {
        let flow = self.definition.flows.get(self.scope.flow);
        let ids = flow.and_then(|f| f.trigger.as_ref()).map_or(&[][..], |t| &t.ids);
        let ids = ids.iter().map(|id| Expr::Const(Value::text(id)));
        Expr::Opaque("triggerOutputs".into(), std::iter::once(Expr::Run).chain(ids).collect())
    }
    fn answer(&self, node: NodeId) -> Answer {
        self.answers.get(&node).copied().unwrap_or(Answer::Flat)
    }
    fn whereabouts(&self) -> Vec<Expr> {
        let loops = self.scope.loops.iter().map(|&l| Expr::Item(l));
        let rounds = self.scope.rounds.iter().map(|&u| Expr::Round(u));
        std::iter::once(Expr::Run).chain(loops).chain(rounds).collect()
    }
    fn strict(&self) -> bool {
        !self.definition.setup.state.is_empty()
    }
    fn told_apart(&self) -> bool {
        self.definition.flows.get(self.scope.flow).is_some_and(|f| f.trigger.is_some())
    }
    fn state(&self, name: &str) -> Option<ResourceId> {
        self.resource(name)
    }
    fn in_finally(&self) -> bool {
        self.finally
    }
    fn unknown(&mut self, what: &str) {
        self.unknown.insert(what.to_owned());
    }
    fn all_names(&self) -> Vec<String> {
        let actions =
            self.names.get(self.scope.flow).map(|m| m.keys().cloned().collect::<Vec<_>>());
        let resources = self.program.resources.iter().map(|r| r.name.to_string());
        actions.unwrap_or_default().into_iter().chain(resources).collect()
    }
}

/// The actions directly inside an action.
pub fn children(action: &Action) -> Vec<&Action> {
    match &action.kind {
        ActionKind::Scope { actions, .. }
        | ActionKind::Until { actions, .. }
        | ActionKind::Foreach { actions, .. } => actions.iter().collect(),
        ActionKind::Parallel { branches } => branches.iter().flatten().collect(),
        ActionKind::If { then, otherwise, .. } => then.iter().chain(otherwise).collect(),
        ActionKind::Switch { cases, default, .. } => {
            cases.iter().flat_map(|(_, c)| c).chain(default).collect()
        }
        _ => Vec::new(),
    }
}

/// What an action does.
pub fn kind(
    action: &Action,
    degree: u32,
    names: &mut Resolver<'_>,
    scenario: &Scenario,
) -> Result<Kind, Problem> {
    if let Some(kind) = container_kind(action) {
        return Ok(kind);
    }
    let one = |step: Step| Ok(Kind::Leaf(vec![step]));
    match &action.kind {
        ActionKind::If { condition, .. } => Ok(Kind::If(lower(condition, names)?)),
        ActionKind::Switch { on, cases, .. } => {
            let on = lower(on, names)?;
            let cases = cases.iter().map(|(c, _)| lower(c, names)).collect::<Result<_, _>>()?;
            Ok(Kind::Switch(on, cases))
        }
        ActionKind::Foreach { over, .. } => {
            let over = match (over, scenario.items(&action.name, over, &names.definition.setup)) {
                (Written::Count(_), Some(count)) => Over::Count(count),
                (Written::Count(count), None) => Over::Count(*count),
                (Written::Values(template), count) => values(template, count, names, scenario)?,
            };
            Ok(Kind::Loop { over, degree })
        }
        ActionKind::Until { condition, limit, time, fail_at_limit, .. } => Ok(Kind::Until {
            condition: lower(condition, names)?,
            limit: scenario
                .rounds
                .map_or(limit.unwrap_or(60), |most| limit.unwrap_or(60).min(most)),
            early: time.rounds(),
            fail_at_limit: *fail_at_limit,
            counted: true,
        }),
        ActionKind::Initialize { variable, value } | ActionKind::Set { variable, value } => {
            let rid = variable_of(variable, names, &action.at)?;
            let set = vec![(Arc::from("value"), lower(value, names)?)];
            let update =
                Access::Update { filter: Filter::default(), set, if_match: None, sql: false };
            one(Step::Access(rid, update))
        }
        ActionKind::Increment { variable, by, negative } => {
            let how = if *negative { Adding::Minus } else { Adding::Plus };
            adding(variable, by, how, names, scenario, &action.at)
        }
        ActionKind::Append { variable, value } => {
            adding(variable, value, Adding::Append, names, scenario, &action.at)
        }
        ActionKind::Compose { value } | ActionKind::Response { value, .. } => {
            one(Step::Compute(lower(value, names)?))
        }
        ActionKind::Query { from, condition } => {
            let from = lower(from, names)?;
            let condition = super::expression::lower_lambda(condition, names)?;
            one(Step::Compute(Expr::Filter(Box::new(from), Box::new(condition))))
        }
        ActionKind::Select { from, select } => {
            let from = lower(from, names)?;
            let select = super::expression::lower_lambda(select, names)?;
            one(Step::Compute(Expr::Map(Box::new(from), Box::new(select))))
        }
        ActionKind::Join { from, with } => {
            let args = vec![lower(from, names)?, lower(with, names)?];
            one(Step::Compute(
                Function::lookup("join").map_or(Expr::Const(Value::Null), |f| Expr::Call(f, args)),
            ))
        }
        ActionKind::Wait { condition } => one(Step::Wait(lower(condition, names)?)),
        ActionKind::Delay => one(Step::Compute(Expr::Const(Value::Null))),
        ActionKind::Call(call) => connector::steps(call, action, names).map(Kind::Leaf),
        ActionKind::Scope { .. } | ActionKind::Parallel { .. } | ActionKind::Terminate { .. } => {
            Ok(Kind::Group)
        }
    }
}

fn values(
    template: &Template,
    count: Option<u64>,
    names: &mut Resolver<'_>,
    scenario: &Scenario,
) -> Result<Over, Problem> {
    let expr = lower(template, names)?;
    if let (Ok(Value::Array(items)), Some(count)) = (super::expression::constant(template), count) {
        // `--items` below the array's length takes its first items; above it, numbers go on.
        let mut items = items.to_vec();
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(100_000);
        while items.len() < wanted {
            items.push(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX) + 1));
        }
        items.truncate(wanted);
        return Ok(Over::Values(Expr::Const(Value::array(items)), count));
    }
    Ok(Over::Values(expr, count.unwrap_or(scenario.unknown_items)))
}

fn adding(
    variable: &str,
    by: &Template,
    how: Adding,
    names: &mut Resolver<'_>,
    scenario: &Scenario,
    at: &Location,
) -> Result<Kind, Problem> {
    let rid = variable_of(variable, names, at)?;
    let value = lower(by, names)?;
    Ok(Kind::Leaf(if scenario.torn {
        vec![Step::Access(rid, Access::Load), Step::Access(rid, Access::Store { value, how })]
    } else {
        vec![Step::Access(rid, Access::Add { value, how })]
    }))
}

fn variable_of(name: &str, names: &Resolver<'_>, at: &Location) -> Result<ResourceId, Problem> {
    names.variable(name).ok_or_else(|| Problem {
        at: at.clone(),
        message: format!(
            "variable \"{name}\" is not declared; add it to \"state\" or initialize it first"
        ),
    })
}

/// An object template as columns.
pub fn columns(
    template: Option<&Template>,
    names: &mut Resolver<'_>,
) -> Result<Vec<(Arc<str>, Expr)>, Problem> {
    let Some(Template::Object(pairs)) = template else { return Ok(Vec::new()) };
    let mut columns = Vec::new();
    for (key, value) in pairs {
        if let Template::Text(key) = key {
            columns.push((Arc::from(key.as_str()), lower(value, names)?));
        }
    }
    Ok(columns)
}

/// A parameter of a call, if present.
pub fn parameter(
    call: &Call,
    name: &str,
    names: &mut Resolver<'_>,
) -> Result<Option<Expr>, Problem> {
    call.parameters.get(name).map(|t| lower(t, names)).transpose()
}

/// Whether it is a call to somebody else, which takes time.
pub fn leaves_the_flow(kind: &Kind, program: &Program) -> bool {
    let Kind::Leaf(steps) = kind else { return false };
    steps.iter().any(|s| match s {
        Step::Access(r, _) => program.resource(*r).shape != Shape::Variable,
        Step::Send(_) | Step::Opaque { .. } => true,
        Step::Compute(_) | Step::Wait(_) => false,
    })
}

/// Whether an action writes a blob's content.
pub fn writes_blob(node: &Node, blob: ResourceId) -> bool {
    let Kind::Leaf(steps) = &node.kind else { return false };
    steps.iter().any(|s| matches!(s, Step::Access(r, Access::Write { .. }) if *r == blob))
}

/// Whether rows can come or go.
pub fn grows(program: &Program, table: ResourceId) -> bool {
    program.nodes.iter().any(|n| match &n.kind {
        Kind::Leaf(steps) => steps.iter().any(|s| {
            matches!(
                s,
                Step::Access(
                    r,
                    Access::Create(_) | Access::CreateIfNone { .. } | Access::Upsert { .. } | Access::Delete(..)
                ) if *r == table
            )
        }),
        _ => false,
    })
}

/// The columns of a resource: those it has at the start and those that an action sets.
pub fn columns_of(program: &Program, rid: ResourceId) -> BTreeSet<Arc<str>> {
    let mut columns: BTreeSet<Arc<str>> =
        program.resource(rid).initial.iter().flat_map(|r| r.keys().cloned()).collect();
    for node in &program.nodes {
        let Kind::Leaf(steps) = &node.kind else { continue };
        for step in steps {
            if let Step::Access(r, Access::Update { set, .. }) = step
                && *r == rid
            {
                columns.extend(set.iter().map(|(c, _)| c.clone()));
            }
        }
    }
    columns
}
