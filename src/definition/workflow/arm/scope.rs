//! What names mean in one template, and what its expressions come to. Functions as ARM documents them; those that
//! only a deployment can answer (`resourceGroup`, `reference`, `listKeys`, …) stay holes.

use super::answer::Answer;
use super::function;
use super::parse::{Expr, parse};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Variables and parameters inside each other at most.
const DEEPEST: usize = 24;
/// The work one document may ask for: expressions evaluated and bytes of values copied.
const BUDGET: usize = 64 << 20;

/// The names of one template.
#[derive(Debug)]
pub(super) struct Scope<'b> {
    /// Name in lower case to value, `None` where it is secret or has no default.
    parameters: BTreeMap<String, Option<Value>>,
    variables: BTreeMap<String, Value>,
    /// What variables and parameters come to: each is evaluated once.
    known: RefCell<BTreeMap<(bool, String), Answer>>,
    budget: &'b Cell<usize>,
}

/// The work that one document may ask for.
pub(super) fn budget() -> Cell<usize> {
    Cell::new(BUDGET)
}

impl<'b> Scope<'b> {
    /// The names of a template. `given` are values handed in by the deployment around, already resolved.
    pub(super) fn of(
        template: &Value,
        given: &BTreeMap<String, Value>,
        budget: &'b Cell<usize>,
    ) -> Self {
        let mut scope = Scope {
            parameters: BTreeMap::new(),
            variables: BTreeMap::new(),
            known: RefCell::default(),
            budget,
        };
        for (name, value) in members(template.get("variables")) {
            scope.variables.insert(name.to_lowercase(), value.clone());
        }
        for (name, parameter) in members(template.get("parameters")) {
            let kind = parameter.get("type").and_then(Value::as_str).unwrap_or_default();
            let secure = kind.to_ascii_lowercase().starts_with("secure");
            let given = given.get(&name.to_lowercase());
            let value = given.or_else(|| parameter.get("defaultValue"));
            // An empty default is one that has to be filled in.
            let value = value.filter(|value| !secure && value.as_str() != Some(""));
            scope.parameters.insert(name.to_lowercase(), value.cloned());
        }
        scope
    }

    /// A value of the template with its expressions resolved. Keys stay as they are, so that places stay.
    pub(super) fn resolve(&self, value: &Value) -> Value {
        self.resolve_at(value, 0)
    }

    fn resolve_at(&self, value: &Value, depth: usize) -> Value {
        match value {
            Value::String(text) => self.text(text, depth).written(),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.resolve_at(item, depth)).collect())
            }
            Value::Object(object) => Value::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), self.resolve_at(value, depth)))
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A text of the template: an expression in brackets, an escaped bracket, or itself.
    pub(super) fn text(&self, text: &str, depth: usize) -> Answer {
        let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match inside {
            Some(escaped) if escaped.starts_with('[') => Answer::text(format!("{escaped}]")),
            Some(inside) => match parse(inside) {
                Some(expr) => self.expr(&expr, inside, depth),
                None => Answer::hole(inside),
            },
            None => Answer::text(text),
        }
    }

    fn expr(&self, expr: &Expr, source: &str, depth: usize) -> Answer {
        if depth > DEEPEST || !self.spend(1) {
            return Answer::hole(written(expr, source));
        }
        let found = match expr {
            Expr::Text(text) => Some(Answer::text(text.clone())),
            Expr::Number(number) => Some(Answer::Known((*number).into())),
            Expr::Index { base, key, .. } => {
                let (base, key) = (self.expr(base, source, depth), self.expr(key, source, depth));
                function::index(&base, &key)
            }
            Expr::Call { name, args, .. } => self.call(name, args, source, depth),
        };
        found.unwrap_or_else(|| Answer::hole(written(expr, source)))
    }

    fn call(&self, name: &str, args: &[Expr], source: &str, depth: usize) -> Option<Answer> {
        let lower = name.to_lowercase();
        let args: Vec<Answer> = args.iter().map(|arg| self.expr(arg, source, depth)).collect();
        match (lower.as_str(), args.as_slice()) {
            ("parameters", [Answer::Known(Value::String(name))]) => self.named(true, name, depth),
            ("variables", [Answer::Known(Value::String(name))]) => self.named(false, name, depth),
            _ => function::call(&lower, &args),
        }
    }

    /// What a parameter or variable comes to; `None` if nothing is known of it: a hole behind a name is called by
    /// that name, which says more to whoever reads the report.
    fn named(&self, parameter: bool, name: &str, depth: usize) -> Option<Answer> {
        let key = (parameter, name.to_lowercase());
        let known = self.known.borrow().get(&key).cloned();
        let answer = if let Some(known) = known {
            known
        } else {
            let value = if parameter {
                self.parameters.get(&key.1)?.as_ref()
            } else {
                self.variables.get(&key.1)
            };
            let answer = match value? {
                Value::String(text) => self.text(text, depth + 1),
                other => Answer::Known(self.resolve_at(other, depth + 1)),
            };
            self.known.borrow_mut().insert(key, answer.clone());
            answer
        };
        (!answer.is_hole() && self.spend(answer.size())).then_some(answer)
    }

    /// Takes work from the budget; `false` once it is used up.
    fn spend(&self, work: usize) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(work));
        left > work
    }
}

/// How a hole is called: the bare name of a parameter or variable, else the expression itself.
fn written(expr: &Expr, source: &str) -> String {
    match expr {
        Expr::Text(text) => text.clone(),
        Expr::Number(number) => number.to_string(),
        Expr::Call { name, args, from, to } => match args.as_slice() {
            [Expr::Text(only)]
                if ["parameters", "variables"].contains(&name.to_lowercase().as_str()) =>
            {
                only.clone()
            }
            _ => source[*from..*to].to_owned(),
        },
        Expr::Index { from, to, .. } => source[*from..*to].trim_end().to_owned(),
    }
}

/// All members, none if this is no object.
pub(super) fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let object = value.and_then(Value::as_object);
    object.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}
