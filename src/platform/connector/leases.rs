//! Leases of blobs over HTTP (semantics §8): the service has them, its connector has not. What is read and written of
//! a leased blob over HTTP meets its lease there.

use super::describe::{bare, header};
use super::parameter::{Captures, MARK, marked, member, parameter};
use crate::definition::ast::Call;
use crate::definition::expression::{Expr as Written, Part, Template};
use crate::definition::problem::Problem;
use crate::model::expression::Expr;
use crate::model::ids::ResourceId;
use crate::model::lease::ANYBODY;
use crate::model::program::{Access, Step};
use crate::model::value::Value;
use crate::platform::expression::lower;
use crate::platform::leaf::Resolver;

/// A request to a blob, or to something else that may be one.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Which blob: the address without its query, if it is the same for all.
    pub(super) blob: Option<String>,
    /// Its last part.
    pub(super) shown: String,
    /// Whether it is about the lease.
    pub(super) leases: bool,
    /// Whether it asks for a part or a property (`comp=…`).
    part: bool,
    method: String,
}

/// Takes a call apart, if it goes over HTTP.
pub(super) fn request(call: &Call) -> Option<Request> {
    if !["http", "webcontents", "webcontentsv2", "httpwithazuread"]
        .contains(&&*bare(&call.connector))
    {
        return None;
    }
    let none = Captures::new();
    let uri = parameter(call, &none, "uri").or_else(|| parameter(call, &none, "url"))?;
    let (text, _) = marked(&uri);
    let (address, query) = text.split_once('?').unwrap_or((&text, ""));
    let queries = call.parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case("queries"));
    let comp = queries.and_then(|(_, q)| member(q, "comp")).map(|t| marked(&t).0).or_else(|| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| name.eq_ignore_ascii_case("comp")).map(|p| p.1.to_owned()).next()
    });
    let fixed = !address.contains(MARK)
        && (address.starts_with('{') || address.to_ascii_lowercase().starts_with("http"));
    let written = parameter(call, &none, "method").map(|m| marked(&m).0);
    Some(Request {
        blob: fixed.then(|| format!("blob:{}", address.trim_end_matches('/').to_lowercase())),
        shown: address.rsplit('/').next().unwrap_or(address).to_owned(),
        leases: comp.as_deref().is_some_and(|c| c.eq_ignore_ascii_case("lease")),
        part: comp.is_some(),
        method: written.unwrap_or_else(|| call.operation.clone()).to_ascii_uppercase(),
    })
}

/// What a request does to a leased blob; `None`: nothing that a cell stands for.
pub(super) fn access(
    request: &Request,
    call: &Call,
    names: &mut Resolver<'_>,
) -> Result<Option<Access>, Problem> {
    if request.leases {
        // The service leases by PUT alone, and answers 400 to anything else.
        return if request.method == "PUT" { lease(call, names) } else { Ok(None) };
    }
    let given = |name: &str, names: &mut Resolver<'_>| {
        header(call, name).map(|t| lower(&t, names)).transpose()
    };
    let whole = !request.part && header(call, "If-None-Match").is_none();
    let unsure = match request.method.as_str() {
        "GET" | "HEAD" if header(call, "x-ms-lease-id").is_some() => {
            Some("whether a read is answered that names a lease, as it is under that lease alone")
        }
        "DELETE" => {
            Some("what becomes of the lease of a blob that is deleted: the blob is taken to stay")
        }
        _ => None,
    };
    names.unknown.extend(unsure.map(str::to_owned));
    Ok(match request.method.as_str() {
        "GET" | "HEAD" => Some(Access::Get),
        method @ ("PUT" | "DELETE") if whole => {
            let body = call.parameters.get("body").filter(|_| method == "PUT");
            let value = body.map(|t| lower(t, names)).transpose()?;
            Some(Access::Write {
                value: value.unwrap_or(Expr::Const(Value::Null)),
                lease: given("x-ms-lease-id", names)?,
                if_match: given("If-Match", names)?,
            })
        }
        _ => None,
    })
}

fn lease(call: &Call, names: &mut Resolver<'_>) -> Result<Option<Access>, Problem> {
    let action = header(call, "x-ms-lease-action").map(|t| marked(&t).0.to_ascii_lowercase());
    let id = header(call, "x-ms-lease-id").map(|t| lower(&t, names)).transpose()?;
    Ok(match action.as_deref() {
        // An id is renewed, changed or released. What the service makes of it here nobody says.
        Some("acquire") if id.is_some() => None,
        Some("acquire") => {
            let proposed = header(call, "x-ms-proposed-lease-id");
            if proposed.is_some_and(|t| !unique(&t)) {
                names.unknown.insert(
                    "a lease whose id is proposed by the flow and may be the same for all"
                        .to_owned(),
                );
                return Ok(None);
            }
            // The platform does not repeat a call that is answered 409 (semantics §6).
            seconds(call, names)?.map(|seconds| Access::Acquire { seconds, retry: None })
        }
        Some("renew") => Some(Access::Renew(Some(id.unwrap_or(Expr::Const(Value::Null))))),
        Some("release") => Some(Access::Release(Some(id.unwrap_or(Expr::Const(Value::Null))))),
        Some("break") => Some(Access::Release(Some(Expr::Const(Value::text(ANYBODY))))),
        _ => None,
    })
}

/// Whether the flow proposes another id each time.
fn unique(template: &Template) -> bool {
    let made = |expr: &Written| {
        let mut todo = vec![expr];
        while let Some(expr) = todo.pop() {
            match expr {
                Written::Call { name, .. }
                    if ["guid", "workflow"].contains(&name.to_lowercase().as_str()) =>
                {
                    return true;
                }
                Written::Call { args, .. } => todo.extend(args),
                Written::Index { base, .. } => todo.push(base),
                Written::Literal(_) => {}
            }
        }
        false
    };
    match template {
        Template::Expr(expr, _) => made(expr),
        Template::Concat(parts, _) => {
            parts.iter().any(|p| matches!(p, Part::Expr(expr) if made(expr)))
        }
        _ => false,
    }
}

/// How long a lease is asked for: 15 to 60 s, or -1 for ever. What is only known at run time may be as short as can be;
/// without it, or with another number, the service answers 400.
fn seconds(call: &Call, names: &mut Resolver<'_>) -> Result<Option<Expr>, Problem> {
    let Some(written) = header(call, "x-ms-lease-duration") else { return Ok(None) };
    let number = match lower(&written, names)? {
        Expr::Const(Value::Int(n)) => Some(n),
        Expr::Const(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.unwrap_or_else(|| {
        names
            .unknown
            .insert("the seconds of a lease: taken for the 15 that it lasts at least".to_owned());
        15
    });
    let granted = number == -1 || (15..=60).contains(&number);
    Ok(granted.then_some(Expr::Const(Value::Int(number))))
}

/// The steps of a request to a leased blob.
pub(super) fn steps(
    rid: ResourceId,
    request: &Request,
    call: &Call,
    names: &mut Resolver<'_>,
) -> Result<Option<Vec<Step>>, Problem> {
    let access = access(request, call, names)?;
    Ok(access.map(|access| vec![Step::Access(rid, access)]))
}
