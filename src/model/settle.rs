//! Settling: what a process does by itself, at once, until only steps remain that others can notice.

use super::block::{Mark, Memory, NodeState, Phase};
use super::delivery::is_start;
use super::elapse::may_elapse;
use super::evaluate::evaluate;
use super::expression::Env;
use super::filter::sifted;
use super::identity::Alias;
use super::ids::NodeId;
use super::program::{Kind, Over, Status, Visibility};
use super::transition::{Event, Halt, Machine, Round};
use super::value::Value;
use super::view::collected_key;
use super::walk::Walk;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Machine<'_> {
    /// Runs everything local. What is left `Ready` is visible to others, or waits.
    pub fn settle(&mut self) -> Result<(), Halt> {
        let program = self.program;
        let class = program.class(self.class);
        if self.at(class.root).phase == Phase::Waiting {
            self.at(class.root).phase = Phase::Running;
        }
        let Walk { mut slot, mut moved } = self.walk.take().unwrap_or_default();
        while self.terminated.is_none() {
            while let Some(&node) = class.nodes.get(slot) {
                if matches!(self.block.nodes[slot].phase, Phase::Done(_)) {
                    slot += 1;
                    continue;
                }
                // As far as it goes, so that a long chain is settled in one walk along it.
                while self.effort.beyond.is_none() {
                    match self.advance(node) {
                        Ok(true) => moved = true,
                        Ok(false) => break,
                        Err(halt) => {
                            self.walk = Walk { slot, moved }.stopped(&program.node(node).kind);
                            return Err(halt);
                        }
                    }
                    self.spend(1);
                    if self.terminated.is_some() {
                        break;
                    }
                }
                if let Some(beyond) = self.effort.beyond {
                    return Err(Halt::Beyond(beyond));
                }
                if self.terminated.is_some() {
                    return Ok(());
                }
                slot += 1;
            }
            if !moved {
                break;
            }
            (slot, moved) = (0, false);
        }
        if let Phase::Done(status) = self.at(class.root).phase {
            self.block.ended = Some(status);
        }
        self.tidy();
        Ok(())
    }

    /// One look at one node; whether anything changed.
    fn advance(&mut self, node: NodeId) -> Result<bool, Halt> {
        let phase = self.at(node).phase;
        match phase {
            Phase::Waiting => Ok(self.start(node)),
            Phase::Ready(_) if self.is_local(node) => match self.step(node) {
                Ok(()) => Ok(true),
                Err(Halt::Disabled) => Ok(false),
                Err(choice) => Err(choice),
            },
            Phase::Running => Ok(self.close(node)),
            Phase::Ready(_) | Phase::Done(_) => Ok(false),
        }
    }

    /// Whether nobody else can notice the next step of this node.
    pub fn is_local(&mut self, node: NodeId) -> bool {
        // A call that can go wrong is a step of its own; so is what follows a fault, for whoever has to read it; and so
        // is the start of a run that waits for others.
        if !self.program.node(node).call.faults.is_empty() || is_start(self.program, node) {
            return false;
        }
        let slot = self.program.node(node).slot as usize;
        if may_elapse(self.program.node(node), &self.block.nodes[slot]) {
            return false;
        }
        match &self.program.node(node).visibility {
            Visibility::Local => true,
            Visibility::Visible => false,
            Visibility::Unless(selectors) => {
                let selectors = selectors.clone();
                selectors.iter().all(|(looped, selector)| self.distinct(*looped, selector))
            }
        }
    }

    /// Whether a selector has another value for every item of the loop.
    fn distinct(&mut self, looped: NodeId, selector: &super::expression::Expr) -> bool {
        let slot = self.program.node(looped).slot as usize;
        let own = self.program.node(looped).class == self.class;
        let state = if own {
            self.block.nodes.get(slot)
        } else {
            self.parent.and_then(|p| p.nodes.get(slot))
        };
        let items = match state.map(|s| &s.items) {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Int(_)) => return matches!(selector, super::expression::Expr::Item(_)),
            _ => return false,
        };
        let mut seen = std::collections::BTreeSet::new();
        let home = std::mem::take(&mut self.block.item);
        let mut all = true;
        for item in items.iter() {
            self.block.item = item.clone();
            let value = evaluate(selector, &mut self.view(looped_reader(self, looped)));
            all &= value.is_ok_and(|v| !v.is_unknown() && seen.insert(v));
        }
        self.block.item = home;
        all
    }

    /// Whether the predecessors let a waiting node start.
    fn start(&mut self, node: NodeId) -> bool {
        let program = self.program;
        let Some(parent) = program.node(node).parent else { return false };
        if program.node(parent).class != self.class || self.at(parent).phase != Phase::Running {
            return false;
        }
        if !matches!(program.node(parent).kind, Kind::Group | Kind::Parallel) {
            return false;
        }
        let mut accepted = true;
        for &(before, statuses) in &program.node(node).run_after {
            let Phase::Done(status) = self.at(before).phase else { return false };
            accepted &= statuses.has(status);
        }
        if accepted {
            self.at(node).phase = Phase::Ready(0);
        } else {
            self.finish(node, Status::Skipped, Value::Null);
        }
        true
    }

    /// Decides what a condition, a switch, a loop or an Until does next.
    pub fn decide(&mut self, node: NodeId) -> Result<(), Halt> {
        let program = self.program;
        let children = &program.node(node).children;
        match &program.node(node).kind {
            Kind::If(condition) => match self.truth(node, condition)? {
                Ok(holds) => self.enter(node, usize::from(!holds)),
                Err(_) => self.fail(node),
            },
            Kind::Switch(on, cases) => match self.value(node, on) {
                Ok(value @ (Value::String(_) | Value::Int(_))) => {
                    let cases: Vec<_> = cases.iter().map(|case| self.value(node, case)).collect();
                    // A case of the other type fails the switch, whichever would have been taken (semantics §3.3).
                    let other = |case: &Value| match case {
                        Value::String(_) => matches!(value, Value::Int(_)),
                        Value::Int(_) => matches!(value, Value::String(_)),
                        _ => false,
                    };
                    if cases.iter().flatten().any(other) {
                        self.fail(node);
                        return Ok(());
                    }
                    let chosen = cases.iter().position(|case| case.as_ref() == Ok(&value));
                    self.enter(node, chosen.unwrap_or(children.len() - 1));
                }
                Ok(value @ Value::Term(_)) => {
                    let chosen = self.unknown_case(&value, node, cases)?;
                    self.enter(node, chosen.unwrap_or(children.len() - 1));
                }
                Ok(_) | Err(_) => self.fail(node),
            },
            Kind::Loop { over, degree } => self.begin_loop(node, over, *degree),
            Kind::Until { condition, limit, fail_at_limit, counted, .. } => {
                if self.at(node).phase == Phase::Ready(0) {
                    self.enter(node, 0);
                    return Ok(());
                }
                let Ok(holds) = self.truth(node, condition)? else {
                    self.fail(node);
                    return Ok(());
                };
                let most = if *counted { *limit } else { u64::MAX };
                self.next_round(node, holds, most, *fail_at_limit, *counted);
            }
            Kind::Group | Kind::Parallel | Kind::Terminate(_) | Kind::Leaf(_) => {}
        }
        Ok(())
    }

    /// A switch on an unknown value asks about its cases one by one.
    fn unknown_case(
        &mut self,
        value: &Value,
        node: NodeId,
        cases: &[super::expression::Expr],
    ) -> Result<Option<usize>, Halt> {
        for (index, case) in cases.iter().enumerate() {
            let Ok(case) = self.value(node, case) else { continue };
            let question = Value::term("equals", vec![value.clone(), case]);
            match self.world.get(&question) {
                Some(true) => return Ok(Some(index)),
                Some(false) => {}
                None => return Err(Halt::Choice(question)),
            }
        }
        Ok(None)
    }

    /// Starts one child of a container that has several.
    fn enter(&mut self, node: NodeId, child: usize) {
        self.at(node).phase = Phase::Running;
        let program = self.program;
        for (index, &c) in program.node(node).children.iter().enumerate() {
            if index == child {
                self.at(c).phase = Phase::Running;
            } else {
                self.finish(c, Status::Skipped, Value::Null);
            }
        }
    }

    fn fail(&mut self, node: NodeId) {
        self.finish(node, Status::Failed, Value::Null);
    }

    fn begin_loop(&mut self, node: NodeId, over: &Over, degree: u32) {
        let items = match over {
            Over::Count(n) => Value::Int(i64::try_from(*n).unwrap_or(i64::MAX)),
            Over::Values(expr, unknown) => match self.value(node, expr) {
                Ok(Value::Array(items)) => Value::Array(items),
                // What a filter may have kept: fewer of them are no other than these.
                Ok(term) if sifted(&term).is_some() => {
                    Value::array(sifted(&term).map_or(Vec::new(), |(items, _)| items.to_vec()))
                }
                Ok(term @ Value::Term(_)) => {
                    let item = |i: u64| {
                        let number =
                            if self.program.alias == Alias::Same { 0 } else { i.cast_signed() };
                        Value::term("item", vec![term.clone(), Value::Int(number)])
                    };
                    Value::array((0..*unknown).map(item).collect())
                }
                Ok(_) | Err(_) => return self.fail(node),
            },
        };
        let none =
            matches!(&items, Value::Int(0)) || matches!(&items, Value::Array(a) if a.is_empty());
        self.at(node).phase = Phase::Running;
        self.at(node).items = items;
        if none {
            let output = self.empty_collection(node);
            self.end_loop(node, false, output);
        } else if degree <= 1 {
            let body = self.program.node(node).children[0];
            self.at(body).phase = Phase::Running;
        }
    }

    fn empty_collection(&self, node: NodeId) -> Value {
        let keys = &self.program.node(node).collected;
        let pairs = keys.iter().map(|&n| (Arc::from(collected_key(n)), Value::array(Vec::new())));
        if keys.is_empty() {
            Value::Null
        } else {
            Value::Object(Arc::new(pairs.collect::<BTreeMap<_, _>>()))
        }
    }

    /// The loop has ended; what its iterations answered stays under the keys of [`collected_key`].
    pub fn end_loop(&mut self, node: NodeId, failed: bool, output: Value) {
        let status = if failed { Status::Failed } else { Status::Succeeded };
        self.finish(node, status, Value::Null);
        self.at(node).output = output;
        self.at(node).flag = false;
    }

    /// Adds what this iteration answered to what the loop keeps.
    pub fn collect(&mut self, node: NodeId, kept: &Value, index: i64) -> Value {
        let program = self.program;
        let wanted = &program.node(node).collected;
        if wanted.is_empty() {
            return Value::Null;
        }
        let mut object: BTreeMap<Arc<str>, Value> = match kept {
            Value::Object(o) => (**o).clone(),
            _ => BTreeMap::new(),
        };
        let body = program.node(node).children[0];
        for &inner in wanted {
            let value = self.view(body).output(inner).unwrap_or(Value::Null);
            let pair = Value::array(vec![Value::Int(index), value]);
            let mut pairs = match object.get(collected_key(inner).as_str()) {
                Some(Value::Array(pairs)) => pairs.to_vec(),
                _ => Vec::new(),
            };
            let at = pairs.partition_point(|p| *p < pair);
            pairs.insert(at, pair);
            object.insert(collected_key(inner).into(), Value::array(pairs));
        }
        Value::Object(Arc::new(object))
    }

    pub(super) fn next_round(
        &mut self,
        node: NodeId,
        holds: bool,
        limit: u64,
        fail_at_limit: bool,
        counted: bool,
    ) {
        let program = self.program;
        let body = program.node(node).children[0];
        let failed = self.at(body).phase == Phase::Done(Status::Failed);
        let count = u64::from(self.at(node).count) + 1;
        let at_limit = !holds && count >= limit;
        let refused = self.at(node).flag;
        if holds || at_limit {
            // A bound that a fault helped to use up was not used up by contention alone.
            let disturbed = self.block.marks.remove(&Mark::Disturbed(node)).is_some();
            let status = if failed || (at_limit && fail_at_limit) {
                Status::Failed
            } else {
                Status::Succeeded
            };
            self.finish(node, status, Value::Null);
            // Whether it was left by its condition (0) or by its limit (1): later effects depend on it.
            self.at(node).count = u32::from(at_limit);
            if at_limit {
                let contended = refused && !disturbed;
                self.tell(node, if contended { Round::GivenUp } else { Round::Limit });
            }
            return;
        }
        self.reset(body);
        let state = self.at(node);
        state.flag = false;
        state.phase = Phase::Running;
        state.count = if counted { u32::try_from(count).unwrap_or(u32::MAX) } else { 0 };
        self.at(body).phase = Phase::Running;
        self.uncounted_violation |= !counted && !refused;
        // A round that only a fault spoilt was refused by nobody.
        let disturbed = self.block.marks.get_mut(&Mark::Disturbed(node));
        let spoilt = disturbed.is_some_and(|memory| {
            std::mem::replace(memory, Memory::Value(Value::Null)) == Memory::Set
        });
        if refused || (!spoilt && program.polls.contains(&node)) {
            self.tell(node, Round::Again);
        }
    }

    /// An Until ended by its limit, or went on.
    fn tell(&mut self, node: NodeId, round: Round) {
        self.events.push(Event { step: 1, round: Some(round), ..Event::new(node, Value::Null) });
    }

    /// Makes everything below (and with) a node as new.
    pub(super) fn reset(&mut self, root: NodeId) {
        for node in self.program.subtree(root) {
            if self.program.node(node).class == self.class {
                *self.at(node) = NodeState::default();
                self.block.marks.retain(
                    |m, _| !matches!(m, Mark::Base(r, _) | Mark::BaseAround(r, _) if *r == node),
                );
            }
        }
    }
}

/// How many items a loop goes over.
pub fn length(items: &Value) -> u64 {
    match items {
        Value::Int(n) => u64::try_from(*n).unwrap_or(0),
        Value::Array(items) => items.len() as u64,
        _ => 0,
    }
}

/// The reader that sees the item of this block as the loop's.
fn looped_reader(machine: &Machine<'_>, looped: NodeId) -> NodeId {
    machine.program.node(looped).children.first().copied().unwrap_or(looped)
}
