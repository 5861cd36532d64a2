//! The design model's own operations over the resources of `state` (design.md §4).

use crate::definition::ast::{Action, Call};
use crate::definition::expression::{Part, Template};
use crate::definition::problem::Problem;
use crate::model::expression::Expr;
use crate::model::ids::ResourceId;
use crate::model::program::{Access, Filter, Step};
use crate::model::statement::{Columns, Statement};
use crate::model::value::Value;
use crate::platform::expression::lower;
use crate::platform::leaf::{Resolver, columns, parameter};
use crate::platform::sql::{self, SqlPart};
use std::sync::Arc;

pub(super) fn steps(
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    match call.operation.as_str() {
        "send" => Ok(vec![Step::Send(
            parameter(call, "text", names)?.unwrap_or(Expr::Const(Value::Null)),
        )]),
        "sql" => statements(call, action, names),
        operation => {
            let target = target(call, action, names)?;
            Ok(vec![Step::Access(target, access(operation, call, action, names)?)])
        }
    }
}

fn target(call: &Call, action: &Action, names: &Resolver<'_>) -> Result<ResourceId, Problem> {
    let name = match call.parameters.get("target") {
        Some(Template::Text(name)) => name.as_str(),
        _ => "",
    };
    names.resource(name).ok_or_else(|| Problem {
        at: action.at.clone(),
        message: format!("\"{name}\" is not in \"state\""),
    })
}

fn access(
    operation: &str,
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Access, Problem> {
    let filter =
        Filter { equal: columns(call.parameters.get("where"), names)?, ..Filter::default() };
    let value = |names: &mut Resolver<'_>| -> Result<Expr, Problem> {
        Ok(parameter(call, "value", names)?.unwrap_or(Expr::Const(Value::Null)))
    };
    Ok(match operation {
        "get" => Access::Get,
        "list" => Access::List(filter),
        "update" => Access::Update {
            filter,
            set: columns(call.parameters.get("set"), names)?,
            if_match: parameter(call, "ifMatch", names)?,
            sql: false,
        },
        "create" => Access::Create(columns(call.parameters.get("row"), names)?),
        "upsert" => Access::Upsert {
            key: columns(call.parameters.get("key"), names)?,
            row: columns(call.parameters.get("row"), names)?,
        },
        "delete" => Access::Delete(filter, false),
        "acquireLease" => Access::Acquire {
            seconds: parameter(call, "seconds", names)?.unwrap_or(Expr::Const(Value::Int(60))),
            retry: action.retry.as_ref().map(|r| (r.count, r.interval)),
        },
        "renewLease" => Access::Renew(parameter(call, "lease", names)?),
        "releaseLease" => Access::Release(parameter(call, "lease", names)?),
        "write" => Access::Write {
            value: value(names)?,
            lease: parameter(call, "lease", names)?,
            if_match: parameter(call, "ifMatch", names)?,
        },
        other => {
            return Err(Problem {
                at: action.at.clone(),
                message: format!("unknown operation \"{other}\""),
            });
        }
    })
}

/// A T-SQL text: each statement is one step, a check before an insert is a step of its own (semantics §10 S5, S6).
fn statements(
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    let parts = match call.parameters.get("sql") {
        Some(Template::Concat(parts, at)) => {
            let mut lowered = Vec::new();
            for part in parts {
                lowered.push(match part {
                    Part::Text(text) => SqlPart::Text(text.clone()),
                    Part::Expr(expr) => {
                        SqlPart::Value(lower(&Template::Expr(expr.clone(), at.clone()), names)?)
                    }
                });
            }
            lowered
        }
        Some(Template::Text(text)) => vec![SqlPart::Text(text.clone())],
        _ => Vec::new(),
    };
    let problem = |message: String| Problem { at: action.at.clone(), message };
    let statements = sql::parse(&parts).map_err(problem)?;
    let mut steps = Vec::new();
    for statement in statements {
        lower_statement(statement, action, names, &mut steps)?;
    }
    Ok(steps)
}

fn table(name: &Arc<str>, action: &Action, names: &Resolver<'_>) -> Result<ResourceId, Problem> {
    let last = name.rsplit('.').next().unwrap_or(name);
    names.resource(name).or_else(|| names.resource(last)).ok_or_else(|| Problem {
        at: action.at.clone(),
        message: format!("table \"{name}\" of the statement is not in \"state\""),
    })
}

