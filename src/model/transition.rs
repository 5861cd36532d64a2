//! The one semantics: what a step does. Search, proof and replay all come here.

use super::access::{Act, Caller, LeaseEvent, act};
use super::block::{Block, Mark, Memory, Phase};
use super::content::{Content, WriteMark};
use super::evaluate::evaluate;
use super::expression::{Expr, Failure};
use super::ids::{ClassId, NodeId, ResourceId};
use super::program::{Access, Kind, Program, Status, Step};
use super::value::{Standing, TokenKind, Value};
use super::view::{Store, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was decided about unknown conditions, once for the whole schedule.
pub type World = BTreeMap<Value, bool>;

/// Why a step cannot be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It waits for something.
    Disabled,
    /// It depends on a condition nobody knows: both answers are to be tried.
    Choice(Value),
}

/// A change of a resource, for whoever remembers something about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// What was changed.
    pub resource: ResourceId,
    /// Columns by row.
    pub wrote: Vec<(u32, Arc<str>)>,
    /// The action.
    pub node: NodeId,
    /// The content before.
    pub before: Arc<Content>,
    /// The content after.
    pub after: Arc<Content>,
    /// Whether lease ids given out before are worth nothing now.
    pub lease: Option<LeaseEvent>,
}

/// A step that was taken, for people and for monitors.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The action.
    pub node: NodeId,
    /// Which of its steps.
    pub step: u8,
    /// What it answered.
    pub output: Value,
    /// How the action stands: refused with this code, or not.
    pub refused: Option<u16>,
    /// Whether a lease acquire used up its attempts.
    pub exhausted: bool,
    /// An Until ended by its limit, its last round refused because of another process.
    pub gave_up: bool,
    /// An Until went on to another round.
    pub polled: bool,
    /// Values written.
    pub wrote: Vec<(ResourceId, u32, Arc<str>, Value)>,
}

