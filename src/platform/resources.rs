//! What a definition's flows share: the groups of `state`, the variables, and the stores that its calls name.

use super::connector::{StoreUse, Table, answer_of, blob, leased, named_by, same, store, stores};
use super::expression::constant;
use super::leaf::children;
use super::lower::folded;
use crate::definition::ast::{Action, ActionKind, Call, Definition, Group};
use crate::definition::expression::Template;
use crate::definition::problem::Problem;
use crate::model::content::{Answers, Missing};
use crate::model::external::{CONTENT, unwritten};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Resource, Shape, Status, Step};
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Resources in order, and which of them stands for which store.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) all: Vec<Resource>,
    pub(super) stores: BTreeMap<String, ResourceId>,
    /// What native queries say of their tables.
    pub(super) tables: BTreeMap<ResourceId, Table>,
    /// What is taken for the same without its being known.
    pub(super) unknown: BTreeSet<String>,
}

/// The resources of a definition.
pub(super) fn resources(definition: &Definition, problems: &mut Vec<Problem>) -> Resources {
    let mut found = Resources::default();
    for (name, group, _) in &definition.setup.state {
        let owners: Vec<Option<u32>> = match group {
            Group::Variable { .. } => {
                (0..definition.flows.len()).map(|f| u32::try_from(f).ok()).collect()
            }
            Group::Item { .. } | Group::Table { .. } | Group::Blob { .. } => vec![None],
        };
        match of_group(name, group) {
            Ok(resource) => {
                found
                    .all
                    .extend(owners.into_iter().map(|owner| Resource { owner, ..resource.clone() }));
            }
            Err(problem) => problems.push(problem),
        }
    }
    let mut used: BTreeMap<String, StoreUse> = BTreeMap::new();
    let mut blobs: BTreeMap<String, String> = BTreeMap::new();
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    for (index, flow) in definition.flows.iter().enumerate() {
        let owner = u32::try_from(index).ok();
        let mut todo: Vec<&Action> = flow.actions.iter().rev().collect();
        while let Some(action) = todo.pop() {
            todo.extend(children(action).into_iter().rev());
            match &action.kind {
                ActionKind::Initialize { variable, .. } => found.variable(variable, owner),
                ActionKind::Set { variable, .. }
                | ActionKind::Increment { variable, .. }
                | ActionKind::Append { variable, .. }
                    if definition.setup.state.is_empty() =>
                {
                    found.variable(variable, owner);
                }
                ActionKind::Call(call) => {
                    if let Some((blob, shown)) = leased(call) {
                        blobs.insert(blob, shown);
                    }
                    for use_ in stores(call) {
                        addresses.extend(blob(call).map(|blob| (use_.store.clone(), blob)));
                        merge(&mut used, use_);
                    }
                }
                _ => {}
            }
        }
    }
    // What is read and written of a leased blob is that blob.
    used.retain(|full, _| !addresses.get(full).is_some_and(|blob| blobs.contains_key(blob)));
    let same = same(&used.values().collect::<Vec<_>>());
    for (title, id) in &same {
        if let (Some(titled), Some(list)) = (used.remove(title), used.get(id)) {
            let said = format!("list {}, taken for {} of the same site", titled.shown, list.shown);
            found.unknown.insert(said);
            merge(&mut used, StoreUse { store: id.clone(), ..titled });
        }
    }
    for (full, use_) in used {
        found.store(full, &use_);
    }
    for (title, id) in same {
        found.stores.extend(found.stores.get(&id).copied().map(|store| (title, store)));
    }
    for (full, shown) in blobs {
        found.blob(full, &shown);
    }
    for flow in &definition.flows {
        found.unite(&flow.actions);
    }
    found
}

