//! What a call does to which cell: the connector's own tables first, then the rules of REST, then the operation's name.

use super::contract::{Class, Connector, Operation};
use super::dataverse::{ENVIRONMENT, environment};
use super::parameter::{
    self, Captures, decoded, marked, matches, member, parameter, segments, unmarked,
};
use super::{CONNECTORS, native, odata, rest};
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
    /// The site and the name of a list of SharePoint, if they are there beforehand.
    pub(super) list: Option<(String, String)>,
    /// Which row of it, in parts.
    pub(super) key: Vec<Template>,
    /// Columns and their values; `content` is all of a file.
    pub(super) set: Vec<(String, Template)>,
    /// `If-Match`.
    pub(super) if_match: Option<Template>,
    /// The condition of a query.
    pub(super) filter: odata::Condition,
    /// By what a query orders, and how many rows it asks for at most.
    pub(super) order: Option<Template>,
    pub(super) limit: Option<u64>,
    /// Everything that a query says.
    pub(super) query: Vec<Template>,
    /// Whether it is known by its address alone.
    pub(super) rest: bool,
    /// Whether its answers show an etag that may be sent back.
    pub(super) etags: bool,
    /// Whether the operation is known, by a table or by the rules of REST.
    pub(super) known: bool,
}

/// Takes a call apart.
pub(super) fn describe(call: &Call) -> Described {
    let connector = bare(&call.connector);
    if connector == "http"
        || ["webcontents", "webcontentsv2", "httpwithazuread"].contains(&&*connector)
    {
        return rest::described(call, "http");
    }
    if ["httprequest", "httprequestv2"].contains(&&*call.operation.to_lowercase()) {
        return rest::described(call, &connector);
    }
    let own = CONNECTORS.iter().find(|c| c.ids.iter().any(|id| is(id, &connector)));
    if let Some((operation, captures)) = own.and_then(|c| operation(c, call)) {
        return of(operation, &captures, call, own.map_or(&connector, |c| c.ids[0]));
    }
    if call.parameters.contains_key("path") && call.parameters.contains_key("method") {
        return rest::described(call, &connector);
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
    let path = call.parameters.get("path").map(segments);
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

pub(super) fn of(
    operation: &Operation,
    captures: &Captures,
    call: &Call,
    connector: &str,
) -> Described {
    let get = |name: &str| parameter(call, captures, name);
    let mut store = connector.to_owned();
    let mut shown = connector.to_owned();
    let mut key: Vec<Template> = Vec::new();
    let mut places = Vec::new();
    for name in operation.place {
        let written = if *name == ENVIRONMENT { environment(&get) } else { get(name) };
        let (text, holes) = written.map(|t| marked(&t)).unwrap_or_default();
        let sql = connector == "sql" && holes.is_empty();
        let text = if sql { sql_place(name, &text) } else { plain(&text) };
        store = format!("{store}/{}", text.to_lowercase());
        if !text.is_empty() && holes.is_empty() {
            shown = short(&text);
        }
        // A store that is only known at run time is part of the key.
        key.extend(holes);
        places.push(text.to_lowercase());
    }
    let list = match (connector, operation.place, places.as_slice()) {
        ("sharepointonline", ["dataset", "table"], [site, list]) if key.is_empty() => {
            Some((site.clone(), list.clone()))
        }
        _ => None,
    };
    let own: Vec<Option<Template>> = operation.key.iter().map(|name| get(name)).collect();
    let complete = own.iter().all(Option::is_some) && own.len() == operation.key.len();
    let path = |name: &&str| ["path", "folderPath"].contains(name);
    let path = operation.key.iter().any(path) || own.iter().flatten().any(encoded);
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
    let (order, limit) = (get("$orderby"), get("$top").and_then(|t| marked(&t).0.parse().ok()));
    let if_match = header(call, "If-Match");
    let etags = if_match.as_ref().is_some_and(|t| *t != Template::Text("*".to_owned()));
    let (rest, known) = (false, true);
    Described {
        class,
        store,
        shown,
        list,
        key,
        set,
        if_match,
        filter,
        order,
        limit,
        query,
        rest,
        etags,
        known,
    }
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

/// A site or list however it is written: an address with a slash at its end, an id in braces.
fn plain(place: &str) -> String {
    let inner = place.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
    inner.filter(|id| is_guid(id)).unwrap_or(place.trim_end_matches('/')).to_owned()
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The id of a file is its path, encoded twice.
fn encoded(id: &Template) -> bool {
    matches!(id, Template::Text(text) if text.to_lowercase().starts_with("%252f"))
}

/// A folder and a name are one path, from the root, whatever its case.
fn joined(parts: Vec<Option<Template>>) -> Vec<Template> {
    let mut text = "/".to_owned();
    let mut holes = Vec::new();
    for part in parts.into_iter().flatten() {
        let (piece, inner) = marked(&part);
        let piece = parameter::renumbered(&piece, holes.len());
        let piece =
            if encoded(&part) { decoded(&decoded(&piece)).replace('+', " ") } else { piece };
        if !text.is_empty() && !text.ends_with('/') {
            text.push('/');
        }
        text.push_str(&rest::single_slashes(piece.trim_matches('/')).to_lowercase());
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

fn about_request(parameter: &str) -> bool {
    ["method", "path", "headers"].contains(&parameter)
        || parameter.to_lowercase().ends_with("/headers")
}

/// All that a query depends on: every parameter that does not say which store.
fn queries(call: &Call, operation: &Operation) -> Vec<Template> {
    call.parameters
        .iter()
        .filter(|(k, _)| !operation.place.contains(&k.as_str()) && !about_request(k))
        .map(|(_, t)| t.clone())
        .collect()
}

pub(super) fn header(call: &Call, name: &str) -> Option<Template> {
    let headers = call
        .parameters
        .iter()
        .find(|(k, _)| {
            let name = k.strip_prefix("parameters/").or_else(|| k.strip_prefix("request/"));
            name.unwrap_or(k).eq_ignore_ascii_case("headers")
        })
        .and_then(|(_, t)| member(t, name));
    headers.or_else(|| parameter(call, &Captures::new(), name))
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
        list: None,
        key: Vec::new(),
        set: Vec::new(),
        if_match: None,
        filter: odata::Condition::default(),
        order: None,
        limit: None,
        query: Vec::new(),
        rest: false,
        etags: false,
        known: false,
    }
}

/// The last telling part of an address or name; a GUID is cut.
pub(super) fn short(text: &str) -> String {
    let text = text.split(['?', parameter::MARK]).next().unwrap_or(text).trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or(text);
    if is_guid(last) { format!("list {}", &last[..8]) } else { last.to_owned() }
}
