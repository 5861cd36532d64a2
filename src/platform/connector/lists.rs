//! Rows by their address: a list of SharePoint over its own interface or Microsoft Graph, a table of Dataverse. Such a
//! request says what an operation of a connector says, and is about the same store.

use super::contract::{Class, Connector, Operation, delete, insert, query, read, write};
use super::describe::{Described, header, is_guid, of};
use super::external::StoreUse;
use super::parameter::{Captures, MARK, decoded, member, object};
use super::rest::Request;
use super::{dataverse, sharepoint};
use crate::definition::ast::Call;
use crate::definition::expression::Template;
use crate::model::external::CONTENT;

const LIST: &[&str] = &["dataset", "table"];

/// Lists as Microsoft Graph names them: of sites that its own ids say.
const GRAPH: Connector = Connector {
    ids: &["microsoftgraph"],
    operations: &[
        read(&["GetItem"], LIST, &["id"]),
        query(&["GetItems"], LIST),
        insert(&["PostItem"], LIST, "item"),
        write(&["PatchItem"], LIST, &["id"], "item"),
        delete(&["DeleteItem"], LIST, &["id"]),
    ],
};

/// A row, or all of a list.
struct About {
    connector: &'static Connector,
    /// Parameters of the operations that say which list, and which row.
    place: Vec<(&'static str, Template)>,
    row: Option<(&'static str, Template)>,
    /// What follows after the row.
    rest: Vec<String>,
}

/// What a request for rows does; `None`: it is about something else.
pub(super) fn described(
    request: &Request,
    place: Option<&Template>,
    call: &Call,
) -> Option<Described> {
    let about =
        sharepoint(request, place).or_else(|| graph(request)).or_else(|| dataverse(request))?;
    let operation = about.operation(request)?;
    let mut told = Call {
        connector: about.connector.ids[0].to_owned(),
        operation: operation.names[0].to_owned(),
        parameters: call.parameters.iter().filter(|(k, _)| is_headers(k)).map(owned).collect(),
    };
    if operation.class == Class::Query {
        told.parameters.clear();
        for (name, value) in &request.query {
            let lower = name.to_lowercase();
            if !["$select", "$expand"].contains(&&*lower) {
                // Graph says where in an item a column is.
                told.parameters.insert(lower, request.written(&value.replace("fields/", "")));
            }
        }
    }
    if !operation.columns.is_empty() {
        match columns(request) {
            Some(columns) => told.parameters.insert(operation.columns.to_owned(), columns),
            None => request.body.clone().and_then(|b| told.parameters.insert("body".into(), b)),
        };
    }
    for (name, value) in about.place.into_iter().chain(about.row) {
        told.parameters.insert(name.to_owned(), value);
    }
    let described = of(operation, &Captures::new(), &told, about.connector.ids[0]);
    Some(Described { etags: true, if_match: header(call, "If-Match"), ..described })
}

fn is_headers(name: &str) -> bool {
    name.to_lowercase().ends_with("headers")
}

fn owned((name, value): (&String, &Template)) -> (String, Template) {
    (name.clone(), value.clone())
}

/// The columns that a body sets; Graph puts them into `fields`, SharePoint says of what type they are.
fn columns(request: &Request) -> Option<Template> {
    let members = object(request.body.as_ref()?)?;
    if let Some((_, values)) = members.iter().find(|(name, _)| name == "formValues") {
        return form(values);
    }
    let fields = members.iter().find(|(name, _)| name == "fields");
    let members = fields.and_then(|(_, inner)| object(inner)).unwrap_or(members);
    let own = members.into_iter().filter(|(name, _)| name != "__metadata");
    Some(Template::Object(own.map(|(name, value)| (Template::Text(name), value)).collect()))
}

/// `[{"FieldName": …, "FieldValue": …}]` as columns; `None`: they are not there beforehand.
fn form(values: &Template) -> Option<Template> {
    let Template::Array(fields) = values else { return None };
    let column = |field: &Template| {
        let (name, value) = (member(field, "FieldName")?, member(field, "FieldValue")?);
        matches!(name, Template::Text(_)).then_some((name, value))
    };
    fields.iter().map(column).collect::<Option<Vec<_>>>().map(Template::Object)
}

impl About {
    fn operation(&self, request: &Request) -> Option<&'static Operation> {
        let below: Vec<&str> = self.rest.iter().map(String::as_str).collect();
        let class = match (&*request.verb, self.row.is_some(), below.as_slice()) {
            ("GET", true, _) => Class::Read,
            ("GET", false, []) => Class::Query,
            ("POST", false, []) => Class::Insert,
            ("POST" | "PATCH" | "MERGE" | "PUT", true, [] | ["fields"]) => Class::Write,
            ("POST", true, ["validateupdatelistitem()" | "validateupdatelistitem"]) => Class::Write,
            ("DELETE", true, []) | ("POST", true, ["recycle()" | "recycle"]) => Class::Delete,
            _ => return None,
        };
        let fits = |o: &&Operation| {
            // In Dataverse a row that is not there is made, unless an etag is sent along.
            o.class == class || class == Class::Write && o.class == Class::Upsert
        };
        self.connector.operations.iter().find(fits)
    }
}

/// The parts of a path; a `/` between quotes is none of its own.
fn segments(path: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        quoted ^= c == '\'';
        match all.last_mut() {
            Some(last) if c != '/' || quoted => last.push(c),
            _ => all.push(String::new()),
        }
    }
    all.retain(|part| !part.is_empty());
    all
}

