//! The naive interpreter's shared state, and what one action does to it: all or nothing, at one moment.

use super::expressions::{Env, same, template};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One cell group. An item's `value` is its fields; a table has rows.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) value: Value,
    rows: Vec<(Map<String, Value>, u64)>,
    version: u64,
    pub(crate) lease: Option<u64>,
    leases: u64,
    key: Vec<String>,
    unique: bool,
    table: bool,
    item: bool,
}

/// All of them; a variable belongs to one run, everything else to run 0.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cells {
    pub(crate) runs: usize,
    groups: BTreeMap<(String, usize), Cell>,
}

/// Status code and answer; `Err` if an expression fails.
type Effect = Result<(u16, Value), ()>;

impl Cells {
    /// Adds a group of the model's `state`.
    pub(crate) fn declare(&mut self, name: &str, group: &Value) {
        let mut cell = Cell {
            table: group["kind"] == "table",
            unique: group["unique"] == true,
            ..Cell::default()
        };
        cell.item = group["kind"] == "item";
        cell.value = group.get("fields").or(group.get("value")).cloned().unwrap_or(Value::Null);
        cell.key = group["key"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        for row in group["rows"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            cell.insert(row.clone());
        }
        let owners = if group["kind"] == "variable" { self.runs } else { 1 };
        for run in 0..owners {
            self.groups.insert((name.to_owned(), run), cell.clone());
        }
    }

    /// The group as the run sees it.
    pub(crate) fn get(&self, name: &Value, run: usize) -> &Cell {
        let name = name.as_str().expect("a name");
        self.groups
            .get(&(name.to_owned(), run))
            .or(self.groups.get(&(name.to_owned(), 0)))
            .expect("a declared group")
    }

    /// What can be seen of all groups: no versions.
    pub(crate) fn data(&self) -> Vec<Value> {
        let shown = |cell: &Cell| {
            if cell.table {
                cell.rows.iter().map(|(row, _)| json!(row)).collect()
            } else {
                cell.value.clone()
            }
        };
        self.groups.values().map(shown).collect()
    }

    /// What `state('name')` is.
    pub(crate) fn whole(&self, name: &str) -> Value {
        let cell = self.get(&json!(name), 0);
        if cell.table {
            cell.rows.iter().map(|(row, _)| json!(row)).collect()
        } else {
            cell.value.clone()
        }
    }

    /// The value of an observed cell.
    pub(crate) fn last(&self, cell: &str) -> Value {
        let (group, column) =
            cell.split_once('.').map_or((cell, None), |(group, column)| (group, Some(column)));
        match (self.whole(group), column) {
            (whole, None) => whole,
            (Value::Array(rows), Some(column)) => {
                rows[0].get(column).cloned().unwrap_or(Value::Null)
            }
            (whole, Some(column)) => whole.get(column).cloned().unwrap_or(Value::Null),
        }
    }

    /// Carries out one action without children.
    pub(crate) fn effect(&mut self, kind: &str, step: &Value, env: &Env<'_>) -> Effect {
        let of = |key: &str| step.get(key).map_or(Ok(Value::Null), |value| template(value, env));
        if kind == "compose" {
            return Ok((200, of("compose")?));
        }
        if ["send", "wait", "terminate"].contains(&kind) {
            of(kind)?;
            let failed = kind == "terminate" && step[kind] != "Succeeded";
            return Ok((if failed { 400 } else { 200 }, json!({ "statusCode": 200 })));
        }
        let name = step[kind].as_str().expect("the name of a group").to_owned();
        let run = if self.groups.contains_key(&(name.clone(), env.run)) { env.run } else { 0 };
        let cell = self.groups.get_mut(&(name, run)).expect("a declared group");
        match kind {
            "get" => Ok((200, cell.read())),
            "update" if cell.table => cell.update_rows(&of("set")?, &of("where")?, &of("ifMatch")?),
            "update" => cell.update(&of("set")?, &of("ifMatch")?),
            "list" => cell.list(&of("where")?),
            "create" => Ok(cell.create(&of("row")?)),
            "upsert" => Ok(cell.upsert(&of("key")?, &of("row")?)),
            "delete" => cell.delete(&of("where")?),
            "write" => cell.write(of("value")?, &of("lease")?, &of("ifMatch")?),
            "acquireLease" | "renewLease" | "releaseLease" => Ok(cell.lease(kind, &of("lease")?)),
            "setVariable" => cell.assign(of("value")?),
            "append" => cell.append(of("value")?),
            _ => {
                let by = if step.get("by").is_some() { of("by")? } else { of("value")? };
                let by = if by.is_null() { 1 } else { by.as_i64().ok_or(())? };
                let now = cell.value.as_i64().ok_or(())?;
                cell.assign(json!(if kind == "increment" { now + by } else { now - by }))
            }
        }
    }
}

impl Cell {
    fn etag(&self, version: u64) -> Value {
        json!(format!("\"{version}\""))
    }

    fn accepts(&self, tag: &Value, version: u64) -> bool {
        tag.is_null() || tag == "*" || *tag == self.etag(version)
    }

    fn read(&self) -> Value {
        let mut answer = match &self.value {
            Value::Object(fields) if self.item => fields.clone(),
            value => Map::from_iter([("value".to_owned(), value.clone())]),
        };
        answer.insert("etag".to_owned(), self.etag(self.version));
        answer.insert("statusCode".to_owned(), json!(200));
        Value::Object(answer)
    }

