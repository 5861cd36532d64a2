//! What a call does to which cell: the connector's own tables first, then the rules of REST, then the operation's name.

use super::contract::{Class, Connector, Operation};
use super::parameter::{self, Captures, marked, matches, member, parameter, unmarked};
use super::{CONNECTORS, native, odata};
use crate::definition::ast::Call;
use crate::definition::expression::Template;

/// A call, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// What it does.
    pub(super) class: Class,
    /// Which store, in full.
    pub(super) store: String,
    /// The store as people call it.
    pub(super) shown: String,
    /// Which row of it, in parts.
    pub(super) key: Vec<Template>,
    /// Columns and their values; `content` is all of a file.
    pub(super) set: Vec<(String, Template)>,
    /// `If-Match`.
    pub(super) if_match: Option<Template>,
    /// The condition of a query.
    pub(super) filter: odata::Condition,
    /// Everything that a query says.
    pub(super) query: Vec<Template>,
    /// Whether it is known by its address alone.
    pub(super) rest: bool,
    /// Whether the operation is known, by a table or by the rules of REST.
    pub(super) known: bool,
}

/// Takes a call apart.
pub(super) fn describe(call: &Call) -> Described {
    let connector = bare(&call.connector);
    if connector == "http"
        || ["webcontents", "webcontentsv2", "httpwithazuread"].contains(&&*connector)
    {
        return rest(call, "http", "uri");
    }
    if call.operation.eq_ignore_ascii_case("HttpRequest") {
        return rest(call, &connector, "uri");
    }
    let own = CONNECTORS.iter().find(|c| c.ids.iter().any(|id| is(id, &connector)));
    if let Some((operation, captures)) = own.and_then(|c| operation(c, call)) {
        return of(operation, &captures, call, own.map_or(&connector, |c| c.ids[0]));
    }
    if call.parameters.contains_key("path") && call.parameters.contains_key("method") {
        return rest(call, &connector, "path");
    }
    by_name(call, &connector)
}

/// Without `shared_`, running number (`-1`, `_2`) and the designer's suffixes.
pub(super) fn bare(connector: &str) -> String {
    let lower = connector.to_lowercase();
    let name = lower.strip_prefix("shared_").unwrap_or(&lower);
    let name = name.split("_#").next().unwrap_or(name);
    let name = name.trim_end_matches(['_', '-']);
    let end = name.trim_end_matches(|c: char| c.is_ascii_digit());
    end.strip_suffix(['-', '_']).unwrap_or(name).trim_end_matches(['_', '-']).to_owned()
}

fn is(id: &str, connector: &str) -> bool {
    let id = id.to_lowercase();
    connector.strip_prefix(&id).is_some_and(|rest| {
        rest.starts_with(['-', '_']) || rest.chars().all(|c| c.is_ascii_digit())
    })
}

fn operation<'c>(connector: &'c Connector, call: &Call) -> Option<(&'c Operation, Captures)> {
    let path = call.parameters.get("path").map(marked);
    let method = call.operation.split(' ').next().unwrap_or_default();
    for operation in connector.operations {
        for name in operation.names {
            match (name.split_once(' '), &path) {
                (Some((verb, pattern)), Some((path, holes)))
                    if verb.eq_ignore_ascii_case(method) =>
                {
                    if let Some(captures) = matches(pattern, path, holes) {
                        return Some((operation, captures));
                    }
                }
                // An operation of its own that happens to have a parameter `path`.
                (None, _) if name.eq_ignore_ascii_case(&call.operation) => {
                    return Some((operation, Captures::new()));
                }
                _ => {}
            }
        }
    }
    None
}