/// Sees each effect before it happens.
pub trait Observer {
    /// An access is about to be committed: `act` says what it will do.
    fn effect(
        &mut self,
        view: &mut View<'_>,
        node: NodeId,
        resource: ResourceId,
        access: &Access,
        act: &Act,
    );
    /// A side effect without a resource.
    fn sent(&mut self, view: &mut View<'_>, node: NodeId);
    /// Inputs are about to be evaluated.
    fn reads(&mut self, view: &mut View<'_>, node: NodeId, expr: &Expr);
}

/// One block with what it may touch, for the time of one transition.
#[allow(missing_debug_implementations, reason = "a short-lived borrow of other things")]
pub struct Machine<'a> {
    /// The program.
    pub program: &'a Program,
    /// The class of the block.
    pub class: ClassId,
    /// The process that steps.
    pub block: Block,
    /// The block around.
    pub parent: Option<&'a Block>,
    /// The resources.
    pub store: &'a mut dyn Store,
    /// Choices made.
    pub world: &'a World,
    /// The monitors.
    pub observer: Option<&'a mut dyn Observer>,
    /// Which lease acquires can run out of attempts.
    pub exhaustible: &'a dyn Fn(NodeId) -> bool,
    /// Changes for other blocks to hear of.
    pub changes: Vec<Change>,
    /// What happened.
    pub events: Vec<Event>,
    /// A round of an uncounted Until failed for another reason than a refusal: its limit can be reached after all.
    pub uncounted_violation: bool,
    /// Set when the run is to end with this status.
    pub terminated: Option<Status>,
}

impl Machine<'_> {
    /// The view of a node, now.
    pub fn view(&mut self, reader: NodeId) -> View<'_> {
        let at = self.program.node(reader).slot as usize;
        let element = self.block.nodes.get(at).map_or(Value::Null, |s| s.output.clone());
        View {
            program: self.program,
            class: self.class,
            block: &self.block,
            parent: self.parent,
            store: &mut *self.store,
            reader,
            element,
        }
    }

    /// Lets the monitors look, if there are any.
    fn observed(&mut self, node: NodeId, tell: impl FnOnce(&mut dyn Observer, &mut View<'_>)) {
        if let Some(observer) = self.observer.take() {
            tell(&mut *observer, &mut self.view(node));
            self.observer = Some(observer);
        }
    }

    /// The value of an expression at a node.
    pub fn value(&mut self, node: NodeId, expr: &Expr) -> Result<Value, Failure> {
        self.observed(node, |observer, view| observer.reads(view, node, expr));
        evaluate(expr, &mut self.view(node))
    }

    /// The truth of a condition; unknown ones are looked up among the choices made.
    pub fn truth(&mut self, node: NodeId, expr: &Expr) -> Result<Result<bool, Failure>, Halt> {
        match self.value(node, expr) {
            Err(failure) => Ok(Err(failure)),
            Ok(value) => decide(&value, self.world).map(Ok).or_else(|halt| match halt {
                Some(halt) => Err(halt),
                None => Ok(Err(Failure("a condition must be true or false".into()))),
            }),
        }
    }

    /// The state of a node of this block.
    pub fn at(&mut self, node: NodeId) -> &mut super::block::NodeState {
        let slot = self.program.node(node).slot as usize;
        &mut self.block.nodes[slot]
    }

    /// Takes one step of a ready node.
    pub fn step(&mut self, node: NodeId) -> Result<(), Halt> {
        let program = self.program;
        let Phase::Ready(number) = self.at(node).phase else { return Err(Halt::Disabled) };
        match &program.node(node).kind {
            Kind::Leaf(steps) => self.leaf(node, number, &steps[usize::from(number)], steps.len()),
            Kind::Terminate(status) => {
                self.terminated = Some(*status);
                self.finish(node, Status::Succeeded, Value::Null);
                Ok(())
            }
            Kind::If(_) | Kind::Switch(..) | Kind::Loop { .. } | Kind::Until { .. } => {
                self.decide(node)
            }
            Kind::Group | Kind::Parallel => {
                self.at(node).phase = Phase::Running;
                Ok(())
            }
        }
    }

    fn leaf(&mut self, node: NodeId, number: u8, step: &Step, of: usize) -> Result<(), Halt> {
        let last = usize::from(number) + 1 == of;
        match step {
            Step::Compute(expr) => match self.value(node, expr) {
                Ok(value) => self.done(node, number, last, value, None),
                Err(_) => self.done(node, number, true, Value::Null, Some(0)),
            },
            Step::Wait(expr) => match self.truth(node, expr)? {
                Ok(true) => self.done(node, number, last, Value::Null, None),
                Ok(false) | Err(_) => return Err(Halt::Disabled),
            },
            Step::Send(expr) => match self.value(node, expr) {
                Ok(value) => {
                    self.observed(node, |observer, view| observer.sent(view, node));
                    let output = Value::object([("statusCode", Value::Int(200)), ("text", value)]);
                    self.done(node, number, last, output, None);
                }
                Err(_) => self.done(node, number, true, Value::Null, Some(0)),
            },
            Step::Opaque(name, args) => {
                let values: Result<Vec<Value>, Failure> =
                    args.iter().map(|a| self.value(node, a)).collect();
                match values {
                    Ok(mut values) => {
                        values.insert(0, self.block.item.clone());
                        let output = Value::term(&format!("{name}#{}", node.0), values);
                        self.done(node, number, last, output, None);
                    }
                    Err(_) => self.done(node, number, true, Value::Null, Some(0)),
                }
            }
            Step::Access(resource, access) => {
                return self.access(node, number, last, *resource, access);
            }
        }
        Ok(())
    }

    fn access(
        &mut self,
        node: NodeId,
        number: u8,
        last: bool,
        rid: ResourceId,
        access: &Access,
    ) -> Result<(), Halt> {
        let program = self.program;
        for expr in access.expressions() {
            self.observed(node, |observer, view| observer.reads(view, node, expr));
        }
        let before = self.store.read(rid);
        let caller = Caller {
            lease: self.own_lease(rid),
            exhaustible: (self.exhaustible)(node),
            loaded: match &self.at(node).output {
                Value::Int(n) => usize::try_from(*n).ok(),
                other => match other.get("rowsAffected") {
                    Value::Int(n) => usize::try_from(n).ok(),
                    _ => None,
                },
            },
        };
        let Ok(done) = act(program, rid, access, &before, &mut self.view(node), caller) else {
            self.done(node, number, true, Value::Null, Some(0));
            return Ok(());
        };
        if done.waits {
            return Err(Halt::Disabled);
        }
        self.observed(node, |observer, view| observer.effect(view, node, rid, access, &done));
        self.pass_time(node);
        if done.after.is_some() {
            self.commit(node, rid, before, &done);
        }
        let intermediate = !last && done.refused.is_none();
        let output = match access {
            Access::Load => done.output.get("value"),
            _ => done.output.clone(),
        };
        let foreign = done.refused.is_some() && self.refused_by_another(node, rid, access);
        if foreign {
            self.note_refusal(node);
        }
        self.done(node, number, !intermediate, output, done.refused);
        if let Some(event) = self.events.last_mut() {
            event.exhausted = done.exhausted;
            let value = |row: u32, column: &str| {
                let rows = done.after.as_ref().map(|c| &c.rows);
                rows.and_then(|r| r.get(row as usize)?.as_ref())
                    .map_or(Value::Null, |r| r.get(column))
            };
            event.wrote =
                done.wrote.iter().map(|(r, c)| (rid, *r, c.clone(), value(*r, c))).collect();
        }
        Ok(())
    }

    /// Whether a 412 or 409 is another process's doing.
    fn refused_by_another(&mut self, node: NodeId, rid: ResourceId, access: &Access) -> bool {
        match access {
            Access::Update { if_match: Some(expr), .. }
            | Access::Write { if_match: Some(expr), .. } => {
                let tag = evaluate(expr, &mut self.view(node));
                matches!(tag, Ok(Value::Token(t)) if t.standing == Standing::Stale)
            }
            Access::Acquire { .. } => !self.block.marks.contains_key(&Mark::Holds(rid)),
            Access::Create(_) | Access::CreateIfNone { .. } => true,
            _ => false,
        }
    }

    /// The Until around remembers that its round was refused.
    fn note_refusal(&mut self, node: NodeId) {
        let program = self.program;
        for n in program.ancestors(node).skip(1) {
            if program.node(n).class == self.class
                && matches!(program.node(n).kind, Kind::Until { .. })
            {
                self.at(n).flag = true;
            }
        }
    }

    /// A step of a leaf has happened; `code` 0 is an expression that failed.
    fn done(&mut self, node: NodeId, number: u8, ends: bool, output: Value, code: Option<u16>) {
        let event = Event {
            node,
            step: number,
            output: output.clone(),
            refused: code,
            exhausted: false,
            gave_up: false,
            polled: false,
            wrote: Vec::new(),
        };
        self.events.push(event);
        if ends {
            let status = if code.is_some() { Status::Failed } else { Status::Succeeded };
            self.finish(node, status, output);
        } else {
            let state = self.at(node);
            state.phase = Phase::Ready(number + 1);
            state.output = output;
        }
    }

    /// The node has ended; only what somebody reads of its output is kept.
    pub fn finish(&mut self, node: NodeId, status: Status, output: Value) {
        let kept = project(output, self.program.node(node).used.as_ref());
        let state = self.at(node);
        state.phase = Phase::Done(status);
        state.output = kept;
        state.items = Value::Null;
        state.started = 0;
        if !matches!(self.program.node(node).kind, Kind::Until { .. }) {
            self.at(node).count = 0;
        }
    }

    fn own_lease(&self, rid: ResourceId) -> Option<Standing> {
        if self.block.marks.contains_key(&Mark::Holds(rid)) {
            return Some(Standing::Current);
        }
        self.block.marks.contains_key(&Mark::Lost(rid)).then_some(Standing::Stale)
    }

    /// A call takes time: the clocks of held leases run.
    fn pass_time(&mut self, node: NodeId) {
        let takes = self.program.node(node).takes;
        for (mark, memory) in &mut self.block.marks {
            if let (Mark::Holds(_), Memory::Clock(passed, Some(limit))) = (mark, memory) {
                *passed = passed.saturating_add(takes).min(*limit);
            }
        }
    }

    fn commit(&mut self, node: NodeId, rid: ResourceId, before: Arc<Content>, done: &Act) {
        let Some(after) = &done.after else { return };
        let mut after = after.clone();
        self.mark_writes(node, rid, &before, &mut after, &done.wrote);
        self.keep_bases(node, &before);
        let after = Arc::new(after);
        let change = Change {
            resource: rid,
            wrote: done.wrote.clone(),
            node,
            before,
            after: after.clone(),
            lease: done.lease,
        };
        if !done.wrote.is_empty() {
            self.block.age_etags(self.program, self.class, &change, Some(node));
        }
        match done.lease {
            Some(LeaseEvent::Acquired(limit)) => {
                self.block.marks.remove(&Mark::Lost(rid));
                self.block.marks.insert(Mark::Holds(rid), Memory::Clock(0, limit));
            }
            Some(LeaseEvent::Renewed) => {
                let limit = match self
                    .block
                    .marks
                    .get(&Mark::Holds(rid))
                    .or(self.block.marks.get(&Mark::Lost(rid)))
                {
                    Some(Memory::Clock(_, limit)) => *limit,
                    _ => None,
                };
                self.block.marks.remove(&Mark::Lost(rid));
                self.block.marks.insert(Mark::Holds(rid), Memory::Clock(0, limit));
            }
            Some(LeaseEvent::Released) => {
                self.block.marks.remove(&Mark::Holds(rid));
                self.block.marks.remove(&Mark::Lost(rid));
                self.block.age_leases(rid);
            }
            Some(LeaseEvent::Forgotten) | None => {}
        }
        self.store.write(rid, (*after).clone());
        self.changes.push(change);
    }

    /// Who wrote tracked columns last, and whether they are contested now (design.md §6, last-writer-wins).
    fn mark_writes(
        &mut self,
        node: NodeId,
        rid: ResourceId,
        before: &Content,
        after: &mut Content,
        wrote: &[(u32, Arc<str>)],
    ) {
        for (row, column) in wrote {
            if !self.program.tracked.contains(&(rid, column.clone())) {
                continue;
            }
            let old_row = before.rows.get(*row as usize).and_then(Option::as_ref);
            let old = old_row.and_then(|r| r.marks.get(column));
            let blind = self.program.blind(node, column);
            let unordered =
                old.is_some_and(|m| self.unordered_writer(rid, *row, column, m.node, node));
            let old_value = old_row.map_or(Value::Null, |r| r.get(column));
            let Some(Some(new_row)) = after.rows.get_mut(*row as usize) else { continue };
            let differs = new_row.get(column) != old_value;
            let contested = match old {
                Some(m) if blind && m.blind && unordered && differs => Some(m.node),
                Some(m) if unordered && !differs => m.contested,
                _ => None,
            };
            new_row.marks.insert(column.clone(), WriteMark { node, blind, contested });
            if let Some(m) = old
                && self.block.marks.contains_key(&Mark::Last(rid, *row, column.clone()))
                && self.program.parted(m.node, node)
            {
                self.block.marks.insert(Mark::Bled(rid, m.node), Memory::Value(old_value));
            }
            let program = self.program;
            let replaced =
                |m: &Mark| matches!(m, Mark::Bled(r, n) if *r == rid && !program.parted(*n, node));
            self.block.marks.retain(|m, _| !replaced(m));
            self.block.marks.remove(&Mark::ChildLast(rid, *row, column.clone()));
            self.block.marks.insert(Mark::Last(rid, *row, column.clone()), Memory::Set);
        }
    }

    /// Whether the last writer of a column is a process unordered with this one.
    pub fn unordered_writer(
        &self,
        rid: ResourceId,
        row: u32,
        column: &Arc<str>,
        old: NodeId,
        node: NodeId,
    ) -> bool {
        let last = Mark::Last(rid, row, column.clone());
        if self.block.marks.contains_key(&last)
            || self.parent.is_some_and(|p| p.marks.contains_key(&last))
        {
            return self.program.parted(old, node);
        }
        if self.block.marks.contains_key(&Mark::ChildLast(rid, row, column.clone())) {
            return self.program.parted(old, node);
        }
        true
    }

    /// Reads that somebody may ask again: what they would see had this process not written (design.md §6).
    fn keep_bases(&mut self, node: NodeId, before: &Arc<Content>) {
        for &reader in &self.program.node(node).keeps {
            let slot = self.program.node(reader).slot as usize;
            let own = self.program.node(reader).class == self.class;
            let block = if own { Some(&self.block) } else { self.parent };
            let done = block
                .and_then(|b| b.nodes.get(slot))
                .is_some_and(|s| matches!(s.phase, Phase::Done(_)));
            if done && !self.block.marks.contains_key(&Mark::Base(reader)) {
                self.block.marks.insert(Mark::Base(reader), Memory::Content(before.clone()));
            }
        }
    }
}

