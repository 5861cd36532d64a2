//! Names of steps: given ones are unique in the document, made-up ones keep out of their way.

use super::super::location::Location;
use super::super::node::{Node, elide};
use super::super::problem::Problem;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The names of one document, without case.
pub(super) struct Names {
    /// Given anywhere in the file, perhaps further down.
    reserved: BTreeSet<String>,
    given: BTreeMap<String, Location>,
    made: BTreeMap<String, u32>,
}

impl Names {
    /// Knows every text that may become a name; a few too many only cost a suffix.
    pub(super) fn reserving(document: &Value) -> Self {
        let mut reserved = BTreeSet::new();
        let mut open = vec![document];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(list) => open.extend(list),
                Value::Object(object) => {
                    let names = ["name", "forEach", "scope", "until"]
                        .iter()
                        .filter_map(|key| object.get(*key)?.as_str());
                    reserved.extend(names.map(str::to_lowercase));
                    open.extend(object.values());
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Self { reserved, given: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Takes a name the author gave.
    pub(super) fn given(
        &mut self,
        name: &str,
        node: &Node<'_>,
        problems: &mut Vec<Problem>,
    ) -> String {
        if name.is_empty() {
            problems.push(node.problem("an empty name; expected a text"));
        } else if let Some(first) = self.given.get(&name.to_lowercase()) {
            let (line, column) = (first.line, first.column);
            let shown = elide(name);
            problems.push(node.problem(format!(
                "name \"{shown}\" is used twice; first at line {line} column {column}; names are unique, whatever their case"
            )));
        } else {
            self.given.insert(name.to_lowercase(), node.at());
        }
        name.to_owned()
    }

    /// Whether nobody was given this name so far.
    pub(super) fn is_free(&self, name: &str) -> bool {
        !name.is_empty() && !self.given.contains_key(&name.to_lowercase())
    }

    /// Makes up a name: `base`, `base_2`, …
    pub(super) fn made(&mut self, base: &str) -> String {
        loop {
            let count = self.made.entry(base.to_lowercase()).or_insert(0);
            *count += 1;
            let name = if *count == 1 { base.to_owned() } else { format!("{base}_{count}") };
            let clashes = self.reserved.contains(&name.to_lowercase());
            // A made-up `a_2` of base `a` and a base of that very name must not meet either.
            let taken = *count > 1 && self.made.contains_key(&name.to_lowercase());
            if !clashes && !taken {
                if name != base {
                    self.made.entry(name.to_lowercase()).or_insert(1);
                }
                return name;
            }
        }
    }
}
