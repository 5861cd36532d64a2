//! Statements of native queries as steps over the tables that the connector's row operations name.

use super::cell::{oldest_first, unanswered};
use super::native::{Native, native, table};
use super::unread::Unread;
use crate::definition::ast::{Action, Call};
use crate::definition::problem::Problem;
use crate::model::expression::Expr;
use crate::model::external::{KEY, is_id};
use crate::model::ids::ResourceId;
use crate::model::program::{Access, Filter, Step};
use crate::model::statement::{Columns, Order, Row, Statement, Total};
use crate::model::value::Value;
use crate::platform::expression::Names;
use crate::platform::leaf::Resolver;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the statements of a flow say about a table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The column that says which row, in lower case.
    pub key: Option<String>,
    /// Columns as they are spelled first, by lower case.
    pub spelled: BTreeMap<String, Arc<str>>,
}

/// How the calls of a flow look for the rows of a table.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The columns that each statement compares, in lower case.
    pub by: Vec<Vec<String>>,
    /// The columns that statements change, in lower case.
    pub changed: Vec<String>,
    /// Whether row operations name rows by the table's own key.
    pub rows: bool,
    /// Whether anybody makes or removes rows.
    pub grows: bool,
}

impl Table {
    /// Chooses the key: the column that is called the id of the table. Where no row operation says a key of its own,
    /// also one that is called the id of anything, or by which all statements look. What is changed is no key.
    pub fn choose(&mut self, name: &str, said: &Looked) {
        let Looked { by: looked, changed, rows, .. } = said;
        let singular = name.strip_suffix('s').unwrap_or(name);
        let rank = |column: &str| match column {
            "id" => 3,
            _ if column == format!("{name}id") || column == format!("{singular}id") => 2,
            _ if is_id(column) => 1,
            _ => 0,
        };
        let all: BTreeSet<&String> = looked.iter().flatten().collect();
        let everywhere = |c: &String| looked.iter().all(|l| l.is_empty() || l.contains(c));
        let able = all.into_iter().filter(|c| {
            !changed.contains(*c) && (rank(c) > 1 || !rows && (rank(c) > 0 || everywhere(c)))
        });
        self.key = able.max_by_key(|c| (rank(c), everywhere(c))).cloned();
    }

    /// A column as the table spells it.
    pub fn column(&self, column: &Arc<str>) -> Arc<str> {
        self.spelled.get(&column.to_lowercase()).unwrap_or(column).clone()
    }

    fn row(&self, row: &Row) -> Row {
        row.iter().map(|(c, e)| (self.column(c), self.expr(e))).collect()
    }

    /// Columns as the table spells them.
    fn expr(&self, expr: &Expr) -> Expr {
        let all = |list: &[Expr]| list.iter().map(|e| self.expr(e)).collect();
        match expr {
            Expr::Column(column) => Expr::Column(self.column(column)),
            Expr::Concat(parts) => Expr::Concat(all(parts)),
            Expr::Call(function, args) => Expr::Call(*function, all(args)),
            Expr::Opaque(name, args) => Expr::Opaque(name.clone(), all(args)),
            other => other.clone(),
        }
    }

    fn columns(&self, wanted: &Columns) -> Columns {
        // What it is called in the answer is the statement's own business.
        let each = |row: &Row| row.iter().map(|(c, e)| (c.clone(), self.expr(e))).collect();
        match wanted {
            Columns::All => Columns::All,
            Columns::Each(row) => Columns::Each(each(row)),
            Columns::Totals { totals, row } => {
                let total = |t: &Total| match t {
                    Total::Count => Total::Count,
                    Total::Sum(e) => Total::Sum(self.expr(e)),
                    Total::Min(e) => Total::Min(self.expr(e)),
                    Total::Max(e) => Total::Max(self.expr(e)),
                };
                Columns::Totals { totals: totals.iter().map(total).collect(), row: each(row) }
            }
        }
    }

    /// Which rows; an equality of the key column says which one.
    fn filter(
        &self,
        equal: &Row,
        rest: Option<&Expr>,
        order: &[Order],
        limit: Option<u64>,
    ) -> Filter {
        let mut equal = self.row(equal);
        if let Some(at) = equal.iter().position(|(c, _)| self.is_key(c)) {
            let (_, value) = equal.remove(at);
            equal.insert(0, (KEY.into(), key(&value)));
        }
        let order = order.iter().map(|o| Order { by: self.expr(&o.by), ..o.clone() }).collect();
        Filter { equal, rest: rest.map(|e| self.expr(e)), order, limit, ..Filter::default() }
    }

    fn is_key(&self, column: &str) -> bool {
        self.key.as_ref().is_some_and(|key| key.eq_ignore_ascii_case(column))
    }