/// Keeps only the properties of an object that anybody reads.
fn project(output: Value, used: Option<&std::collections::BTreeSet<Arc<str>>>) -> Value {
    match (used, output) {
        (Some(used), Value::Object(object)) => {
            let kept: BTreeMap<Arc<str>, Value> = object
                .iter()
                .filter(|(k, _)| used.contains(*k))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            if kept.is_empty() { Value::Null } else { Value::Object(Arc::new(kept)) }
        }
        (_, output) => output,
    }
}

/// The truth of a value: `Err(None)` if it is no condition, `Err(Some(Choice))` if nobody knows.
fn decide(value: &Value, world: &World) -> Result<bool, Option<Halt>> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::Term(term) if &*term.op == "not" && term.args.len() == 1 => {
            decide(&term.args[0], world).map(|b| !b)
        }
        Value::Term(_) => {
            world.get(value).copied().ok_or_else(|| Some(Halt::Choice(value.clone())))
        }
        _ => Err(None),
    }
}

impl Block {
    /// Another block changed a resource. `related`: it is the block around, or an iteration of this one, so that the
    /// flow may order the two.
    pub fn hear(&mut self, program: &Program, class: ClassId, change: &Change, related: bool) {
        let rid = change.resource;
        self.age_etags(program, class, change, None);
        if let Some(LeaseEvent::Acquired(_) | LeaseEvent::Forgotten) = change.lease {
            self.age_leases(rid);
        }
        for (row, column) in &change.wrote {
            self.marks.remove(&Mark::ChildLast(rid, *row, column.clone()));
            if self.marks.remove(&Mark::Last(rid, *row, column.clone())).is_some() {
                let old = change.before.rows.get(*row as usize).and_then(Option::as_ref);
                let writer = old.and_then(|r| r.marks.get(column)).map(|m| m.node);
                let variable = program.resource(rid).shape == super::program::Shape::Variable;
                if let (Some(writer), true, Some(old)) = (writer, variable, old)
                    && (!related || program.parted(writer, change.node))
                {
                    self.marks.insert(Mark::Bled(rid, writer), Memory::Value(old.get(column)));
                }
            }
        }
        for (mark, memory) in &mut self.marks {
            if let (Mark::Base(reader), Memory::Content(base)) = (mark, memory)
                && program.reads(*reader) == Some(rid)
            {
                *base = Arc::new(replay(base, change));
            }
        }
    }

