//! The one semantics: what a step does. Search, proof and replay all come here.

use super::access::{Act, act};
use super::answers::Answers;
use super::block::{Block, Mark, Phase};
use super::evaluate::evaluate;
pub use super::event::{Change, Event, Observer, Round};
use super::expression::{Expr, Failure};
use super::external;
use super::external::SYMBOL;
use super::ids::{ClassId, NodeId, ResourceId};
use super::patience::{self, Beyond, Effort, Patience};
use super::program::{Access, Kind, Program, Status, Step};
use super::value::{Standing, Value};
use super::view::{Store, View};
use super::walk::Walk;
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
    /// It would take more than anybody wants to wait for or can hold.
    Beyond(Beyond),
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
    pub world: &'a Answers<'a>,
    /// The monitors.
    pub observer: Option<&'a mut dyn Observer>,
    /// Changes for other blocks to hear of.
    pub changes: Vec<Change>,
    /// What happened.
    pub events: Vec<Event>,
    /// A round of an uncounted Until failed for another reason than a refusal: its limit can be reached after all.
    pub uncounted_violation: bool,
    /// Set when the run is to end with this status.
    pub terminated: Option<Status>,
    /// When to give up.
    pub patience: Patience<'a>,
    /// What the step has cost so far.
    pub effort: Effort,
    /// Where to go on settling, if it stopped at a decision.
    pub walk: Option<Walk>,
}

impl<'a> Machine<'a> {
    /// A block about to step, unwatched. `parent`: the block around it, if it is an iteration's.
    pub fn new(
        program: &'a Program,
        (class, block): (ClassId, Block),
        parent: Option<&'a Block>,
        store: &'a mut dyn Store,
        world: &'a Answers<'a>,
    ) -> Self {
        Self {
            program,
            class,
            block,
            parent,
            store,
            world,
            observer: None,
            changes: Vec::new(),
            events: Vec::new(),
            uncounted_violation: false,
            terminated: None,
            patience: &patience::fixed,
            effort: Effort::default(),
            walk: None,
        }
    }

    /// The same, with another end of its patience.
    #[must_use]
    pub fn patient(self, patience: Patience<'a>) -> Self {
        Self { patience, ..self }
    }

