//! Numbers, plurals and enumerations in prose.

use super::entry::{Entry, entries};
use crate::finding::show;
use crate::finding::{Finding, FlowReport, Level, Outcome, Report, Scope, Severity, Verdict};
use crate::model::value::Value;

/// `11,534,336`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 state`, `112 states`.
pub fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", number(n), if n == 1 { "" } else { "s" })
}

/// `1 step`, `2 steps`, of something counted in memory.
pub(super) fn many(n: usize, what: &str) -> String {
    count(u64::try_from(n).expect("a length fits 64 bits"), what)
}

/// How many there are.
pub(super) fn len<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).expect("a length fits 64 bits")
}

/// `6`, `6 or 7`, `6, 7 or 8`.
pub fn join(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// What was explored: `5 items in "order" and 2 runs`; empty for one run without loops.
pub(super) fn scope(scope: &Scope) -> String {
    let mut counts: Vec<u64> = scope.items.values().copied().collect();
    counts.sort_unstable();
    counts.dedup();
    let loops = scope.items.len();
    let mut parts: Vec<String> = if loops > 3 && counts.len() == 1 {
        vec![format!("{} in each of {loops} loops", count(counts[0], "item"))]
    } else {
        let items = scope.items.iter();
        items.map(|(name, n)| format!("{} in \"{name}\"", count(*n, "item"))).collect()
    };
    if scope.runs > 1 {
        parts.push(count(scope.runs, "run"));
    }
    if scope.faults > 0 {
        parts.push(count(scope.faults, "fault"));
    }
    join(&parts, "and")
}

/// `metrics.ProcessedCount ends anywhere from 6 to 25 (complete: 112 states); one at a time: 25`.
pub(super) fn outcome(cell: &str, outcome: &Outcome, flow: &FlowReport) -> String {
    let verb = if outcome.values.len() == 1 && outcome.complete { "always ends" } else { "ends" };
    let states = count(flow.stats.states, "state");
    let reach = match flow.stats.states {
        _ if outcome.complete => format!("complete: {states}"),
        0 => "so far".to_owned(),
        _ => format!("so far: {states}"),
    };
    let serial = if outcome.serial.is_empty() {
        String::new()
    } else if outcome.serial == outcome.values {
        "; one at a time: the same".to_owned()
    } else {
        format!("; one at a time: {}", serial(&outcome.serial))
    };
    format!("{cell} {verb} {} ({reach}){serial}", ends(&outcome.values))
}

/// `as 6`, `as 6, 7 or 25`, `anywhere from 6 to 25`.
fn ends(values: &[Value]) -> String {
    if values.is_empty() {
        return "in no way that was seen".into();
    }
    match interval(values) {
        Some((least, greatest)) => format!("anywhere from {least} to {greatest}"),
        None => format!("as {}", alternatives(values)),
    }
}

fn serial(values: &[Value]) -> String {
    match interval(values) {
        Some((least, greatest)) => format!("{least} to {greatest}"),
        None => alternatives(values),
    }
}

/// The ends of three or more whole numbers without a gap.
fn interval(values: &[Value]) -> Option<(i64, i64)> {
    let whole = |value: &Value| match value {
        Value::Int(n) => Some(*n),
        _ => None,
    };
    let numbers: Vec<i64> = values.iter().map(whole).collect::<Option<_>>()?;
    let gapless = numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    (numbers.len() > 2 && gapless).then(|| (numbers[0], numbers[numbers.len() - 1]))
}

/// All of a few, else the first, the last and how many.
fn alternatives(values: &[Value]) -> String {
    let shown = |value: &Value| show::brief(value, 60);
    if values.len() <= 6 {
        return join(&values.iter().map(shown).collect::<Vec<_>>(), "or");
    }
    let last = shown(&values[values.len() - 1]);
    let first: Vec<String> = values[..3].iter().map(shown).collect();
    format!("{}, … or {last}: {} values", first.join(", "), number(len(values)))
}

/// What the level says, where it says more than the findings.
pub(super) fn level(flow: &FlowReport) -> Option<&'static str> {
    match flow.level {
        Level::Deterministic => None,
        Level::OrderDependent => Some("order-dependent: how it ends depends on who comes first"),
        // Only where unknown data decides: elsewhere such an outcome is a finding (`unclassified`).
        Level::NotSerial if flow.verdict == Verdict::Safe => Some(
            "not-serial: steps that overlap can mix their results as they never would one at a time; whether that can \
             happen hangs on data from outside the flow, so it is no finding",
        ),
        Level::NotSerial => Some("not-serial: it can end as no order of one after another would"),
    }
}