fn lower_statement(
    statement: Statement,
    action: &Action,
    names: &mut Resolver<'_>,
    steps: &mut Vec<Step>,
) -> Result<(), Problem> {
    match statement {
        Statement::Select { table: t, columns, filter, condition, order, limit } => {
            let filter =
                Filter { equal: filter, rest: condition, order, limit, ..Filter::default() };
            oldest_first(&filter, names);
            steps.push(Step::Access(table(&t, action, names)?, Access::Select(filter, columns)));
        }
        Statement::Update { table: t, set, filter, condition, limit, output } => {
            let filter = Filter { equal: filter, rest: condition, limit, ..Filter::default() };
            oldest_first(&filter, names);
            unanswered(output.as_ref(), names);
            steps.push(Step::Access(
                table(&t, action, names)?,
                Access::Update { filter, set, if_match: None, sql: true },
            ));
        }
        Statement::Insert { table: t, row } => {
            steps.push(Step::Access(table(&t, action, names)?, Access::Create(row)));
        }
        Statement::InsertIfNone { table: t, row, unless, serialized } => {
            let rid = table(&t, action, names)?;
            let unless = Filter { equal: unless, ..Filter::default() };
            if !serialized {
                steps.push(Step::Access(rid, Access::Probe(unless.clone())));
            }
            steps.push(Step::Access(rid, Access::CreateIfNone { row, unless, serialized }));
        }
        Statement::Merge { table: t, on, matched, not_matched, serialized } => {
            let rid = table(&t, action, names)?;
            merge(rid, on, matched, not_matched, serialized, steps);
        }
        Statement::Delete { table: t, filter, condition, limit, output } => {
            let filter = Filter { equal: filter, rest: condition, limit, ..Filter::default() };
            oldest_first(&filter, names);
            unanswered(output.as_ref(), names);
            steps.push(Step::Access(table(&t, action, names)?, Access::Delete(filter, true)));
        }
        Statement::Opaque { tables, .. } => {
            names.unknown.insert(match tables.as_slice() {
                [] => "an SQL statement that cannot be read".to_owned(),
                tables => format!("SQL statement over {}", tables.join(", ")),
            });
            steps.push(unknown_statement());
        }
    }
    Ok(())
}

/// Which rows TOP takes without ORDER BY the server does not say.
pub(super) fn oldest_first(filter: &Filter, names: &mut Resolver<'_>) {
    if filter.limit.is_some() && filter.order.is_empty() {
        names
            .unknown
            .insert("which rows SQL TOP takes without ORDER BY: here the oldest".to_owned());
    }
}

pub(super) fn unanswered(output: Option<&Columns>, names: &mut Resolver<'_>) {
    if output.is_some() {
        names.unknown.insert("what an SQL OUTPUT clause answers".to_owned());
    }
}

fn unknown_statement() -> Step {
    Step::Opaque { name: "sql".into(), args: Vec::new(), effect: false }
}

type Row = Vec<(Arc<str>, Expr)>;

/// MERGE: matched rows are updated in one step; without HOLDLOCK the insert of a missing row is a step after the
/// check.
fn merge(
    rid: ResourceId,
    on: Row,
    matched: Option<Row>,
    not_matched: Option<Row>,
    serialized: bool,
    steps: &mut Vec<Step>,
) {
    let filter = Filter { equal: on.clone(), ..Filter::default() };
    match (matched, not_matched, serialized) {
        (Some(row), Some(_), true) => {
            steps.push(Step::Access(rid, Access::Upsert { key: on, row }));
        }
        (set, Some(row), serialized) => {
            // The matched rows are updated in the step that looks for them.
            match set {
                Some(set) if !serialized => {
                    let filter = filter.clone();
                    steps.push(Step::Access(
                        rid,
                        Access::Update { filter, set, if_match: None, sql: true },
                    ));
                }
                _ if !serialized => steps.push(Step::Access(rid, Access::Probe(filter.clone()))),
                _ => {}
            }
            steps.push(Step::Access(rid, Access::CreateIfNone { row, unless: filter, serialized }));
        }
        (Some(set), None, _) => {
            steps
                .push(Step::Access(rid, Access::Update { filter, set, if_match: None, sql: true }));
        }
        (None, None, _) => {}
    }
}
