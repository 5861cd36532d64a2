//! stub
use crate::definition::expression::{Expr as D, Part, Template};
use crate::definition::problem::Problem;
use crate::definition::location::Location;
use crate::model::expression::Expr;
use crate::model::function::Function;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::value::Value;
/// x
pub trait Names { 
/// x
fn action(&self, name:&str)->Option<NodeId>; 
/// x
fn variable(&self,name:&str)->Option<ResourceId>; 
/// x
fn innermost_loop(&self)->Option<NodeId>; 
/// x
fn loop_named(&self,name:&str)->Option<NodeId>; 
/// x
fn until_named(&self, name:&str)->Option<NodeId>; 
/// x
fn parameter(&self,name:&str)->Option<Expr>; 
/// x
fn trigger(&self)->Expr; 
/// x
fn state(&self,name:&str)->Option<ResourceId>; 
/// x
fn in_finally(&self)->bool; 
/// x
fn unknown(&mut self, what:&str); 
/// x
fn all_names(&self)->Vec<String>; }
fn json(v: &serde_json::Value) -> Value {
    match v {
        serde_json::Value::Null => Value::Null, serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => n.as_i64().map_or_else(|| Value::Float(crate::model::value::Float(n.as_f64().unwrap_or(0.0))), Value::Int),
        serde_json::Value::String(s) => Value::text(s),
        serde_json::Value::Array(a) => Value::array(a.iter().map(json).collect()),
        serde_json::Value::Object(o) => Value::Object(std::sync::Arc::new(o.iter().map(|(k, v)| (k.as_str().into(), json(v))).collect())),
    }
}
/// x
pub fn constant(t: &Template) -> Result<Value, Problem> {
    Ok(match t {
        Template::Literal(v) => json(v), Template::Text(s) => Value::text(s),
        Template::Array(a) => Value::array(a.iter().map(constant).collect::<Result<_, _>>()?),
        Template::Object(o) => { let mut m = std::collections::BTreeMap::new(); for (k, v) in o { if let Template::Text(k) = k { m.insert(k.as_str().into(), constant(v)?); } } Value::Object(m.into()) }
        Template::Expr(_, at) | Template::Concat(_, at) => return Err(Problem { at: at.clone(), message: "an expression; expected a constant".into() }),
    })
}
/// x
pub fn lower_lambda(t: &Template, n: &mut dyn Names) -> Result<Expr, Problem> { lower(t, n) }
/// x
pub fn lower(t: &Template, n: &mut dyn Names) -> Result<Expr, Problem> {
    Ok(match t {
        Template::Literal(_) | Template::Text(_) => Expr::Const(constant(t)?),
        Template::Array(a) => Expr::Array(a.iter().map(|e| lower(e, n)).collect::<Result<_, _>>()?),
        Template::Object(o) => { let mut v = vec![]; for (k, e) in o { v.push((lower(k, n)?, lower(e, n)?)); } Expr::Object(v) }
        Template::Expr(e, at) => ex(e, at, n)?,
        Template::Concat(p, at) => { let mut v = vec![]; for q in p { v.push(match q { Part::Text(s) => Expr::Const(Value::text(s)), Part::Expr(e) => ex(e, at, n)? }); } Expr::Concat(v) }
    })
}
fn ex(e: &D, at: &Location, n: &mut dyn Names) -> Result<Expr, Problem> {
    let p = |m: String| Problem { at: at.clone(), message: m };
    Ok(match e {
        D::Literal(v) => Expr::Const(json(v)),
        D::Index { base, key, safe } => Expr::Index { base: Box::new(ex(base, at, n)?), key: Box::new(ex(key, at, n)?), safe: *safe },
        D::Call { name, args } => {
            let first = match args.first() { Some(D::Literal(serde_json::Value::String(s))) => s.clone(), _ => String::new() };
            let act = |n: &dyn Names| n.action(&first).ok_or_else(|| p(format!("no action {first}")));
            match name.to_lowercase().as_str() {
                "outputs" => Expr::Output(act(n)?), "body" => Expr::Body(act(n)?), "actions" => Expr::Action(act(n)?), "result" => Expr::Result(act(n)?),
                "variables" => Expr::Variable(n.variable(&first).ok_or_else(|| p(format!("no variable {first}")))?),
                "items" => Expr::Item(n.loop_named(&first).ok_or_else(|| p(format!("no loop {first}")))?),
                "item" => n.innermost_loop().map_or(Expr::Element, Expr::Item),
                "state" => Expr::State(n.state(&first).ok_or_else(|| p(format!("no cell {first}")))?),
                other => { let a = args.iter().map(|a| ex(a, at, n)).collect::<Result<Vec<_>, _>>()?; match Function::lookup(other) { Some(f) => Expr::Call(f, a), None => { n.unknown(&format!("function {other}")); Expr::Opaque(other.into(), a) } } }
            }
        }
    })
}
