//! What is judged in the end: outcomes, `finally`, last writers, and whoever is stuck.

use super::engine::{Engine, Move, State};
use super::layout::Unit;
use crate::model::content::Content;
use crate::model::evaluate::evaluate;
use crate::model::expression::{Env, Failure};
use crate::model::external::{KEY, hangs_on_event};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Observed, Program, Shape, Step};
use crate::model::support::support;
use crate::model::transition::World;
use crate::model::value::{Standing, Token, Value};
use crate::model::view::shown;
use crate::property::judge::Violation;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The observable final state: the choices made, and the observed cells in order.
pub type Joint = (World, Vec<Value>);

/// The outcome of an ended state.
pub fn outcome(engine: &Engine<'_>, state: &State) -> Joint {
    let cells = engine.program.observed.iter().map(|o| {
        let content = engine.content(state, o.resource, run_of(engine, o.resource));
        if let Some(column) = &o.column {
            plain(&multiset(engine, o.resource, content.single(column)))
        } else {
            let mut rows: Vec<Value> = content
                .live()
                .map(|(_, r)| plain(&Value::Object(Arc::new(r.columns.clone()))))
                .collect();
            rows.sort();
            Value::array(rows)
        }
    });
    let cells = cells.collect();
    ((**engine.world(state)).clone(), cells)
}

/// An array that unordered processes append to is a multiset.
fn multiset(engine: &Engine<'_>, resource: ResourceId, value: Value) -> Value {
    let appended = |n: &crate::model::program::Node| {
        match &n.kind {
        Kind::Leaf(steps) => steps.iter().any(|s| {
            matches!(s, Step::Access(r, Access::Add { how: crate::model::program::Adding::Append, .. } | Access::Store { how: crate::model::program::Adding::Append, .. }) if *r == resource)
        }),
        _ => false,
    }
    };
    let unordered = |id: NodeId| engine.program.overlap_in_run(id, id);
    let appenders = || engine.program.ids().filter(|&id| appended(engine.program.node(id)));
    let several = appenders().count() > 1;
    let concurrent = appenders().any(|id| several || unordered(id));
    match value {
        Value::Array(items) if concurrent => {
            let mut items = items.to_vec();
            items.sort();
            Value::array(items)
        }
        other => other,
    }
}

/// Without versions: an etag that was stored says only that it is one.
fn plain(value: &Value) -> Value {
    match value {
        Value::Token(t) => {
            Value::Token(Token { row: 0, standing: Standing::Current, version: None, ..*t })
        }
        Value::Array(items) => Value::array(items.iter().map(plain).collect()),
        Value::Object(o) => Value::Object(Arc::new(
            o.iter().map(|(k, v)| (k.clone(), plain(v))).collect::<BTreeMap<_, _>>(),
        )),
        other => other.clone(),
    }
}

/// The first run that has this resource.
pub fn run_of(engine: &Engine<'_>, resource: ResourceId) -> u32 {
    match engine.program.resource(resource).owner {
        None => 0,
        Some(flow) => {
            (0..engine.layout.runs()).find(|&r| engine.layout.flow(r) == flow).unwrap_or(0)
        }
    }
}

/// What a resource holds in the end.
pub type Contents<'a> = &'a dyn Fn(ResourceId) -> Arc<Content>;

struct Finally<'a> {
    program: &'a Program,
    contents: Contents<'a>,
}

