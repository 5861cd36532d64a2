//! ARM templates, also as Bicep writes them: where the workflows are, and what their expressions come to as far as
//! that is known before a deployment. Nested deployments, templates inside content packages, resources as a list or
//! (languageVersion 2.0) as an object.

mod answer;
mod depends;
mod function;
mod parse;
mod scope;
#[cfg(test)]
mod tests;

use super::super::node::escape;
use answer::Answer;
use scope::{Scope, members};
use serde_json::Value;
use std::collections::BTreeMap;

/// Templates inside each other at most.
const DEEPEST: usize = 10;

/// A workflow of a template.
#[derive(Debug)]
pub(super) struct Workflow {
    /// Of the definition.
    pub(super) pointer: String,
    /// The resource's name, empty if only the deployment knows it.
    pub(super) name: String,
    pub(super) definition: Value,
    /// Values of the workflow's parameters, `$connections` apart.
    pub(super) parameters: BTreeMap<String, Value>,
    /// The entries of `$connections`.
    pub(super) connections: Vec<(String, Value)>,
    /// Remarks on its place in the template.
    pub(super) notes: Vec<String>,
}

/// Whether a document is an ARM template.
pub(super) fn is_template(value: &Value) -> bool {
    let schema = value.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let schema = schema.to_ascii_lowercase().contains("deploymenttemplate.json");
    let resources = value.get("resources").is_some_and(|r| r.is_array() || r.is_object());
    resources && (schema || elements(value.get("resources")).any(|(_, r)| is(r, WORKFLOW)))
}

/// The workflows of a template, in file order.
pub(super) fn workflows(template: &Value) -> Vec<Workflow> {
    let budget = scope::budget();
    let scope = Scope::of(template, &BTreeMap::new(), &budget);
    let mut walk = Walk { budget: &budget, found: Vec::new() };
    walk.resources(template, "", &scope, 0);
    walk.found
}

const WORKFLOW: &str = "Microsoft.Logic/workflows";

struct Walk<'b> {
    budget: &'b std::cell::Cell<usize>,
    found: Vec<Workflow>,
}

impl Walk<'_> {
    /// The `resources` of a template or of a resource.
    fn resources(&mut self, holder: &Value, pointer: &str, scope: &Scope<'_>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let mut circles = depends::circles(&named(holder, scope));
        for (token, resource) in elements(holder.get("resources")) {
            let pointer = format!("{pointer}/resources/{}", escape(&token));
            if is(resource, WORKFLOW) {
                self.workflow(resource, &pointer, scope, circles.remove(&token));
            }
            let inner = resource.pointer("/properties/template");
            if let Some(template) =
                inner.filter(|_| is(resource, "Microsoft.Resources/deployments"))
            {
                self.nested(
                    resource,
                    template,
                    &format!("{pointer}/properties/template"),
                    scope,
                    depth,
                );
            }
            if let Some(template) = resource.pointer("/properties/mainTemplate") {
                // The outer deployment undoes one level of escapes, then the inner one evaluates.
                let template = scope.resolve(template);
                let own = Scope::of(&template, &BTreeMap::new(), self.budget);
                let pointer = format!("{pointer}/properties/mainTemplate");
                self.resources(&template, &pointer, &own, depth + 1);
            }
            self.resources(resource, &pointer, scope, depth + 1);
        }
    }

    /// A deployment inside a deployment: its names are those around unless it says `inner`.
    fn nested(
        &mut self,
        resource: &Value,
        template: &Value,
        pointer: &str,
        scope: &Scope<'_>,
        depth: usize,
    ) {
        let mode = resource.pointer("/properties/expressionEvaluationOptions/scope");
        let mode = mode.and_then(Value::as_str).unwrap_or_default();
        if mode.eq_ignore_ascii_case("inner") {
            let given = members(resource.pointer("/properties/parameters"));
            let given = given.filter_map(|(name, parameter)| {
                Some((name.to_lowercase(), scope.resolve(parameter.get("value")?)))
            });
            let own = Scope::of(template, &given.collect(), self.budget);
            self.resources(template, pointer, &own, depth + 1);
        } else {
            self.resources(template, pointer, scope, depth + 1);
        }
    }

    fn workflow(
        &mut self,
        resource: &Value,
        pointer: &str,
        scope: &Scope<'_>,
        circle: Option<String>,
    ) {
        let Some(definition) = resource.pointer("/properties/definition") else { return };
        let values = || members(resource.pointer("/properties/parameters"));
        let parameters = values()
            .filter(|(name, _)| *name != "$connections")
            .filter_map(|(name, parameter)| {
                Some((name.to_owned(), scope.resolve(parameter.get("value")?)))
            })
            .collect();
        let connections = resource.pointer("/properties/parameters/$connections/value");
        let connections = members(connections)
            .map(|(name, entry)| (text(scope.text(name, 0)), scope.resolve(entry)))
            .collect();
        let name = resource.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = match scope.text(name, 0) {
            Answer::Known(Value::String(name)) => name,
            Answer::Known(_) | Answer::Open(_) => String::new(),
        };
        self.found.push(Workflow {
            pointer: format!("{pointer}/properties/definition"),
            name,
            definition: scope.resolve(definition),
            parameters,
            connections,
            notes: circle.into_iter().collect(),
        });
    }
}

/// What the resources are called and name in `dependsOn`.
fn named(holder: &Value, scope: &Scope<'_>) -> Vec<depends::Resource> {
    let plain = |value: &Value| text(scope.text(value.as_str().unwrap_or_default(), 0));
    elements(holder.get("resources"))
        .map(|(token, resource)| depends::Resource {
            kind: resource.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            name: resource.get("name").map(plain).unwrap_or_default(),
            needs: resource
                .get("dependsOn")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(plain)
                .collect(),
            token,
        })
        .collect()
}

fn text(answer: Answer) -> String {
    answer.written().as_str().unwrap_or_default().to_owned()
}

fn is(resource: &Value, kind: &str) -> bool {
    resource.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case(kind))
}

/// The resources of a list, or of an object by symbolic name.
fn elements(resources: Option<&Value>) -> impl Iterator<Item = (String, &Value)> {
    let list = resources.and_then(Value::as_array).into_iter().flatten();
    let list = list.enumerate().map(|(n, resource)| (n.to_string(), resource));
    list.chain(members(resources).map(|(name, resource)| (name.to_owned(), resource)))
}
