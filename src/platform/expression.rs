//! From expressions as written to expressions with their names resolved.

use super::leaf::Answer;
use crate::definition::expression::{Expr as Written, Part, Template};
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::definition::secret::SECRET;
use crate::definition::suggest::nearest;
use crate::model::expression::Expr;
use crate::model::function::Function;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::value::{Float, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What names mean where an expression stands.
pub trait Names {
    /// An action.
    fn action(&self, name: &str) -> Option<NodeId>;
    /// A variable.
    fn variable(&self, name: &str) -> Option<ResourceId>;
    /// The loop that `item()` is of.
    fn innermost_loop(&self) -> Option<NodeId>;
    /// A loop around.
    fn loop_named(&self, name: &str) -> Option<NodeId>;
    /// An Until.
    fn until_named(&self, name: &str) -> Option<NodeId>;
    /// A parameter's value.
    fn parameter(&self, name: &str) -> Option<Expr>;
    /// `triggerOutputs()`.
    fn trigger(&self) -> Expr;
    /// How an action's answer is laid out.
    fn answer(&self, node: NodeId) -> Answer;
    /// What tells this place of this process from all others: its run, its items, its rounds.
    fn whereabouts(&self) -> Vec<Expr>;
    /// Whether a name that means nothing is a fault of the definition: exports may lean on what is not in the file.
    fn strict(&self) -> bool;
    /// Whether runs and iterations get answers of their own from functions that depend on more than arguments.
    fn told_apart(&self) -> bool;
    /// A cell group, for `state()`.
    fn state(&self, name: &str) -> Option<ResourceId>;
    /// Whether `state()` may be used.
    fn in_finally(&self) -> bool;
    /// Notes something that nobody knows.
    fn unknown(&mut self, what: &str);
    /// All names, for suggestions.
    fn all_names(&self) -> Vec<String>;
}

/// A template as an expression.
pub fn lower(template: &Template, names: &mut dyn Names) -> Result<Expr, Problem> {
    Lowering { names, lambda: false }.template(template)
}

/// The condition of a Filter array, or what a Select makes of each element: `item()` is the element.
pub fn lower_lambda(template: &Template, names: &mut dyn Names) -> Result<Expr, Problem> {
    Lowering { names, lambda: true }.template(template)
}

/// A template without expressions as a value.
pub fn constant(template: &Template) -> Result<Value, Problem> {
    match template {
        Template::Literal(json) => Ok(value(json)),
        Template::Text(text) => Ok(Value::text(text)),
        Template::Array(items) => {
            Ok(Value::array(items.iter().map(constant).collect::<Result<_, _>>()?))
        }
        Template::Object(pairs) => {
            let mut object = BTreeMap::new();
            for (key, inner) in pairs {
                if let Template::Text(key) = key {
                    object.insert(Arc::from(key.as_str()), constant(inner)?);
                }
            }
            Ok(Value::Object(Arc::new(object)))
        }
        Template::Expr(Written::Call { name, args }, _) if name == SECRET => {
            Ok(secret(name, args).unwrap_or(Value::Null))
        }
        Template::Expr(_, at) | Template::Concat(_, at) => Err(Problem {
            at: at.clone(),
            message:
                "an expression; expected a constant, since this is there before the flow starts"
                    .to_owned(),
        }),
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => {
            n.as_i64().map_or_else(|| Value::Float(Float(n.as_f64().unwrap_or(0.0))), Value::Int)
        }
        Json::String(s) => Value::text(s),
        Json::Array(items) => Value::array(items.iter().map(value).collect()),
        Json::Object(object) => Value::Object(Arc::new(
            object.iter().map(|(k, v)| (Arc::from(k.as_str()), value(v))).collect(),
        )),
    }
}

struct Lowering<'n> {
    names: &'n mut dyn Names,
    lambda: bool,
}

