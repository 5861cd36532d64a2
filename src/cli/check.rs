//! `flowrace check`: the report to its place, problems to standard error.

use super::args::{CheckArgs, FuzzArgs, OutputArgs};
use super::checkpoint::Checkpoint;
use super::exit;
use super::gate::{Gate, refuse};
use super::output;
use super::stop::Watch;
use super::witnesses;
use crate::check;
use crate::explore::limits::Config;
use crate::finding::Report;
use crate::report::untrusted::clean;
use std::io::Write;
use std::path::PathBuf;

/// Checks and gives the exit status.
pub(super) fn check(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let gate = match Gate::load(&args.gate, &args.paths) {
        Ok(gate) => gate,
        Err(problems) => return refuse(&problems, err),
    };
    let written = args.output.files().chain(&args.certificate);
    if let Some(why) = output::overwrites(written, &args.paths) {
        return output::refuse(&why, err);
    }
    let search = &args.search;
    let config = gate.config(args.config());
    let checkpoint = match Checkpoint::open(args, &config) {
        Ok(checkpoint) => checkpoint,
        Err(why) => return output::refuse(&why, err),
    };
    let watch = Watch::start(search.timeout, search.reproducible, args.output.quiet);
    let watch = watch.keeping(checkpoint);
    let mut report = check::check(&args.paths, &config, &watch);
    watch.finish();
    gate.settle(&mut report, search.reproducible, err);
    let code = exit::of(&report, gate.fail_on(args.output.fail_on()));
    let code = say(&report, &args.paths, &config, &args.output, code, out, err);
    let code = super::verify::save(args, code, err);
    match watch.checkpoint().map_or(Ok(None), Checkpoint::outcome) {
        Ok(None) => code,
        Ok(Some(kept)) => {
            let _ = writeln!(err, "{}", clean(&kept, false));
            code
        }
        Err(why) => output::refuse(&why, err),
    }
}

/// Fuzzes and gives the exit status.
pub(super) fn fuzz(args: &FuzzArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let gate = match Gate::load(&args.gate, &args.paths) {
        Ok(gate) => gate,
        Err(problems) => return refuse(&problems, err),
    };
    if let Some(why) = output::overwrites(args.output.files(), &args.paths) {
        return output::refuse(&why, err);
    }
    let watch = Watch::start(args.how.time, args.how.reproducible, args.output.quiet);
    let config = gate.config(args.config());
    let mut report = check::check(&args.paths, &config, &watch);
    watch.finish();
    gate.settle(&mut report, args.how.reproducible, err);
    let code = exit::of(&report, gate.fail_on(args.output.fail_on()));
    match say(&report, &args.paths, &config, &args.output, code, out, err) {
        exit::SAFE => exit::INCONCLUSIVE,
        code => code,
    }
}

/// Tells problems, saves witnesses and delivers the reports; the exit status may get worse by it.
fn say(
    report: &Report,
    paths: &[PathBuf],
    config: &Config,
    to: &OutputArgs,
    code: u8,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    output::problems(&report.problems, err);
    if report.flows.is_empty() && report.problems.is_empty() {
        output::nothing(paths, "check", err);
    }
    let saved =
        to.witnesses.as_ref().is_none_or(|folder| witnesses::save(report, config, folder, err));
    let code = if saved { code } else { exit::UNUSABLE };
    output::deliver(report, to, code, out, err)
}
