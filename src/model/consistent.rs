//! Facts about values that nobody knows: what they equal, what they do not, how they stand in order; and whether all of
//! that can be so at once.
//!
//! Equality is that of expressions: strict about types, but 1 = 1.0, and null may pass for an empty text (semantics
//! §12.3). A database compares by a collation of its own and converts as it goes, so a row's columns are told apart by
//! what differs under every one of them.

use super::function::Function;
use super::value::Value;

/// What is claimed at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    equal: Vec<(Value, Value)>,
    unequal: Vec<(Value, Value)>,
    /// The first is less than the second, or (`false`) at most as great.
    order: Vec<(Value, Value, bool)>,
}

impl Facts {
    /// Adds what a comparison that came out like this says. Where values cannot be compared, there is no answer at all.
    pub(super) fn add(&mut self, claim: &Value, holds: bool) {
        let Value::Term(term) = claim else { return };
        let [a, b] = term.args.as_slice() else {
            self.equal.push((claim.clone(), Value::Bool(holds)));
            return;
        };
        let (a, b) = (a.clone(), b.clone());
        match (&*term.op, holds) {
            ("equals", true) => self.equal.push((a, b)),
            ("equals", false) => self.unequal.push((a, b)),
            ("less", true) => self.order.push((a, b, true)),
            ("less", false) => self.order.push((b, a, false)),
            ("lessorequals", true) => self.order.push((a, b, false)),
            ("lessorequals", false) => self.order.push((b, a, true)),
            ("greater", true) => self.order.push((b, a, true)),
            ("greater", false) => self.order.push((a, b, false)),
            ("greaterorequals", true) => self.order.push((b, a, false)),
            ("greaterorequals", false) => self.order.push((a, b, true)),
            _ => self.equal.push((claim.clone(), Value::Bool(holds))),
        }
    }

    /// Whether some values make all of it true, as far as this can tell.
    pub(super) fn possible(&self) -> bool {
        let mut classes = Classes::of(self);
        for (a, b) in &self.equal {
            classes.join(a, b);
        }
        classes.compute();
        classes.agree() && self.unequal_are(&classes) && self.ordered(&classes)
    }

    fn unequal_are(&self, classes: &Classes) -> bool {
        self.unequal.iter().all(|(a, b)| {
            let (x, y) = (classes.root(a), classes.root(b));
            if classes.loose(x) || classes.loose(y) {
                let claimed = |(c, d): &(Value, Value)| (c, d) == (a, b) || (d, c) == (a, b);
                return !self.equal.iter().any(claimed);
            }
            let (c, d) = (classes.constant(x), classes.constant(y));
            x != y && !c.zip(d).is_some_and(|(c, d)| same(c, d))
        })
    }

    /// Whether nothing is less than itself (and no number both at most and at least as great as one it is not).
    fn ordered(&self, classes: &Classes) -> bool {
        if self.order.is_empty() {
            return true;
        }
        let count = classes.values.len();
        // How one class stands before another: `Some(true)`, it is less; `Some(false)`, at most as great.
        let mut before: Vec<Vec<Option<bool>>> = vec![vec![None; count]; count];
        let mut edges: Vec<(usize, usize, bool)> = self
            .order
            .iter()
            .map(|(a, b, less)| (classes.root(a), classes.root(b), *less))
            .collect();
        for x in 0..count {
            for y in 0..count {
                edges.extend(classes.stand(x, y).map(|less| (x, y, less)));
            }
        }
        for (x, y, less) in edges {
            before[x][y] = before[x][y].max(Some(less));
        }
        for via in 0..count {
            for x in 0..count {
                for y in 0..count {
                    if let (Some(one), Some(two)) = (before[x][via], before[via][y]) {
                        before[x][y] = before[x][y].max(Some(one || two));
                    }
                }
            }
        }
        let number =
            |x: usize| classes.constant(x).and_then(Value::as_float).is_some() && !classes.loose(x);
        let squeezed = |(a, b): &(Value, Value)| {
            let (x, y) = (classes.root(a), classes.root(b));
            let either = (number(x) && !classes.loose(y)) || (number(y) && !classes.loose(x));
            either && before[x][y].is_some() && before[y][x].is_some()
        };
        (0..count).all(|x| before[x][x] != Some(true)) && !self.unequal.iter().any(squeezed)
    }
}

/// Values that are claimed to equal each other.
struct Classes {
    values: Vec<Value>,
    /// The number of another value of the same class, or the own.
    parents: Vec<usize>,
}

impl Classes {
    fn of(facts: &Facts) -> Self {
        let pairs = facts.equal.iter().chain(&facts.unequal);
        let mut values: Vec<Value> = pairs.flat_map(|(a, b)| [a, b]).cloned().collect();
        values.extend(facts.order.iter().flat_map(|(a, b, _)| [a, b]).cloned());
        values.sort();
        values.dedup();
        let parents = (0..values.len()).collect();
        Self { values, parents }
    }

    fn number(&self, value: &Value) -> Option<usize> {
        self.values.iter().position(|v| v == value)
    }

