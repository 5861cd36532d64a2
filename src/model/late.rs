//! Late effects: an attempt that got no answer is still on its way, and takes effect later (semantics §6: a blind set
//! *may overwrite a newer value late*).
//!
//! What is under way lies with the resource that it is for, as the inputs it was sent with: the run that sent it may have
//! gone on, or ended. It names an action, never a block. It arrives at any later moment, a move that costs nothing, and
//! it does arrive: one that never does is another fault ([`Fault::Failed`](super::fault::Fault)). To everybody else it is
//! a stranger's change. To whoever sent it, it is its own, made at that moment: what it had read before it sent it is as
//! old as it was then, and what it read since has changed.

use super::access::act;
use super::answers::Answers;
use super::block::{Block, Mark, Memory, Phase};
use super::content::Content;
use super::evaluate::evaluate;
use super::expression::Expr;
use super::ids::{NodeId, ResourceId};
use super::program::{Access, Columns, Filter, Kind, Program, Step};
use super::transition::{Change, Event, Halt, Machine};
use super::value::Value;
use super::view::Store;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A write that is under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Late {
    /// The action that sent it.
    pub node: NodeId,
    /// Which further attempt it was; 0 for the first.
    pub attempt: u32,
    /// What it was sent with, in the order of [`Access::expressions`].
    pub sent: Vec<Value>,
    /// Cells that it may write and that were written since it was sent.
    pub newer: BTreeSet<(u32, Arc<str>)>,
}

impl Access {
    /// The same with other expressions; `None` if it looks at what it finds: a conditional write, a statement over the
    /// row, what is about a lease.
    fn blindly(&self, of: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Option<Self> {
        let any =
            |etag: &Option<Expr>| etag.as_ref().is_none_or(|e| *e == Expr::Const(Value::text("*")));
        let mut columns = |list: &Columns| -> Option<Columns> {
            list.iter().map(|(column, e)| Some((column.clone(), of(e)?))).collect()
        };
        let plain = |filter: &Filter| filter.rest.is_none() && filter.order.is_empty();
        let with = |filter: &Filter, equal: Columns| Filter { equal, ..filter.clone() };
        Some(match self {
            Self::Update { filter, set, if_match, sql } if any(if_match) && plain(filter) => {
                let filter = with(filter, columns(&filter.equal)?);
                let (set, if_match) = (columns(set)?, if_match.clone());
                Self::Update { filter, set, if_match, sql: *sql }
            }
            Self::Create(row) => Self::Create(columns(row)?),
            Self::Upsert { key, row } => Self::Upsert { key: columns(key)?, row: columns(row)? },
            Self::Delete(filter, sql) if plain(filter) => {
                Self::Delete(with(filter, columns(&filter.equal)?), *sql)
            }
            Self::Write { value, lease: None, if_match } if any(if_match) => {
                let (value, if_match) = (of(value)?, if_match.clone());
                Self::Write { value, lease: None, if_match }
            }
            _ => return None,
        })
    }

    /// Whether it does the same whatever it finds, so that it can do harm late.
    pub fn is_blind(&self) -> bool {
        let over_row = |e: &Expr| {
            let mut found = false;
            e.visit(&mut |e| found |= matches!(e, Expr::Column(_)));
            found
        };
        self.blindly(&mut |e| (!over_row(e)).then(|| e.clone())).is_some()
    }

    /// The columns whose newer values it would write over; the empty one for a row that it removes or makes again.
    fn overwrites(&self) -> Vec<Arc<str>> {
        let names = |columns: &Columns| columns.iter().map(|(c, _)| c.clone()).collect();
        match self {
            Self::Update { set, .. } => names(set),
            Self::Upsert { row, .. } => names(row),
            Self::Write { .. } => vec!["value".into()],
            Self::Delete(..) | Self::Create(_) => vec!["".into()],
            _ => Vec::new(),
        }
    }
}

/// The access of an action that can be late.
pub fn blind_access(program: &Program, node: NodeId) -> Option<(ResourceId, &Access)> {
    match &program.node(node).kind {
        Kind::Leaf(steps) => match steps.as_slice() {
            [Step::Access(resource, access)] if access.is_blind() => Some((*resource, access)),
            _ => None,
        },
        _ => None,
    }
}

impl Late {
    /// What it was sent with, as one value.
    pub(super) fn inputs(&self) -> Value {
        Value::array(self.sent.clone())
    }
}

impl Block {
    /// Whether a change is what this process sent, arriving late.
    pub(super) fn sent(&self, change: &Change) -> bool {
        let mark = Mark::Late(change.resource, change.node);
        match (self.marks.get(&mark), &change.late) {
            (Some(Memory::Value(sent)), Some(late)) => sent == late,
            _ => false,
        }
    }