/// Marks the stores of which somebody learns by fetching whether a row is there. Who runs after the failure of a fetch
/// does; so does who goes on whatever its status, or after the failure of what is around it, if a row can come into
/// being there. Where it cannot, whoever goes on may only find another status.
pub(super) fn may_miss(program: &mut Program) {
    let (mut missed, mut tolerated) = (BTreeSet::new(), BTreeSet::new());
    for (before, on) in program.nodes.iter().flat_map(|n| n.run_after.iter().copied()) {
        let either = on.has(Status::Succeeded);
        for node in program.subtree(before) {
            let Some(rid) = fetched(program, node).filter(|_| on.has(Status::Failed)) else {
                continue;
            };
            let direct = node == before;
            if direct && !either || direct == either && grown(program, rid) {
                missed.insert(rid);
            } else if direct {
                tolerated.insert(rid);
            }
        }
    }
    for rid in missed {
        program.resources[rid.index()].missing = Missing::Minded;
    }
    for rid in tolerated {
        let missing = &mut program.resources[rid.index()].missing;
        *missing = Missing::Tolerated.max(*missing);
    }
}

/// The store of which an action fetches a row.
fn fetched(program: &Program, node: NodeId) -> Option<ResourceId> {
    let Kind::Leaf(steps) = &program.node(node).kind else { return None };
    match steps.as_slice() {
        [Step::Access(rid, Access::Fetch(_))] => Some(*rid),
        _ => None,
    }
}

/// Whether anybody makes or removes rows.
fn grown(program: &Program, store: ResourceId) -> bool {
    let makes = |step: &Step| {
        matches!(step, Step::Access(rid, Access::Create(_) | Access::Upsert { .. } | Access::Delete(..))
            if *rid == store)
    };
    program.nodes.iter().any(|n| matches!(&n.kind, Kind::Leaf(steps) if steps.iter().any(makes)))
}

/// Every action of a list by name, at any depth.
fn by_name<'a>(actions: &'a [Action], all: &mut BTreeMap<String, &'a Action>) {
    for action in actions {
        all.insert(folded(&action.name), action);
        let mut todo = children(action);
        while let Some(inner) = todo.pop() {
            all.insert(folded(&inner.name), inner);
            todo.extend(children(inner));
        }
    }
}

/// The call that an action's answer comes from, through what only passes it on.
fn origin<'a>(name: &str, all: &BTreeMap<String, &'a Action>, depth: u32) -> Option<&'a Call> {
    match &all.get(&folded(name))?.kind {
        ActionKind::Call(call) => Some(call),
        ActionKind::Compose { value: Template::Expr(expr, _) }
        | ActionKind::Response { value: Template::Expr(expr, _), .. }
            if depth < 8 =>
        {
            origin(&answer_of(expr)?, all, depth + 1)
        }
        _ => None,
    }
}

/// What several calls say about one store.
fn merge(used: &mut BTreeMap<String, StoreUse>, new: StoreUse) {
    match used.get_mut(&new.store) {
        None => {
            used.insert(new.store.clone(), new);
        }
        Some(old) => {
            if old.key.is_empty() {
                old.key = new.key;
            }
            old.unique |= new.unique;
            old.etags |= new.etags;
            old.looked.grows |= new.looked.grows;
            old.columns.extend(new.columns);
            old.looked.by.extend(new.looked.by);
            old.looked.changed.extend(new.looked.changed);
            old.looked.rows |= new.looked.rows;
            if old.answers == Answers::Plain {
                old.answers = new.answers;
            }
        }
    }
}

impl Resources {
    /// An address made of an id that another call answered is about the row that this call was about.
    fn unite(&mut self, actions: &[Action]) {
        let mut all = BTreeMap::new();
        by_name(actions, &mut all);
        for action in all.values() {
            let ActionKind::Call(call) = &action.kind else { continue };
            let Some(from) = named_by(call).and_then(|n| origin(&n, &all, 0)) else { continue };
            let (Some(mine), Some(theirs)) = (store(call), store(from)) else { continue };
            if let Some(&row) = self.stores.get(&theirs.store)
                && theirs.rest
            {
                self.stores.insert(mine.store, row);
            }
        }
    }

