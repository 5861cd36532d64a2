//! All final values without listing states: what can be stored, and a schedule for each.
//!
//! Nothing else: where every write of a cell adds to what the cell held, it ends with the start and the sum of all that
//! was added. Where writes also add to values that the cell held earlier, and all add the same k, every value that is
//! ever stored is start + k·m, with m from 1 to the number of writes (each write stores some earlier value + k, by
//! induction on the writes). How often each process writes, and adds, is read off the closed set of abstract states.
//! Each value: one process is held in the middle of its work while all others run to the end, for each place where it
//! can be held; the schedules are run on the full instance. If they give every value, the set is complete.

use super::cover::{Cover, End};
use super::relative::Cell;
use crate::explore::ending::{Joint, outcome};
use crate::explore::engine::{Engine, Move, State};
use crate::explore::layout::Unit;
use crate::explore::limits::Stop;
use crate::model::block::Phase;
use crate::model::expression::Expr;
use crate::model::ids::{ClassId, NodeId};
use crate::model::program::{Kind, Over, Program};
use crate::model::value::Value;
use std::collections::BTreeSet;

/// The values that a cell may end with: `first + step·m` for `m` up to `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progression {
    /// Of which cell.
    pub cell: Cell,
    /// The value for 0.
    pub first: i64,
    /// From one to the next.
    pub step: i64,
    /// The largest multiple.
    pub last: u64,
}

/// Whether everything ends the same way, whatever the schedule, for any number of items.
pub fn deterministic(cover: &Cover<'_>) -> bool {
    let exact = |c: &Cell| cover.stepper.habits.get(c).is_none_or(|h| !h.late && !h.unrelated);
    let program = cover.stepper.program;
    cover.ends.len() == 1
        && !cover.stepper.terminated
        && cells(cover).iter().all(exact)
        && program.flows.iter().all(|f| f.loops.iter().all(|&c| cover.total(c).is_some()))
        && cover.ends.iter().all(|e| e.runs.len() == program.flows.len())
}

/// The observed relative cells.
fn cells(cover: &Cover<'_>) -> Vec<Cell> {
    let program = cover.stepper.program;
    let mut all: BTreeSet<Cell> = cover.stepper.habits.keys().cloned().collect();
    for (resource, column) in &cover.stepper.relative {
        for row in 0..program.resource(*resource).initial.len() {
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            all.insert(Cell { resource: *resource, row, column: column.clone() });
        }
    }
    let observed = |c: &Cell| {
        program
            .observed
            .iter()
            .any(|o| o.resource == c.resource && o.column.as_ref().is_none_or(|k| *k == c.column))
    };
    all.into_iter().filter(observed).collect()
}

/// The values that each observed relative cell can end with at most, for the items of the program; `None` if that
/// does not follow, or if everything else does not end the same way.
pub fn derive(cover: &Cover<'_>) -> Option<Vec<Progression>> {
    let program = cover.stepper.program;
    let end = cover.ends.first()?;
    if cover.ends.len() != 1 || cover.stepper.terminated || end.runs.len() != program.flows.len() {
        return None;
    }
    cells(cover).into_iter().map(|cell| progression(cover, end, cell)).collect()
}

fn progression(cover: &Cover<'_>, end: &End, cell: Cell) -> Option<Progression> {
    let program = cover.stepper.program;
    let row = program.resource(cell.resource).initial.get(cell.row as usize)?;
    let Some(&Value::Int(start)) = row.get(&cell.column) else { return None };
    let (mut writes, mut sum) = (0u64, start);
    for (flow, tally, ended) in &end.runs {
        let plan = &program.flows[*flow as usize];
        let of = |t: &super::state::Tally| t.get(&cell).copied().unwrap_or_default();
        let (w, s) = of(tally);
        let mut one = (u64::from(w), s);
        for (&class, &times) in plan.loops.iter().zip(ended) {
            if times > 1 {
                return None;
            }
            let (w, s) = of(&*cover.total(class)?);
            let items = u64::from(times).checked_mul(items(program, class)?)?;
            one.0 = one.0.checked_add(items.checked_mul(u64::from(w))?)?;
            one.1 = one.1.checked_add(i64::try_from(items).ok()?.checked_mul(s)?)?;
        }
        writes = writes.checked_add(one.0.checked_mul(u64::from(plan.runs))?)?;
        sum = sum.checked_add(one.1.checked_mul(i64::from(plan.runs))?)?;
    }
    let habits = cover.stepper.habits.get(&cell).cloned().unwrap_or_default();
    if habits.unrelated {
        return None;
    }
    if !habits.late || writes == 0 {
        return Some(Progression { cell, first: sum, step: 0, last: 0 });
    }
    let mut summands = habits.summands.iter();
    let (Some(&step), None) = (summands.next(), summands.next()) else { return None };
    let first = start.checked_add(step)?;
    (step != 0).then_some(Progression { cell, first, step, last: writes - 1 })
}

/// The items of a concurrent loop, if that is known before it runs.
fn items(program: &Program, class: ClassId) -> Option<u64> {
    match &program.node(program.class(class).looped?).kind {
        Kind::Loop { over: Over::Count(n) | Over::Values(Expr::Const(_), n), .. } => Some(*n),
        _ => None,
    }
}

