//! What can be counted at all, and which columns have to be relative.
//!
//! Iterations are interchangeable only if the item is not looked into (Ip and Dill 1996: a scalarset value is copied
//! and compared, nothing else). Here the item and the growing numbers are symbols, so every expression in which one
//! occurs must do the same with a symbol as with the number behind it: copy it, add to it, put it into a text. A
//! condition, a filter or any other function over one is too coarse.

use super::growing::{growing, leased_around_a_loop, parts};
use super::relative::{Coarse, Relative, coarse};
use crate::model::expression::Expr;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{
    Access, Adding, Columns, Filter, Kind, Over, Program, Shape, Step, Visibility,
};
use crate::model::statement::Columns as Selected;
use crate::model::value::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an expression uses the symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Not at all.
    Clean,
    /// It is a whole number made of them.
    Number,
    /// A row or rows of this resource, its relative columns in it.
    Rows(ResourceId),
    /// Something that contains one, and that never fails.
    Holds,
}

/// Decides which columns are relative, or why nothing can be counted.
pub fn relative(program: &Program) -> Result<Relative, Coarse> {
    if program.classes.iter().all(|c| c.looped.is_none())
        && program.flows.iter().all(|f| f.runs <= 1)
    {
        return coarse("there is nothing to count: no concurrent loop and no second run");
    }
    if program.faults > 0 {
        return coarse("faults are explored by number");
    }
    if !program.groups.is_empty() {
        return coarse("what an all-or-nothing scope has done is compared");
    }
    if program.resources.iter().any(|r| r.shape == Shape::External) {
        return coarse("nobody knows what is in a store outside");
    }
    if !program.kept.is_empty() {
        return coarse("an etag or a lease id is kept in a store, so that writes are counted");
    }
    if leased_around_a_loop(program) {
        return coarse("a lease is held while a loop runs, whose time depends on its items");
    }
    for class in &program.classes {
        if class.looped.is_some_and(|l| !program.node(l).collected.is_empty()) {
            return coarse("what the iterations of a concurrent loop answered is used after it");
        }
    }
    let relative = growing(program);
    let check = Check { program, relative: &relative, outputs: RefCell::default() };
    for (resource, column) in &relative {
        check.column(*resource, column)?;
    }
    for (expr, _) in &program.finally {
        check.clean(expr)?;
    }
    for node in program.ids() {
        check.node(node)?;
    }
    Ok(relative)
}

struct Check<'a> {
    program: &'a Program,
    relative: &'a Relative,
    /// What is known of outputs; `None` while it is being found out.
    outputs: RefCell<BTreeMap<NodeId, Option<Result<Use, Coarse>>>>,
}

const IN_TIME: &str = "the time of an Until can be up";
const UNFIT: &str = "a condition or a function looks into a number that grows, or into the item";

