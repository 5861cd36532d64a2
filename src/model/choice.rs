//! Choice: the answers to conditions that nobody knows, made once for the whole schedule, and never in contradiction.
//!
//! Two conditions may ask about one value: whether it is 1, whether it is 2. What follows from the answers made is found
//! by a semantic tableau (Smullyan 1968): conditions are taken apart into facts, which `consistent.rs` holds against
//! each other. It refuses only what is impossible; what it cannot decide counts as possible.

use super::among::possible;
use super::consistent::Facts;
use super::fault::is_fault;
use super::transition::World;
use super::value::Value;
use std::collections::BTreeSet;

/// Whether a condition that nobody knows can be answered so, given the choices made.
pub fn may_be(world: &World, question: &Value, answer: bool) -> bool {
    if let Value::Term(term) = question
        && let ("not", [inner]) = (&*term.op, term.args.as_slice())
    {
        return may_be(world, inner, !answer);
    }
    answered(world, question).iter().any(|world| world.get(question) == Some(&answer))
}

/// The choices made together with each answer to a question that does not contradict them.
pub fn answered(world: &World, question: &Value) -> Vec<World> {
    let known = related(world, question);
    let fits = |answer: &bool| {
        let mut claims = known.clone();
        claims.push((question.clone(), *answer));
        Tableau { open: claims, ..Tableau::default() }.closes(&mut Budget(BRANCHES)) == Closes::No
    };
    let mut answers: Vec<bool> = possible(world, question).iter().copied().filter(fits).collect();
    // A condition on a value that it cannot be asked of: its action fails, whatever is said here.
    if answers.is_empty() {
        answers = vec![false, true];
    }
    let with = |answer| {
        let mut world = world.clone();
        world.insert(question.clone(), answer);
        world
    };
    answers.into_iter().map(with).collect()
}

/// A tableau that has grown so far is left alone.
const BRANCHES: u32 = 1_000;

struct Budget(u32);

type Claim = (Value, bool);

/// Whether every branch of a tableau ends in a contradiction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closes {
    Yes,
    No,
}

/// One branch.
#[derive(Clone, Default)]
struct Tableau {
    /// What is still to be taken apart.
    open: Vec<Claim>,
    facts: Facts,
    /// Of each list of claims, one list holds.
    forks: Vec<Vec<Vec<Claim>>>,
}

impl Tableau {
    fn closes(mut self, budget: &mut Budget) -> Closes {
        if budget.0 == 0 {
            return Closes::No;
        }
        budget.0 -= 1;
        while let Some((claim, holds)) = self.open.pop() {
            let Value::Term(term) = &claim else {
                match claim {
                    Value::Bool(b) if b != holds => return Closes::Yes,
                    _ => continue,
                }
            };
            match (&*term.op, term.args.as_slice()) {
                ("not", [inner]) => self.open.push((inner.clone(), !holds)),
                ("and" | "or", parts) => {
                    let parts = parts.iter().map(|p| (p.clone(), holds));
                    if (&*term.op == "and") == holds {
                        self.open.extend(parts);
                    } else {
                        self.forks.push(parts.map(|p| vec![p]).collect());
                    }
                }
                ("if", [condition, yes, no]) => self.forks.push(
                    [(true, yes), (false, no)]
                        .map(|(side, v)| vec![(condition.clone(), side), (v.clone(), holds)])
                        .into(),
                ),
                ("equals", [inner, Value::Bool(b)] | [Value::Bool(b), inner])
                    if is_condition(inner) =>
                {
                    self.open.push((inner.clone(), *b == holds));
                }
                _ => self.facts.add(&claim, holds),
            }
        }
        if !self.facts.possible() {
            return Closes::Yes;
        }
        let Some(fork) = self.forks.pop() else { return Closes::No };
        for claims in fork {
            let branch = Self { open: claims, ..self.clone() };
            if branch.closes(budget) == Closes::No {
                return Closes::No;
            }
        }
        Closes::Yes
    }
}

/// Whether a value is true or false if it is anything.
fn is_condition(value: &Value) -> bool {
    const CONDITIONS: [&str; 11] = [
        "and",
        "or",
        "not",
        "equals",
        "greater",
        "greaterorequals",
        "less",
        "lessorequals",
        "contains",
        "startswith",
        "empty",
    ];
    matches!(value, Value::Term(term) if CONDITIONS.contains(&&*term.op))
}

