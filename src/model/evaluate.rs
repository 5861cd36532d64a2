//! stub
use super::expression::{Env, Expr, Failure};
use super::value::Value;
/// x
pub fn plain(v: &Value) -> String { match v { Value::String(s) => s.to_string(), Value::Int(n) => n.to_string(), Value::Null => String::new(), o => format!("{o:?}") } }
/// x
pub fn evaluate(expr: &Expr, env: &mut dyn Env) -> Result<Value, Failure> {
    Ok(match expr {
        Expr::Const(v) => v.clone(),
        Expr::Concat(p) => { let mut s = String::new(); for e in p { s += &plain(&evaluate(e, env)?); } Value::text(&s) }
        Expr::Array(p) => Value::array(p.iter().map(|e| evaluate(e, env)).collect::<Result<_, _>>()?),
        Expr::Object(p) => { let mut o = std::collections::BTreeMap::new(); for (k, v) in p { o.insert(plain(&evaluate(k, env)?).into(), evaluate(v, env)?); } Value::Object(o.into()) }
        Expr::Call(f, a) => { let a: Vec<Value> = a.iter().map(|e| evaluate(e, env)).collect::<Result<_, _>>()?; f.call(&a)? }
        Expr::Opaque(n, a) => { let a: Vec<Value> = a.iter().map(|e| evaluate(e, env)).collect::<Result<_, _>>()?; Value::term(n, a) }
        Expr::Index { base, key, safe } => {
            let (b, k) = (evaluate(base, env)?, evaluate(key, env)?);
            match (&b, &k) {
                (Value::Object(o), Value::String(k)) => match o.get(k) { Some(v) => v.clone(), None if *safe => Value::Null, None => return Err(Failure("no property".into())) },
                (Value::Array(o), Value::Int(i)) => match o.get(*i as usize) { Some(v) => v.clone(), None if *safe => Value::Null, None => return Err(Failure("no item".into())) },
                (Value::Null, _) if *safe => Value::Null,
                (Value::Term(_), _) => Value::term("[]", vec![b, k]),
                _ => return Err(Failure("no index".into())),
            }
        }
        Expr::Output(n) => env.output(*n)?, Expr::Body(n) => env.body(*n)?, Expr::Action(n) => env.action(*n)?, Expr::Result(n) => env.result(*n)?,
        Expr::Variable(v) => env.variable(*v)?, Expr::Item(n) => env.item(*n)?, Expr::Element => env.element()?, Expr::Round(n) => env.round(*n)?,
        Expr::Column(c) => env.column(c)?, Expr::State(r) => env.state(*r)?,
        Expr::Filter(..) | Expr::Map(..) => return Err(Failure("stub".into())),
    })
}
impl Expr {
    /// x
    pub fn visit(&self, f: &mut dyn FnMut(&Expr)) {
        f(self);
        match self {
            Expr::Concat(p) | Expr::Array(p) | Expr::Call(_, p) | Expr::Opaque(_, p) => p.iter().for_each(|e| e.visit(f)),
            Expr::Object(p) => p.iter().for_each(|(k, v)| { k.visit(f); v.visit(f) }),
            Expr::Index { base, key, .. } => { base.visit(f); key.visit(f) }
            Expr::Filter(a, b) | Expr::Map(a, b) => { a.visit(f); b.visit(f) }
            _ => {}
        }
    }
}
