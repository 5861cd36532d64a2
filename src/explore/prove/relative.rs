//! The relative domain: numbers that grow without bound are told by how they stand towards their cell.
//!
//! A relative cell always holds the symbol *now*; a process holds *now + k*, or *was + k*: some value that the cell had
//! once, named by the place where it is kept, so that two places never share a symbol that may differ. A write makes
//! the value it stored the new *now* and turns every other *now + k* into *was + k* (fresh or stale, as with etags).
//! Equal terms are equal numbers under every reading of the symbols; different terms may still be equal, and nothing
//! silences a monitor because two terms differ (`eligible.rs` sees to that). Sums are whole numbers; they stay within
//! 64 bits for fewer than 2^31 writes, since starts and summands are under 2^31.

use crate::model::block::{Block, Memory};
use crate::model::content::Content;
use crate::model::ids::{ClassId, NodeId, ResourceId};
use crate::model::program::Program;
use crate::model::transition::Change;
use crate::model::value::{Term, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why the abstraction cannot tell: in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coarse(pub String);

/// Says why.
pub fn coarse<T>(why: impl Into<String>) -> Result<T, Coarse> {
    Err(Coarse(why.into()))
}

/// A column of one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Where.
    pub resource: ResourceId,
    /// Which row.
    pub row: u32,
    /// Which column.
    pub column: Arc<str>,
}

/// The columns that are relative.
pub type Relative = BTreeSet<(ResourceId, Arc<str>)>;

/// A number as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Told by the input.
    Known(i64),
    /// What the cell holds, plus this.
    Now(Cell, i64),
    /// What the cell held once, plus this.
    Was(Cell, i64),
    /// Any number; whether it is the item of the process (and sums with it), which never changes.
    Other {
        /// The item and constants only.
        item: bool,
    },
}

const NOW: &str = "@now";
const WAS: &str = "@was";
const ANY: &str = "@any";

fn symbol(op: &str, cell: &Cell, place: Option<&str>) -> Value {
    let mut args = vec![
        Value::Int(i64::from(cell.resource.0)),
        Value::Int(i64::from(cell.row)),
        Value::String(cell.column.clone()),
    ];
    args.extend(place.map(Value::text));
    Value::term(op, args)
}

/// What the cell holds.
pub fn now(cell: &Cell) -> Value {
    symbol(NOW, cell, None)
}

/// The item of the process at hand.
pub fn item() -> Value {
    Value::term(ANY, vec![Value::text("item")])
}

fn any(place: &str) -> Value {
    Value::term(ANY, vec![Value::text(place)])
}

fn plus(base: Value, k: i64) -> Value {
    if k == 0 { base } else { Value::term("add", vec![base, Value::Int(k)]) }
}

fn cell_of(term: &Term) -> Option<Cell> {
    match term.args.as_slice() {
        [Value::Int(r), Value::Int(row), Value::String(column), ..] => Some(Cell {
            resource: ResourceId(u32::try_from(*r).ok()?),
            row: u32::try_from(*row).ok()?,
            column: column.clone(),
        }),
        _ => None,
    }
}

/// The number a value is, if it is one of this domain.
pub fn sum(value: &Value) -> Option<Sum> {
    match value {
        Value::Int(n) => Some(Sum::Known(*n)),
        Value::Term(term) => match &*term.op {
            NOW => Some(Sum::Now(cell_of(term)?, 0)),
            WAS => Some(Sum::Was(cell_of(term)?, 0)),
            ANY => Some(Sum::Other { item: *value == item() }),
            "add" => added(&term.args),
            _ => None,
        },
        _ => None,
    }
}

fn added(args: &[Value]) -> Option<Sum> {
    if let [base, Value::Int(k)] = args {
        return Some(match sum(base)? {
            Sum::Now(cell, n) => Sum::Now(cell, n.checked_add(*k)?),
            Sum::Was(cell, n) => Sum::Was(cell, n.checked_add(*k)?),
            other => other,
        });
    }
    let parts: Option<Vec<Sum>> = args.iter().map(sum).collect();
    let item = parts?.iter().all(|p| matches!(p, Sum::Known(_) | Sum::Other { item: true }));
    Some(Sum::Other { item })
}

/// A relative cell after a step, told by what it held before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which.
    pub cell: Cell,
    /// Its value, over the symbols from before the step.
    pub value: Value,
}

