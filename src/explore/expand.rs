//! Expansion: all successors of a packed state, from what the engine has learned and without changing anything.
//!
//! In a sorted state a step takes one number out of the slots of its loop and puts another one in, so a successor is
//! made by moving the bits in between; sorting is needed only if other processes hear of the step.

use super::engine::Engine;
use super::engine::delta::{Delta, Local, Plain};
use super::layout::Unit;
use super::packed::{Field, Format, Packed};
use super::visited::SHARDS;
use crate::model::ids::ClassId;

/// What became of some states.
#[derive(Debug)]
pub struct Batch<P> {
    /// Successors, by shard.
    pub buckets: Vec<Vec<P>>,
    /// How many there are, with repetitions.
    pub transitions: u64,
    /// States in which everything has ended.
    pub ended: Vec<P>,
    /// States about which something has to be learned first, or in which nothing can go on.
    pub late: Vec<P>,
}

impl<P> Default for Batch<P> {
    fn default() -> Self {
        let buckets = (0..SHARDS).map(|_| Vec::new()).collect();
        Self { buckets, transitions: 0, ended: Vec::new(), late: Vec::new() }
    }
}

impl<P> Batch<P> {
    /// Forgets everything but its room.
    pub fn clear(&mut self) {
        self.buckets.iter_mut().for_each(Vec::clear);
        self.transitions = 0;
        self.ended.clear();
        self.late.clear();
    }
}

/// A process, and where its block and its likes stand.
#[derive(Clone, Copy, Debug)]
struct Stand {
    unit: Unit,
    class: ClassId,
    place: usize,
    root: usize,
    /// The slots of its loop, as places; only itself for a run.
    from: usize,
    to: usize,
}

/// Where every process stands.
#[derive(Debug)]
pub struct Plan {
    stands: Vec<Stand>,
    /// Whether no two runs can change places, so that each loop is sorted by itself.
    flat: bool,
}

impl Plan {
    /// For all states of a search.
    pub fn new(engine: &Engine<'_>) -> Self {
        let layout = &engine.layout;
        let stand = |unit: Unit| {
            let (class, place) = (layout.class(unit), layout.place(unit));
            let alike = |u: &Unit| layout.class(*u) == class;
            let places = || layout.slots(unit.run).filter(alike).map(|u| layout.place(u));
            let (from, to) = match unit.slot {
                0 => (place, place + 1),
                _ => (places().min().unwrap_or(place), places().max().unwrap_or(place) + 1),
            };
            Stand { unit, class, place, root: layout.root(unit.run), from, to }
        };
        let alone = |run| (0..run).all(|other| layout.flow(other) != layout.flow(run));
        let flat = !engine.symmetry || (0..layout.runs()).all(alone);
        Self { stands: layout.units().map(stand).collect(), flat }
    }
}

/// Expands states of one format.
#[derive(Debug)]
pub struct Expander<'e, 'p> {
    engine: &'e Engine<'p>,
    format: &'e Format,
    plan: &'e Plan,
    state: Vec<u32>,
    next: Vec<u32>,
}

/// Why a state could not be expanded.
struct Late;

impl<'e, 'p> Expander<'e, 'p> {
    /// For states of this format.
    pub fn new(engine: &'e Engine<'p>, format: &'e Format, plan: &'e Plan) -> Self {
        Self { engine, format, plan, state: Vec::new(), next: Vec::new() }
    }

    /// Adds the successors of a state to the batch; whether it could be expanded. If not, it is among those that are
    /// late (or ended), and some of its successors may be there already, uncounted.
    pub fn expand<P: Packed>(&mut self, parent: &P, batch: &mut Batch<P>) -> bool {
        self.format.unpack(parent, &mut self.state);
        if self.engine.all_ended(&self.state) {
            batch.ended.push(parent.clone());
            return true;
        }
        match self.successors(parent, batch) {
            Ok(0) | Err(Late) => {
                batch.late.push(parent.clone());
                false
            }
            Ok(n) => {
                batch.transitions += n;
                true
            }
        }
    }

    fn successors<P: Packed>(&mut self, parent: &P, batch: &mut Batch<P>) -> Result<u64, Late> {
        let engine = self.engine;
        if engine.abandoned(&self.state).next().is_some()
            || engine.under_way(&self.state).next().is_some()
        {
            return Err(Late);
        }
        let (mut count, mut goes_on) = (0, false);
        for &stand in &self.plan.stands {
            let number = self.state[stand.place];
            if number == 0 || (engine.symmetry && self.twin_before(stand)) {
                continue;
            }
            let places = engine.layout.resources(stand.unit.run);
            let root = if stand.unit.slot == 0 { 0 } else { self.state[stand.root] };
            for local in engine.locals_of(stand.class, number) {
                match engine.delta_in(&self.state, places, root, local) {
                    None | Some(Delta::Slow) => return Err(Late),
                    Some(Delta::Disabled) => {}
                    Some(Delta::Plain(plain)) => {
                        let next = self.apply(parent, stand, plain)?;
                        batch.buckets[self.format.shard(&next, SHARDS)].push(next);
                        count += 1;
                        goes_on |= !matches!(engine.local(local), Local::Fault(..));
                    }
                }
            }
        }
        // Whoever can only be helped by a fault is stuck.
        Ok(if goes_on { count } else { 0 })
    }

