//! Re-evaluation: what an action would compute had its reads happened now (design.md §6, *Exactly*).
//!
//! Reads are get, list, SELECT and `variables()`. What an effect answered is a fact. A read is repeated as the other
//! processes have left the cell: what the process changed itself since is taken as before its change.

use super::lookup::reader_of;
use crate::model::access::{Caller, act};
use crate::model::block::{Mark, Memory};
use crate::model::content::{Answers, Content};
use crate::model::evaluate::evaluate;
use crate::model::expression::{Env, Expr, Failure};
use crate::model::external::{self, CONTENT};
use crate::model::identity::Alias;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Adding, Kind, Over, Program, Status, Step};
use crate::model::support::support;
use crate::model::value::{TokenKind, Value};
use crate::model::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which reads are repeated.
#[derive(Clone, Debug)]
pub enum Refresh {
    /// All.
    All,
    /// None: things as they were.
    Nothing,
    /// Only of this column of this resource.
    Column(ResourceId, Arc<str>),
}

impl Refresh {
    pub(super) fn covers(&self, resource: ResourceId) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Column(r, _) => *r == resource,
        }
    }
}

/// An environment in which reads are repeated.
#[allow(missing_debug_implementations, reason = "a short-lived borrow of other things")]
pub struct Again<'v, 'a> {
    pub(super) view: &'v mut View<'a>,
    pub(super) refresh: Refresh,
    top: NodeId,
    /// The actions that are being repeated, outermost first.
    readers: Vec<NodeId>,
    pub(super) depth: u32,
    /// How many conditions on variables are being followed, and whether they go deeper than that is done.
    pub(super) nested: u32,
    pub(super) lost: bool,
}

impl<'v, 'a> Again<'v, 'a> {
    /// The environment of the view's reader, with reads repeated.
    pub fn new(view: &'v mut View<'a>, refresh: Refresh) -> Self {
        let top = view.reader;
        Self { view, refresh, top, readers: Vec::new(), depth: 0, nested: 0, lost: false }
    }

    /// The content as the others have left it since `reader` read it.
    pub(super) fn left(&mut self, reader: NodeId, resource: ResourceId) -> Arc<Content> {
        let (program, top) = (self.view.program, self.top);
        let parent = self.view.parent.map(|p| &p.marks).into_iter();
        let mut marks = [&self.view.block.marks].into_iter().chain(parent).flatten();
        let base = marks.find(
            |(m, _)| matches!(m, Mark::Base(r, w) if *r == reader && !program.parted(*w, top)),
        );
        match base {
            Some((_, Memory::Content(content))) => content.clone(),
            _ => self.view.store.read(resource),
        }
    }

