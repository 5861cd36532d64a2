//! What stands beside a definition: the solution's XML, the Logic Apps Standard project's settings. Looked for in the
//! same folder or zip; read once for all the flows of a place.

use super::decode::decode;
use super::solution::{self, Solution};
use crate::definition::beside::Beside;
use crate::definition::json::Document;
use crate::definition::problem::Problem;
use crate::definition::workflow::container::connectors;
use serde_json::Value;
use std::collections::BTreeMap;

/// Files by name with forward slashes: a folder on disk or a zip.
pub(super) trait Shelf {
    /// What the file holds; `None` if there is no such file.
    fn open(&self, name: &str) -> Option<Result<Vec<u8>, Problem>>;
    /// How the file is called in messages.
    fn shown(&self, name: &str) -> String;
}

/// Finds what is beside, and keeps what it has read of one shelf.
#[derive(Debug, Default)]
pub(super) struct Finder {
    solutions: BTreeMap<String, Option<Solution>>,
    projects: BTreeMap<String, Beside>,
    pub(super) problems: Vec<Problem>,
}

impl Finder {
    /// What is beside this file of the shelf.
    pub(super) fn beside(&mut self, shelf: &dyn Shelf, name: &str) -> Beside {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        if file.eq_ignore_ascii_case("workflow.json") {
            return self.project(shelf, &up(folder));
        }
        let mut beside = Beside::default();
        let within = folder.rsplit('/').next().unwrap_or(folder);
        if within.eq_ignore_ascii_case("workflows") {
            let root = up(folder);
            for xml in ["customizations.xml", "Other/Customizations.xml"] {
                self.solution(shelf, &join(&root, xml), file, &mut beside);
            }
        }
        self.solution(shelf, &format!("{name}.data.xml"), file, &mut beside);
        beside
    }

    fn solution(&mut self, shelf: &dyn Shelf, xml: &str, file: &str, beside: &mut Beside) {
        if !self.solutions.contains_key(xml) {
            let read = self.text(shelf, xml).and_then(|text| {
                let parsed = solution::parse(&shelf.shown(xml), &text);
                parsed.map_err(|problem| self.problems.push(problem)).ok()
            });
            self.solutions.insert(xml.to_owned(), read);
        }
        let Some(Some(solution)) = self.solutions.get(xml) else { return };
        beside.connectors.extend(solution.connectors.clone());
        if let Some(entry) = solution.flows.get(&file.to_lowercase()) {
            beside.name = Some(entry.name.clone()).filter(|name| !name.is_empty());
            beside.foreign = !entry.modern;
        } else if let Some((other, _)) = solution.flows.first_key_value() {
            let xml = xml.rsplit('/').next().unwrap_or(xml);
            beside.notes.push(format!("{xml} does not name {file}; it names {other}"));
        }
    }

    /// The settings of a Logic Apps Standard project.
    fn project(&mut self, shelf: &dyn Shelf, root: &str) -> Beside {
        if let Some(known) = self.projects.get(root) {
            return known.clone();
        }
        let host = self.json(shelf, &join(root, "host.json"));
        let connections = self.json(shelf, &join(root, "connections.json"));
        let parameters = self.json(shelf, &join(root, "parameters.json"));
        let groups = connections.iter().filter_map(Value::as_object).flatten();
        let entries = groups.filter_map(|(_, group)| group.as_object()).flatten();
        let beside = Beside {
            connectors: connectors(entries.map(|(name, entry)| (name.as_str(), entry))),
            parameters: parameters
                .iter()
                .filter_map(Value::as_object)
                .flatten()
                .filter_map(given)
                .collect(),
            degree: host.as_ref().and_then(degree),
            host: host.as_ref().map(settings),
            ..Beside::default()
        };
        self.projects.insert(root.to_owned(), beside.clone());
        beside
    }

    fn json(&mut self, shelf: &dyn Shelf, name: &str) -> Option<Value> {
        let text = self.text(shelf, name)?;
        let parsed = Document::parse(&shelf.shown(name), &text);
        parsed.map(|doc| doc.value).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn text(&mut self, shelf: &dyn Shelf, name: &str) -> Option<String> {
        let text = shelf.open(name)?.and_then(|bytes| decode(&shelf.shown(name), bytes));
        text.map_err(|problem| self.problems.push(problem)).ok()
    }
}

/// A parameter's value, unless it is an expression (`@appsetting('x')`), which nobody knows here.
fn given((name, parameter): (&String, &Value)) -> Option<(String, Value)> {
    let value = parameter.get("value")?;
    let known = value.as_str().is_none_or(|text| !text.starts_with('@'));
    known.then(|| (name.clone(), value.clone()))
}

/// The default degree of a Foreach (semantics §4.1).
fn degree(host: &Value) -> Option<u64> {
    const KEY: &str = "Runtime.Backend.ForeachDefaultDegreeOfParallelism";
    settings(host).get(KEY)?.parse().ok().filter(|degree| *degree >= 1)
}

/// What `host.json` says of workflows, as texts.
fn settings(host: &Value) -> BTreeMap<String, String> {
    let places = ["/extensions/workflow/settings", "/extensions/workflow/Settings"];
    let found = places.iter().filter_map(|place| host.pointer(place)?.as_object()).flatten();
    let text = |value: &Value| value.as_str().map_or(value.to_string(), |t| t.trim().to_owned());
    found.map(|(key, value)| (key.clone(), text(value))).collect()
}

/// The folder around.
fn up(folder: &str) -> String {
    match folder.rsplit_once('/') {
        Some((_, "..")) => format!("{folder}/.."),
        Some((above, _)) => above.to_owned(),
        None if matches!(folder, "" | "." | "..") => join(folder, ".."),
        None => String::new(),
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
