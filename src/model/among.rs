//! A value of which only the possible ones are known: the status of an answer, say. What all of them agree on is known.

use super::transition::World;
use super::value::Value;

const OP: &str = "among";

/// One of `values`, and which one depends on `about` alone.
pub fn among(about: Value, mut values: Vec<Value>) -> Value {
    values.dedup();
    if values.len() == 1 {
        return values.remove(0);
    }
    values.insert(0, about);
    Value::term(OP, values)
}

/// What a value is about and may be, if that is all that is known of it.
pub fn candidates(value: &Value) -> Option<(&Value, &[Value])> {
    let Value::Term(term) = value else { return None };
    if &*term.op == OP { term.args.split_first() } else { None }
}

/// What `compute` makes of arguments of which one is among known values: the same value for all of them, or one among
/// several. `None`: nothing like that, or a truth that depends on which one it is.
pub(super) fn each(
    name: &str,
    args: &[Value],
    compute: impl Fn(&[Value]) -> Option<Value>,
) -> Option<Value> {
    let at = args.iter().position(|a| candidates(a).is_some())?;
    if args.iter().enumerate().any(|(i, a)| i != at && a.is_unknown()) {
        return None;
    }
    let (about, values) = candidates(&args[at])?;
    let mut made: Vec<Value> = Vec::new();
    for value in values {
        let mut args = args.to_vec();
        args[at] = value.clone();
        made.push(compute(&args)?);
    }
    let same = made.windows(2).all(|w| w[0] == w[1]);
    if !same && made.iter().any(|v| matches!(v, Value::Bool(_))) {
        return None;
    }
    Some(among(Value::term(name, vec![about.clone()]), made))
}

/// The answers to a question that do not contradict the choices made: what is among known values is one of them, and
/// nothing is two things.
pub(super) fn possible(world: &World, question: &Value) -> &'static [bool] {
    let Some((unknown, values, asked)) = comparison(question) else { return &[false, true] };
    let said = |value: &Value| {
        let pair = vec![unknown.clone(), value.clone()];
        let turned = vec![value.clone(), unknown.clone()];
        let ask = |pair| world.get(&Value::term("equals", pair)).copied();
        ask(pair).or_else(|| ask(turned))
    };
    let mut others = values.iter().filter(|v| *v != asked).map(said);
    if others.clone().any(|s| s == Some(true)) {
        return &[false];
    }
    if others.all(|s| s == Some(false)) { &[true] } else { &[false, true] }
}

/// Whether a question compares what is among known values with one of them.
fn comparison(question: &Value) -> Option<(&Value, &[Value], &Value)> {
    let Value::Term(term) = question else { return None };
    let ("equals", [a, b]) = (&*term.op, term.args.as_slice()) else { return None };
    let (unknown, asked) = if candidates(a).is_some() { (a, b) } else { (b, a) };
    let (_, values) = candidates(unknown)?;
    values.contains(asked).then_some((unknown, values, asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::Function;

    fn status() -> Value {
        among(Value::text("x"), [200, 201, 204].map(Value::Int).to_vec())
    }

    fn call(name: &str, args: &[Value]) -> Value {
        Function::lookup(name).expect("a function").call(args).expect("a value")
    }

    #[test]
    fn what_all_agree_on_is_known() {
        assert_eq!(call("less", &[status(), Value::Int(300)]), Value::Bool(true));
        assert_eq!(call("equals", &[status(), Value::Int(404)]), Value::Bool(false));
        let text = call("string", &[status()]);
        assert_eq!(call("startswith", &[text.clone(), Value::text("2")]), Value::Bool(true));
        assert!(call("equals", &[text, Value::text("201")]).is_unknown());
    }

    #[test]
    fn nothing_is_two_things_and_it_is_one_of_them() {
        let ask = |code: i64| call("equals", &[status(), Value::Int(code)]);
        let world =
            |known: &[(i64, bool)]| known.iter().map(|&(c, is)| (ask(c), is)).collect::<World>();
        let answers = |known: &[(i64, bool)], code| possible(&world(known), &ask(code)).to_vec();
        assert_eq!(answers(&[], 200), [false, true]);
        assert_eq!(answers(&[(201, true)], 200), [false]);
        assert_eq!(answers(&[(201, false), (204, false)], 200), [true]);
        assert_eq!(answers(&[(201, false)], 200), [false, true]);
    }
}