/// Makes relative cells hold *now* again; what they held is added to `written`.
pub fn settle_content(
    relative: &Relative,
    resource: ResourceId,
    content: &mut Content,
    written: &mut Vec<Written>,
) -> Result<(), Coarse> {
    for (number, row) in content.rows.iter_mut().enumerate() {
        let Some(row) = row else { continue };
        for (column, value) in &mut row.columns {
            if !relative.contains(&(resource, column.clone())) {
                if value.is_unknown() {
                    return coarse("a number that grows is stored in a cell that is compared");
                }
                continue;
            }
            let cell = Cell {
                resource,
                row: u32::try_from(number).unwrap_or(u32::MAX),
                column: column.clone(),
            };
            if sum(value).is_none() {
                return coarse("a growing cell can hold something else than a whole number");
            }
            let symbol = now(&cell);
            if *value != symbol {
                let value = std::mem::replace(value, symbol);
                written.push(Written { cell, value });
            }
        }
    }
    Ok(())
}

/// Renames the symbols of one process after a step.
#[allow(missing_debug_implementations, reason = "a short-lived borrow of other things")]
pub struct Renaming<'a> {
    /// What was written.
    pub written: &'a [Written],
    /// Whether it is the process that wrote: its own symbols occur in the values.
    pub own: bool,
}

impl Renaming<'_> {
    fn term(&self, value: &Value, place: &str) -> Result<Value, Coarse> {
        let Some(known) = sum(value) else {
            return coarse(
                "a value is computed from a growing number in a way that is not followed",
            );
        };
        if let Sum::Other { item } = known {
            return Ok(if item { value.clone() } else { any(place) });
        }
        let same = self.written.iter().find(|w| w.value == *value);
        match (known, same) {
            (Sum::Now(cell, _), Some(w)) if w.cell == cell => Ok(now(&cell)),
            (Sum::Was(..), Some(w)) if self.own => Ok(now(&w.cell)),
            (Sum::Now(cell, k), _) if self.written.iter().any(|w| w.cell == cell) => {
                Ok(plus(symbol(WAS, &cell, Some(place)), k))
            }
            (Sum::Was(cell, k), _) => Ok(plus(symbol(WAS, &cell, Some(place)), k)),
            (_, _) => Ok(value.clone()),
        }
    }

    fn value(&self, value: &mut Value, place: &str) -> Result<(), Coarse> {
        if !value.is_unknown() {
            return Ok(());
        }
        match value {
            Value::Term(_) => *value = self.term(value, place)?,
            Value::Array(items) => {
                for (at, item) in Arc::make_mut(items).iter_mut().enumerate() {
                    self.value(item, &format!("{place}.{at}"))?;
                }
            }
            Value::Object(object) => {
                for (key, item) in Arc::make_mut(object).iter_mut() {
                    self.value(item, &format!("{place}.{key}"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// All values of a block.
    pub fn block(
        &self,
        program: &Program,
        class: ClassId,
        block: &mut Block,
    ) -> Result<(), Coarse> {
        for (slot, state) in block.nodes.iter_mut().enumerate() {
            if state.output.is_unknown() || state.items.is_unknown() {
                let NodeId(node) = program.class(class).nodes[slot];
                self.value(&mut state.output, &format!("{node}"))?;
                self.value(&mut state.items, &format!("{node}#"))?;
            }
        }
        for (mark, memory) in &mut block.marks {
            match memory {
                Memory::Value(value) => self.value(value, &format!("{mark:?}"))?,
                Memory::Content(content) => {
                    let mut changed = (**content).clone();
                    for (number, row) in changed.rows.iter_mut().enumerate() {
                        let Some(row) = row else { continue };
                        for (column, value) in &mut row.columns {
                            self.value(value, &format!("{mark:?}.{number}.{column}"))?;
                        }
                    }
                    *content = Arc::new(changed);
                }
                Memory::Undo(_) => return coarse("what a group has done is compared"),
                Memory::Set | Memory::Clock(..) => {}
            }
        }
        Ok(())
    }
}

/// How a write of a relative cell stands towards the values that the cell has had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stored {
    /// What it held, plus this.
    Current(i64),
    /// What it held once, plus this.
    Earlier(i64),
    /// Anything.
    Unrelated,
}

/// The writes of relative cells in a change.
pub fn stored(relative: &Relative, change: &Change) -> Vec<(Cell, Stored)> {
    let mut all = Vec::new();
    for (row, column) in &change.wrote {
        if !relative.contains(&(change.resource, column.clone())) {
            continue;
        }
        let cell = Cell { resource: change.resource, row: *row, column: column.clone() };
        let at = |content: &Content| {
            content.rows.get(*row as usize).and_then(Option::as_ref).map(|r| r.get(column))
        };
        let before = at(&change.before).and_then(|v| sum(&v));
        let after = at(&change.after).and_then(|v| sum(&v));
        let how = match (before, after) {
            (Some(Sum::Now(b, x)), Some(Sum::Now(a, y))) if a == cell && b == cell => {
                Stored::Current(y - x)
            }
            (_, Some(Sum::Was(a, k) | Sum::Now(a, k))) if a == cell => Stored::Earlier(k),
            _ => Stored::Unrelated,
        };
        all.push((cell, how));
    }
    all
}
