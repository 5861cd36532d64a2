//! `flowrace diff OLD NEW`: what a change did to the findings.

use super::args::DiffArgs;
use super::exit;
use super::gate::{Gate, refuse};
use super::output;
use super::stop::Watch;
use crate::check;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::gate::diff::{Diff, diff};
use crate::report::untrusted::clean;
use std::io::{self, Write};
use std::slice;

/// Compares and gives the exit status: 1 if there are new findings.
pub(super) fn run(args: &DiffArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let gate = match Gate::load(&args.gate, slice::from_ref(&args.new)) {
        Ok(gate) => gate,
        Err(problems) => return refuse(&problems, err),
    };
    let config = gate.config(args.config());
    let watch = Watch::start(args.search.timeout, true, args.quiet);
    let mut reports = [&args.old, &args.new].map(|path| {
        let mut report = check::check(slice::from_ref(path), &config, &watch);
        gate.settle(&mut report, true, &mut io::sink());
        report
    });
    watch.finish();
    for report in &mut reports {
        output::problems(&report.problems, err);
    }
    let [old, new] = &reports;
    let compared = diff(old, new);
    let fail_on = gate.fail_on(args.fail_on());
    let counts = |f: &&&Finding| fail_on.is_some_and(|least| f.severity >= least);
    let code = if old.flows.is_empty() || !old.problems.is_empty() {
        exit::UNUSABLE
    } else {
        match exit::of(new, fail_on) {
            exit::UNUSABLE => exit::UNUSABLE,
            _ if compared.new.iter().any(|f| counts(&f)) => exit::FINDINGS,
            exit::INCONCLUSIVE => exit::INCONCLUSIVE,
            _ => exit::SAFE,
        }
    };
    output::finish(say(&compared, out), code, err)
}

fn say(diff: &Diff<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut list = |what: &str, findings: &[&Finding]| -> io::Result<()> {
        for finding in findings {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let at = &finding.location;
            let place = clean(&format!("{}:{}:{}", at.path, at.line, at.column), false);
            let message = clean(&finding.message, false);
            writeln!(out, "{what}  {severity}[{}]: {message}\n         {place}", finding.rule)?;
        }
        Ok(())
    };
    list("new    ", &diff.new)?;
    list("fixed  ", &diff.fixed)?;
    let (new, fixed, same) = (diff.new.len(), diff.fixed.len(), diff.unchanged.len());
    writeln!(out, "{new} new, {fixed} fixed, {same} unchanged")?;
    out.flush()
}