/// That there is no order that goes well, if that was seen.
pub(super) fn hopeless(finding: &Finding) -> Option<&'static str> {
    let asked = finding.witness.as_ref().is_some_and(|w| !w.schedule.answers.is_empty());
    let said =
        if asked { "with this data every order goes wrong" } else { "every order goes wrong" };
    finding.always.then_some(said)
}

/// `1 error and 2 warnings`: as many as people are told of.
pub(super) fn severities(flows: &[&FlowReport]) -> String {
    let all: Vec<Entry<'_>> = flows.iter().flat_map(|flow| entries(&flow.findings)).collect();
    let of = |severity: Severity| {
        let n = len(&all.iter().filter(|e| e.finding.severity == severity).collect::<Vec<_>>());
        (n > 0).then(|| count(n, severity.id()))
    };
    let found: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(of).collect();
    if found.is_empty() { "no finding".into() } else { join(&found, "and") }
}

/// `1 flow unsafe: 1 error; 2 flows safe (any number of items)`.
pub(super) fn closing(report: &Report) -> String {
    let mut parts = Vec::new();
    let of =
        |keep: &dyn Fn(&&FlowReport) -> bool| report.flows.iter().filter(keep).collect::<Vec<_>>();
    let racy = of(&|f| f.verdict == Verdict::Unsafe);
    if !racy.is_empty() {
        parts.push(format!("{} unsafe: {}", count(len(&racy), "flow"), severities(&racy)));
    }
    let proved = of(&|f| f.verdict == Verdict::Safe && f.any_number);
    if !proved.is_empty() {
        parts.push(format!("{} safe (any number of items)", count(len(&proved), "flow")));
    }
    let bounded = of(&|f| f.verdict == Verdict::Safe && !f.any_number);
    if !bounded.is_empty() {
        parts.push(format!("{} safe (in the scope shown)", count(len(&bounded), "flow")));
    }
    let open = of(&|f| matches!(f.verdict, Verdict::Inconclusive(_)));
    if !open.is_empty() {
        parts.push(format!("{} inconclusive", count(len(&open), "flow")));
    }
    if report.flows.is_empty() {
        parts.push("nothing checked".into());
    }
    if !report.problems.is_empty() {
        parts.push(format!("{} in the input", count(len(&report.problems), "problem")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[i64], expected: &str) {
        let values: Vec<Value> = values.iter().map(|n| Value::Int(*n)).collect();
        assert_eq!(ends(&values), expected);
    }

    #[test]
    fn outcomes_are_said_as_briefly_as_they_can() {
        check(&[], "in no way that was seen");
        check(&[6], "as 6");
        check(&[6, 7], "as 6 or 7");
        check(&[6, 7, 8], "anywhere from 6 to 8");
        check(&[6, 8, 9], "as 6, 8 or 9");
        check(&[1, 3, 5, 7, 9, 11, 13], "as 1, 3, 5, … or 13: 7 values");
        check(&[i64::MAX - 1, i64::MAX], "as 9223372036854775806 or 9223372036854775807");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(11_534_336), "11,534,336");
        assert_eq!(count(1, "state"), "1 state");
        assert_eq!(count(1000, "state"), "1,000 states");
    }
}
