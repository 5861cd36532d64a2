//! Steps by look-up: what each process offers is kept from step to step, and what a move leads to is read off what the
//! engine has learned. What cannot be said like that is left to the engine, which then decides alike.

use crate::explore::engine::delta::{Delta, Local, Plain};
use crate::explore::engine::{Engine, State};
use crate::explore::layout::Unit;
use crate::model::elapse::can_elapse;
use crate::model::ids::{ClassId, NodeId};

/// A process, and the numbers of the moves that it offers.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) unit: Unit,
    class: ClassId,
    pub(super) place: usize,
    root: usize,
    first: u32,
    len: u32,
}

/// All processes of a state.
#[derive(Clone, Debug)]
pub(super) struct Spots {
    pub(super) list: Vec<Spot>,
    /// Moves there are.
    pub(super) total: u32,
    /// The only process whose moves changed with the last step.
    pub(super) changed: Option<usize>,
}

/// A move: whose, its number, and its place among all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) spot: usize,
    pub(super) local: u32,
    pub(super) at: u32,
}

impl Spots {
    /// `None` where moves are more than steps of processes.
    pub(super) fn new(engine: &Engine<'_>) -> Option<Self> {
        if engine.program.faults > 0 || engine.leases() || can_elapse(engine.program) {
            return None;
        }
        let spot = |unit: Unit| Spot {
            unit,
            class: engine.layout.class(unit),
            place: engine.layout.place(unit),
            root: engine.layout.root(unit.run),
            first: 0,
            len: 0,
        };
        let list = engine.layout.units().map(spot).collect();
        Some(Self { list, total: 0, changed: None })
    }

    /// Looks at every process.
    pub(super) fn refresh(&mut self, engine: &Engine<'_>, state: &State) {
        for at in 0..self.list.len() {
            self.look(engine, state, at);
        }
        self.changed = None;
    }

    fn look(&mut self, engine: &Engine<'_>, state: &State, at: usize) {
        let spot = &mut self.list[at];
        let block = state[spot.place];
        let locals = if block == 0 { 0..0 } else { engine.locals_of(spot.class, block) };
        self.total -= spot.len;
        (spot.first, spot.len) = (locals.start, locals.end - locals.start);
        self.total += spot.len;
    }

    /// The move at a place among all.
    pub(super) fn nth(&self, at: u32) -> Chosen {
        let mut left = at;
        for (spot, s) in self.list.iter().enumerate() {
            if left < s.len {
                return Chosen { spot, local: s.first + left, at };
            }
            left -= s.len;
        }
        unreachable!("internal error: fewer moves than counted")
    }

    /// The one move of the process that alone has changed, if it offers just one.
    pub(super) fn only(&self) -> Option<Chosen> {
        let spot = self.changed?;
        let before: u32 = self.list[..spot].iter().map(|s| s.len).sum();
        let s = &self.list[spot];
        (s.len == 1).then_some(Chosen { spot, local: s.first, at: before })
    }

    /// All moves.
    pub(super) fn all(&self) -> impl Iterator<Item = Chosen> {
        let each =
            |(spot, s): (usize, &Spot)| (s.first..s.first + s.len).map(move |local| (spot, local));
        let moves = self.list.iter().enumerate().flat_map(each);
        (0..).zip(moves).map(|(at, (spot, local))| Chosen { spot, local, at })
    }

    /// The action of a move.
    pub(super) fn node(engine: &Engine<'_>, chosen: Chosen) -> NodeId {
        match engine.local(chosen.local) {
            Local::Node(node) => node,
            Local::Fault(..) | Local::Expire(_) => unreachable!("internal error: not asked for"),
        }
    }

    /// The state after a move, into `next`; whether that could be looked up.
    pub(super) fn take(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        chosen: Chosen,
        next: &mut State,
    ) -> bool {
        let spot = &self.list[chosen.spot];
        if engine.delta(state, spot.unit, chosen.local).is_none() {
            engine.learn_one(state, spot.unit, chosen.local);
        }
        let Some(Delta::Plain(plain)) = engine.delta(state, spot.unit, chosen.local) else {
            return false;
        };
        if plain.cleared {
            return false;
        }
        next.clone_from(state);
        if !self.hear(engine, spot, plain, next) {
            return false;
        }
        next[0] = plain.world;
        for &(resource, number) in &plain.writes {
            next[engine.layout.resource(resource, spot.unit.run)] = number;
        }
        if spot.unit.slot > 0 {
            next[spot.root] = plain.root;
        }
        next[spot.place] = plain.block;
        true
    }

    /// Everybody else hears of the step; whether what they make of it is known.
    fn hear(&self, engine: &Engine<'_>, by: &Spot, plain: &Plain, next: &mut State) -> bool {
        for heard in &plain.heard {
            if !engine.anybody_hears(heard.resource) {
                continue;
            }
            let own = Unit { run: by.unit.run, slot: 0 };
            let source = if heard.by_root { own } else { by.unit };
            for other in &self.list {
                let unit = other.unit;
                if unit == by.unit
                    || unit == own
                    || !engine.must_hear(next, unit, source, heard.resource)
                {
                    continue;
                }
                let related = unit.run == source.run && (unit.slot == 0 || source.slot == 0);
                match engine.heard(next, unit, heard.change, related) {
                    Some(number) => next[other.place] = number,
                    None => return false,
                }
            }
        }
        true
    }

    /// After a step from `before` to `after`.
    pub(super) fn took(
        &mut self,
        engine: &Engine<'_>,
        chosen: Chosen,
        before: &State,
        after: &State,
    ) {
        let mut alone = true;
        for at in 0..self.list.len() {
            let place = self.list[at].place;
            if before[place] != after[place] {
                alone &= at == chosen.spot || self.list[at].len == 0;
                self.look(engine, after, at);
                alone &= at == chosen.spot || self.list[at].len == 0;
            }
        }
        self.changed = alone.then_some(chosen.spot);
    }
}
