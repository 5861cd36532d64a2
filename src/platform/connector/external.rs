//! A described call as steps over an external store.

use super::contract::Class;
use super::describe::{Described, describe};
use super::parameter::{Piece, pieces};
use super::statements::Looked;
use super::{dataverse, leases, native, odata, statements};
use crate::definition::ast::{Action, Call};
use crate::definition::expression::{Expr as Written, Template};
use crate::definition::problem::Problem;
use crate::model::content::Answers;
use crate::model::expression::Expr;
use crate::model::external::{KEY, is_id};
use crate::model::ids::ResourceId;
use crate::model::program::{Access, Filter, Step};
use crate::model::statement::Statement;
use crate::model::value::Value;
use crate::platform::expression::{Names, lower};
use crate::platform::leaf::Resolver;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The connector of a call that a slice keeps for its answer alone.
pub const SYMBOL: &str = "symbol";

/// A store that calls name.
#[derive(Clone, Debug)]
pub struct StoreUse {
    /// In full; equal texts are one store.
    pub store: String,
    /// As people call it.
    pub shown: String,
    /// The columns by which queries look for rows.
    pub key: Vec<String>,
    /// Whether a second row of a key is refused.
    pub unique: bool,
    /// Whether an etag is sent back.
    pub etags: bool,
    /// Whether it is known by its address alone.
    pub rest: bool,
    /// How its answers look.
    pub answers: Answers,
    /// Its columns as somebody spells them.
    pub columns: Vec<String>,
    /// How rows are looked for.
    pub looked: Looked,
    /// The site and the title or id of a list of SharePoint.
    pub list: Option<(String, String)>,
}

/// The stores that a call is about: one, or the tables of a native query.
pub fn stores(call: &Call) -> Vec<StoreUse> {
    let Some(native) = native::native(call) else { return store(call).into_iter().collect() };
    let mut found = Vec::new();
    for statement in native.outline() {
        let said = statements::said(&statement);
        let (Some(name), false) =
            (statement.tables().first(), matches!(statement, Statement::Opaque { .. }))
        else {
            continue;
        };
        let Some(store) = statements::place(&native, name) else { continue };
        found.push(StoreUse {
            store,
            shown: name.to_string(),
            key: said.unless,
            unique: false,
            etags: false,
            rest: false,
            answers: native.answers,
            columns: said.columns,
            looked: Looked {
                by: vec![said.looked],
                changed: said.changed,
                rows: false,
                grows: said.grows,
            },
            list: None,
        });
    }
    found
}

/// The call whose answer says which row this call is about: `…/items(@{body('Get')?['Id']})` is what `Get` got.
pub fn named_by(call: &Call) -> Option<String> {
    let about = describe(call);
    // What came over HTTP shows etags.
    if !about.etags || matches!(about.class, Class::Effect | Class::Pure) {
        return None;
    }
    let mut found = None;
    for part in &about.key {
        for piece in pieces(part) {
            if let Piece::Hole(Template::Expr(expr, _)) = piece {
                found = found.or_else(|| id_of(&expr));
            }
        }
    }
    found
}

/// The action whose answer's id an expression is.
fn id_of(expr: &Written) -> Option<String> {
    let Written::Index { base, key, .. } = expr else { return None };
    let Written::Literal(serde_json::Value::String(key)) = &**key else { return None };
    let last = key.rsplit('/').next().unwrap_or(key);
    if !is_id(last) {
        return None;
    }
    answer_of(base)
}

