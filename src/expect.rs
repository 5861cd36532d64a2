//! A model's expectations against its report.

use crate::definition::ast::{Expect, ExpectOutcome};
use crate::finding::show;
use crate::finding::{FlowReport, Outcome, Verdict};
use crate::model::value::Value;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What of `expect` the report does not fulfil, one sentence each. Empty: all met.
pub fn unmet(expect: &Expect, report: &FlowReport) -> Vec<String> {
    let mut unmet = Vec::new();
    unmet.extend(expect.verdict.as_deref().and_then(|expected| verdict(expected, report)));
    unmet.extend(expect.rules.as_deref().and_then(|expected| rules(expected, report)));
    for (cell, expected) in &expect.outcomes {
        let Some(outcome) = report.outcomes.get(cell) else {
            unmet.push(unobserved(cell, report));
            continue;
        };
        // What a search that stopped early saw is no answer, unless stopping early is what was expected.
        if !outcome.complete && expect.verdict.as_deref() != Some("inconclusive") {
            unmet.push(format!(
                "expected all outcomes of {cell}, got only some: not every order was explored"
            ));
        }
        unmet.extend(match expected {
            ExpectOutcome::Range(least, greatest) => range(cell, least, greatest, outcome),
            ExpectOutcome::Exactly(values) => exactly(cell, values, outcome),
        });
    }
    unmet
}

fn verdict(expected: &str, report: &FlowReport) -> Option<String> {
    let got = report.verdict.id();
    let why = match &report.verdict {
        Verdict::Inconclusive(reason) => format!(" ({reason})"),
        Verdict::Safe | Verdict::Unsafe => String::new(),
    };
    (expected != got).then(|| format!("expected verdict {expected}, got {got}{why}"))
}

fn rules(expected: &[String], report: &FlowReport) -> Option<String> {
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let got: BTreeSet<&str> = report.findings.iter().map(|f| f.rule).collect();
    (expected != got).then(|| format!("expected rules {}, got {}", set(&expected), set(&got)))
}

fn set(rules: &BTreeSet<&str>) -> String {
    if rules.is_empty() {
        "none".into()
    } else {
        rules.iter().copied().collect::<Vec<_>>().join(", ")
    }
}

fn unobserved(cell: &str, report: &FlowReport) -> String {
    let cells: Vec<&str> = report.outcomes.keys().map(String::as_str).collect();
    let cells = if cells.is_empty() { "none".into() } else { cells.join(", ") };
    format!("expected outcomes of {cell}, which is no observed cell; observed: {cells}")
}

fn range(cell: &str, least: &Json, greatest: &Json, outcome: &Outcome) -> Option<String> {
    let min = outcome.values.iter().min_by(|a, b| compare(a, b));
    let max = outcome.values.iter().max_by(|a, b| compare(a, b));
    let expected = span(&least.to_string(), &greatest.to_string());
    let (Some(min), Some(max)) = (min, max) else {
        return Some(format!("expected {cell} to end {expected}, got no outcome"));
    };
    let met = same(least, min) && same(greatest, max);
    (!met).then(|| {
        format!(
            "expected {cell} to end {expected}, got {}",
            span(&show::text(min), &show::text(max))
        )
    })
}

fn span(least: &str, greatest: &str) -> String {
    if least == greatest {
        format!("as {least}")
    } else {
        format!("between {least} and {greatest}")
    }
}

fn exactly(cell: &str, expected: &[Json], outcome: &Outcome) -> Option<String> {
    let missing = expected.iter().filter(|e| !outcome.values.iter().any(|v| same(e, v)));
    let missing: Vec<String> = missing.map(Json::to_string).collect();
    let added = outcome.values.iter().filter(|v| !expected.iter().any(|e| same(e, v)));
    let added: Vec<String> = added.map(show::text).collect();
    let mut differences = Vec::new();
    if !missing.is_empty() {
        differences.push(format!("never {}", missing.join(", ")));
    }
    if !added.is_empty() {
        differences.push(format!("also {}", added.join(", ")));
    }
    let expected: Vec<String> = expected.iter().map(Json::to_string).collect();
    (!differences.is_empty()).then(|| {
        let expected = if expected.is_empty() { "nothing".into() } else { expected.join(", ") };
        format!("expected {cell} to end as exactly {expected}; got {}", differences.join("; "))
    })
}

/// Numbers by size and before all else, the rest by its text.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => plain(a).cmp(&plain(b)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "ties are broken by the exact value")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(f) => Some(f.0),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.to_string(),
        other => show::text(other),
    }
}