impl Check<'_> {
    fn is_relative(&self, resource: ResourceId, column: &str) -> bool {
        self.relative.iter().any(|(r, c)| *r == resource && **c == *column)
    }

    fn holds_any(&self, resource: ResourceId) -> bool {
        self.relative.iter().any(|(r, _)| *r == resource)
    }

    /// What a relative column must be like.
    fn column(&self, resource: ResourceId, column: &Arc<str>) -> Result<(), Coarse> {
        let plan = self.program.resource(resource);
        let small = |v: Option<&Value>| match v {
            Some(Value::Int(n)) => i32::try_from(*n).is_ok(),
            Some(_) => false,
            None => true,
        };
        if !plan.initial.iter().all(|r| small(r.get(column))) {
            return coarse("a growing cell does not start with a (small) whole number");
        }
        if plan.key.contains(column) {
            return coarse("the key of a row is computed, or depends on the item");
        }
        // A mark says whether two blind writes differ: numbers that may be equal cannot tell.
        let tracked = self.program.tracked.contains(&(resource, column.clone()));
        if tracked && self.program.nodes.iter().any(|n| n.blind.contains(column)) {
            return coarse("a growing cell is also written blindly");
        }
        Ok(())
    }

    fn node(&self, node: NodeId) -> Result<(), Coarse> {
        match &self.program.node(node).kind {
            Kind::Until { early: Some(_), counted: true, .. } => coarse(IN_TIME),
            Kind::If(condition) | Kind::Until { condition, .. } => self.clean(condition),
            Kind::Switch(on, cases) => {
                self.clean(on)?;
                cases.iter().try_for_each(|c| self.clean(c))
            }
            Kind::Loop { over: Over::Values(expr, _), degree } => {
                if *degree > 1 {
                    self.any(expr)
                } else {
                    self.clean(expr)
                }
            }
            Kind::Terminate(_) if self.program.node(node).visibility != Visibility::Local => {
                coarse("a run can be ended while others of its actions are under way")
            }
            Kind::Loop { .. } | Kind::Group | Kind::Parallel | Kind::Terminate(_) => Ok(()),
            Kind::Leaf(steps) => steps.iter().try_for_each(|s| match s {
                Step::Compute(e) | Step::Send(e) => self.any(e),
                Step::Wait(e) => self.clean(e),
                Step::Opaque { .. } => coarse("an operation with an unknown answer is called"),
                Step::Access(r, access) => self.access(*r, access),
            }),
        }
    }

    fn access(&self, resource: ResourceId, access: &Access) -> Result<(), Coarse> {
        match access {
            Access::Get | Access::Load => Ok(()),
            Access::Fetch(key) => self.clean(key),
            Access::List(f) | Access::Probe(f) | Access::Delete(f, _) => self.filter(resource, f),
            Access::Select(f, wanted) => {
                self.filter(resource, f)?;
                match wanted {
                    Selected::All => Ok(()),
                    Selected::Each(list) => list.iter().try_for_each(|(_, e)| match e {
                        Expr::Column(_) => Ok(()),
                        other => self.row_clean(resource, other),
                    }),
                    Selected::Totals { .. } => coarse("rows are added up or compared"),
                }
            }
            Access::Update { filter, set, if_match, .. } => {
                self.filter(resource, filter)?;
                if_match.iter().try_for_each(|e| self.clean(e))?;
                self.row(resource, set)
            }
            Access::Add { value, how } | Access::Store { value, how } => {
                if self.is_relative(resource, "value") && *how == Adding::Append {
                    return coarse("a list or text grows with every iteration");
                }
                self.number(resource, value)
            }
            Access::Create(row) => self.row(resource, row),
            Access::CreateIfNone { row, unless, .. } => {
                self.filter(resource, unless)?;
                self.row(resource, row)
            }
            Access::Upsert { key, row } => {
                key.iter().try_for_each(|(_, e)| self.clean(e))?;
                self.row(resource, row)
            }
            Access::Acquire { seconds, .. } => self.clean(seconds),
            Access::Renew(lease) | Access::Release(lease) => {
                lease.iter().try_for_each(|e| self.clean(e))
            }
            Access::Write { value, lease, if_match } => {
                lease.iter().chain(if_match).try_for_each(|e| self.clean(e))?;
                self.stored(resource, "value", value)
            }
        }
    }

    fn filter(&self, resource: ResourceId, filter: &Filter) -> Result<(), Coarse> {
        for (column, expr) in &filter.equal {
            if self.is_relative(resource, column) {
                return coarse("rows are selected by a number that grows");
            }
            self.clean(expr)?;
        }
        if filter.limit.is_some() || !filter.order.is_empty() {
            return coarse("only the first of the rows are taken");
        }
        filter.rest.iter().try_for_each(|e| self.row_clean(resource, e))
    }

    fn row(&self, resource: ResourceId, row: &Columns) -> Result<(), Coarse> {
        row.iter().try_for_each(|(c, e)| self.stored(resource, c, e))
    }

    fn stored(&self, resource: ResourceId, column: &str, expr: &Expr) -> Result<(), Coarse> {
        if self.is_relative(resource, column) {
            self.number(resource, expr)
        } else if self.usage(resource, expr)? == Use::Clean {
            Ok(())
        } else {
            coarse(UNFIT)
        }
    }

    /// A whole number, or at least always a value.
    fn number(&self, resource: ResourceId, expr: &Expr) -> Result<(), Coarse> {
        match self.usage(resource, expr)? {
            Use::Clean | Use::Number => Ok(()),
            Use::Rows(_) | Use::Holds => coarse(UNFIT),
        }
    }

    fn clean(&self, expr: &Expr) -> Result<(), Coarse> {
        self.row_clean(ResourceId(u32::MAX), expr)
    }

    fn row_clean(&self, resource: ResourceId, expr: &Expr) -> Result<(), Coarse> {
        if self.usage(resource, expr)? == Use::Clean { Ok(()) } else { coarse(UNFIT) }
    }

    fn any(&self, expr: &Expr) -> Result<(), Coarse> {
        self.usage(ResourceId(u32::MAX), expr).map(|_| ())
    }

    fn usage(&self, own: ResourceId, expr: &Expr) -> Result<Use, Coarse> {
        match expr {
            Expr::Const(_) | Expr::Element | Expr::Run | Expr::Round(_) => Ok(Use::Clean),
            Expr::Output(n) | Expr::Body(n) => self.output(*n),
            Expr::Action(n) | Expr::Result(n) => self.inside(*n),
            Expr::State(r)
                if matches!(self.program.resource(*r).shape, Shape::Item | Shape::Table) =>
            {
                Ok(if self.holds_any(*r) { Use::Rows(*r) } else { Use::Clean })
            }
            Expr::Variable(v) | Expr::State(v) => {
                Ok(if self.is_relative(*v, "value") { Use::Number } else { Use::Clean })
            }
            Expr::Column(c) => Ok(if self.is_relative(own, c) { Use::Number } else { Use::Clean }),
            Expr::Item(looped) => Ok(match &self.program.node(*looped).kind {
                Kind::Loop { degree, .. } if *degree <= 1 => Use::Clean,
                Kind::Loop { over: Over::Count(_), .. } => Use::Number,
                _ => Use::Holds,
            }),
            Expr::Index { base, key, .. } => self.index(own, base, key),
            Expr::Call(function, args) => self.call(own, function.name(), args),
            Expr::Concat(_) | Expr::Array(_) | Expr::Object(_) => {
                let mut all = Use::Clean;
                for part in parts(expr) {
                    if self.usage(own, part)? != Use::Clean {
                        all = Use::Holds;
                    }
                }
                if let Expr::Object(pairs) = expr {
                    pairs.iter().try_for_each(|(k, _)| self.row_clean(own, k))?;
                }
                Ok(all)
            }
            Expr::Opaque(..) => coarse("a function that is not known is called"),
            Expr::Filter(from, inner) | Expr::Map(from, inner) => {
                self.row_clean(own, from)?;
                self.row_clean(own, inner)?;
                Ok(Use::Clean)
            }
        }
    }

    fn call(&self, own: ResourceId, name: &str, args: &[Expr]) -> Result<Use, Coarse> {
        let uses: Vec<Use> = args.iter().map(|a| self.usage(own, a)).collect::<Result<_, _>>()?;
        if uses.iter().all(|u| *u == Use::Clean) {
            return Ok(Use::Clean);
        }
        let constant =
            |e: &Expr| matches!(e, Expr::Const(Value::Int(n)) if i32::try_from(*n).is_ok());
        match (name, uses.as_slice(), args) {
            ("add", [Use::Number, Use::Number], _) => Ok(Use::Number),
            ("add" | "sub", [Use::Number, Use::Clean], [_, by]) if constant(by) => Ok(Use::Number),
            ("add", [Use::Clean, Use::Number], [by, _]) if constant(by) => Ok(Use::Number),
            ("first" | "last", &[Use::Rows(r)], _) => Ok(Use::Rows(r)),
            ("empty" | "length", [Use::Rows(_)], _) => Ok(Use::Clean),
            _ => coarse(UNFIT),
        }
    }

    /// What an action answers.
    fn output(&self, node: NodeId) -> Result<Use, Coarse> {
        match self.outputs.borrow().get(&node) {
            Some(Some(known)) => return known.clone(),
            Some(None) => return coarse("an action uses its own answer"),
            None => {}
        }
        self.outputs.borrow_mut().insert(node, None);
        let answer = self.of_action(node);
        self.outputs.borrow_mut().insert(node, Some(answer.clone()));
        answer
    }

    fn of_action(&self, node: NodeId) -> Result<Use, Coarse> {
        let Kind::Leaf(steps) = &self.program.node(node).kind else { return self.inside(node) };
        match steps.as_slice() {
            [Step::Compute(expr)] => self.usage(ResourceId(u32::MAX), expr),
            [Step::Access(r, Access::Get | Access::List(_) | Access::Select(..))] => {
                Ok(if self.holds_any(*r) { Use::Rows(*r) } else { Use::Clean })
            }
            [Step::Access(r, Access::Create(_))] => {
                Ok(if self.holds_any(*r) { Use::Holds } else { Use::Clean })
            }
            [Step::Send(expr)] => {
                let used = self.usage(ResourceId(u32::MAX), expr)?;
                Ok(if used == Use::Clean { Use::Clean } else { Use::Holds })
            }
            _ => Ok(Use::Clean),
        }
    }

    /// Whether anything in a container answers with a symbol.
    fn inside(&self, node: NodeId) -> Result<Use, Coarse> {
        for inner in self.program.subtree(node) {
            if matches!(self.program.node(inner).kind, Kind::Leaf(_))
                && self.output(inner)? != Use::Clean
            {
                return Ok(Use::Holds);
            }
        }
        Ok(Use::Clean)
    }

    fn index(&self, own: ResourceId, base: &Expr, key: &Expr) -> Result<Use, Coarse> {
        let from = self.usage(own, base)?;
        self.row_clean(own, key)?;
        let Expr::Const(Value::String(column)) = key else {
            // A row of a list by its number.
            return match (from, key) {
                (Use::Clean, _) => Ok(Use::Clean),
                (Use::Rows(r), Expr::Const(Value::Int(_))) => Ok(Use::Rows(r)),
                _ => coarse(UNFIT),
            };
        };
        match (from, base) {
            (Use::Clean, _) => Ok(Use::Clean),
            (Use::Rows(r), Expr::Output(n) | Expr::Body(n)) => self.answer(*n, r, column),
            (Use::Rows(r), _) => {
                Ok(if self.is_relative(r, column) { Use::Number } else { Use::Clean })
            }
            (Use::Holds, Expr::Action(_)) if **column == *"status" || **column == *"code" => {
                Ok(Use::Clean)
            }
            (Use::Holds, Expr::Output(n) | Expr::Body(n)) => {
                match (&self.program.node(*n).kind, &**column) {
                    (Kind::Leaf(steps), _)
                        if let [Step::Compute(Expr::Object(pairs))] = steps.as_slice() =>
                    {
                        let found = pairs.iter().find(
                            |(k, _)| matches!(k, Expr::Const(Value::String(k)) if k == column),
                        );
                        found.map_or(Ok(Use::Clean), |(_, e)| self.usage(ResourceId(u32::MAX), e))
                    }
                    (_, "statusCode") => Ok(Use::Clean),
                    _ => coarse(UNFIT),
                }
            }
            _ => coarse(UNFIT),
        }
    }

    /// A property of what a read answers.
    fn answer(&self, node: NodeId, resource: ResourceId, column: &str) -> Result<Use, Coarse> {
        let Kind::Leaf(steps) = &self.program.node(node).kind else { return coarse(UNFIT) };
        match steps.first() {
            Some(Step::Access(_, Access::List(_))) => {
                Ok(if column == "value" { Use::Rows(resource) } else { Use::Clean })
            }
            Some(Step::Access(_, Access::Select(_, list))) if column == "rows" => match list {
                Selected::All => Ok(Use::Rows(resource)),
                // Columns under other names are not followed.
                Selected::Each(list)
                    if list.iter().all(|(name, e)| matches!(e, Expr::Column(c) if c == name)) =>
                {
                    Ok(Use::Rows(resource))
                }
                Selected::Each(_) | Selected::Totals { .. } => coarse(UNFIT),
            },
            Some(Step::Access(_, Access::Select(..))) => Ok(Use::Clean),
            _ => Ok(if self.is_relative(resource, column) { Use::Number } else { Use::Clean }),
        }
    }
}
