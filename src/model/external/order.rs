//! The order of rows of which not all is known.

use super::condition::{filled, offset};
use super::{FROM, Store};
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
            let later = row.columns.get(FROM).is_none();
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