    fn update(&mut self, set: &Value, tag: &Value) -> Effect {
        if !self.accepts(tag, self.version) {
            return Ok(code(412));
        }
        let fields = self.value.as_object_mut().ok_or(())?;
        fields.extend(set.as_object().ok_or(())?.clone());
        self.version += 1;
        Ok(code(200))
    }

    fn insert(&mut self, row: Map<String, Value>) {
        self.version += 1;
        self.rows.push((row, self.version));
    }

    fn matching(&self, wanted: &Value) -> Vec<usize> {
        let fits = |row: &Map<String, Value>| {
            let mut columns = wanted.as_object().into_iter().flatten();
            columns.all(|(column, value)| same(row.get(column).unwrap_or(&Value::Null), value))
        };
        (0..self.rows.len()).filter(|&i| fits(&self.rows[i].0)).collect()
    }

    fn clashes(&self) -> bool {
        let key = |(row, _): &(Map<String, Value>, u64)| {
            json!(self.key.iter().map(|c| row.get(c)).collect::<Vec<_>>())
        };
        let keys: Vec<Value> = self.rows.iter().map(key).collect();
        self.unique && (0..keys.len()).any(|i| keys[..i].contains(&keys[i]))
    }

    fn update_rows(&mut self, set: &Value, wanted: &Value, tag: &Value) -> Effect {
        let rows = self.matching(wanted);
        if rows.is_empty() {
            return Ok(code(404));
        }
        if !rows.iter().all(|&i| self.accepts(tag, self.rows[i].1)) {
            return Ok(code(412));
        }
        let before = self.clone();
        for i in rows {
            self.version += 1;
            self.rows[i].0.extend(set.as_object().ok_or(())?.clone());
            self.rows[i].1 = self.version;
        }
        if self.clashes() {
            *self = before;
            return Ok(code(409));
        }
        Ok(code(200))
    }

    fn list(&self, wanted: &Value) -> Effect {
        let row = |i: usize| {
            let (mut row, version) = self.rows[i].clone();
            row.insert("etag".to_owned(), self.etag(version));
            Value::Object(row)
        };
        let rows: Vec<Value> = self.matching(wanted).into_iter().map(row).collect();
        Ok((200, json!({ "value": rows, "statusCode": 200 })))
    }

    fn create(&mut self, row: &Value) -> (u16, Value) {
        self.insert(row.as_object().cloned().unwrap_or_default());
        if self.clashes() {
            self.rows.pop();
            self.version -= 1;
            return code(409);
        }
        let mut answer = row.clone();
        answer["etag"] = self.etag(self.version);
        answer["statusCode"] = json!(201);
        (201, answer)
    }

    fn upsert(&mut self, key: &Value, row: &Value) -> (u16, Value) {
        let found = self.matching(key);
        let row = row.as_object().cloned().unwrap_or_default();
        if found.is_empty() {
            let mut whole = key.as_object().cloned().unwrap_or_default();
            whole.extend(row);
            self.insert(whole);
            return code(200);
        }
        for i in found {
            self.version += 1;
            self.rows[i].0.extend(row.clone());
            self.rows[i].1 = self.version;
        }
        code(200)
    }

    fn delete(&mut self, wanted: &Value) -> Effect {
        let rows = self.matching(wanted);
        for &i in rows.iter().rev() {
            self.rows.remove(i);
        }
        Ok(code(if rows.is_empty() { 404 } else { 200 }))
    }

    fn write(&mut self, value: Value, lease: &Value, tag: &Value) -> Effect {
        let held = self.lease.map_or(Value::Null, lease_id);
        if *lease != held || !self.accepts(tag, self.version) {
            return Ok(code(412));
        }
        self.version += 1;
        self.value = value;
        Ok(code(200))
    }

    fn lease(&mut self, kind: &str, id: &Value) -> (u16, Value) {
        let mine = self.lease.is_some_and(|held| lease_id(held) == *id);
        match kind {
            "acquireLease" if self.lease.is_none() => {
                self.leases += 1;
                self.lease = Some(self.leases);
                (201, json!({ "leaseId": lease_id(self.leases), "statusCode": 201 }))
            }
            "renewLease" if mine => code(200),
            "releaseLease" if mine => {
                self.lease = None;
                code(200)
            }
            _ => code(409),
        }
    }

    fn assign(&mut self, value: Value) -> Effect {
        self.value = value;
        Ok(code(200))
    }

    fn append(&mut self, value: Value) -> Effect {
        match &mut self.value {
            Value::Array(items) => items.push(value),
            Value::String(text) => *text += value.as_str().ok_or(())?,
            _ => return Err(()),
        }
        Ok(code(200))
    }
}

fn code(code: u16) -> (u16, Value) {
    (code, json!({ "statusCode": code }))
}

fn lease_id(number: u64) -> Value {
    json!(format!("lease-{number}"))
}

/// Keys sorted, absent columns like null ones, arrays as multisets: how two final values are compared.
pub(crate) fn normalise(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normalise).collect();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> =
                fields.iter().filter(|(_, v)| !v.is_null()).collect();
            Value::Object(sorted.into_iter().map(|(k, v)| (k.clone(), normalise(v))).collect())
        }
        // A stored etag says only that it is one.
        Value::String(text) if text.starts_with('"') => Value::from("etag"),
        other => other.clone(),
    }
}