    fn variable(&mut self, name: &str, owner: Option<u32>) {
        let known = self.all.iter().any(|r| *r.name == *name && r.owner == owner);
        if !known {
            self.all.push(variable(name, Value::Null, owner));
        }
    }

    /// A name that no resource has yet.
    fn free(&self, shown: &str) -> Arc<str> {
        let mut name = shown.to_owned();
        let mut number = 2;
        while self.all.iter().any(|r| *r.name == *name) {
            name = format!("{shown} ({number})");
            number += 1;
        }
        name.into()
    }

    fn add(&mut self, full: String, resource: Resource) {
        let id = ResourceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(resource);
        self.stores.insert(full, id);
    }

    /// A blob whose lease somebody asks for over HTTP. What is in it nobody knows.
    fn blob(&mut self, full: String, shown: &str) {
        let name = self.free(shown);
        let content = unwritten(&name, None, CONTENT);
        let initial = vec![BTreeMap::from([(Arc::from("value"), content)])];
        let answers = Answers::Http;
        let any = variable(&name, Value::Null, None);
        self.add(full, Resource { name, shape: Shape::Blob, initial, answers, ..any });
    }

    fn store(&mut self, full: String, used: &StoreUse) {
        let mut key: Vec<Arc<str>> = used.key.iter().map(|k| Arc::from(k.as_str())).collect();
        if used.answers != Answers::Plain {
            let mut table = Table::default();
            for column in &used.columns {
                let spelled = table.spelled.entry(column.to_lowercase());
                spelled.or_insert_with(|| column.as_str().into());
            }
            table.choose(&used.shown.to_lowercase(), &used.looked);
            key.iter_mut().for_each(|k| *k = table.column(k));
            let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
            self.tables.insert(ResourceId(next), table);
        }
        let name = self.free(&used.shown);
        if key.is_empty() {
            // Nobody looks for rows in a way that can be compared: any new row may be what a check was about.
            key.push("#any".into());
        }
        let resource = Resource {
            name,
            shape: Shape::External,
            initial: Vec::new(),
            key,
            unique: used.unique,
            etags: used.etags,
            // Whether a row is there decides what statements do.
            missing: if used.looked.grows && used.answers != Answers::Plain {
                Missing::Minded
            } else {
                Missing::Ignored
            },
            answers: used.answers,
            owner: None,
        };
        self.add(full, resource);
    }
}

fn of_group(name: &str, group: &Group) -> Result<Resource, Problem> {
    let row = |fields: &[(String, Template)]| -> Result<BTreeMap<Arc<str>, Value>, Problem> {
        fields.iter().map(|(k, v)| Ok((Arc::from(k.as_str()), constant(v)?))).collect()
    };
    let base = |shape, initial| Resource { shape, initial, ..variable(name, Value::Null, None) };
    Ok(match group {
        Group::Variable { value } => variable(name, constant(value)?, None),
        Group::Item { fields } => base(Shape::Item, vec![row(fields)?]),
        Group::Blob { value } => {
            let value = value.as_ref().map(constant).transpose()?.unwrap_or(Value::Null);
            base(Shape::Blob, vec![BTreeMap::from([(Arc::from("value"), value)])])
        }
        Group::Table { rows, key, unique } => Resource {
            key: key.iter().map(|k| Arc::from(k.as_str())).collect(),
            unique: *unique,
            ..base(Shape::Table, rows.iter().map(|r| row(r)).collect::<Result<_, _>>()?)
        },
    })
}

fn variable(name: &str, value: Value, owner: Option<u32>) -> Resource {
    Resource {
        name: name.into(),
        shape: Shape::Variable,
        initial: vec![BTreeMap::from([(Arc::from("value"), value)])],
        key: Vec::new(),
        unique: false,
        etags: false,
        missing: Missing::Ignored,
        answers: Answers::default(),
        owner,
    }
}