    fn top(&self, mut at: usize) -> usize {
        while self.parents[at] != at {
            at = self.parents[at];
        }
        at
    }

    fn root(&self, value: &Value) -> usize {
        let at = self.number(value);
        self.top(at.expect("internal error: a fact about a value of no class"))
    }

    fn join(&mut self, a: &Value, b: &Value) {
        let (x, y) = (self.root(a), self.root(b));
        self.parents[x] = y;
    }

    fn members(&self, root: usize) -> impl Iterator<Item = &Value> {
        self.values.iter().enumerate().filter(move |(i, _)| self.top(*i) == root).map(|(_, v)| v)
    }

    fn constant(&self, root: usize) -> Option<&Value> {
        self.members(root).find(|v| !v.is_unknown())
    }

    /// Whether a database may have compared the value.
    fn loose(&self, root: usize) -> bool {
        self.members(root).any(of_a_row)
    }

    /// Where a value is known to be a constant, so is what is computed from it.
    fn compute(&mut self) {
        for at in 0..self.values.len() {
            let value = self.values[at].clone();
            if !value.is_unknown() {
                continue;
            }
            let Some(known) = self.computed(&value, 0) else { continue };
            if known.is_unknown() || known == value {
                continue;
            }
            if self.number(&known).is_none() {
                self.values.push(known.clone());
                self.parents.push(self.parents.len());
            }
            self.join(&value, &known);
        }
    }

    /// The value with what is known of its parts; `None` if that changes nothing.
    fn computed(&self, value: &Value, depth: u32) -> Option<Value> {
        let Value::Term(term) = value else { return None };
        if depth > 0
            && let Some(at) = self.number(value)
        {
            let root = self.top(at);
            let known = self.constant(root).filter(|_| !self.loose(root));
            if let Some(known) = known.filter(|k| **k != Value::Null && **k != Value::text("")) {
                return Some(known.clone());
            }
        }
        if depth >= DEEPEST {
            return None;
        }
        let function = Function::lookup(&term.op)?;
        let parts: Vec<Option<Value>> =
            term.args.iter().map(|a| self.computed(a, depth + 1)).collect();
        if parts.iter().all(Option::is_none) {
            return None;
        }
        let args: Vec<Value> =
            parts.into_iter().zip(&term.args).map(|(new, a)| new.unwrap_or(a.clone())).collect();
        function.call(&args).ok()
    }

    /// Whether no class holds two values that differ.
    fn agree(&self) -> bool {
        let known = |at: &usize| !self.values[*at].is_unknown();
        let known: Vec<usize> = (0..self.values.len()).filter(known).collect();
        known.iter().enumerate().all(|(i, &x)| {
            known[i + 1..].iter().filter(|&&y| self.top(x) == self.top(y)).all(|&y| {
                let (a, b) = (&self.values[x], &self.values[y]);
                !if self.loose(self.top(x)) { differ_loosely(a, b) } else { !same(a, b) }
            })
        })
    }

    /// How the constants of two classes stand: `Some(true)`, the first is less; `Some(false)`, at most as great.
    fn stand(&self, x: usize, y: usize) -> Option<bool> {
        if x == y || self.top(x) != x || self.top(y) != y {
            return None;
        }
        let (a, b) = (self.constant(x)?, self.constant(y)?);
        let order = match (a.as_float(), b.as_float(), a, b) {
            (Some(a), Some(b), ..) => a.total_cmp(&b),
            (.., Value::String(a), Value::String(b)) if !self.loose(x) && !self.loose(y) => {
                a.to_lowercase().cmp(&b.to_lowercase())
            }
            _ => return None,
        };
        order.is_le().then_some(order.is_lt())
    }
}

/// Values in values are looked at so far.
const DEEPEST: u32 = 6;

fn same(a: &Value, b: &Value) -> bool {
    let nothing = |v: &Value| *v == Value::Null || *v == Value::text("");
    match (a.as_float(), b.as_float()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b || (nothing(a) && nothing(b)),
    }
}

/// Whether two values differ under every collation and conversion.
fn differ_loosely(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            let plain = |t: &str| t.trim_end().to_lowercase();
            let first = |t: &str| t.chars().next().filter(char::is_ascii);
            let (a, b) = (plain(a), plain(b));
            let numbers = a.parse::<f64>().is_ok() && b.parse::<f64>().is_ok();
            // Accents and ligatures are one letter or two to some.
            let ascii = a.is_ascii() && b.is_ascii();
            a != b && !numbers && (ascii || first(&a).zip(first(&b)).is_some_and(|(a, b)| a != b))
        }
        (Value::Null, _) | (_, Value::Null) => !same(a, b),
        _ => a.as_float().zip(b.as_float()).is_some() && !same(a, b),
    }
}

/// Whether a value is, or is made of, a row of a store.
fn of_a_row(value: &Value) -> bool {
    match value {
        Value::Term(term) => &*term.op == "row" || term.args.iter().any(of_a_row),
        _ => false,
    }
}
