//! A variable that is set to this or that by a condition: the condition is re-evaluated too.
//!
//! *Look, remember in a variable what was seen, act on the variable*: the value is a constant, and still it is as old as
//! the read that its condition looked at.

use super::again::{Again, Refresh, concerns};
use super::lookup::condition;
use crate::model::evaluate::evaluate;
use crate::model::expression::{Expr, Failure};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Guard, Kind, Program, Status, StatusSet, Step};
use crate::model::value::Value;

/// An action that sets a variable, and the conditions between it and what both are in.
struct Setter<'p> {
    node: NodeId,
    value: &'p Expr,
    guards: Vec<Guard>,
}

impl Again<'_, '_> {
    /// What a variable that `writer` has set last would hold at `reader` had the conditions that chose its value been
    /// asked now; `None` if no condition that reads again chose it, or if that cannot be told.
    pub(super) fn chosen(
        &mut self,
        variable: ResourceId,
        reader: NodeId,
        writer: Option<NodeId>,
    ) -> Option<Result<Value, Failure>> {
        let program = self.view.program;
        let present = self.depth == 0;
        if present && !program.chosen.contains(&variable) {
            return None;
        }
        let setters = setters(program, variable, reader)?;
        let mut asked = setters.iter().flat_map(|s| &s.guards);
        let turned =
            |g: &Guard| condition(program, g).is_some_and(|e| concerns(program, e, &self.refresh));
        // An earlier point of the flow must not see what was set since; the present needs a reason to look further.
        if present && !asked.any(turned) {
            return None;
        }
        let guarded = setters.iter().any(|s| !s.guards.is_empty());
        if self.nested >= DEEPEST && guarded {
            self.lost = true;
            return None;
        }
        if present {
            self.lost = false;
        }
        let step = u32::from(guarded);
        (self.depth, self.nested) = (self.depth + 1, self.nested + step);
        let refresh = std::mem::replace(&mut self.refresh, Refresh::Nothing);
        let then = self.last_to_run(&setters, writer);
        self.refresh = refresh;
        let now = self.last_to_run(&setters, writer);
        let value = now.map(|now| {
            let Some(setter) = now else {
                let first = program.resource(variable).initial.first();
                return Ok(first.and_then(|r| r.get("value")).cloned().unwrap_or(Value::Null));
            };
            self.as_reader(setter.node, |me| evaluate(setter.value, me))
        });
        (self.depth, self.nested) = (self.depth - 1, self.nested - step);
        // What the conditions say of then must be what has happened: an action can also be skipped, or fail.
        let told = then.is_ok_and(|then| then.map(|s| s.node) == writer);
        if present && (self.lost || !told) { None } else { value.ok() }
    }

    /// The setter that ran last by what the conditions say; `None` if nobody did.
    fn last_to_run<'s, 'p>(
        &mut self,
        setters: &'s [Setter<'p>],
        writer: Option<NodeId>,
    ) -> Result<Option<&'s Setter<'p>>, Unknown> {
        'setters: for setter in setters.iter().rev() {
            for guard in &setter.guards {
                match self.decides(guard) {
                    Some(true) => {}
                    Some(false) => continue 'setters,
                    // What nobody knows is as it was: whoever wrote last did run.
                    None if writer == Some(setter.node) => {}
                    None if writer.is_some_and(|w| sides(self.view.program, w, setter.node)) => {
                        continue 'setters;
                    }
                    None => return Err(Unknown),
                }
            }
            return Ok(Some(setter));
        }
        Ok(None)
    }
}

/// It hangs on a condition that nobody knows.
struct Unknown;

/// Conditions on variables that conditions chose are followed so far.
const DEEPEST: u32 = 3;

/// Who sets a variable before `reader`, in order; `None` if somebody does otherwise than by setting it, unordered with
/// `reader`, or in rounds.
fn setters(program: &Program, variable: ResourceId, reader: NodeId) -> Option<Vec<Setter<'_>>> {
    let mut found: Vec<Setter<'_>> = Vec::new();
    for id in program.ids() {
        let Kind::Leaf(steps) = &program.node(id).kind else { continue };
        for step in steps {
            let Step::Access(r, access) = step else { continue };
            if *r != variable || matches!(access, Access::Get) {
                continue;
            }
            if program.comes_round(reader, id) {
                return None;
            }
            if program.precedes(reader, id) || program.inside(id, reader) {
                continue;
            }
            let Access::Update { set, .. } = access else { return None };
            let [(_, value)] = set.as_slice() else { return None };
            if !program.precedes(id, reader) {
                // The other side of a condition that `reader` is in, too, has nothing to say.
                let (container, ..) = program.fork(id, reader)?;
                if matches!(program.node(container).kind, Kind::If(_) | Kind::Switch(..)) {
                    continue;
                }
                return None;
            }
            if !plain(program, id, reader) || found.iter().any(|s| unordered(program, s.node, id)) {
                return None;
            }
            let later = found.iter().position(|s| program.precedes(id, s.node));
            let setter = Setter { node: id, value, guards: between(program, id, reader)? };
            found.insert(later.unwrap_or(found.len()), setter);
        }
    }
    Some(found)
}

/// Whether an action runs whenever the conditions around it say so: nothing on the way to it waits for a failure.
fn plain(program: &Program, node: NodeId, other: NodeId) -> bool {
    let mut on_the_way = program.ancestors(node).take_while(|&n| !program.inside(other, n));
    on_the_way.all(|n| {
        let only = |s: &StatusSet| s.has(Status::Succeeded) && !s.has(Status::Failed);
        program.node(n).run_after.iter().all(|(_, statuses)| only(statuses))
    })
}

/// Whether either may come last.
fn unordered(program: &Program, a: NodeId, b: NodeId) -> bool {
    !program.precedes(a, b) && !program.precedes(b, a) && !sides(program, a, b)
}

/// Whether only one of the two can run: they are on two sides of one condition.
fn sides(program: &Program, a: NodeId, b: NodeId) -> bool {
    program.fork(a, b).is_some_and(|(container, ..)| {
        matches!(program.node(container).kind, Kind::If(_) | Kind::Switch(..))
    })
}

/// The conditions that an action is under and the other is not; `None` if it is in a loop that the other is not in.
fn between(program: &Program, node: NodeId, other: NodeId) -> Option<Vec<Guard>> {
    let mut guards = Vec::new();
    let mut inner = node;
    for outer in program.ancestors(node).skip(1) {
        let shared = program.inside(other, outer);
        let position = program.node(outer).children.iter().position(|&c| c == inner)?;
        match &program.node(outer).kind {
            Kind::Loop { .. } | Kind::Until { .. } if !shared => return None,
            Kind::If(condition) | Kind::Switch(condition, _)
                if !shared && !told(program, condition, outer) =>
            {
                return None;
            }
            Kind::If(_) if !shared => guards.push(Guard::Side(outer, position == 0)),
            Kind::Switch(_, cases) if !shared => {
                guards.push(Guard::Case(outer, (position < cases.len()).then_some(position)));
            }
            _ => {}
        }
        inner = outer;
    }
    Some(guards)
}

/// Whether it can be told from the order of the actions what the variables of a condition hold there.
fn told(program: &Program, condition: &Expr, at: NodeId) -> bool {
    let mut all = true;
    condition.visit(&mut |e| {
        if let Expr::Variable(v) = e {
            all &= setters(program, *v, at).is_some();
        }
    });
    all
}