impl Lowering<'_> {
    fn template(&mut self, template: &Template) -> Result<Expr, Problem> {
        match template {
            Template::Literal(_) | Template::Text(_) => constant(template).map(Expr::Const),
            Template::Array(items) => {
                Ok(Expr::Array(items.iter().map(|t| self.template(t)).collect::<Result<_, _>>()?))
            }
            Template::Object(pairs) => {
                let pair =
                    |(k, v): &(Template, Template)| Ok((self.template(k)?, self.template(v)?));
                Ok(Expr::Object(pairs.iter().map(pair).collect::<Result<_, Problem>>()?))
            }
            Template::Expr(expr, at) => self.expr(expr, at),
            Template::Concat(parts, at) => {
                let part = |p: &Part| match p {
                    Part::Text(text) => Ok(Expr::Const(Value::text(text))),
                    Part::Expr(expr) => self.expr(expr, at),
                };
                Ok(Expr::Concat(parts.iter().map(part).collect::<Result<_, _>>()?))
            }
        }
    }

    fn expr(&mut self, expr: &Written, at: &Location) -> Result<Expr, Problem> {
        match expr {
            Written::Literal(json) => Ok(Expr::Const(value(json))),
            Written::Index { base, key, safe } => self.index(base, key, *safe, at),
            Written::Call { name, args } => self.call(name, args, at),
        }
    }

    /// A text key right behind `outputs()` or `triggerOutputs()` is a path (semantics §1.3).
    fn index(
        &mut self,
        base: &Written,
        key: &Written,
        safe: bool,
        at: &Location,
    ) -> Result<Expr, Problem> {
        let path = match (base, key) {
            (Written::Call { name, .. }, Written::Literal(Json::String(path)))
                if path.contains('/')
                    && ["outputs", "triggeroutputs"].contains(&name.to_lowercase().as_str()) =>
            {
                Some(path.split('/').map(str::to_owned).collect::<Vec<_>>())
            }
            _ => None,
        };
        let mut lowered = self.expr(base, at)?;
        // What else there is to say of a workflow is the same for every run of it.
        if let (Expr::Opaque(name, args), Written::Literal(Json::String(key))) = (&mut lowered, key)
            && **name == *"workflow"
            && !key.eq_ignore_ascii_case("run")
        {
            args.clear();
        }
        let path = match (&lowered, path, key) {
            (Expr::Output(node), path, key) if self.names.answer(*node) == Answer::Body => {
                let mut path = path.unwrap_or_else(|| match key {
                    Written::Literal(Json::String(key)) => vec![key.clone()],
                    _ => Vec::new(),
                });
                if path.first().is_some_and(|p| p == "body") {
                    path.remove(0);
                    Some(path)
                } else {
                    None
                }
            }
            (_, path, _) => path,
        };
        let keys = match path {
            Some(path) => path.iter().map(|p| Expr::Const(Value::text(p))).collect(),
            None => vec![self.expr(key, at)?],
        };
        for key in keys {
            lowered = Expr::Index { base: Box::new(lowered), key: Box::new(key), safe };
        }
        Ok(lowered)
    }

    fn call(&mut self, name: &str, args: &[Written], at: &Location) -> Result<Expr, Problem> {
        if let Some(secret) = secret(name, args) {
            return Ok(Expr::Const(secret));
        }
        let lower = name.to_lowercase();
        let first = match args.first() {
            Some(Written::Literal(Json::String(text))) => Some(text.as_str()),
            _ => None,
        };
        if let Some(text) = first
            && let Some(found) = self.reference(&lower, text, at)
        {
            return match found {
                Err(_) if !self.names.strict() => {
                    self.names.unknown(&format!("{lower}('{text}')"));
                    Ok(Expr::Opaque(lower.into(), vec![Expr::Const(Value::text(text))]))
                }
                found => found,
            };
        }
        let body = || Expr::Index {
            base: Box::new(self.names.trigger()),
            key: Box::new(Expr::Const(Value::text("body"))),
            safe: true,
        };
        match lower.as_str() {
            "item" if args.is_empty() && self.lambda => return Ok(Expr::Element),
            "item" if args.is_empty() => {
                let innermost = self.names.innermost_loop();
                if innermost.is_none() && !self.names.strict() {
                    return Ok(Expr::Opaque("item".into(), Vec::new()));
                }
                return innermost
                    .map(Expr::Item)
                    .ok_or_else(|| problem(at, "item() stands in no loop".to_owned()));
            }
            "triggerbody" => return Ok(body()),
            "triggeroutputs" | "trigger" => return Ok(self.names.trigger()),
            _ => {}
        }
        let lowered = args.iter().map(|a| self.expr(a, at)).collect::<Result<Vec<_>, _>>()?;
        match Function::lookup(name) {
            Some(function) if function.accepts(lowered.len()) => Ok(Expr::Call(function, lowered)),
            Some(_) if !self.names.strict() => {
                self.names.unknown(&format!("function {name} of {} arguments", lowered.len()));
                Ok(Expr::Opaque(lower.into(), lowered))
            }
            Some(_) => Err(problem(
                at,
                format!("function \"{name}\" does not take {} arguments", lowered.len()),
            )),
            None => {
                let platform =
                    ["workflow", "utcnow", "guid", "rand", "listcallbackurl", "iterationindexes"];
                let mut lowered = lowered;
                if !platform.contains(&lower.as_str()) {
                    self.names.unknown(&format!("function {name}"));
                } else if self.names.told_apart() {
                    lowered.extend(self.names.whereabouts());
                    if ["guid", "rand"].contains(&lower.as_str()) {
                        lowered.push(Expr::Const(Value::text(&at.pointer)));
                    }
                }
                Ok(Expr::Opaque(lower.into(), lowered))
            }
        }
    }

    /// Functions whose argument names something of the flow.
    fn reference(
        &mut self,
        function: &str,
        name: &str,
        at: &Location,
    ) -> Option<Result<Expr, Problem>> {
        let names = &*self.names;
        let missing = |what: &str| {
            let all = names.all_names();
            let hint = nearest(name, all.iter().map(String::as_str));
            let hint = hint.map(|n| format!("; did you mean \"{n}\"?")).unwrap_or_default();
            problem(at, format!("{what} \"{name}\" does not exist{hint}"))
        };
        let action = |make: fn(NodeId) -> Expr| {
            names.action(name).map(make).ok_or_else(|| missing("action"))
        };
        Some(match function {
            "outputs" | "actionoutputs" => action(Expr::Output),
            "body" | "actionbody" => match names.action(name).map(|n| (n, names.answer(n))) {
                Some((node, Answer::Wrapped)) => Ok(Expr::Index {
                    base: Box::new(Expr::Output(node)),
                    key: Box::new(Expr::Const(Value::text("body"))),
                    safe: true,
                }),
                _ => action(Expr::Body),
            },
            "actions" => action(Expr::Action),
            "result" => action(Expr::Result),
            "variables" => {
                names.variable(name).map(Expr::Variable).ok_or_else(|| missing("variable"))
            }
            "items" => names.loop_named(name).map(Expr::Item).ok_or_else(|| missing("loop")),
            "iterationindexes" => {
                names.until_named(name).map(Expr::Round).ok_or_else(|| missing("loop"))
            }
            "parameters" => {
                let unknown = || Expr::Const(Value::term("parameters", vec![Value::text(name)]));
                Ok(names.parameter(name).unwrap_or_else(unknown))
            }
            "state" if names.in_finally() => {
                names.state(name).map(Expr::State).ok_or_else(|| missing("cell"))
            }
            "state" => Err(problem(
                at,
                "state() is for \"finally\" only; read the cell with a step".to_owned(),
            )),
            _ => return None,
        })
    }
}

/// A secret of the definition: nobody sees what it is, but it is equal to itself.
fn secret(name: &str, args: &[Written]) -> Option<Value> {
    match args {
        [Written::Literal(number)] if name == SECRET => {
            Some(Value::term(SECRET, vec![value(number)]))
        }
        _ => None,
    }
}

fn problem(at: &Location, message: String) -> Problem {
    Problem { at: at.clone(), message }
}