    /// Etags of the changed rows match no longer: spent if the holder changed the row itself, stale otherwise.
    pub fn age_etags(
        &mut self,
        program: &Program,
        class: ClassId,
        change: &Change,
        own: Option<NodeId>,
    ) {
        let rows: Vec<u32> = change.wrote.iter().map(|(r, _)| *r).collect();
        for (slot, state) in self.nodes.iter_mut().enumerate() {
            let holder = program.class(class).nodes[slot];
            let standing = match own {
                Some(writer) if !program.parted(holder, writer) => Standing::Spent,
                _ => Standing::Stale,
            };
            let age = |value: &Value| {
                age(
                    value,
                    &|t| {
                        t.kind == TokenKind::Etag
                            && t.resource == change.resource.0
                            && rows.contains(&t.row)
                    },
                    standing,
                )
            };
            for value in [&mut state.output, &mut state.items] {
                if let Some(aged) = age(value) {
                    *value = aged;
                }
            }
        }
        if let Some(aged) = age(
            &self.item,
            &|t| {
                t.kind == TokenKind::Etag
                    && t.resource == change.resource.0
                    && rows.contains(&t.row)
            },
            if own.is_some() { Standing::Spent } else { Standing::Stale },
        ) {
            self.item = aged;
        }
    }

    /// Lease ids of this blob are worth nothing now.
    pub fn age_leases(&mut self, rid: ResourceId) {
        for state in &mut self.nodes {
            let old = |t: &super::value::Token| t.kind == TokenKind::Lease && t.resource == rid.0;
            if let Some(aged) = age(&state.output, &old, Standing::Stale) {
                state.output = aged;
            }
        }
    }
}

