//! The naive interpreter's view of the definition: lists of steps, who waits for whom, and which cells are watched.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

const KINDS: [&str; 24] = [
    "get",
    "update",
    "list",
    "create",
    "upsert",
    "delete",
    "setVariable",
    "increment",
    "decrement",
    "append",
    "acquireLease",
    "renewLease",
    "releaseLease",
    "write",
    "send",
    "compose",
    "wait",
    "forEach",
    "parallel",
    "if",
    "switch",
    "until",
    "scope",
    "terminate",
];

/// The definition with its lists of steps in one table.
pub(crate) struct Model<'m> {
    pub(crate) json: &'m Value,
    pub(crate) text: String,
    pub(crate) lists: Vec<Vec<Step<'m>>>,
}

/// One action as written, and its place in the runAfter graph.
pub(crate) struct Step<'m> {
    pub(crate) json: &'m Value,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Predecessors in the same list and the statuses they may have.
    pub(crate) after: Vec<(usize, Vec<String>)>,
    /// Maximal chain of actions with one predecessor and one successor; two of them are two processes.
    pub(crate) chain: usize,
    pub(crate) lists: Vec<usize>,
    pub(crate) window: usize,
    /// Actions inside, whose outputs are read outside.
    pub(crate) exports: BTreeSet<String>,
}

impl<'m> Model<'m> {
    /// Adds a list of steps and those inside it.
    pub(crate) fn compile(&mut self, steps: &'m Value, in_loop: bool) -> usize {
        let steps: &'m [Value] = steps.as_array().map_or(&[], Vec::as_slice);
        let steps: Vec<(&'static str, String, &'m Value)> = steps
            .iter()
            .map(|step| {
                let kind = *KINDS
                    .iter()
                    .find(|kind| step.get(**kind).is_some())
                    .expect("a step of a known kind");
                let own = if ["forEach", "scope", "until"].contains(&kind) {
                    step[kind].as_str()
                } else {
                    None
                };
                (kind, step["name"].as_str().or(own).unwrap_or("").to_owned(), step)
            })
            .collect();
        let mut list: Vec<Step<'m>> = vec![];
        for (i, (kind, name, step)) in steps.iter().enumerate() {
            let after = match step["runAfter"].as_object() {
                Some(named) => named
                    .iter()
                    .map(|(n, accepted)| {
                        let of = steps
                            .iter()
                            .position(|(_, name, _)| name == n)
                            .expect("runAfter names a sibling");
                        (
                            of,
                            accepted
                                .as_array()
                                .into_iter()
                                .flatten()
                                .filter_map(Value::as_str)
                                .map(str::to_owned)
                                .collect(),
                        )
                    })
                    .collect(),
                None if i == 0 => vec![],
                None => vec![(i - 1, vec!["Succeeded".to_owned()])],
            };
            let bodies: Vec<&'m Value> = match *kind {
                "forEach" | "scope" | "until" => vec![&step["do"]],
                "parallel" => step["parallel"].as_array().into_iter().flatten().collect(),
                "if" => vec![&step["then"], &step["else"]],
                "switch" => step["cases"]
                    .as_object()
                    .into_iter()
                    .flat_map(Map::values)
                    .chain([&step["default"]])
                    .collect(),
                _ => vec![],
            };
            let lists: Vec<usize> =
                bodies.iter().map(|b| self.compile(b, in_loop || *kind == "forEach")).collect();
            let own = step.to_string();
            let inside = lists.iter().flat_map(|&l| self.names(l)).collect::<BTreeSet<_>>();
            let uses = |text: &str, name: &str| text.matches(&format!("('{name}')")).count();
            let exports =
                inside.into_iter().filter(|n| uses(&self.text, n) > uses(&own, n)).collect();
            let window =
                if in_loop { 1 } else { step["concurrency"].as_u64().unwrap_or(1) as usize };
            list.push(Step {
                json: step,
                kind,
                name: name.clone(),
                after,
                chain: i,
                lists,
                window,
                exports,
            });
        }
        for i in 0..list.len() {
            if let [(before, _)] = list[i].after[..]
                && list.iter().filter(|s| s.after.iter().any(|(p, _)| *p == before)).count() == 1
            {
                list[i].chain = list[before].chain;
            }
        }
        self.lists.push(list);
        self.lists.len() - 1
    }

    /// Names of the actions inside a list, at any depth.
    fn names(&self, list: usize) -> Vec<String> {
        let steps = self.lists[list].iter();
        steps
            .flat_map(|s| s.lists.iter().flat_map(|&l| self.names(l)).chain([s.name.clone()]))
            .collect()
    }

    /// The cells whose final values are wanted.
    pub(crate) fn observed(&self) -> Vec<String> {
        let mut all = vec![];
        let one_run = self.json.get("flows").is_none_or(|flows| {
            flows
                .as_object()
                .into_iter()
                .flatten()
                .map(|(_, f)| f["runs"].as_u64().unwrap_or(1))
                .sum::<u64>()
                == 1
        }) && self.json["scope"]["runs"].as_u64().unwrap_or(1) == 1
            && !self.may_fire_twice();
        let steps: Vec<&Step<'_>> = self.lists.iter().flatten().collect();
        for (name, group) in self.json["state"].as_object().into_iter().flatten() {
            let mut columns: BTreeSet<&String> =
                group["fields"].as_object().into_iter().flat_map(Map::keys).collect();
            let grows = |s: &&&Step<'_>| {
                s.json[s.kind] == **name && ["create", "upsert", "delete"].contains(&s.kind)
            };
            if group["rows"].as_array().is_some_and(|rows| rows.len() == 1)
                && steps.iter().find(grows).is_none()
            {
                columns.extend(group["rows"][0].as_object().into_iter().flat_map(Map::keys));
            }
            let updates = steps.iter().filter(|s| s.kind == "update" && s.json["update"] == **name);
            if group["kind"] == "item" || !columns.is_empty() {
                columns.extend(
                    updates.flat_map(|s| s.json["set"].as_object().into_iter().flat_map(Map::keys)),
                );
            }
            if group["kind"] != "item" && (group["kind"] != "variable" || one_run) {
                all.push(name.clone());
            }
            all.extend(columns.iter().map(|column| format!("{name}.{column}")));
        }
        if let Some(wanted) = self.json["observe"].as_array() {
            let group = |cell: &str| cell.split('.').next().unwrap_or(cell).to_owned();
            all.retain(|cell| wanted.iter().any(|w| *w == **cell || *w == *group(cell)));
        }
        all
    }
}