    /// A new row; without a key of the flow's own the server gives it one.
    pub(super) fn made(&self, row: &Row, made: Expr) -> Row {
        let mut row = self.row(row);
        let own = row.iter().find(|(c, _)| self.is_key(c)).map(|(_, e)| key(e));
        row.insert(0, (KEY.into(), own.unwrap_or(made)));
        row
    }
}

/// The key that a row operation of the connector would name with this value.
fn key(value: &Expr) -> Expr {
    let plain = match value {
        Expr::Concat(parts) if parts.len() == 1 => parts[0].clone(),
        other => other.clone(),
    };
    Expr::Opaque("key".into(), vec![plain])
}

/// The steps of a native query; `None` if the call is none.
pub(super) fn steps(
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Option<Vec<Step>>, Problem> {
    let Some(native) = native(call) else { return Ok(None) };
    let statements = native.lowered(names)?;
    let Some(statements) = statements.filter(|all| together(all)) else {
        let all = native.outline();
        let tables: Vec<Arc<str>> = all.iter().flat_map(|s| s.tables().to_vec()).collect();
        let writes = all.is_empty() || all.iter().any(Statement::writes);
        return unread(&native, &tables, writes, call, action, names).map(Some);
    };
    let mut steps = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let rid = match statement.tables() {
            [one] => place(&native, one).and_then(|s| names.stores.get(&s)).copied(),
            _ => None,
        };
        match (statement, rid) {
            (Statement::Opaque { tables, writes: false }, _) if tables.is_empty() => {
                names.unknown.insert("what an SQL statement without a table answers".to_owned());
                let name = Arc::from(format!("SQL of {}", action.name));
                steps.push(Step::Opaque { name, args: names.whereabouts(), effect: false });
            }
            (Statement::Opaque { .. }, _) | (_, None) => {
                let tables: Vec<Arc<str>> =
                    statements.iter().flat_map(|s| s.tables().to_vec()).collect();
                let writes = statements.iter().any(Statement::writes);
                let anything = statements.iter().any(|s| s.writes() && s.tables().is_empty());
                let tables = if anything { Vec::new() } else { tables };
                return unread(&native, &tables, writes, call, action, names).map(Some);
            }
            (_, Some(rid)) => one(statement, rid, number, action, names, &mut steps),
        }
    }
    Ok(Some(steps))
}

/// Whether an action can take these statements as its steps: what a SELECT answers is its own answer, and the others
/// are about one table.
fn together(statements: &[Statement]) -> bool {
    let reads = statements.iter().any(|s| matches!(s, Statement::Select { .. }));
    let mut tables = statements.iter().flat_map(Statement::tables);
    let first = tables.next();
    let alone = statements.len() == 1;
    let one = first.is_none_or(|first| tables.all(|t| t.eq_ignore_ascii_case(first)));
    !statements.is_empty() && (alone || (!reads && one))
}

/// A table's store in full.
pub(super) fn place(native: &Native, name: &str) -> Option<String> {
    Some(format!("{}/{}", native.database.as_ref()?, table(name).to_lowercase()))
}

/// A call that touches tables in a way that nobody can read.
fn unread(
    native: &Native,
    tables: &[Arc<str>],
    writes: bool,
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    let named: BTreeSet<&str> = tables.iter().map(|t| &**t).collect();
    let any = named.is_empty() && writes || named.iter().any(|t| t.contains("@{"));
    let prefix = native.database.clone().map_or_else(|| "sql/".to_owned(), |d| format!("{d}/"));
    let touched = names.stores.iter().filter(|(store, _)| match &native.database {
        _ if any => store.starts_with(&prefix),
        Some(_) => named.iter().any(|t| place(native, t).as_ref() == Some(*store)),
        None => named.iter().any(|t| {
            store.starts_with(&prefix)
                && store.rsplit('/').next() == Some(&*table(t).to_lowercase())
        }),
    });
    let tables = touched.map(|(_, rid)| *rid).collect();
    let own = !any && !named.is_empty() && !native.calls();
    names.unknown.insert(if named.is_empty() {
        format!("the SQL of {}", action.name)
    } else {
        let all: Vec<&str> = named.into_iter().collect();
        format!("the SQL of {} over {}", action.name, all.join(", "))
    });
    names.unread.push(Unread { action: action.name.clone(), tables, writes, named: own });
    super::external::opaque(call, writes, names)
}