impl Env for Finally<'_> {
    fn output(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn body(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn action(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn result(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn variable(&mut self, variable: ResourceId) -> Result<Value, Failure> {
        Env::state(self, variable)
    }
    fn item(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn round(&mut self, _: NodeId) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn column(&mut self, _: &str) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure> {
        Ok(shown(self.program, resource, &(self.contents)(resource)))
    }
    fn element(&mut self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
}

/// What is wrong where the last of two unordered writes stands.
const BY_WRITER: &str = "whoever writes last decides";
/// The same where only the events of the two runs say that the values differ.
const BY_EVENT: &str = "whoever writes last decides, each for the event that started it";

/// The rules that are judged when everything has ended.
pub fn judge_end(engine: &Engine<'_>, state: &State) -> Vec<Violation> {
    judge_contents(engine.program, &|r| engine.content(state, r, run_of(engine, r)).clone())
}

/// As [`judge_end`], of contents wherever they are.
pub fn judge_contents(program: &Program, contents: Contents<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (expr, pointer) in &program.finally {
        let value = evaluate(expr, &mut Finally { program, contents });
        if value == Ok(Value::Bool(true)) || matches!(value, Ok(Value::Term(_))) {
            continue;
        }
        let resource = finally_resource(expr);
        found.push(Violation {
            rule: "invariant",
            resource,
            column: None,
            actions: Vec::new(),
            detail: format!("the condition at {pointer} is false in the end"),
            weak: false,
        });
    }
    for observed in &program.observed {
        for (_, row) in contents(observed.resource).live() {
            for (column, mark) in &row.marks {
                let wanted = observed.column.as_ref().is_none_or(|c| c == column);
                let (Some(other), true) = (mark.contested, wanted) else { continue };
                let mut actions = vec![other.min(mark.node), other.max(mark.node)];
                actions.dedup();
                // Only where an event is about something else does another run store something else.
                let (value, key) = (row.get(column), row.get(KEY));
                let by_event = program.has_several_runs() && hangs_on_event(&value, &key);
                found.push(Violation {
                    rule: "last-writer-wins",
                    resource: Some(observed.resource),
                    column: Some(column.clone()),
                    actions,
                    detail: if by_event { BY_EVENT } else { BY_WRITER }.to_owned(),
                    weak: false,
                });
            }
        }
    }
    found
}

/// Whether unordered writes decide nothing, seen from the end: whatever else was chosen, the cell always ends with one
/// value, since somebody waits for somebody. The outcomes are all there are, or all that random schedules have met.
pub fn is_decided(program: &Program, violation: &Violation, outcomes: &BTreeSet<Joint>) -> bool {
    /// More are not compared one with another.
    const MANY: usize = 1_000;
    // Two events give values that only look alike.
    if violation.rule != "last-writer-wins" || violation.detail == BY_EVENT {
        return false;
    }
    let about = |o: &Observed| {
        Some(o.resource) == violation.resource
            && (o.column.is_none() || o.column == violation.column)
    };
    program.observed.iter().enumerate().filter(|(_, o)| about(o)).all(|(at, _)| {
        let ends: BTreeSet<(&World, &Value)> =
            outcomes.iter().map(|(world, values)| (world, &values[at])).collect();
        let agree = |a: &World, b: &World| a.iter().all(|(k, v)| b.get(k).is_none_or(|w| w == v));
        let differ = |a: &(&World, &Value), b: &(&World, &Value)| a.1 != b.1 && agree(a.0, b.0);
        ends.len() <= MANY && !ends.iter().any(|a| ends.iter().any(|b| differ(a, b)))
    })
}

fn finally_resource(expr: &crate::model::expression::Expr) -> Option<ResourceId> {
    let mut found = None;
    expr.visit(&mut |e| {
        if let crate::model::expression::Expr::State(r) = e {
            found = found.or(Some(*r));
        }
    });
    found
}

/// Nothing can go on, yet something has not ended.
pub fn judge_stuck(engine: &Engine<'_>, state: &State) -> Violation {
    let program = engine.program;
    let mut actions = Vec::new();
    let mut resource = None;
    for chosen in engine.moves(state, true) {
        let Move::Step(_, node) = chosen else { continue };
        if !actions.contains(&node) {
            actions.push(node);
        }
        let Kind::Leaf(steps) = &program.node(node).kind else { continue };
        for step in steps {
            let waits_for = match step {
                Step::Wait(expr) => support(program, expr).into_iter().next(),
                Step::Access(r, _) => Some(*r),
                Step::Compute(_) | Step::Send(_) | Step::Opaque { .. } => None,
            };
            resource = resource.or(waits_for);
        }
    }
    actions.sort();
    let single = resource
        .is_some_and(|r| matches!(program.resource(r).shape, Shape::Variable | Shape::Blob));
    let column = single.then(|| Arc::from("value"));
    let detail = "nothing can go on, and something has not ended".to_owned();
    Violation { rule: "stuck", resource, column, actions, detail, weak: false }
}

/// Whether a unit's process has ended.
pub fn ended(engine: &Engine<'_>, state: &State, unit: Unit) -> bool {
    state[engine.layout.place(unit)] == 0 || engine.block(state, unit).ended.is_some()
}
