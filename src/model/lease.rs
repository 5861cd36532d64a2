//! The lease protocol of a blob (semantics §8): acquire, renew, release, and writes under a lease.

use super::access::{Act, Caller, LeaseEvent, code, matches, put};
use super::content::{Content, Lease, Row};
use super::evaluate::evaluate;
use super::expression::{Env, Expr, Failure};
use super::ids::ResourceId;
use super::value::{Standing, Token, TokenKind, Value};
use std::sync::Arc;

/// Instead of a lease id: whosever it is.
pub const ANYBODY: &str = "*";

pub(super) fn acquire(
    rid: ResourceId,
    content: &Content,
    seconds: &Value,
    retry: Option<(u64, u64)>,
    caller: Caller,
) -> Act {
    if let Lease::Held(_) = content.lease {
        let patient = retry.is_some_and(|(count, _)| count > 0);
        if patient && !caller.exhaustible {
            return Act { waits: true, ..Act::default() };
        }
        return Act { exhausted: patient, ..Act::refuse(409) };
    }
    let limit = match seconds {
        Value::Int(n) if *n >= 0 => Some(n.unsigned_abs()),
        _ => None,
    };
    let mut after = content.clone();
    after.lease = Lease::Held(limit.is_some());
    let (kind, standing) = (TokenKind::Lease, Standing::Current);
    let id = Token { resource: rid.0, row: 0, kind, standing, version: None };
    let output = Value::object([("leaseId", Value::Token(id)), ("statusCode", Value::Int(201))]);
    Act { after: Some(after), output, lease: Some(LeaseEvent::Acquired(limit)), ..Act::default() }
}

/// How the lease id that the call names stands; without one, the caller's own.
pub(super) fn standing(
    content: &Content,
    lease: Option<&Expr>,
    env: &mut dyn Env,
    caller: Caller,
) -> Result<Option<Standing>, Failure> {
    let Some(expr) = lease else {
        // The id of a lease that ran out is good for as long as nothing has happened since.
        let revived = caller.lease == Some(Standing::Stale) && content.lease == Lease::Expired;
        return Ok(if revived { Some(Standing::Current) } else { caller.lease });
    };
    Ok(match evaluate(expr, env)? {
        Value::Token(token) if token.kind == TokenKind::Lease => Some(known(token, content)),
        _ => None,
    })
}

/// Whether it is the id of the latest lease (`Spent`: of the latest, which is broken). One that a store keeps does not age
/// there: it says of which lease it is ([`super::version`]).
fn known(token: Token, content: &Content) -> Standing {
    if token.version.is_some_and(|nth| nth != content.leases) {
        return Standing::Stale;
    }
    token.standing
}

/// Ends whoever's lease it is, at once (semantics §8): with a break period, and before the rest of a finite lease has
/// passed, the service waits, and what may then happen earlier may happen later too.
pub(super) fn break_lease(content: &Content) -> Act {
    match content.lease {
        Lease::Available => Act::refuse(409),
        Lease::Broken => Act { output: code(202), ..Act::default() },
        Lease::Held(_) | Lease::Expired => {
            let after = Content { lease: Lease::Broken, ..content.clone() };
            let lease = Some(LeaseEvent::Broken);
            Act { after: Some(after), output: code(202), lease, ..Act::default() }
        }
    }
}

/// The answer as it comes over HTTP: the blob's content is the body, its etag and the lease's id are headers.
pub(super) fn over_http(done: Act) -> Act {
    let Value::Object(plain) = &done.output else { return done };
    let mut answer = (**plain).clone();
    let mut headers = Vec::new();
    for (property, header) in [("etag", "ETag"), ("leaseId", "x-ms-lease-id")] {
        headers.extend(answer.remove(property).map(|value| (header, value)));
    }
    if let Some(content) = answer.remove("value") {
        answer.insert("body".into(), content);
    }
    answer.insert("headers".into(), Value::object(headers));
    Act { output: Value::Object(Arc::new(answer)), ..done }
}

/// Renew and release (semantics §8): the current id, also when it ran out and nothing happened since; release, when it
/// was broken.
pub(super) fn end_lease(content: &Content, standing: Option<Standing>, renew: bool) -> Act {
    let allowed = match (content.lease, standing) {
        (Lease::Held(_) | Lease::Expired, Some(Standing::Current)) => true,
        (Lease::Broken, Some(Standing::Current | Standing::Spent)) => !renew,
        _ => false,
    };
    if !allowed {
        return Act::refuse(409);
    }
    let mut after = content.clone();
    after.lease = match (renew, content.lease) {
        (false, _) => Lease::Available,
        // A lease without end stays one.
        (true, Lease::Held(finite)) => Lease::Held(finite),
        (true, Lease::Available | Lease::Expired | Lease::Broken) => Lease::Held(true),
    };
    let event = if renew { LeaseEvent::Renewed } else { LeaseEvent::Released };
    Act { after: Some(after), output: code(200), lease: Some(event), ..Act::default() }
}

pub(super) fn write(
    content: &Content,
    value: &Expr,
    lease: Option<&Expr>,
    if_match: Option<&Expr>,
    env: &mut dyn Env,
) -> Result<Act, Failure> {
    let value = evaluate(value, env)?;
    let id = lease.map(|l| evaluate(l, env)).transpose()?;
    let held = matches!(content.lease, Lease::Held(_));
    let allowed = match &id {
        None | Some(Value::Null) => !held,
        Some(Value::Token(token)) => {
            held && token.kind == TokenKind::Lease && known(*token, content) == Standing::Current
        }
        Some(_) => false,
    };
    if !allowed {
        return Ok(Act::refuse(412));
    }
    if let Some(etag) = if_match
        && !matches(&evaluate(etag, env)?, content)
    {
        return Ok(Act::refuse(412));
    }
    let mut after = content.clone();
    let mut wrote = Vec::new();
    if after.rows.is_empty() {
        after.rows.push(Some(Row::default()));
    }
    if let Some(Some(row)) = after.rows.first_mut() {
        put(row, &[("value".into(), value)], 0, &mut wrote);
    }
    let forgotten = matches!(after.lease, Lease::Expired | Lease::Broken);
    if forgotten {
        after.lease = Lease::Available;
    }
    let event = forgotten.then_some(LeaseEvent::Forgotten);
    Ok(Act { after: Some(after), output: code(200), wrote, lease: event, ..Act::default() })
}
