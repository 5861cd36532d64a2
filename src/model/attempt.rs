//! Attempts: what a fault does to a call, and what the platform does next (semantics §6).
//!
//! Inputs are evaluated when the action starts, so a repeated call sends what the first attempt sent: what it read of
//! variables is kept while it is repeated.

use super::access::{Act, Caller, act, code};
use super::block::{Mark, Memory, Phase};
use super::content::Content;
use super::expression::Expr;
use super::external;
use super::fault::Fault;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Kind, Status, Step};
use super::transition::{Event, Halt, Machine};
use super::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Machine<'_> {
    /// The call of a ready node goes wrong.
    pub fn fault(&mut self, node: NodeId, fault: Fault) -> Result<(), Halt> {
        let program = self.program;
        if fault == Fault::Redelivered {
            return self.deliver_again(node);
        }
        if fault == Fault::Elapsed {
            return self.elapse(node);
        }
        let (Kind::Leaf(steps), Phase::Ready(number)) =
            (&program.node(node).kind, self.at(node).phase)
        else {
            return Err(Halt::Disabled);
        };
        let attempt = self.at(node).count;
        if fault.retried() && attempt >= program.node(node).call.retries {
            return Err(Halt::Disabled);
        }
        let step = &steps[usize::from(number)];
        let last = usize::from(number) + 1 == steps.len();
        if !self.may_strike(node, fault, number, step, last)? {
            return Err(Halt::Disabled);
        }
        let inputs = self.inputs(node, steps);
        if fault.after_effect() {
            self.take_effect(node, number, step, steps.len())?;
        } else {
            if fault.arrives_later() {
                self.send(node)?;
            }
            self.tell_fault(node, number, fault);
        }
        if let Some(event) = self.events.iter_mut().rev().find(|e| e.node == node) {
            event.fault = Some(fault);
        }
        self.pass_retry(node, fault);
        match fault {
            Fault::Throttled | Fault::Lost | Fault::LostLater => {
                let state = self.at(node);
                state.phase = Phase::Ready(0);
                state.count = attempt + 1;
                state.output = Value::Null;
                state.items = inputs;
            }
            Fault::Failed | Fault::Unanswered | Fault::UnansweredLater => {
                self.keep_unreleased(step);
                self.end_call(node, Status::Failed, fault);
            }
            Fault::TimedOut | Fault::TimedOutLate | Fault::TimedOutLater => {
                self.keep_unreleased(step);
                self.end_call(node, Status::TimedOut, fault);
            }
            Fault::Cancelled | Fault::Redelivered | Fault::Elapsed => {}
        }
        Ok(())
    }

    /// A lease that could not be given back goes on until it runs out; nobody forgot to give it back.
    fn keep_unreleased(&mut self, step: &Step) {
        if let Step::Access(rid, Access::Release(_)) = step
            && let Some(Memory::Clock(_, Some(_))) = self.block.marks.get(&Mark::Holds(*rid))
        {
            self.block.marks.remove(&Mark::Holds(*rid));
        }
    }

    fn end_call(&mut self, node: NodeId, status: Status, fault: Fault) {
        let program = self.program;
        for n in program.ancestors(node).skip(1) {
            let until = matches!(program.node(n).kind, Kind::Until { .. });
            if until && program.node(n).class == self.class {
                self.block.marks.insert(Mark::Disturbed(n), Memory::Set);
            }
        }
        self.finish(node, status, code(fault.code()));
    }

    /// A call whose inputs cannot be evaluated is never made; one that is refused has no effect to lose the answer of;
    /// one that waits for a lease has not been answered yet.
    fn may_strike(
        &mut self,
        node: NodeId,
        fault: Fault,
        number: u8,
        step: &Step,
        last: bool,
    ) -> Result<bool, Halt> {
        let effect = match step {
            Step::Access(rid, access) => match self.trial(node, *rid, access)? {
                Some(done) if !done.waits => done.after.is_some(),
                _ => return Ok(false),
            },
            Step::Send(expr) => {
                if self.value_unseen(node, expr).is_none() {
                    return Ok(false);
                }
                true
            }
            Step::Opaque { args, effect, .. } => {
                if args.iter().any(|a| self.value_unseen(node, a).is_none()) {
                    return Ok(false);
                }
                *effect
            }
            Step::Compute(_) | Step::Wait(_) => return Ok(false),
        };
        Ok(if fault.after_effect() { last && effect } else { number == 0 })
    }

    /// What the access would do, without doing it.
    pub(super) fn trial(
        &mut self,
        node: NodeId,
        rid: ResourceId,
        access: &Access,
    ) -> Result<Option<Act>, Halt> {
        let before = self.store.read(rid);
        let caller = self.caller(node, rid, access, &before)?;
        Ok(act(self.program, rid, access, &before, &mut self.view(node), caller).ok())
    }

    /// Who calls, and what is known of what it finds, as far as the access does not say it itself.
    pub(super) fn caller(
        &mut self,
        node: NodeId,
        rid: ResourceId,
        access: &Access,
        before: &Content,
    ) -> Result<Caller, Halt> {
        let program = self.program;
        let question = external::question(program, rid, access, before, &mut self.view(node));
        let found = match question {
            Some(question) => match self.world.get(&question) {
                Some(answer) => Some(answer),
                None => return Err(Halt::Choice(question)),
            },
            None => None,
        };
        Ok(Caller {
            found,
            lease: self.own_lease(rid),
            exhaustible: self.program.node(node).exhaustible,
            loaded: match &self.at(node).output {
                Value::Int(n) => usize::try_from(*n).ok(),
                other => match other.get("rowsAffected") {
                    Value::Int(n) => usize::try_from(n).ok(),
                    _ => None,
                },
            },
        })
    }

    fn value_unseen(&mut self, node: NodeId, expr: &Expr) -> Option<Value> {
        super::evaluate::evaluate(expr, &mut self.view(node)).ok()
    }

    /// The step as it is, effect and all; afterwards its action has not been answered.
    fn take_effect(
        &mut self,
        node: NodeId,
        number: u8,
        step: &Step,
        of: usize,
    ) -> Result<(), Halt> {
        self.leaf(node, number, step, of)?;
        let event = self.events.iter().rev().find(|e| e.node == node);
        let wrote = event.filter(|e| !e.wrote.is_empty()).map(Event::written);
        if let Step::Access(rid, Access::Acquire { .. }) = step {
            // The lease is taken, and nobody has been told its id.
            self.block.marks.remove(&Mark::Holds(*rid));
            return Ok(());
        }
        let sent = matches!(step, Step::Send(_) | Step::Opaque { .. });
        let sent = sent.then(|| Value::array(Vec::new()));
        if let Some(wrote) = wrote.or(sent) {
            self.block.marks.insert(Mark::Applied(node), Memory::Value(wrote));
        }
        Ok(())
    }

    fn tell_fault(&mut self, node: NodeId, number: u8, fault: Fault) {
        let attempt = self.at(node).count;
        self.events.push(Event {
            step: number,
            refused: Some(fault.code()),
            fault: Some(fault),
            attempt,
            ..Event::new(node, code(fault.code()))
        });
    }

    /// The variables that the inputs read, as they are now: a further attempt sends the same.
    fn inputs(&mut self, node: NodeId, steps: &[Step]) -> Value {
        let kept = self.at(node).items.clone();
        if kept != Value::Null {
            return kept;
        }
        let mut read: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for step in steps {
            step.visit(&mut |e| {
                if let Expr::Variable(variable) = e {
                    let value = self.store.read(*variable).single("value");
                    read.insert(input_key(*variable).into(), value);
                }
            });
        }
        if read.is_empty() { Value::Null } else { Value::Object(Arc::new(read)) }
    }
}

/// Under which name a repeated call keeps what it read of a variable.
pub(super) fn input_key(variable: ResourceId) -> String {
    format!("#{}", variable.0)
}
