//! SQL expressions with a value.

use super::condition;
use super::scope::Scope;
use super::{Read, Refusal};
use crate::model::expression::Expr;
use crate::model::function::Function;
use crate::model::statement::Total;
use crate::model::value::{Float, Value};
use sqlparser::ast::{self as sql, BinaryOperator, DataType, UnaryOperator};

/// The value of an expression over the scope's row.
pub(super) fn read(expr: &sql::Expr, scope: &mut Scope<'_>) -> Read<Expr> {
    scope.deeper(|scope| match expr {
        sql::Expr::Nested(inner) => read(inner, scope),
        sql::Expr::Identifier(name) => scope.name(name),
        sql::Expr::CompoundIdentifier(parts) => scope.qualified(parts),
        sql::Expr::Value(value) => literal(&value.value, scope),
        sql::Expr::UnaryOp { op: UnaryOperator::Plus, expr } => read(expr, scope),
        sql::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Ok(negated(read(expr, scope)?)),
        sql::Expr::BinaryOp { left, op, right } => {
            let (left, right) = (read(left, scope)?, read(right, scope)?);
            arithmetic(op, left, right)
        }
        sql::Expr::Cast { expr, data_type, format: None, .. }
        | sql::Expr::Convert { expr, data_type: Some(data_type), charset: None, .. } => {
            Ok(cast(read(expr, scope)?, data_type))
        }
        sql::Expr::Case { operand, conditions, else_result, .. } => {
            case(operand.as_deref(), conditions, else_result.as_deref(), scope)
        }
        sql::Expr::Function(function) => call(function, scope),
        _ => Err(Refusal::Unread),
    })
}

/// A call of one of the language's functions.
pub(super) fn of(function: &'static str, args: Vec<Expr>) -> Expr {
    let known = Function::lookup(function);
    Expr::Call(known.expect("internal error: SQL needs a function that there is not"), args)
}

fn literal(value: &sql::Value, scope: &Scope<'_>) -> Read<Expr> {
    match value {
        sql::Value::Number(digits, _) => number(digits).map(Expr::Const),
        sql::Value::SingleQuotedString(text) | sql::Value::NationalStringLiteral(text) => {
            Ok(scope.context.template.literal(text))
        }
        sql::Value::Null => Ok(Expr::Const(Value::Null)),
        _ => Err(Refusal::Unread),
    }
}

fn number(digits: &str) -> Read<Value> {
    if let Ok(whole) = digits.parse() {
        return Ok(Value::Int(whole));
    }
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(Float(number))),
        Ok(_) | Err(_) => Err(Refusal::Unread),
    }
}

fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::Const(Value::Int(number)) if number != i64::MIN => Expr::Const(Value::Int(-number)),
        Expr::Const(Value::Float(number)) => Expr::Const(Value::Float(Float(-number.0))),
        other => of("sub", vec![Expr::Const(Value::Int(0)), other]),
    }
}

fn arithmetic(op: &BinaryOperator, left: Expr, right: Expr) -> Read<Expr> {
    let function = match op {
        BinaryOperator::Plus if is_text(&left) || is_text(&right) => "concat",
        BinaryOperator::Plus => "add",
        BinaryOperator::Minus => "sub",
        BinaryOperator::Multiply => "mul",
        BinaryOperator::Divide => "div",
        BinaryOperator::Modulo => "mod",
        _ => return Err(Refusal::Unread),
    };
    Ok(of(function, vec![left, right]))
}

/// Whether an expression is text whatever its parts are.
pub(super) fn is_text(expr: &Expr) -> bool {
    match expr {
        Expr::Const(Value::String(_)) | Expr::Concat(_) => true,
        Expr::Call(function, _) => function.name() == "concat",
        _ => false,
    }
}

/// `CAST(x AS type)`: text and whole numbers; anything else depends on x in a way that we do not know.
fn cast(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Char(_)
        | DataType::Varchar(_)
        | DataType::Nvarchar(_)
        | DataType::Text
        | DataType::Character(_)
        | DataType::CharacterVarying(_) => Expr::Concat(vec![expr]),
        DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::SmallInt(_)
        | DataType::TinyInt(_) => of("int", vec![expr]),
        other => Expr::Opaque(format!("CAST AS {other}").into(), vec![expr]),
    }
}