fn of(operation: &Operation, captures: &Captures, call: &Call, connector: &str) -> Described {
    let get = |name: &str| parameter(call, captures, name);
    let mut store = connector.to_owned();
    let mut shown = connector.to_owned();
    let mut key: Vec<Template> = Vec::new();
    for name in operation.place {
        let (text, holes) = get(name).map(|t| marked(&t)).unwrap_or_default();
        let sql = connector == "sql" && holes.is_empty();
        let text = if sql { sql_place(name, &text) } else { text };
        store = format!("{store}/{}", text.to_lowercase());
        if !text.is_empty() && holes.is_empty() {
            shown = short(&text);
        }
        // A store that is only known at run time is part of the key.
        key.extend(holes);
    }
    let own: Vec<Option<Template>> = operation.key.iter().map(|name| get(name)).collect();
    let complete = own.iter().all(Option::is_some) && own.len() == operation.key.len();
    let path = operation.key == ["folderPath", "name"];
    key.extend(if path { joined(own) } else { own.into_iter().flatten().collect() });
    let class = if complete { operation.class } else { Class::Effect };
    let set = match operation.columns {
        "" => vec![(crate::model::external::CONTENT.to_owned(), content(call))],
        name => {
            let columns = parameter::columns(call, captures, name);
            if columns.is_empty() {
                vec![(crate::model::external::CONTENT.to_owned(), content(call))]
            } else {
                columns
            }
        }
    };
    let filter = get("$filter").map(|f| odata::condition(&f)).unwrap_or_default();
    let query = if class == Class::Query { queries(call, operation) } else { Vec::new() };
    let if_match = header(call, "If-Match");
    Described { class, store, shown, key, set, if_match, filter, query, rest: false, known: true }
}

/// A server, database or table of SQL as native queries name it.
fn sql_place(name: &str, written: &str) -> String {
    let text = Template::Text(written.to_owned());
    let place = native::place(Some(&text)).unwrap_or_default();
    match name {
        "table" => native::table(written),
        // The first version of the connector names both in one.
        "dataset" => format!("{place}/default"),
        _ => place,
    }
}

/// A folder and a name are one path.
fn joined(parts: Vec<Option<Template>>) -> Vec<Template> {
    let mut text = String::new();
    let mut holes = Vec::new();
    for part in parts.into_iter().flatten() {
        let (piece, inner) = marked(&part);
        let shift =
            |m: &str| m.parse::<usize>().map_or(m.to_owned(), |n| (n + holes.len()).to_string());
        let piece: Vec<String> = piece
            .split(parameter::MARK)
            .enumerate()
            .map(|(i, p)| if i % 2 == 1 { shift(p) } else { p.to_owned() })
            .collect();
        let piece = piece.join(&parameter::MARK.to_string());
        if !text.is_empty() && !text.ends_with('/') {
            text.push('/');
        }
        text.push_str(piece.trim_start_matches('/'));
        holes.extend(inner);
    }
    vec![unmarked(&text, &holes)]
}

/// What a file operation writes: its body, else everything that it is told.
fn content(call: &Call) -> Template {
    for name in ["body", "content", "file", "fileContent", "value"] {
        if let Some(found) = call.parameters.get(name) {
            return found.clone();
        }
    }
    let pair = |(k, v): (&String, &Template)| (Template::Text(k.clone()), v.clone());
    Template::Object(call.parameters.iter().map(pair).collect())
}

/// All that a query depends on: every parameter that does not say which store.
fn queries(call: &Call, operation: &Operation) -> Vec<Template> {
    call.parameters
        .iter()
        .filter(|(k, _)| !operation.place.contains(&k.as_str()) && *k != "method" && *k != "path")
        .map(|(_, t)| t.clone())
        .collect()
}

pub(super) fn header(call: &Call, name: &str) -> Option<Template> {
    let headers = call
        .parameters
        .iter()
        .find(|(k, _)| {
            k.eq_ignore_ascii_case("headers") || k.eq_ignore_ascii_case("parameters/headers")
        })
        .and_then(|(_, t)| member(t, name));
    headers.or_else(|| parameter(call, &Captures::new(), name))
}