/// The action whose answer an expression looks into.
pub fn answer_of(expr: &Written) -> Option<String> {
    match expr {
        Written::Index { base, .. } => answer_of(base),
        Written::Call { name, args }
            if ["body", "outputs"].contains(&name.to_ascii_lowercase().as_str()) =>
        {
            match args.as_slice() {
                [Written::Literal(serde_json::Value::String(action))] => Some(action.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The store that a call is about, if it is about one.
pub fn store(call: &Call) -> Option<StoreUse> {
    if ["cell", SYMBOL].contains(&call.connector.as_str())
        || leases::request(call).is_some_and(|r| r.leases)
    {
        return None;
    }
    let about = describe(call);
    let none = matches!(about.class, Class::Effect | Class::Pure);
    (!none).then(|| StoreUse {
        key: about.filter.equal.iter().map(|(c, _)| c.clone()).collect(),
        unique: about.class == Class::Keyed,
        etags: about.etags,
        rest: about.rest,
        answers: Answers::default(),
        columns: about.set.iter().map(|(c, _)| c.clone()).collect(),
        looked: Looked {
            rows: !matches!(about.class, Class::Query | Class::Insert),
            grows: matches!(about.class, Class::Insert | Class::Delete),
            ..Looked::default()
        },
        list: about.list,
        store: about.store,
        shown: about.shown,
    })
}

/// The blob whose lease a call is about, in full and as people call it.
pub fn leased(call: &Call) -> Option<(String, String)> {
    let request = leases::request(call).filter(|r| r.leases)?;
    Some((request.blob?, request.shown))
}

/// The address of a call over HTTP, if it may be a blob's.
pub fn blob(call: &Call) -> Option<String> {
    leases::request(call)?.blob
}

pub(super) fn steps(
    call: &Call,
    action: &Action,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    if call.connector == SYMBOL {
        // A symbol's operation says what it answers.
        let name = format!("{}{}", call.operation, action.name);
        let mut args = names.whereabouts();
        for told in call.parameters.values() {
            args.push(lower(told, names)?);
        }
        return Ok(vec![Step::Opaque { name: name.into(), args, effect: false }]);
    }
    if let Some(request) = leases::request(call) {
        let rid = request.blob.as_ref().and_then(|blob| names.stores.get(blob)).copied();
        if let Some(rid) = rid {
            if let Some(steps) = leases::steps(rid, &request, call, names)? {
                return Ok(steps);
            }
            names.unknown.insert(format!("what {} does to a leased blob", action.name));
            return opaque(call, true, names);
        }
        if request.leases {
            names
                .unknown
                .insert("the lease of a blob whose address is not there beforehand".to_owned());
            return opaque(call, true, names);
        }
    }
    if let Some(steps) = statements::steps(call, action, names)? {
        return Ok(steps);
    }
    let about = describe(call);
    if !about.known {
        let operation = format!("{}/{}", call.connector, call.operation);
        names.unknown.insert(format!("operation {}", operation.trim_end_matches('/')));
    }
    // Who touches no rows there has nothing to fear from what it does to them.
    let rows = names.stores.keys().any(|s| s.starts_with(dataverse::CONNECTOR.ids[0]));
    if about.known && rows && dataverse::runs_code(&call.operation) {
        names.unknown.insert("what actions and changesets of Dataverse change".to_owned());
    }
    if call.operation.to_lowercase().contains("procedure") {
        names.unknown.insert(format!("what the stored procedure of {} does", action.name));
    }
    if matches!(about.class, Class::Effect | Class::Pure) {
        return opaque(call, about.class == Class::Effect, names);
    }
    let Some(&rid) = names.stores.get(&about.store) else {
        return opaque(call, false, names);
    };
    Ok(vec![Step::Access(rid, access(rid, &about, (call, action), names)?)])
}

/// A call of which only the answer is known to be unknown.
pub(super) fn opaque(
    call: &Call,
    effect: bool,
    names: &mut Resolver<'_>,
) -> Result<Vec<Step>, Problem> {
    let name = format!("{}/{}", call.connector, call.operation);
    let mut args =
        call.parameters.values().map(|t| lower(t, names)).collect::<Result<Vec<_>, _>>()?;
    args.extend(names.whereabouts());
    Ok(vec![Step::Opaque { name: name.into(), args, effect }])
}

/// The key, beside the variables that a call names elsewhere, in its headers for example: they are looked at when it is
/// made.
fn with_variables(
    call: &Call,
    about: &Described,
    key: Expr,
    names: &mut Resolver<'_>,
) -> Result<Expr, Problem> {
    let mut variables = |t: &Template| -> Result<BTreeSet<ResourceId>, Problem> {
        let mut found = BTreeSet::new();
        lower(t, names)?.visit(&mut |e| {
            if let Expr::Variable(v) = e {
                found.insert(*v);
            }
        });
        Ok(found)
    };
    let mut other = BTreeSet::new();
    for template in call.parameters.values() {
        other.extend(variables(template)?);
    }
    if other.is_empty() {
        return Ok(key);
    }
    let set = about.set.iter().map(|(_, t)| t);
    for used in about.key.iter().chain(set).chain(&about.if_match).chain(&about.query) {
        for variable in variables(used)? {
            other.remove(&variable);
        }
    }
    if other.is_empty() {
        return Ok(key);
    }
    let all = std::iter::once(key).chain(other.into_iter().map(Expr::Variable)).collect();
    let first = Box::new(Expr::Const(Value::Int(0)));
    Ok(Expr::Index { base: Box::new(Expr::Array(all)), key: first, safe: false })
}

fn access(
    rid: ResourceId,
    about: &Described,
    (call, action): (&Call, &Action),
    names: &mut Resolver<'_>,
) -> Result<Access, Problem> {
    let key = with_variables(call, about, key(&about.key, names)?, names)?;
    let row = vec![(Arc::from(KEY), key.clone())];
    let by_key = Filter { equal: row.clone(), ..Filter::default() };
    let set = |names: &mut Resolver<'_>| -> Result<Vec<(Arc<str>, Expr)>, Problem> {
        about.set.iter().map(|(c, t)| Ok((Arc::from(c.as_str()), lower(t, names)?))).collect()
    };
    Ok(match about.class {
        Class::Read => Access::Fetch(key),
        Class::Query => {
            let equal = &about.filter.equal;
            let mut found = Vec::new();
            for (column, value) in equal {
                // The row of that id, as other operations name it; nobody can choose the id of an item.
                let given = ["sharepointonline/", "microsoftgraph/"];
                let given = given.iter().any(|list| about.store.starts_with(list));
                found.push(if given && column.eq_ignore_ascii_case("id") {
                    (Arc::from(KEY), self::key(std::slice::from_ref(value), names)?)
                } else {
                    (Arc::from(column.as_str()), lower(value, names)?)
                });
            }
            let equal = found;
            let said =
                about.query.iter().map(|t| lower(t, names)).collect::<Result<Vec<_>, _>>()?;
            let rest = (!said.is_empty()).then(|| Expr::Opaque("query".into(), said));
            let (order, limit) = (odata::order(about.order.as_ref()), about.limit);
            let whole = about.filter.whole.as_ref();
            let meets = whole.map(|p| p.lower(&mut |t| lower(t, names))).transpose()?;
            Access::List(Filter { equal, rest, meets, order, limit })
        }
        Class::Insert => {
            let mut made = vec![Expr::Const(Value::text(&action.name))];
            made.extend(names.whereabouts());
            let (made, set) = (Expr::Opaque("made".into(), made), set(names)?);
            // Where statements say which column is the key, the row has the key that it is given there.
            Access::Create(match names.tables.get(&rid) {
                Some(table) => table.made(&set, made),
                None => std::iter::once((Arc::from(KEY), made)).chain(set).collect(),
            })
        }
        Class::Keyed => Access::Create(row.into_iter().chain(set(names)?).collect()),
        Class::Write => {
            let if_match = about.if_match.as_ref().map(|t| lower(t, names)).transpose()?;
            Access::Update { filter: by_key, set: set(names)?, if_match, sql: false }
        }
        Class::Overwrite | Class::Upsert => match &about.if_match {
            Some(etag) if *etag != Template::Text("*".to_owned()) => {
                let if_match = Some(lower(etag, names)?);
                Access::Update { filter: by_key, set: set(names)?, if_match, sql: false }
            }
            _ => Access::Upsert { key: row, row: set(names)? },
        },
        Class::Delete => Access::Delete(by_key, false),
        Class::Effect | Class::Pure => Access::Load,
    })
    .inspect(|_| debug_assert!(rid.index() < names.program.resources.len()))
}

/// Which row, as one value.
fn key(parts: &[Template], names: &mut Resolver<'_>) -> Result<Expr, Problem> {
    let parts = parts.iter().map(|t| lower(t, names)).collect::<Result<Vec<_>, _>>()?;
    Ok(Expr::Opaque("key".into(), parts))
}