/// The choices made that are about what a question is about, directly or through others.
fn related(world: &World, question: &Value) -> Vec<Claim> {
    let mut about = BTreeSet::new();
    subjects(question, &mut about);
    let mut rest: Vec<(&Value, bool, BTreeSet<Value>)> = world
        .iter()
        .filter(|(q, _)| !is_fault(q))
        .map(|(q, &a)| {
            let mut of = BTreeSet::new();
            subjects(q, &mut of);
            (q, a, of)
        })
        .collect();
    let mut found = Vec::new();
    while let Some(at) = rest.iter().position(|(_, _, of)| !about.is_disjoint(of)) {
        let (question, answer, of) = rest.swap_remove(at);
        about.extend(of);
        found.push((question.clone(), answer));
    }
    found.sort();
    found
}

/// The unknown values that a condition is about.
fn subjects(condition: &Value, found: &mut BTreeSet<Value>) {
    let Value::Term(term) = condition else { return };
    let compares = ["and", "or", "not", "if"].contains(&&*term.op) || is_condition(condition);
    if !compares {
        found.insert(condition.clone());
    }
    if compares || super::function::Function::lookup(&term.op).is_some() {
        term.args.iter().for_each(|a| subjects(a, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(op: &str, args: &[Value]) -> Value {
        Value::term(op, args.to_vec())
    }

    fn not(condition: Value) -> Value {
        of("not", &[condition])
    }

    /// What can be answered to the second question once the first is answered with yes.
    fn then(first: &Value, second: &Value) -> Vec<bool> {
        let world = World::from([(first.clone(), true)]);
        let mut answers: Vec<bool> =
            answered(&world, second).iter().map(|world| world[second]).collect();
        answers.sort_unstable();
        answers
    }

    #[test]
    fn a_database_compares_by_its_own_rules() {
        let row = of("row", &[Value::text("T"), Value::text("1")]);
        let column = of("[]", &[row, Value::text("Status")]);
        let other = of("triggerBody", &[]);
        let is = |of_what: &Value, text: &str| of("equals", &[of_what.clone(), Value::text(text)]);
        assert_eq!(then(&is(&column, "New"), &is(&column, "Done")), [false]);
        assert_eq!(then(&is(&column, "New"), &is(&column, "NEW ")), [false, true]);
        assert_eq!(then(&is(&column, "7"), &of("equals", &[column, Value::Int(7)])), [false, true]);
        assert_eq!(then(&is(&other, "New"), &is(&other, "NEW ")), [false]);
    }

    #[test]
    fn what_has_no_value_is_on_neither_side_of_a_bound() {
        let row = of("row", &[Value::text("T"), Value::text("1")]);
        let column = of("[]", &[row, Value::text("Count")]);
        let some = not(of("equals", &[Value::Null, column.clone()]));
        let side = |op: &str| of("and", &[some.clone(), of(op, &[column.clone(), Value::Int(5)])]);
        let (above, below) = (side("greater"), side("lessorequals"));
        assert_eq!(then(&above, &below), [false]);
        assert_eq!(then(&not(above), &below), [false, true]);
    }

    #[test]
    fn values_that_equal_each_other_equal_the_same() {
        let (x, y) = (of("x", &[]), of("y", &[]));
        let equal = of("equals", &[x.clone(), y.clone()]);
        let both = of("and", &[equal, of("equals", &[x, Value::Int(1)])]);
        assert_eq!(then(&both, &of("equals", &[y.clone(), Value::Int(2)])), [false]);
        assert_eq!(then(&both, &of("less", &[y.clone(), Value::Int(1)])), [false]);
        assert_eq!(
            then(&both, &of("equals", &[of("add", &[y.clone(), Value::Int(1)]), Value::Int(2)])),
            [true]
        );
        // A text that is asked for its size is no number: whatever the answer, the action fails.
        let text = of("equals", &[y.clone(), Value::text("a")]);
        assert_eq!(then(&text, &of("greater", &[y, Value::Int(1)])), [false, true]);
    }
}