    /// What a variable that was set and then added to would hold, if that explains what it holds.
    fn appended(&mut self, writer: NodeId, variable: ResourceId, now: &Value) -> Option<Value> {
        let program = self.view.program;
        let Kind::Leaf(steps) = &program.node(writer).kind else { return None };
        let [Step::Access(_, Access::Add { how: Adding::Append, .. })] = steps.as_slice() else {
            return None;
        };
        for setter in program.ids().rev() {
            let Kind::Leaf(steps) = &program.node(setter).kind else { continue };
            let [Step::Access(r, Access::Update { set, .. })] = steps.as_slice() else { continue };
            let [(_, expr)] = set.as_slice() else { continue };
            if *r != variable
                || support(program, expr).contains(&variable)
                || !concerns(program, expr, &self.refresh)
            {
                continue;
            }
            let before = std::mem::replace(&mut self.view.reader, setter);
            let then = evaluate(expr, &mut *self.view);
            self.view.reader = before;
            self.depth += 1;
            let again = self.as_reader(setter, |me| evaluate(expr, me)).unwrap_or(Value::Null);
            self.depth -= 1;
            if let Some(value) = then.ok().and_then(|then| rebased(now, &then, &again)) {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn as_reader<T>(&mut self, reader: NodeId, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.view.reader, reader);
        self.readers.push(reader);
        let result = work(self);
        self.readers.pop();
        self.view.reader = before;
        result
    }

    fn repeat(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        access: &Access,
    ) -> Result<Value, Failure> {
        let stored = self.view.output(node)?;
        let content = self.left(node, resource);
        let program = self.view.program;
        let caller = Caller { lease: None, exhaustible: false, loaded: None, found: None };
        let fresh =
            self.as_reader(node, |me| act(program, resource, access, &content, me, caller))?.output;
        match (&self.refresh, access, &stored, &fresh) {
            (Refresh::Column(_, column), Access::Get, Value::Object(old), Value::Object(new)) => {
                let mut object = (**old).clone();
                // Over HTTP the content of a blob is the body.
                let http = program.resource(resource).answers == Answers::Http;
                let column = if http { "body".into() } else { column.clone() };
                let fresh = new.get(&column).cloned().unwrap_or(Value::Null);
                object.insert(column, fresh);
                Ok(Value::Object(Arc::new(object)))
            }
            (
                Refresh::Column(_, column),
                Access::Fetch(_),
                Value::Object(old),
                Value::Object(_),
            ) => Ok(with_column(old, &fresh, column)),
            _ => Ok(fresh),
        }
    }
}

impl Env for Again<'_, '_> {
    fn output(&mut self, node: NodeId) -> Result<Value, Failure> {
        let program = self.view.program;
        let stored = self.view.output(node)?;
        // What an action says of itself, or two say of each other, is what it was.
        let round = self.readers.contains(&node);
        if let Some(met) = self.met_by_now(node).filter(|_| !round) {
            return Ok(met);
        }
        if round || self.view.status(node) != Some(Status::Succeeded) {
            return Ok(stored);
        }
        let Kind::Leaf(steps) = &program.node(node).kind else { return Ok(stored) };
        match steps.as_slice() {
            [Step::Compute(expr)] if concerns(program, expr, &self.refresh) => {
                self.as_reader(node, |me| evaluate(expr, me))
            }
            [
                Step::Access(
                    r,
                    access
                    @ (Access::Get | Access::Fetch(_) | Access::List(_) | Access::Select(..)),
                ),
            ] if self.refresh.covers(*r) => self.repeat(node, *r, access),
            _ => Ok(stored),
        }
    }
    fn body(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.output(node)
    }
    fn action(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.view.action(node)
    }
    fn result(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.view.result(node)
    }
    fn variable(&mut self, variable: ResourceId) -> Result<Value, Failure> {
        let reader = self.view.reader;
        let content = self.left(reader, variable);
        let mark = content.live().next().and_then(|(_, r)| r.marks.get("value")).map(|m| m.node);
        let last = Mark::Last(variable, 0, "value".into());
        let mine = self.view.block.marks.contains_key(&last)
            || self.view.parent.is_some_and(|p| p.marks.contains_key(&last));
        self.lost |= self.depth >= 8;
        if (mine || mark.is_none())
            && self.depth < 8
            && let Some(value) = self.chosen(variable, reader, mark)
        {
            return value;
        }
        if let (Some(writer), true) = (mark, mine)
            && let Kind::Leaf(steps) = &self.view.program.node(writer).kind
            && let [Step::Access(_, Access::Update { set, .. })] = steps.as_slice()
            && let [(_, expr)] = set.as_slice()
            && writer != self.top
            // What it was computed from is gone once it was computed from itself: then it is a fact.
            && !support(self.view.program, expr).contains(&variable)
            && self.depth < 8
            && !self.view.program.parted(writer, reader)
            && concerns(self.view.program, expr, &self.refresh)
        {
            self.depth += 1;
            let value = self.as_reader(writer, |me| evaluate(expr, me));
            self.depth -= 1;
            return value;
        }
        if let Some(writer) = mark
            && mine
            && self.depth < 8
            && let Some(value) = self.appended(writer, variable, &content.single("value"))
        {
            return Ok(value);
        }
        Ok(content.single("value"))
    }
    fn item(&mut self, node: NodeId) -> Result<Value, Failure> {
        let stored = self.view.item(node)?;
        let program = self.view.program;
        let outside = external::store_of(program, &stored);
        let resource = match (outside, stored.get("etag")) {
            (Some(resource), _) => resource,
            (None, Value::Token(token)) if token.kind == TokenKind::Etag => {
                ResourceId(token.resource)
            }
            _ => return Ok(stored),
        };
        if !self.refresh.covers(resource) {
            return Ok(stored);
        }
        // The items are as old as the list that they come from.
        let from = match &program.node(node).kind {
            Kind::Loop { over: Over::Values(over, _), .. } => reader_of(program, over, resource),
            _ => None,
        };
        let content = self.left(from.unwrap_or(node), resource);
        if outside.is_some() {
            let fresh = external::again(program, resource, &content, &stored);
            return Ok(match (&self.refresh, &stored, &fresh) {
                (Refresh::Column(_, column), Value::Object(old), Some(Value::Object(new))) => {
                    column_of(old, new, column)
                }
                (_, _, fresh) => fresh.clone().unwrap_or(stored),
            });
        }
        let Value::Token(token) = stored.get("etag") else { return Ok(stored) };
        let at = token.row as usize;
        let row = content.rows.get(at).and_then(Option::as_ref);
        Ok(row.map_or(stored, |r| Value::Object(Arc::new(r.shown(token.resource, at)))))
    }
    fn round(&mut self, node: NodeId) -> Result<Value, Failure> {
        self.view.round(node)
    }
    fn column(&mut self, name: &str) -> Result<Value, Failure> {
        self.view.column(name)
    }
    fn state(&mut self, resource: ResourceId) -> Result<Value, Failure> {
        Env::state(self.view, resource)
    }
    fn run(&mut self) -> Value {
        self.view.run()
    }
    fn alias(&self) -> Alias {
        self.view.program.alias
    }
    fn element(&mut self) -> Result<Value, Failure> {
        let program = self.view.program;
        if let Kind::Leaf(steps) = &program.node(self.top).kind
            && let Some(Step::Access(r, Access::Store { .. })) = steps.last()
            && self.refresh.covers(*r)
        {
            return Ok(self.view.store.read(*r).single("value"));
        }
        self.view.element()
    }
}

/// A fetched row with one column as it is now.
fn with_column(old: &BTreeMap<Arc<str>, Value>, fresh: &Value, column: &Arc<str>) -> Value {
    let mut answer = old.clone();
    let body = match (old.get("body"), fresh.get("body")) {
        // What is replaced as a whole is read again as a whole.
        (Some(Value::Object(old)), Value::Object(new)) if **column != *CONTENT => {
            column_of(old, &new, column)
        }
        (_, new) => new,
    };
    answer.insert("body".into(), body);
    Value::Object(Arc::new(answer))
}

/// A row with one column as it is now.
fn column_of(
    old: &BTreeMap<Arc<str>, Value>,
    new: &BTreeMap<Arc<str>, Value>,
    column: &Arc<str>,
) -> Value {
    let mut row = old.clone();
    match new.get(column) {
        Some(value) => row.insert(column.clone(), value.clone()),
        None => row.remove(column),
    };
    Value::Object(Arc::new(row))
}

/// A value that was appended to, on another base; `None` if this is not what it was based on.
fn rebased(now: &Value, then: &Value, again: &Value) -> Option<Value> {
    if now == then {
        return Some(again.clone());
    }
    match (now, then) {
        (Value::Term(term), _) if &*term.op == "concat" => {
            let (base, rest) = term.args.split_first()?;
            let base = rebased(base, then, again)?;
            Some(Value::term("concat", std::iter::once(base).chain(rest.iter().cloned()).collect()))
        }
        (Value::Array(now), Value::Array(then)) => {
            let rest = now.strip_prefix(then.as_slice())?;
            // What is no list any more is at least not what it was.
            let Value::Array(again) = again else { return Some(Value::Null) };
            Some(Value::array(again.iter().chain(rest).cloned().collect()))
        }
        _ => None,
    }
}

pub(super) fn concerns(program: &Program, expr: &Expr, refresh: &Refresh) -> bool {
    support(program, expr).into_iter().any(|r| refresh.covers(r))
}