/// The complete set of outcomes, if there is a schedule for each value that is possible.
pub fn outcomes(
    engine: &mut Engine<'_>,
    finals: &[Progression],
    stop: &dyn Stop,
) -> Option<BTreeSet<Joint>> {
    let mut open = finals.iter().filter(|f| f.last > 0);
    let wanted = open.next().map_or(1, |f| f.last.saturating_add(1));
    if open.next().is_some() {
        return None;
    }
    let mut found = BTreeSet::new();
    let mut serial = Walk::new(engine)?;
    loop {
        // The process that is in the middle waits until all others are at the end.
        if let Some(held) = serial.current.filter(|_| !serial.over) {
            let mut side = serial.clone();
            side.run(engine, Some(held));
            side.run(engine, None);
            found.extend(side.outcome(engine));
        }
        if found.len() as u64 >= wanted || stop.stopped().is_some() || !serial.step(engine, None) {
            break;
        }
    }
    serial.run(engine, None);
    found.extend(serial.outcome(engine));
    let possible = |o: &Joint| finals.iter().all(|f| possible(engine.program, o, f));
    (found.len() as u64 == wanted && found.iter().all(possible)).then_some(found)
}

/// Whether the outcome shows one of the values that were derived.
pub fn possible(program: &Program, (_, values): &Joint, of: &Progression) -> bool {
    let mut all = program.observed.iter().zip(values).filter(|(o, _)| {
        o.resource == of.cell.resource && o.column.as_ref() == Some(&of.cell.column)
    });
    all.all(|(_, value)| {
        let Value::Int(n) = value else { return false };
        let Some(past) = n.checked_sub(of.first) else { return false };
        if of.step == 0 {
            past == 0
        } else {
            past % of.step == 0 && u64::try_from(past / of.step).is_ok_and(|m| m <= of.last)
        }
    })
}

/// The outcome of one schedule in which nobody is interrupted who can go on.
pub fn some_outcome(engine: &mut Engine<'_>) -> Option<Joint> {
    let mut walk = Walk::new(engine)?;
    walk.run(engine, None);
    walk.outcome(engine)
}

/// How everything ends if from here on nobody is interrupted who can go on.
pub fn end_of(engine: &mut Engine<'_>, state: &State) -> Option<Joint> {
    let mut walk = Walk { state: state.clone(), next: State::new(), current: None, over: false };
    walk.run(engine, None);
    walk.outcome(engine)
}

/// The one serial outcome, if interchangeable processes are all that a serial schedule may choose between.
pub fn serial_outcome(engine: &mut Engine<'_>) -> Option<Joint> {
    let mut walk = Walk::new(engine)?;
    while walk.only_choice(engine) {
        if !walk.step(engine, None) {
            return walk.outcome(engine);
        }
    }
    None
}

/// A schedule under way.
#[derive(Clone)]
struct Walk {
    state: State,
    next: State,
    /// Who stepped last.
    current: Option<Unit>,
    /// Whether that was an iteration that has ended with its step.
    over: bool,
}

impl Walk {
    fn new(engine: &mut Engine<'_>) -> Option<Self> {
        let initial = engine.initial();
        let [state] = initial.as_slice() else { return None };
        Some(Self { state: state.clone(), next: State::new(), current: None, over: false })
    }

    fn ready(&self, engine: &Engine<'_>, unit: Unit) -> Vec<NodeId> {
        if self.state[engine.layout.place(unit)] == 0 {
            return Vec::new();
        }
        let nodes = &engine.program.class(engine.layout.class(unit)).nodes;
        let block = engine.block(&self.state, unit);
        let ready = block.nodes.iter().zip(nodes);
        ready.filter(|(s, _)| matches!(s.phase, Phase::Ready(_))).map(|(_, &n)| n).collect()
    }

    /// Whether two processes of the same kind stand exactly alike.
    fn alike(&self, engine: &Engine<'_>, a: Unit, b: Unit) -> bool {
        let at = |u: Unit| self.state[engine.layout.place(u)];
        engine.layout.class(a) == engine.layout.class(b) && at(a) == at(b)
    }

    fn try_step(&mut self, engine: &mut Engine<'_>, unit: Unit) -> bool {
        for node in self.ready(engine, unit) {
            if engine.take_into(&self.state, Move::Step(unit, node), &mut self.next) {
                std::mem::swap(&mut self.state, &mut self.next);
                let root = engine.layout.place(Unit { slot: 0, ..unit });
                self.current = Some(unit);
                // Its loop has counted it.
                self.over = unit.slot > 0 && self.state[root] != self.next[root];
                return true;
            }
        }
        false
    }

    /// One more step of whoever is under way, else of the first that can go on; `held` does not.
    fn step(&mut self, engine: &mut Engine<'_>, held: Option<Unit>) -> bool {
        if let Some(unit) = self.current.filter(|u| Some(*u) != held)
            && self.try_step(engine, unit)
        {
            return true;
        }
        let units: Vec<Unit> = engine.layout.units().filter(|u| Some(*u) != held).collect();
        units.into_iter().any(|unit| self.try_step(engine, unit))
    }

    fn run(&mut self, engine: &mut Engine<'_>, held: Option<Unit>) {
        // A poll could go on for ever.
        for _ in 0..1_000_000 {
            if !self.step(engine, held) {
                return;
            }
        }
    }

    fn outcome(&self, engine: &Engine<'_>) -> Option<Joint> {
        engine.all_ended(&self.state).then(|| outcome(engine, &self.state))
    }

    /// Whether a serial schedule has no choice here but between processes that stand alike.
    fn only_choice(&self, engine: &Engine<'_>) -> bool {
        let current = self.current.filter(|_| !self.over);
        let under_way = current.map_or(0, |u| self.ready(engine, u).len());
        if under_way > 0 {
            return under_way == 1;
        }
        let able: Vec<Unit> =
            engine.layout.units().filter(|&u| !self.ready(engine, u).is_empty()).collect();
        let one = able.first().map_or(0, |&u| self.ready(engine, u).len());
        one <= 1
            && (able.len() <= 1
                || able
                    .iter()
                    .all(|&u| u.slot > 0 && u.run == able[0].run && self.alike(engine, u, able[0])))
    }
}