/// Whether a JSON value of an expectation denotes this value: 1 is 1.0, tokens and unknown values are meant by
/// the text that the report shows, and an array of objects (a table's rows) may list them in any order.
fn same(expected: &Json, value: &Value) -> bool {
    match (expected, value) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::Number(a), Value::Int(b)) => match a.as_i64() {
            Some(a) => a == *b,
            None => a.as_f64().is_some_and(|a| Value::Int(*b) == whole(a)),
        },
        (Json::Number(a), Value::Float(b)) => a.as_f64().is_some_and(|a| a.total_cmp(&b.0).is_eq()),
        (Json::String(a), Value::String(b)) => **a == **b,
        (Json::String(a), Value::Token(t)) => a == show::token(t.kind),
        (Json::String(a), Value::Term(t)) => *a == show::term(t),
        (Json::Array(a), Value::Array(b)) => same_array(a, b),
        (Json::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, field)| b.get(key.as_str()).is_some_and(|v| same(field, v)))
        }
        _ => false,
    }
}

/// The whole number that a fraction is, else the fraction.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within the range are cast")]
fn whole(number: f64) -> Value {
    let exact = number.fract() == 0.0 && number.abs() < 9e15;
    if exact { Value::Int(number as i64) } else { Value::Float(crate::model::value::Float(number)) }
}

fn same_array(expected: &[Json], values: &[Value]) -> bool {
    if expected.len() != values.len() {
        return false;
    }
    if expected.iter().zip(values).all(|(e, v)| same(e, v)) {
        return true;
    }
    let mut left: Vec<&Value> = values.iter().collect();
    expected.iter().all(|e| {
        let place = left.iter().position(|v| e.is_object() && same(e, v));
        place.map(|i| left.swap_remove(i)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;
    use crate::model::value::Float;
    use serde_json::json;

    fn check(expect: &Expect, expected: &[&str]) {
        assert_eq!(unmet(expect, &sample::unsafe_flow()), expected);
    }

    fn outcome(of: ExpectOutcome) -> Expect {
        let cell = "metrics.ProcessedCount".to_owned();
        Expect { outcomes: [(cell, of)].into(), ..Expect::default() }
    }

    #[test]
    fn a_model_that_is_as_expected_is_met() {
        let verdict = Some("unsafe".into());
        let rules = Some(vec!["lost-update".into()]);
        let range = ExpectOutcome::Range(json!(6), json!(7.0));
        check(&Expect { verdict, rules, ..outcome(range) }, &[]);
        check(&outcome(ExpectOutcome::Exactly(vec![json!(7), json!(6)])), &[]);
    }

    #[test]
    fn every_difference_is_said() {
        let verdict = Some("safe".into());
        let expect = Expect { verdict, rules: Some(vec![]), ..Expect::default() };
        check(
            &expect,
            &["expected verdict safe, got unsafe", "expected rules none, got lost-update"],
        );
        let range = ExpectOutcome::Range(json!(5), json!(7));
        check(
            &outcome(range),
            &["expected metrics.ProcessedCount to end between 5 and 7, got between 6 and 7"],
        );
        let exactly = ExpectOutcome::Exactly(vec![json!(7), json!(8)]);
        check(
            &outcome(exactly),
            &["expected metrics.ProcessedCount to end as exactly 7, 8; got never 8; also 6"],
        );
    }

    #[test]
    fn a_cell_that_is_not_observed_is_named() {
        let expect = Expect {
            outcomes: [("metrics.Count".into(), ExpectOutcome::Exactly(vec![]))].into(),
            ..Expect::default()
        };
        check(
            &expect,
            &[
                "expected outcomes of metrics.Count, which is no observed cell; observed: metrics.ProcessedCount",
            ],
        );
    }

    #[test]
    fn numbers_are_compared_by_size_and_rows_in_any_order() {
        assert!(same(&json!(1), &Value::Float(Float(1.0))));
        assert!(same(&json!(1.0), &Value::Int(1)));
        assert!(!same(&json!("1"), &Value::Int(1)));
        let row = |n| Value::object([("a", Value::Int(n))]);
        assert!(same(&json!([{"a": 2}, {"a": 1}]), &Value::array(vec![row(1), row(2)])));
        assert!(!same(&json!([2, 1]), &Value::array(vec![Value::Int(1), Value::Int(2)])));
        let values = [Value::Int(10), Value::Float(Float(9.5)), Value::text("1")];
        let outcome = Outcome { values: values.to_vec(), serial: vec![], complete: true };
        assert_eq!(range("x", &json!(9.5), &json!("1"), &outcome), None);
    }
}