    /// What this process sent has arrived: it is as if the process had changed it now, for all it had read by then.
    pub(super) fn arrived(&mut self, program: &Program, change: &Change) {
        let (node, own) = (change.node, program.node(change.node).class);
        for &reader in &program.node(node).keeps {
            let at = program.node(reader);
            let state = self.nodes.get(at.slot as usize);
            let done = state.is_some_and(|s| matches!(s.phase, Phase::Done(_)));
            if (at.class != own || done) && self.base(program, reader, node).is_none() {
                let base = Memory::Content(change.before.settled());
                self.marks.insert(Mark::Base(reader, node), base);
            }
        }
        let tracked = |(row, column): &(u32, Arc<str>)| {
            let after = change.after.rows.get(*row as usize).and_then(Option::as_ref);
            after.is_some_and(|row| row.marks.contains_key(column))
        };
        for (row, column) in change.wrote.iter().filter(|w| tracked(w)) {
            self.marks.insert(Mark::Last(change.resource, *row, column.clone()), Memory::Set);
        }
    }
}

impl Content {
    /// Without what is under way: for whoever keeps what a resource said.
    pub(super) fn settled(self: &Arc<Self>) -> Arc<Self> {
        if self.late.is_empty() {
            return self.clone();
        }
        Arc::new(Self { late: Vec::new(), ..(**self).clone() })
    }

    /// Writes are news to whatever is under way, unless they are its own call's next attempt, which sent `own`.
    pub(super) fn note_newer(
        &mut self,
        program: &Program,
        node: NodeId,
        own: Option<&Memory>,
        wrote: &[(u32, Arc<str>)],
    ) {
        for late in &mut self.late {
            let again = late.node == node && own == Some(&Memory::Value(late.inputs()));
            if again {
                continue;
            }
            let Some((_, access)) = blind_access(program, late.node) else { continue };
            let columns = access.overwrites();
            late.newer.extend(wrote.iter().filter(|(_, c)| columns.contains(c)).cloned());
        }
        self.late.sort();
    }
}

impl<'a> Machine<'a> {
    /// Nobody's: what happens to a resource without any process doing it.
    pub fn nobody(
        program: &'a Program,
        node: NodeId,
        store: &'a mut dyn Store,
        world: &'a Answers<'a>,
    ) -> Self {
        let class = program.node(node).class;
        Self::new(program, (class, Block::fresh(program, class)), None, store, world)
    }
}

impl Machine<'_> {
    /// The call of a node is on its way and will take effect later.
    pub(super) fn send(&mut self, node: NodeId) -> Result<(), Halt> {
        let (resource, access) = blind_access(self.program, node).ok_or(Halt::Disabled)?;
        // What it has not taken into account by now it never will.
        if let Some(done) = self.trial(node, resource, access)?.filter(|done| done.after.is_some())
        {
            self.observed(node, |observer, view| {
                observer.effect(view, node, resource, access, &done);
            });
        }
        let view = &mut self.view(node);
        let sent = access.expressions().into_iter().map(|e| evaluate(e, view));
        let sent = sent.collect::<Result<Vec<_>, _>>().map_err(|_| Halt::Disabled)?;
        let mut content = (*self.store.read(resource)).clone();
        let late = Late { node, attempt: self.at(node).count, sent, newer: BTreeSet::new() };
        self.block.marks.insert(Mark::Late(resource, node), Memory::Value(late.inputs()));
        content.late.push(late);
        content.late.sort();
        self.store.write(resource, content);
        Ok(())
    }

    /// What is under way arrives.
    pub fn arrive(&mut self, resource: ResourceId, at: usize) -> Result<(), Halt> {
        let found = self.store.read(resource);
        let late = found.late.get(at).ok_or(Halt::Disabled)?.clone();
        let mut before = (*found).clone();
        before.late.remove(at);
        self.store.write(resource, before.clone());
        let before = Arc::new(before);
        let (_, access) = blind_access(self.program, late.node).ok_or(Halt::Disabled)?;
        let mut sent = late.sent.iter().cloned();
        let access = access.blindly(&mut |_| sent.next().map(Expr::Const)).ok_or(Halt::Disabled)?;
        let caller = self.caller(late.node, resource, &access, &before)?;
        let done = act(self.program, resource, &access, &before, &mut self.view(late.node), caller)
            .map_err(|_| Halt::Disabled)?;
        self.observed(late.node, |observer, view| observer.arrives(view, resource, &late, &done));
        self.commit(late.node, resource, before, &done, Some(&late));
        let event = Event::new(late.node, done.output.clone());
        self.events.push(Event { refused: done.refused, attempt: late.attempt, ..event });
        self.tell_access(resource, &done);
        Ok(())
    }
}
