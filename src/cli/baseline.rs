//! `flowrace baseline`: writes down the findings that are known, with the reason why they may stay.

use super::args::BaselineArgs;
use super::exit;
use super::gate::{Gate, read, refuse, shown};
use super::output;
use super::stop::Watch;
use crate::check;
use crate::gate::baseline::{self, Entry};
use crate::report::untrusted::clean;
use crate::report::words::count;
use std::io::Write;

/// Updates the file and gives the exit status.
pub(super) fn baseline(args: &BaselineArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let loaded = Gate::load(&args.gate, &args.paths).and_then(|gate| {
        let known = if args.output.is_file() {
            baseline::parse(&shown(&args.output), &read(&args.output)?)?
        } else {
            Vec::new()
        };
        Ok((gate, known))
    });
    let (gate, known) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(&problems, err),
    };
    let watch = Watch::start(args.search.timeout, true, args.quiet);
    let mut report = check::check(&args.paths, &gate.config(args.config()), &watch);
    watch.finish();
    output::problems(&report.problems, err);
    if report.flows.is_empty() || !report.problems.is_empty() {
        let _ = writeln!(err, "error: the baseline is left as it was");
        return exit::UNUSABLE;
    }
    gate.settle(&mut report, true, err);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let new = Entry {
        reason: text(&args.reason),
        owner: text(&args.owner),
        expires: text(&args.expires),
        ..Entry::default()
    };
    let entries = baseline::update(&report, &known, &new, args.prune);
    let added = entries.iter().filter(|entry| !known.contains(entry)).count();
    if added > 0 && new.reason.trim().is_empty() {
        let many = number(added, "new finding");
        let _ = writeln!(err, "error: {many} to accept; say why with --reason");
        return exit::UNUSABLE;
    }
    let written = output::replace(&args.output, baseline::write(&entries).as_bytes());
    if let Err(error) = written {
        let _ =
            writeln!(err, "error: cannot write {}: {error}", clean(&shown(&args.output), false));
        return exit::UNUSABLE;
    }
    let gone = known.len() + added - entries.len();
    let told = writeln!(
        out,
        "{} in {}: {added} new, {gone} taken out",
        number(entries.len(), "known finding"),
        clean(&shown(&args.output), false)
    );
    output::finish(told, exit::SAFE, err)
}

fn number(n: usize, what: &str) -> String {
    count(u64::try_from(n).unwrap_or(u64::MAX), what)
}