    fn twin_before(&self, stand: Stand) -> bool {
        (stand.place > stand.from && self.state[stand.place - 1] == self.state[stand.place])
            || (!self.plan.flat && self.engine.layout.run_twin_before(&self.state, stand.unit.run))
    }

    fn apply<P: Packed>(&mut self, parent: &P, stand: Stand, plain: &Plain) -> Result<P, Late> {
        let engine = self.engine;
        let loud = plain.heard.iter().any(|h| engine.anybody_hears(h.resource));
        if (loud && self.hear(stand, plain)?) || plain.cleared || !self.plan.flat {
            return Ok(self.rebuild(stand, plain, loud));
        }
        let mut next = parent.clone();
        set(&mut next, self.format, 0, plain.world);
        for &(resource, number) in &plain.writes {
            set(&mut next, self.format, engine.layout.resource(resource, stand.unit.run), number);
        }
        if stand.unit.slot == 0 {
            set(&mut next, self.format, stand.place, plain.block);
            return Ok(next);
        }
        set(&mut next, self.format, stand.root, plain.root);
        if engine.symmetry {
            self.replace(&mut next, stand, plain.block);
        } else {
            set(&mut next, self.format, stand.place, plain.block);
        }
        Ok(next)
    }

    /// Takes one number out of sorted slots and puts another one in.
    fn replace<P: Packed>(&self, next: &mut P, stand: Stand, new: u32) {
        let place = stand.place;
        let Field { width, .. } = self.format.fields[place];
        let bit = |place: usize| self.format.fields[place].at;
        let length = |from: usize, to: usize| (bit(to - 1) + width).saturating_sub(bit(from));
        let to = if new > self.state[place] {
            let before = &self.state[stand.from..place];
            let to = stand.from + before.partition_point(|&n| n >= new);
            if to < place {
                next.up(bit(to), length(to, place), width);
            }
            to
        } else {
            let after = &self.state[place + 1..stand.to];
            let to = place + after.partition_point(|&n| n > new);
            if to > place {
                next.down(bit(place + 1), length(place + 1, to + 1), width);
            }
            to
        };
        set(next, self.format, to, new);
    }

    /// The other processes hear of the step, into `next`; whether that changed any of them.
    fn hear(&mut self, stand: Stand, plain: &Plain) -> Result<bool, Late> {
        self.next.clone_from(&self.state);
        let mut changed = false;
        for heard in &plain.heard {
            if !self.engine.anybody_hears(heard.resource) {
                continue;
            }
            let own = Unit { run: stand.unit.run, slot: 0 };
            let by = if heard.by_root { own } else { stand.unit };
            let mut last = (usize::MAX, 0, 0);
            for other in &self.plan.stands {
                let number = self.next[other.place];
                if number == 0 || other.unit == stand.unit || other.unit == own {
                    continue;
                }
                // Alike blocks of a loop stand side by side.
                if last.0 != other.from || last.1 != number {
                    let unit = other.unit;
                    let related = unit.run == by.run && (unit.slot == 0 || by.slot == 0);
                    let new = if self.engine.must_hear(&self.next, unit, by, heard.resource) {
                        self.engine.heard(&self.next, unit, heard.change, related).ok_or(Late)?
                    } else {
                        number
                    };
                    last = (other.from, number, new);
                }
                self.next[other.place] = last.2;
                changed |= last.2 != number;
            }
        }
        Ok(changed)
    }

    /// The successor from its components.
    fn rebuild<P: Packed>(&mut self, stand: Stand, plain: &Plain, heard: bool) -> P {
        if !heard {
            self.next.clone_from(&self.state);
        }
        let next = &mut self.next;
        next[0] = plain.world;
        for &(resource, number) in &plain.writes {
            next[self.engine.layout.resource(resource, stand.unit.run)] = number;
        }
        if stand.unit.slot > 0 {
            next[stand.root] = plain.root;
        }
        next[stand.place] = plain.block;
        for gone in self.plan.stands.iter().filter(|s| plain.cleared && s.root == stand.root) {
            if gone.unit.slot > 0 {
                next[gone.place] = 0;
            }
        }
        if self.engine.symmetry {
            self.engine.layout.canonical(next, None);
        }
        self.format.pack(next)
    }
}

fn set<P: Packed>(packed: &mut P, format: &Format, place: usize, number: u32) {
    let Field { at, width } = format.fields[place];
    packed.put(at, width, u64::from(number));
}
