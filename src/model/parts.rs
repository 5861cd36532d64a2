//! The expressions that stand in an access.

use super::expression::Expr;
use super::external::KEY;
use super::program::{Access, Columns, Filter, Step};
use super::statement::{Columns as Selected, Total};

impl Access {
    /// Whether it leaves the resource as it is.
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Get
            | Self::Fetch(_)
            | Self::List(_)
            | Self::Select(..)
            | Self::Load
            | Self::Probe(_) => true,
            Self::Update { .. }
            | Self::Add { .. }
            | Self::Store { .. }
            | Self::Create(_)
            | Self::CreateIfNone { .. }
            | Self::Upsert { .. }
            | Self::Delete(..)
            | Self::Acquire { .. }
            | Self::Renew(_)
            | Self::Release(_)
            | Self::Write { .. } => false,
        }
    }

    /// What names the row of a store outside that it is about.
    pub fn row_key(&self) -> Option<&Expr> {
        let named = |columns: &'_ Columns| columns.iter().position(|(c, _)| &**c == KEY);
        match self {
            Self::Fetch(key) => Some(key),
            Self::Update { filter, .. } | Self::Delete(filter, _) | Self::Select(filter, _) => {
                named(&filter.equal).map(|at| &filter.equal[at].1)
            }
            Self::Create(row) | Self::CreateIfNone { row, .. } | Self::Upsert { key: row, .. } => {
                named(row).map(|at| &row[at].1)
            }
            _ => None,
        }
    }

    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = Vec::new();
        match self {
            Self::Get | Self::Load => {}
            Self::Fetch(key) => all.push(key),
            Self::List(f) | Self::Probe(f) | Self::Delete(f, _) => f.gather(&mut all),
            Self::Select(f, columns) => {
                f.gather(&mut all);
                columns.gather(&mut all);
            }
            Self::Update { filter, set, if_match, .. } => {
                filter.gather(&mut all);
                all.extend(set.iter().map(|(_, e)| e));
                all.extend(if_match);
            }
            Self::Add { value, .. } | Self::Store { value, .. } => all.push(value),
            Self::Create(row) => all.extend(row.iter().map(|(_, e)| e)),
            Self::CreateIfNone { row, unless, .. } => {
                all.extend(row.iter().map(|(_, e)| e));
                unless.gather(&mut all);
            }
            Self::Upsert { key, row } => all.extend(key.iter().chain(row).map(|(_, e)| e)),
            Self::Acquire { seconds, .. } => all.push(seconds),
            Self::Renew(lease) | Self::Release(lease) => all.extend(lease),
            Self::Write { value, lease, if_match } => {
                all.push(value);
                all.extend(lease.iter().chain(if_match));
            }
        }
        all
    }
}

impl Filter {
    fn gather<'a>(&'a self, all: &mut Vec<&'a Expr>) {
        all.extend(self.equal.iter().map(|(_, e)| e));
        all.extend(&self.rest);
        all.extend(&self.meets);
        all.extend(self.order.iter().map(|key| &key.by));
    }
}

impl Selected {
    fn gather<'a>(&'a self, all: &mut Vec<&'a Expr>) {
        match self {
            Self::All => {}
            Self::Each(row) => all.extend(row.iter().map(|(_, e)| e)),
            Self::Totals { totals, row } => {
                all.extend(totals.iter().filter_map(Total::of));
                all.extend(row.iter().map(|(_, e)| e));
            }
        }
    }
}

impl Step {
    /// Whether it does anything that stays.
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Send(_) => true,
            Self::Access(_, access) => !matches!(
                access,
                Access::Get
                    | Access::Fetch(_)
                    | Access::List(_)
                    | Access::Select(..)
                    | Access::Probe(_)
                    | Access::Load
            ),
            Self::Opaque { effect, .. } => *effect,
            Self::Compute(_) | Self::Wait(_) => false,
        }
    }

    /// Every expression in it, whole and in parts.
    pub fn visit(&self, look: &mut dyn FnMut(&Expr)) {
        let mut each = |expr: &Expr| expr.visit(&mut |e| look(e));
        match self {
            Self::Compute(e) | Self::Wait(e) | Self::Send(e) => each(e),
            Self::Access(_, access) => access.expressions().into_iter().for_each(each),
            Self::Opaque { args, .. } => args.iter().for_each(each),
        }
    }
}
