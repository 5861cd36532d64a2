//! Which rows a query shows, and in which order, where not all is known of them.

use super::condition::{filled, offset};
use super::row::{answer, find, folded, gone, meet};
use super::{Equal, FROM, KEY, Store, identity};
use crate::model::access::{Act, Caller};
use crate::model::content::{Content, Row};
use crate::model::expression::{Env, Expr, Failure};
use crate::model::over_row::over_row;
use crate::model::program::Filter;
use crate::model::statement::Order;
use crate::model::value::Value;
use std::cmp::Ordering;

impl Store<'_> {
    /// Rows as a query orders them, and no more than it asks for. Where two rows cannot be compared, the one made later
    /// is taken for the greater, as it is by a running number or by its date.
    pub(super) fn ordered(
        &self,
        rows: Vec<usize>,
        content: &Content,
        filter: &Filter,
        env: &mut dyn Env,
    ) -> Result<Vec<usize>, Failure> {
        let mut sorted: Vec<(usize, Vec<Value>)> = Vec::new();
        for at in rows {
            let Some(row) = content.rows[at].as_ref() else { continue };
            let mut keys = Vec::new();
            for Order { by, .. } in &filter.order {
                let by = spelled(by, row);
                keys.push(over_row(&by, &filled(self, row, &[&by]), env)?);
            }
            let later = !row.columns.contains_key(FROM);
            let before = |(_, old): &(usize, Vec<Value>)| {
                let pairs = filter.order.iter().zip(keys.iter().zip(old));
                let each = pairs.map(|(order, (new, old))| {
                    let unknown = if later { Ordering::Greater } else { Ordering::Equal };
                    let found = compared(new, old).unwrap_or(unknown);
                    if order.descending { found.reverse() } else { found }
                });
                each.fold(Ordering::Equal, Ordering::then) == Ordering::Less
            };
            let place = sorted.iter().position(before).unwrap_or(sorted.len());
            sorted.insert(place, (at, keys));
        }
        let most = filter.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        Ok(sorted.into_iter().map(|(at, _)| at).take(most).collect())
    }
}

impl Store<'_> {
    /// Whether a row that only a key has named can push another one out of an answer that asks for the first few: it was
    /// there before, but what it is ordered by was written since.
    pub(super) fn comes_first(&self, row: &Row, filter: &Filter, equal: &Equal) -> bool {
        let written =
            |by: &Expr| matches!(spelled(by, row), Expr::Column(c) if row.columns.contains_key(&c));
        let fits = |(column, wanted): &(_, Value)| {
            let value = row.columns.get(column);
            value.is_some_and(|v| folded(&identity(v, self.program.alias)) == *wanted)
        };
        let known = !row.columns.contains_key(FROM) && !gone(row);
        let first = filter.limit.is_some() && !filter.order.is_empty();
        known && first && filter.order.iter().all(|o| written(&o.by)) && equal.iter().all(fits)
    }

    /// An answer with these rows.
    pub(super) fn listed(&self, rows: impl Iterator<Item = usize>, content: &Content) -> Value {
        let shown = rows.filter_map(|at| content.rows[at].as_ref().map(|row| self.shown(at, row)));
        let rows = Value::array(shown.collect());
        // With `odata=verbose` the same rows are elsewhere in the answer.
        let verbose = Value::object([("results", rows.clone())]);
        let verbose = self.resource.etags.then_some(("d", verbose));
        answer(200, Value::object([("value", rows)].into_iter().chain(verbose)))
    }

    /// A query that names a row by its id.
    pub(super) fn list_one(
        &self,
        content: &Content,
        (key, equal): (&Expr, &Equal),
        env: &mut dyn Env,
        caller: Caller,
    ) -> Result<Act, Failure> {
        let key = self.key(key, env)?;
        let mut after = content.clone();
        let known = find(content, &key);
        let new =
            (known.is_none() && caller.found == Some(true)).then(|| meet(&mut after, key, None));
        let fits = |row: &Row| {
            let mut others = equal.iter().filter(|(column, _)| &**column != KEY);
            !gone(row)
                && others.all(|(column, wanted)| {
                    let value = row.columns.get(column);
                    value.is_none_or(|v| {
                        v.is_unknown() || folded(&identity(v, self.program.alias)) == *wanted
                    })
                })
        };
        let row = known.or(new).filter(|&at| after.rows[at].as_ref().is_some_and(fits));
        let output = self.listed(row.into_iter(), &after);
        Ok(Act { after: new.is_some().then_some(after), output, ..Act::default() })
    }
}

/// A column as this row spells it.
fn spelled(by: &Expr, row: &Row) -> Expr {
    let Expr::Column(wanted) = by else { return by.clone() };
    let own = row.columns.keys().find(|c| c.eq_ignore_ascii_case(wanted));
    Expr::Column(own.unwrap_or(wanted).clone())
}

/// How two values stand to each other: numbers, texts, or the same unknown with something added.
fn compared(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(_), Value::Int(_)) | (Value::String(_), Value::String(_)) => Some(a.cmp(b)),
        _ => {
            let ((a, m), (b, n)) = (offset(a), offset(b));
            (a == b).then(|| m.cmp(&n))
        }
    }
}