fn one(
    statement: &Statement,
    rid: ResourceId,
    number: usize,
    action: &Action,
    names: &mut Resolver<'_>,
    steps: &mut Vec<Step>,
) {
    let table = names.tables.get(&rid).cloned().unwrap_or_default();
    let made = || {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let mut made =
            vec![Expr::Const(Value::text(&action.name)), Expr::Const(Value::Int(number))];
        made.extend(names.whereabouts());
        Expr::Opaque("made".into(), made)
    };
    let mut take = |access: Access| steps.push(Step::Access(rid, access));
    match statement {
        Statement::Select { columns, filter, condition, order, limit, .. } => {
            let filter = table.filter(filter, condition.as_ref(), order, *limit);
            oldest_first(&filter, names);
            take(Access::Select(filter, table.columns(columns)));
        }
        Statement::Update { set, filter, condition, limit, output, .. } => {
            let filter = table.filter(filter, condition.as_ref(), &[], *limit);
            oldest_first(&filter, names);
            unanswered(output.as_ref().filter(|o| deleted(o)), names);
            take(Access::Update { filter, set: table.row(set), if_match: None, sql: true });
        }
        Statement::Delete { filter, condition, limit, output, .. } => {
            let filter = table.filter(filter, condition.as_ref(), &[], *limit);
            oldest_first(&filter, names);
            unanswered(output.as_ref(), names);
            take(Access::Delete(filter, true));
        }
        Statement::Insert { row, .. } => take(Access::Create(table.made(row, made()))),
        Statement::InsertIfNone { row, unless, serialized, .. } => {
            let unless = table.filter(unless, None, &[], None);
            let row = table.made(row, made());
            if !serialized {
                take(Access::Probe(unless.clone()));
            }
            take(Access::CreateIfNone { row, unless, serialized: *serialized });
        }
        Statement::Merge { on, matched, not_matched, serialized, .. } => {
            let filter = table.filter(on, None, &[], None);
            if let Some(set) = matched {
                let (filter, set) = (filter.clone(), table.row(set));
                take(Access::Update { filter, set, if_match: None, sql: true });
            } else if !serialized && not_matched.is_some() {
                take(Access::Probe(filter.clone()));
            }
            if let Some(row) = not_matched {
                let row = table.made(row, made());
                take(Access::CreateIfNone { row, unless: filter, serialized: *serialized });
            }
        }
        Statement::Opaque { .. } => {}
    }
}

/// Whether an answer looks at rows as they were.
fn deleted(output: &Columns) -> bool {
    match output {
        Columns::All => false,
        Columns::Totals { .. } => true,
        Columns::Each(row) => row.iter().any(|(_, e)| {
            let mut old = false;
            e.visit(&mut |x| old |= matches!(x, Expr::Column(c) if c.starts_with("deleted.")));
            old
        }),
    }
}

/// What a statement says about its table: columns by name, those it looks for rows by, and those that tell whether a
/// row is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) columns: Vec<String>,
    pub(super) looked: Vec<String>,
    pub(super) unless: Vec<String>,
    pub(super) changed: Vec<String>,
    /// Whether rows come and go.
    pub(super) grows: bool,
}

pub(super) fn said(statement: &Statement) -> Said {
    let names = |row: &Row| row.iter().map(|(c, _)| c.to_string()).collect::<Vec<_>>();
    let lower = |row: &Row| row.iter().map(|(c, _)| c.to_lowercase()).collect::<Vec<_>>();
    let mut said = Said::default();
    let seen = |expr: &Expr, columns: &mut Vec<String>| {
        expr.visit(&mut |e| {
            if let Expr::Column(c) = e {
                columns.push(c.to_string());
            }
        });
    };
    match statement {
        Statement::Select { filter, columns, condition, .. } => {
            said.looked = lower(filter);
            said.unless = names(filter);
            said.columns = names(filter);
            condition.iter().for_each(|e| seen(e, &mut said.columns));
            if let Columns::Each(row) = columns {
                row.iter().for_each(|(_, e)| seen(e, &mut said.columns));
            }
        }
        Statement::Update { filter, set, condition, .. } => {
            said.looked = lower(filter);
            said.columns = [names(filter), names(set)].concat();
            said.changed = lower(set);
            condition.iter().for_each(|e| seen(e, &mut said.columns));
        }
        Statement::Delete { filter, .. } => {
            (said.looked, said.columns, said.grows) = (lower(filter), names(filter), true);
        }
        Statement::Insert { row, .. } => (said.columns, said.grows) = (names(row), true),
        Statement::InsertIfNone { row, unless, .. } => {
            said.columns = [names(row), names(unless)].concat();
            (said.looked, said.unless, said.grows) = (lower(unless), names(unless), true);
        }
        Statement::Merge { on, matched, not_matched, .. } => {
            said.columns = names(on);
            said.changed = matched.as_ref().map(lower).unwrap_or_default();
            (said.looked, said.unless, said.grows) = (lower(on), names(on), not_matched.is_some());
        }
        Statement::Opaque { .. } => {}
    }
    said
}
