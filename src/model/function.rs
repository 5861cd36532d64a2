//! stub
use super::expression::Failure;
use super::value::Value;
/// A function that depends on its arguments alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function(pub &'static str);
const ALL: &[&str] = &["add","sub","mul","equals","not","and","or","greater","less","if","concat","length","empty","createarray","first","coalesce","join","string","mod","div"];
impl Function {
    /// x
    pub fn lookup(name: &str) -> Option<Self> { let n = name.to_lowercase(); ALL.iter().find(|a| **a == n).map(|a| Self(a)) }
    /// x
    pub fn name(self) -> &'static str { self.0 }
    /// x
    pub fn accepts(self, _n: usize) -> bool { true }
    /// x
    pub fn call(self, a: &[Value]) -> Result<Value, Failure> {
        use Value::*;
        if a.iter().any(Value::is_unknown) { return Ok(Value::term(self.0, a.to_vec())); }
        let bad = || Failure(format!("{} {a:?}", self.0));
        Ok(match (self.0, a) {
            ("add", [Int(x), Int(y)]) => Int(x + y),
            ("sub", [Int(x), Int(y)]) => Int(x - y),
            ("mul", [Int(x), Int(y)]) => Int(x * y),
            ("mod", [Int(x), Int(y)]) if *y != 0 => Int(x % y),
            ("div", [Int(x), Int(y)]) if *y != 0 => Int(x / y),
            ("equals", [x, y]) => Bool(x == y),
            ("not", [Bool(x)]) => Bool(!x),
            ("and", xs) => Bool(xs.iter().all(|x| *x == Bool(true))),
            ("or", xs) => Bool(xs.iter().any(|x| *x == Bool(true))),
            ("greater", [Int(x), Int(y)]) => Bool(x > y),
            ("less", [Int(x), Int(y)]) => Bool(x < y),
            ("if", [Bool(c), x, y]) => if *c { x.clone() } else { y.clone() },
            ("concat" | "string", xs) => Value::text(&xs.iter().map(super::evaluate::plain).collect::<std::string::String>()),
            ("length", [Array(x)]) => Int(x.len() as i64),
            ("empty", [Array(x)]) => Bool(x.is_empty()),
            ("empty", [Null]) => Bool(true),
            ("createarray", xs) => Value::array(xs.to_vec()),
            ("first", [Array(x)]) => x.first().cloned().unwrap_or(Null),
            ("coalesce", xs) => xs.iter().find(|x| **x != Null).cloned().unwrap_or(Null),
            _ => return Err(bad()),
        })
    }
}
