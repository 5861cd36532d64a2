//! Native queries of the SQL connectors (semantics §7.3): the text as statements over the same tables that the
//! connector's row operations name.

use super::describe::bare;
use super::parameter::{Captures, MARK, marked, matches, member, parameter, unwrap};
use crate::definition::ast::Call;
use crate::definition::expression::{Expr as Written, Part, Template};
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::model::content::Answers;
use crate::model::expression::Expr;
use crate::model::statement::Statement;
use crate::platform::expression::lower;
use crate::platform::leaf::Resolver;
use crate::platform::sql::{self, SqlPart};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A query action, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Native {
    /// Before the table in a store's full name; `None`: which database is only known at run time.
    pub(super) database: Option<String>,
    /// How the service lays its answers out.
    pub(super) answers: Answers,
    text: Template,
    parameters: BTreeMap<String, Template>,
}

/// The database of a connection that names none.
const DEFAULT: &str = "default";
const PATHS: [&str; 2] =
    ["/v2/datasets/{server},{database}/query/sql", "/datasets/{server}/query/sql"];

/// Takes a call apart, if it is a native query.
pub(super) fn native(call: &Call) -> Option<Native> {
    if !["sql", "sqldw"].contains(&&*bare(&call.connector)) {
        return None;
    }
    let none = Captures::new();
    let operation = call.operation.to_lowercase();
    let own = ["executequery", "query"].contains(&&*operation);
    let path = call.parameters.get("path").map(marked);
    let captures = path
        .and_then(|(path, holes)| PATHS.iter().find_map(|pattern| matches(pattern, &path, &holes)));
    if !own && captures.is_none() && !operation.starts_with("executepassthroughnativequery") {
        return None;
    }
    let captures = captures.unwrap_or_default();
    let text = ["query/query", "body/query", "query"];
    let text = text.iter().find_map(|name| parameter(call, &none, name));
    let place = |name: &str| place(parameter(call, &captures, name).as_ref());
    let (server, database) = (place("server"), place("database"));
    let builtin = own && !call.parameters.contains_key("path");
    let database = match (server, database) {
        _ if builtin => Some("sql/built-in/built-in".to_owned()),
        (Some(server), Some(database)) => Some(format!("sql/{server}/{database}")),
        _ => None,
    };
    Some(Native {
        database,
        answers: if builtin { Answers::Lists } else { Answers::Sets },
        text: text.unwrap_or(Template::Text(String::new())),
        parameters: actual(call),
    })
}

/// A server or database as part of a store's name.
pub(super) fn place(written: Option<&Template>) -> Option<String> {
    let (text, holes) = written.map(marked).unwrap_or_default();
    let text = if text.is_empty() { DEFAULT.to_owned() } else { text.to_lowercase() };
    (holes.is_empty() && !text.contains(MARK)).then_some(text)
}

/// A table as part of a store's name: without its schema, brackets or quotes.
pub(super) fn table(written: &str) -> String {
    let plain = written.replace("%5B", "[").replace("%5D", "]");
    let plain = plain.replace("%5b", "[").replace("%5d", "]").replace(['[', ']', '"'], "");
    plain.rsplit('.').next().unwrap_or(&plain).to_owned()
}

/// What stands for `@name` in the text.
fn actual(call: &Call) -> BTreeMap<String, Template> {
    let mut found = BTreeMap::new();
    let mut take = |name: &str, value: &Template| {
        let name = format!("@{}", name.trim().trim_start_matches('@').to_lowercase());
        found.insert(name, unwrap(value.clone()));
    };
    for (key, value) in &call.parameters {
        let parts: Vec<&str> = key.split('/').collect();
        if let [.., "actualParameters" | "queryParameters", name] = parts.as_slice() {
            take(name, value);
            continue;
        }
        for list in ["actualParameters", "queryParameters"] {
            let inner = if key == list { Some(value.clone()) } else { member(value, list) };
            let Some(Template::Object(pairs)) = inner else { continue };
            for (name, value) in &pairs {
                if let Template::Text(name) = name {
                    take(name, value);
                }
            }
        }
    }
    found
}

impl Native {
    /// Whether the text calls a procedure.
    pub(super) fn calls(&self) -> bool {
        let (text, _) = marked(&self.text);
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        words.any(|w| w.eq_ignore_ascii_case("exec") || w.eq_ignore_ascii_case("execute"))
    }

    /// The statements, with values by `value`; `None` if the text is not there before the flow runs, or is beyond us.
    pub(super) fn statements(
        &self,
        value: &mut dyn FnMut(&Template) -> Result<Expr, Problem>,
    ) -> Result<Option<Vec<Statement>>, Problem> {
        let mut parts = Vec::new();
        let mut hole = |expr: &Written, at: &Location, parts: &mut Vec<SqlPart>| {
            parts.push(match expr {
                Written::Literal(Json::String(text)) => SqlPart::Text(text.clone()),
                other => SqlPart::Value(value(&Template::Expr(other.clone(), at.clone()))?),
            });
            Ok(())
        };
        match &self.text {
            Template::Text(text) => parts.push(SqlPart::Text(text.clone())),
            Template::Expr(Written::Call { name, args }, at)
                if name.eq_ignore_ascii_case("concat") =>
            {
                args.iter().try_for_each(|a| hole(a, at, &mut parts))?;
            }
            Template::Concat(pieces, at) => {
                for piece in pieces {
                    match piece {
                        Part::Text(text) => parts.push(SqlPart::Text(text.clone())),
                        Part::Expr(expr) => hole(expr, at, &mut parts)?,
                    }
                }
            }
            _ => return Ok(None),
        }
        if !parts.iter().any(|p| matches!(p, SqlPart::Text(_))) {
            return Ok(None);
        }
        let mut bound = Vec::new();
        for (name, template) in &self.parameters {
            bound.push((name.clone(), value(template)?));
        }
        Ok(sql::parse_with(&parts, &bound).ok())
    }

    /// The same where only the names of tables and columns matter.
    pub(super) fn outline(&self) -> Vec<Statement> {
        let mut any = |_: &Template| Ok(Expr::Opaque("value".into(), Vec::new()));
        self.statements(&mut any).ok().flatten().unwrap_or_default()
    }

    /// The same with the flow's values.
    pub(super) fn lowered(
        &self,
        names: &mut Resolver<'_>,
    ) -> Result<Option<Vec<Statement>>, Problem> {
        self.statements(&mut |template| lower(template, names))
    }
}