/// A content with another process's change applied.
fn replay(base: &Content, change: &Change) -> Content {
    let mut content = base.clone();
    for (row, column) in &change.wrote {
        let at = *row as usize;
        let after = change.after.rows.get(at).cloned().flatten();
        if content.rows.len() <= at {
            content.rows.resize(at + 1, None);
        }
        match (&mut content.rows[at], after) {
            (Some(row), Some(after)) if !column.is_empty() => {
                row.columns.insert(column.clone(), after.get(column));
            }
            (slot, after) => *slot = after,
        }
    }
    content
}

/// Replaces the standing of the current tokens that `which` picks; `None` if there are none.
fn age(value: &Value, which: &dyn Fn(&super::value::Token) -> bool, to: Standing) -> Option<Value> {
    match value {
        Value::Token(token) if token.standing == Standing::Current && which(token) => {
            Some(Value::Token(super::value::Token { standing: to, ..*token }))
        }
        Value::Array(items) => {
            let aged: Vec<Option<Value>> = items.iter().map(|v| age(v, which, to)).collect();
            aged.iter().any(Option::is_some).then(|| {
                Value::array(
                    aged.into_iter()
                        .zip(items.iter())
                        .map(|(a, v)| a.unwrap_or_else(|| v.clone()))
                        .collect(),
                )
            })
        }
        Value::Object(object) => {
            let aged: BTreeMap<Arc<str>, Option<Value>> =
                object.iter().map(|(k, v)| (k.clone(), age(v, which, to))).collect();
            aged.values().any(Option::is_some).then(|| {
                let value = |k: &Arc<str>, a: Option<Value>| a.unwrap_or_else(|| object[k].clone());
                Value::Object(Arc::new(
                    aged.into_iter().map(|(k, a)| (k.clone(), value(&k, a))).collect(),
                ))
            })
        }
        _ => None,
    }
}
