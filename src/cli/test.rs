//! `flowrace test`: design models against their own expectations.

use super::args::TestArgs;
use super::exit;
use super::gate::{Gate, refuse};
use super::output;
use super::stop::Watch;
use crate::check;
use crate::finding::{FlowReport, Report};
use crate::report::untrusted::clean;
use crate::report::words::count;
use std::io::{self, Write};

/// Tests and gives the exit status.
pub(super) fn test(args: &TestArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let gate = match Gate::load(&args.gate(), &args.paths) {
        Ok(gate) => gate,
        Err(problems) => return refuse(&problems, err),
    };
    let watch = Watch::start(args.search.timeout, args.search.reproducible, args.quiet);
    let config = gate.config_of_models(args.search.config());
    let report = check::check(&args.paths, &config, &watch);
    watch.finish();
    output::problems(&report.problems, err);
    let tally = Tally::of(&report);
    if tally.met + tally.failed == 0 && report.problems.is_empty() {
        output::nothing(&args.paths, "test", err);
    }
    output::finish(say(&report, &tally, args.quiet, out), tally.code(&report), err)
}

/// How many flows ended how.
#[derive(Default)]
struct Tally {
    met: u64,
    failed: u64,
    /// They expect nothing.
    idle: u64,
}

impl Tally {
    fn of(report: &Report) -> Self {
        let mut tally = Self::default();
        for flow in &report.flows {
            match &flow.unmet {
                None => tally.idle += 1,
                Some(unmet) if unmet.is_empty() => tally.met += 1,
                Some(_) => tally.failed += 1,
            }
        }
        tally
    }

    fn code(&self, report: &Report) -> u8 {
        match self {
            _ if !report.problems.is_empty() => exit::UNUSABLE,
            Self { met: 0, failed: 0, .. } => exit::UNUSABLE,
            Self { failed: 0, .. } => exit::SAFE,
            Self { .. } => exit::FINDINGS,
        }
    }
}

fn say(report: &Report, tally: &Tally, quiet: bool, out: &mut dyn Write) -> io::Result<()> {
    for flow in &report.flows {
        let name = name(flow);
        match &flow.unmet {
            None => {}
            Some(unmet) if unmet.is_empty() && quiet => {}
            Some(unmet) if unmet.is_empty() => writeln!(out, "ok      {name}")?,
            Some(unmet) => {
                writeln!(out, "FAILED  {name}")?;
                for reason in unmet {
                    writeln!(out, "        {}", clean(reason, false))?;
                }
            }
        }
    }
    let mut parts =
        vec![format!("{} ok", count(tally.met, "model")), format!("{} failed", tally.failed)];
    if tally.idle > 0 {
        parts.push(format!("{} without expectation", tally.idle));
    }
    if !report.problems.is_empty() {
        parts.push(format!("{} unreadable", report.problems.len()));
    }
    writeln!(out, "{}", parts.join(", "))?;
    out.flush()
}

fn name(flow: &FlowReport) -> String {
    format!("{}, \"{}\"", clean(&flow.path, false), clean(&flow.flow, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::location::Location;
    use crate::definition::problem::Problem;
    use crate::finding::sample;

    fn check(unmet: &[Option<Vec<String>>], expected: &str, code: u8) {
        let flow = |unmet: &Option<Vec<String>>| FlowReport {
            unmet: unmet.clone(),
            ..sample::unsafe_flow()
        };
        let report = Report { flows: unmet.iter().map(flow).collect(), problems: vec![] };
        let tally = Tally::of(&report);
        let mut out = Vec::new();
        say(&report, &tally, false, &mut out).unwrap();
        assert_eq!(
            (String::from_utf8(out).unwrap().as_str(), tally.code(&report)),
            (expected, code)
        );
    }

    #[test]
    fn every_model_is_told_and_counted() {
        let failed = Some(vec!["expected verdict safe, got unsafe".into()]);
        check(
            &[Some(vec![]), failed, None],
            "ok      models/naive-counter.json, \"Naive counter\"\n\
             FAILED  models/naive-counter.json, \"Naive counter\"\n        expected verdict safe, got unsafe\n\
             1 model ok, 1 failed, 1 without expectation\n",
            exit::FINDINGS,
        );
        check(
            &[Some(vec![])],
            "ok      models/naive-counter.json, \"Naive counter\"\n1 model ok, 0 failed\n",
            exit::SAFE,
        );
    }

    #[test]
    fn a_test_that_tests_nothing_does_not_pass() {
        check(&[None], "0 models ok, 0 failed, 1 without expectation\n", exit::UNUSABLE);
        let met = FlowReport { unmet: Some(vec![]), ..sample::unsafe_flow() };
        let problem = Problem { at: Location::default(), message: String::new() };
        let report = Report { flows: vec![met], problems: vec![problem] };
        assert_eq!(Tally::of(&report).code(&report), exit::UNUSABLE);
    }
}