    /// The same, watched.
    #[must_use]
    pub fn watched(self, observer: &'a mut dyn Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }
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
            world: self.world,
        }
    }

    /// Lets the monitors look, if there are any.
    pub(super) fn observed(
        &mut self,
        node: NodeId,
        tell: impl FnOnce(&mut dyn Observer, &mut View<'_>),
    ) {
        if let Some(observer) = self.observer.take() {
            tell(&mut *observer, &mut self.view(node));
            self.observer = Some(observer);
        }
    }

    /// The value of an expression at a node.
    pub fn value(&mut self, node: NodeId, expr: &Expr) -> Result<Value, Failure> {
        self.observed(node, |observer, view| observer.reads(view, node, expr));
        let value = evaluate(expr, &mut self.view(node))?;
        let parts = patience::parts(&value);
        self.spend(parts as u64);
        if parts > patience::LARGEST {
            self.effort.beyond = Some(Beyond::Value);
            return Err(Failure("the value is larger than any message".into()));
        }
        Ok(value)
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

    pub(super) fn leaf(
        &mut self,
        node: NodeId,
        number: u8,
        step: &Step,
        of: usize,
    ) -> Result<(), Halt> {
        let last = usize::from(number) + 1 == of;
        match step {
            Step::Compute(_) | Step::Send(_) | Step::Opaque { .. } => self.pass_time(node),
            Step::Wait(_) | Step::Access(..) => {}
        }
        match step {
            Step::Compute(expr) => match self.value(node, expr) {
                Ok(value) => self.done(node, number, last, value, None),
                Err(_) => self.done(node, number, true, Value::Null, Some(0)),
            },
            Step::Wait(expr) => match self.truth(node, expr)? {
                Ok(true) => {
                    // How long it has waited for others nobody knows.
                    self.pass(u64::MAX);
                    self.done(node, number, last, Value::Null, None);
                }
                Ok(false) | Err(_) => return Err(Halt::Disabled),
            },
            Step::Send(expr) => match self.value(node, expr) {
                Ok(value) => {
                    self.observed(node, |observer, view| observer.sent(view, node));
                    self.account_sent(node);
                    self.write_down(node, number, Value::Null);
                    let output = Value::object([("statusCode", Value::Int(200)), ("text", value)]);
                    self.done(node, number, last, output, None);
                }
                Err(_) => self.done(node, number, true, Value::Null, Some(0)),
            },
            Step::Opaque { name, args, effect } => {
                let values: Result<Vec<Value>, Failure> =
                    args.iter().map(|a| self.value(node, a)).collect();
                match values {
                    Ok(mut values) => {
                        if *effect {
                            self.observed(node, |observer, view| observer.sent(view, node));
                            self.account_sent(node);
                            self.write_down(node, number, Value::Null);
                        }
                        values.insert(0, self.block.item.clone());
                        let mut name = format!("{name}#{}", node.0);
                        if *effect {
                            name.push(external::DONE);
                        }
                        let output = Value::term(&name, values);
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
        let caller = self.caller(node, rid, access, &before)?;
        let Ok(done) = act(program, rid, access, &before, &mut self.view(node), caller) else {
            self.done(node, number, true, Value::Null, Some(0));
            return Ok(());
        };
        if done.waits {
            return Err(Halt::Disabled);
        }
        self.observed(node, |observer, view| observer.effect(view, node, rid, access, &done));
        if last || done.refused.is_some() {
            self.pass_time(node);
        }
        if done.after.is_some() {
            self.commit(node, rid, before, &done, None);
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
        let wrote = self.tell_access(rid, &done);
        if done.refused.is_none()
            && !done.wrote.is_empty()
            && self.program.resource(rid).owner.is_none()
        {
            self.write_down(node, number, wrote);
        }
        Ok(())
    }

    /// The last event is an access's: what it wrote.
    pub(super) fn tell_access(&mut self, rid: ResourceId, done: &Act) -> Value {
        let Some(event) = self.events.last_mut() else { return Value::Null };
        event.exhausted = done.exhausted;
        let value = |row: u32, column: &str| {
            let rows = done.after.as_ref().map(|c| &c.rows);
            rows.and_then(|r| r.get(row as usize)?.as_ref()).map_or(Value::Null, |r| r.get(column))
        };
        event.wrote = done.wrote.iter().map(|(r, c)| (rid, *r, c.clone(), value(*r, c))).collect();
        event.written()
    }

    /// Whether a 412 or 409 is another process's doing.
    fn refused_by_another(&mut self, node: NodeId, rid: ResourceId, access: &Access) -> bool {
        match access {
            Access::Update { if_match: Some(expr), .. }
            | Access::Write { if_match: Some(expr), .. } => {
                let tag = evaluate(expr, &mut self.view(node));
                let content = self.store.read(rid);
                matches!(tag, Ok(Value::Token(t))
                    if content.standing(&t) == Standing::Stale && !self.block.spent(&t))
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
        let attempt = self.at(node).count;
        let event = Event::new(node, output.clone());
        self.events.push(Event { step: number, refused: code, attempt, ..event });
        if code.is_none() {
            self.block.marks.remove(&Mark::Applied(node));
        }
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
}

/// Keeps only the properties of an object that anybody reads.
fn project(output: Value, used: Option<&std::collections::BTreeSet<Arc<str>>>) -> Value {
    match (used, output) {
        (Some(used), Value::Object(object)) => {
            let kept: BTreeMap<Arc<str>, Value> = object
                .iter()
                .filter(|(k, _)| used.contains(*k) || ***k == *SYMBOL)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            if kept.is_empty() { Value::Null } else { Value::Object(Arc::new(kept)) }
        }
        (_, output) => output,
    }
}

/// The truth of a value: `Err(None)` if it is no condition, `Err(Some(Choice))` if nobody knows.
fn decide(value: &Value, world: &Answers<'_>) -> Result<bool, Option<Halt>> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::Term(term) if &*term.op == "not" && term.args.len() == 1 => {
            decide(&term.args[0], world).map(|b| !b)
        }
        Value::Term(_) => world.get(value).ok_or_else(|| Some(Halt::Choice(value.clone()))),
        _ => Err(None),
    }
}
