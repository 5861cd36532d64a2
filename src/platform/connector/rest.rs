//! Requests over HTTP: what method and address say, or the connector that knows the address.

use super::contract::Class;
use super::describe::{Described, header, short};
use super::parameter::{self, Captures, MARK, marked, parameter, unmarked};
use super::{lists, odata};
use crate::definition::ast::Call;
use crate::definition::expression::Template;
use crate::model::external::CONTENT;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The address before its query, holes marked.
    pub(super) address: String,
    /// What is asked about it: names and values.
    pub(super) query: Vec<(String, String)>,
    pub(super) holes: Vec<Template>,
    /// In capital letters.
    pub(super) verb: String,
    pub(super) body: Option<Template>,
}

impl Request {
    /// A part of the address or the query as it was written.
    pub(super) fn written(&self, text: &str) -> Template {
        unmarked(text, &self.holes)
    }
}

/// A parameter of a request, as the connectors that send some call it.
fn asked(call: &Call, name: &str) -> Option<Template> {
    let none = Captures::new();
    parameter(call, &none, name).or_else(|| parameter(call, &none, &format!("request/{name}")))
}

pub(super) fn request(call: &Call) -> Request {
    let uri = ["uri", "url", "path"].iter().find_map(|name| asked(call, name));
    let (text, mut holes) = uri.as_ref().map(marked).unwrap_or_default();
    let (address, query) = text.split_once('?').unwrap_or((&text, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (parameter::decoded(name), parameter::decoded(value))
    };
    let mut query: Vec<(String, String)> =
        query.split('&').filter(|p| !p.is_empty()).map(pair).collect();
    if let Some(Template::Object(pairs)) = asked(call, "queries") {
        for (name, value) in pairs {
            if let Template::Text(name) = name {
                let (value, inner) = marked(&value);
                query.push((name, parameter::renumbered(&value, holes.len())));
                holes.extend(inner);
            }
        }
    }
    let written = asked(call, "method").map(|m| marked(&m).0);
    let method = written.filter(|m| !m.is_empty() && !m.contains(MARK));
    let method =
        method.unwrap_or_else(|| call.operation.split(' ').next().unwrap_or("").to_owned());
    let verb = header(call, "X-HTTP-Method").map_or(method, |m| marked(&m).0);
    Request {
        address: single_slashes(address).trim_end_matches('/').to_owned(),
        query,
        holes,
        verb: verb.to_ascii_uppercase(),
        body: asked(call, "body"),
    }
}

/// What a request does: by a table of operations if the address is one that such a table is about, else by its method.
pub(super) fn described(call: &Call, connector: &str) -> Described {
    let mut request = request(call);
    let place = parameter(call, &Captures::new(), "dataset");
    if let Some(about) = lists::described(&request, place.as_ref(), call) {
        return about;
    }
    let shown = shown(&request.address);
    if let Some((place, inner)) = place.as_ref().map(marked)
        && !absolute(&request.address)
    {
        let place = parameter::renumbered(place.trim_end_matches('/'), request.holes.len());
        request.address = format!("{place}/{}", request.address.trim_start_matches('/'));
        request.holes.extend(inner);
    }
    let connector = if absolute(&request.address) { "http" } else { connector };
    Described { shown, ..by_method(call, connector, &request) }
}

/// What an address calls the things that it is about: the last part that is written out, else the host.
fn shown(address: &str) -> String {
    let path = address.split_once("://").map_or(address, |(_, path)| path);
    let host = path.split('/').next().unwrap_or(path);
    let host = if path.len() < address.len() { host } else { "" };
    let parts = path[host.len()..].split('/').filter(|p| !p.is_empty() && !p.contains(MARK));
    let parts: Vec<&str> = parts.collect();
    match parts.as_slice() {
        [.., of, "default"] => format!("{of}/default"),
        [.., last] => short(last),
        [] => short(host),
    }
}

fn absolute(address: &str) -> bool {
    address.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
}

/// GET reads, PUT replaces, PATCH and MERGE set, DELETE removes, POST does something once. What stands before the first
/// hole of the address is the store, the rest says which row.
fn by_method(call: &Call, connector: &str, request: &Request) -> Described {
    let class = match &*request.verb {
        "GET" | "HEAD" => Class::Read,
        "PUT" => Class::Overwrite,
        // Azure DevOps makes what a PATCH names by its type alone: `/workitems/$Task`.
        "PATCH" if request.address.rsplit('/').next().is_some_and(|last| last.starts_with('$')) => {
            Class::Effect
        }
        "PATCH" | "MERGE" => Class::Write,
        "DELETE" => Class::Delete,
        _ => Class::Effect,
    };
    // A query string with `$select` and the like, or with the version of the interface, asks about the same thing.
    let formal = |name: &str| name.starts_with('$') || name.eq_ignore_ascii_case("api-version");
    let kept = request.query.iter().filter(|(name, _)| !formal(name));
    let kept: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).collect();
    let path = request.address.to_lowercase();
    let about = if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) };
    let columns = request.body.as_ref().filter(|_| class == Class::Write);
    let columns = columns.and_then(parameter::object);
    let whole = || request.body.clone().unwrap_or(Template::Text(String::new()));
    Described {
        class,
        store: format!("{connector}:{}", shape(&about)),
        shown: String::new(),
        list: None,
        key: vec![request.written(&about)],
        set: columns.unwrap_or_else(|| vec![(CONTENT.to_owned(), whole())]),
        if_match: header(call, "If-Match"),
        filter: odata::Condition::default(),
        order: None,
        limit: None,
        query: Vec::new(),
        rest: true,
        // Whoever speaks REST may look at the etag that comes with every answer.
        etags: true,
        known: true,
    }
}

/// An address written with `//` where `/` would do is the same address.
pub(super) fn single_slashes(path: &str) -> String {
    let (scheme, rest) =
        path.split_once("://").map_or((None, path), |(scheme, rest)| (Some(scheme), rest));
    let mut parts: Vec<&str> = rest.split('/').collect();
    let last = parts.len() - 1;
    let mut at = 0;
    parts.retain(|part| {
        at += 1;
        !part.is_empty() || at == 1 || at == last + 1
    });
    let scheme = scheme.map(|s| format!("{s}://")).unwrap_or_default();
    format!("{scheme}{}", parts.join("/"))
}

/// One store a form of address: what differs between two addresses of a form is what the flow puts into its holes.
fn shape(address: &str) -> String {
    let texts = address.trim_end_matches('/').split(MARK).step_by(2);
    texts.collect::<Vec<_>>().join("{}")
}