/// `name(argument)`: the name in lower case and the argument without quotes.
fn called(segment: &str) -> (String, Option<String>) {
    let Some((name, rest)) = segment.split_once('(') else { return (segment.to_lowercase(), None) };
    let inner = rest.strip_suffix(')').unwrap_or(rest).trim();
    let inner = inner.strip_prefix("guid").filter(|i| i.starts_with('\'')).unwrap_or(inner);
    let inner = decoded(inner.trim_matches('\''));
    (name.to_lowercase(), (!inner.is_empty()).then_some(inner))
}

fn find(text: &str, part: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(part)
}

/// `…/_api/web/lists/getbytitle('Orders')/items(7)`, and the other ways to say it.
fn sharepoint(request: &Request, place: Option<&Template>) -> Option<About> {
    let address = format!("/{}", request.address);
    let at = find(&address, "/_api/")?;
    let site = match &address[..at] {
        "" | "/" => place?.clone(),
        site => request.written(site.trim_start_matches('/')),
    };
    let parts = segments(&address[at + "/_api/".len()..]);
    let mut parts = parts.iter().map(|s| called(s)).peekable();
    parts.next_if(|(name, _)| name == "web");
    let list = match parts.next()? {
        (name, Some(id)) if name == "lists" => id,
        (name, Some(path)) if name == "getlist" => path.rsplit('/').next()?.to_owned(),
        (name, None) if name == "lists" => {
            let (by, id) = parts.next()?;
            id.filter(|_| ["getbytitle", "getbyid"].contains(&&*by))?
        }
        _ => return None,
    };
    let row = match parts.next()? {
        (name, id) if name == "items" => id.or_else(|| {
            parts.next_if(|(name, id)| name == "getbyid" && id.is_some()).and_then(|(_, id)| id)
        }),
        (name, Some(id)) if name == "getitembyid" => Some(id),
        _ => return None,
    };
    Some(About {
        connector: &sharepoint::CONNECTOR,
        place: vec![("dataset", site), ("table", request.written(&list))],
        row: row.map(|id| ("id", request.written(&id))),
        rest: parts.map(|(name, _)| name).collect(),
    })
}

/// `https://graph.microsoft.com/v1.0/sites/…/lists/…/items/7/fields`.
fn graph(request: &Request) -> Option<About> {
    const HOST: &str = "graph.microsoft.com/";
    let at = find(&request.address, HOST)? + HOST.len();
    let parts = segments(&request.address[at..]);
    let lists = parts.iter().position(|p| p.eq_ignore_ascii_case("lists"))?;
    let (site, list) = (parts.get(1..lists)?.join("/"), parts.get(lists + 1)?);
    if !parts.get(lists + 2)?.eq_ignore_ascii_case("items") {
        return None;
    }
    Some(About {
        connector: &GRAPH,
        place: vec![("dataset", request.written(&site)), ("table", request.written(list))],
        row: parts.get(lists + 3).map(|id| ("id", request.written(id))),
        rest: parts.iter().skip(lists + 4).map(|p| p.to_lowercase()).collect(),
    })
}

/// `https://org.crm.dynamics.com/api/data/v9.2/accounts(…)`: the environment is taken for that of the connector.
fn dataverse(request: &Request) -> Option<About> {
    const API: &str = "/api/data/v";
    let address = format!("/{}", request.address.trim_start_matches('/'));
    let at = find(&address, API)? + API.len();
    let parts = segments(&address[at..]);
    let (table, row) = called(parts.get(1)?);
    if table.starts_with('$') || table.contains(['.', MARK]) {
        return None;
    }
    Some(About {
        connector: &dataverse::CONNECTOR,
        place: vec![("entityName", request.written(&table))],
        row: row.map(|id| ("recordId", request.written(&id))),
        rest: parts.iter().skip(2).map(|p| p.to_lowercase()).collect(),
    })
}

/// Lists of one site of which one is named by its title and the other by its id: they may be the same, which nothing in
/// a definition tells. Where there is one of each, it is the title that a maker has written into an address and the id
/// that the designer has put into an action; where there are several, those that are written the same columns are
/// taken for one. The title's store comes first, then the id's.
pub fn same(used: &[&StoreUse]) -> Vec<(String, String)> {
    let named = |by_id: bool| {
        let lists = used.iter().filter_map(|&u| Some((u, u.list.as_ref()?)));
        lists.filter(move |(_, (_, list))| is_guid(list) == by_id)
    };
    let mut found = Vec::new();
    for (titled, (site, _)) in named(false) {
        let there: Vec<&StoreUse> =
            named(true).filter(|(_, (other, _))| other == site).map(|(u, _)| u).collect();
        let titles = named(false).filter(|(_, (other, _))| other == site).count();
        let alike = |u: &&&StoreUse| u.columns.iter().any(|c| own(c) && titled.columns.contains(c));
        let same = match there.as_slice() {
            [one] if titles == 1 => Some(*one),
            several => several.iter().find(alike).copied(),
        };
        found.extend(same.map(|one| (titled.store.clone(), one.store.clone())));
    }
    found
}

/// Whether it is a column that not every list has.
fn own(column: &str) -> bool {
    !["title", "id", CONTENT].contains(&&*column.to_lowercase())
}