/// By method and address: GET reads, PUT replaces, PATCH and MERGE set, DELETE removes, POST does something once. What
/// stands before the first hole of the address is the store, the rest says which row.
fn rest(call: &Call, connector: &str, address: &str) -> Described {
    let none = Captures::new();
    let uri = parameter(call, &none, address).or_else(|| parameter(call, &none, "url"));
    let (text, holes) = uri.as_ref().map(marked).unwrap_or_default();
    let text = single_slashes(&text);
    let written = parameter(call, &none, "method").map(|m| marked(&m).0);
    let method = written.filter(|m| !m.is_empty() && !m.contains(parameter::MARK));
    let method =
        method.unwrap_or_else(|| call.operation.split(' ').next().unwrap_or("").to_owned());
    let verb = header(call, "X-HTTP-Method").map_or(method, |m| marked(&m).0);
    let place = text.split(['?', parameter::MARK]).next().unwrap_or_default().trim_end_matches('/');
    let asks = text.contains('?') && text.split('?').nth(1).is_some_and(|q| q.contains('$'));
    let class = match verb.to_ascii_uppercase().as_str() {
        "GET" | "HEAD" => Class::Read,
        "PUT" => Class::Overwrite,
        "PATCH" | "MERGE" => Class::Write,
        "DELETE" => Class::Delete,
        _ => Class::Effect,
    };
    // A query string with `$select` and the like asks about the same thing.
    let about = if asks { text.split('?').next().unwrap_or(&text) } else { &text };
    let key = vec![unmarked(about.trim_end_matches('/'), &holes)];
    let body = call
        .parameters
        .iter()
        .find(|(k, _)| k.eq_ignore_ascii_case("body") || k.eq_ignore_ascii_case("parameters/body"));
    let columns = body.filter(|_| class == Class::Write).and_then(|(_, b)| parameter::object(b));
    let whole = || body.map_or_else(|| Template::Text(String::new()), |(_, body)| body.clone());
    let set =
        columns.unwrap_or_else(|| vec![(crate::model::external::CONTENT.to_owned(), whole())]);
    Described {
        class,
        store: format!("{connector}:{}", shape(about)),
        shown: short(place),
        key,
        set,
        if_match: header(call, "If-Match"),
        filter: odata::Condition::default(),
        query: Vec::new(),
        rest: true,
        known: true,
    }
}

/// An address written with `//` where `/` would do is the same address.
fn single_slashes(address: &str) -> String {
    let (path, query) = address.split_once('?').map_or((address, None), |(p, q)| (p, Some(q)));
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
    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
    format!("{scheme}{}{query}", parts.join("/"))
}

/// One store a form of address: what differs between two addresses of a form is what the flow puts into its holes.
fn shape(address: &str) -> String {
    let texts = address.trim_end_matches('/').split(parameter::MARK).step_by(2);
    texts.collect::<Vec<_>>().join("{}").to_lowercase()
}

/// An operation that no table has: what its name says (semantics §7.7), so far as that is safe; nothing is shared.
fn by_name(call: &Call, connector: &str) -> Described {
    let name = call.operation.to_lowercase();
    let reads =
        ["get", "list", "search", "query", "find", "read", "lookup", "check", "convert", "parse"];
    let class = if reads.iter().any(|p| name.starts_with(p)) { Class::Pure } else { Class::Effect };
    Described {
        class,
        store: String::new(),
        shown: connector.to_owned(),
        key: Vec::new(),
        set: Vec::new(),
        if_match: None,
        filter: odata::Condition::default(),
        query: Vec::new(),
        rest: false,
        known: false,
    }
}

/// The last telling part of an address or name; a GUID is cut.
fn short(text: &str) -> String {
    let text = text.split(['?', parameter::MARK]).next().unwrap_or(text).trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or(text);
    let guid = last.len() == 36 && last.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if guid { format!("list {}", &last[..8]) } else { last.to_owned() }
}