fn case(
    operand: Option<&sql::Expr>,
    whens: &[sql::CaseWhen],
    otherwise: Option<&sql::Expr>,
    scope: &mut Scope<'_>,
) -> Read<Expr> {
    let mut result = match otherwise {
        Some(value) => read(value, scope)?,
        None => Expr::Const(Value::Null),
    };
    if whens.len() > 32 {
        return Err(Refusal::Unread);
    }
    for when in whens.iter().rev() {
        let test = match operand {
            Some(operand) => {
                of("equals", vec![read(operand, scope)?, read(&when.condition, scope)?])
            }
            None => condition::read(&when.condition, true, scope)?,
        };
        result = of("if", vec![test, read(&when.result, scope)?, result]);
    }
    Ok(result)
}

/// A function: an aggregate where one may stand, one that both languages have, or an unknown one of its arguments.
fn call(function: &sql::Function, scope: &mut Scope<'_>) -> Read<Expr> {
    let [sql::ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
        return Err(Refusal::Unread);
    };
    let plain = function.over.is_none()
        && function.filter.is_none()
        && function.within_group.is_empty()
        && function.null_treatment.is_none();
    let sql::FunctionArguments::List(list) = &function.args else { return Err(Refusal::Unread) };
    if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(Refusal::Unread);
    }
    let name = name.value.to_uppercase();
    if ["COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG", "STRING_AGG"].contains(&name.as_str()) {
        return total(&name, &list.args, scope);
    }
    let mut args = Vec::new();
    for arg in &list.args {
        let sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(arg)) = arg else {
            return Err(Refusal::Unread);
        };
        args.push(read(arg, scope)?);
    }
    Ok(match name.as_str() {
        "ISNULL" | "COALESCE" => of("coalesce", args),
        "CONCAT" => of("concat", args),
        _ => Expr::Opaque(name.into(), args),
    })
}

fn total(name: &str, args: &[sql::FunctionArg], scope: &mut Scope<'_>) -> Read<Expr> {
    let Some(seen) = scope.totals.take() else { return Err(Refusal::Unread) };
    let [sql::FunctionArg::Unnamed(arg)] = args else { return Err(Refusal::Unread) };
    let total = match (name, arg) {
        ("COUNT" | "COUNT_BIG", sql::FunctionArgExpr::Wildcard) => Total::Count,
        ("COUNT", sql::FunctionArgExpr::Expr(sql::Expr::Value(value)))
            if value.value != sql::Value::Null =>
        {
            Total::Count
        }
        ("SUM", sql::FunctionArgExpr::Expr(arg)) => Total::Sum(aside(arg, scope)?),
        ("MIN", sql::FunctionArgExpr::Expr(arg)) => Total::Min(aside(arg, scope)?),
        ("MAX", sql::FunctionArgExpr::Expr(arg)) => Total::Max(aside(arg, scope)?),
        _ => return Err(Refusal::Unread),
    };
    let column = Expr::Column(format!("#{}", seen.len()).into());
    let mut seen = seen;
    seen.push(total);
    scope.totals = Some(seen);
    Ok(column)
}

/// An aggregate's argument: its columns do not count as columns beside the aggregate.
fn aside(arg: &sql::Expr, scope: &mut Scope<'_>) -> Read<Expr> {
    let columns = scope.columns;
    let arg = read(arg, scope)?;
    scope.columns = columns;
    Ok(arg)
}

/// Whether a value is another one each time that it is asked for.
pub(super) fn made_up(expr: &Expr) -> bool {
    match expr {
        Expr::Opaque(name, args) => {
            ["NEWID", "NEWSEQUENTIALID", "RAND"].contains(&name.as_ref())
                || args.iter().any(made_up)
        }
        Expr::Call(function, args) => {
            ["guid", "rand"].contains(&function.name()) || args.iter().any(made_up)
        }
        Expr::Concat(parts) => parts.iter().any(made_up),
        _ => false,
    }
}
