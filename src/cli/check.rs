//! `flowrace check`: the report to its place, problems to standard error.

use super::args::CheckArgs;
use super::exit;
use super::gate::{Gate, refuse};
use super::output;
use super::stop::Watch;
use super::witnesses;
use crate::check;
use std::io::Write;

/// Checks and gives the exit status.
pub(super) fn check(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let gate = match Gate::load(&args.gate, &args.paths) {
        Ok(gate) => gate,
        Err(problems) => return refuse(&problems, err),
    };
    let search = &args.search;
    let watch = Watch::start(search.timeout, search.reproducible, args.output.quiet);
    let config = gate.config(args.config());
    let mut report = check::check(&args.paths, &config, &watch);
    watch.finish();
    gate.settle(&mut report, search.reproducible, err);
    output::problems(&report.problems, err);
    if report.flows.is_empty() && report.problems.is_empty() {
        output::nothing(&args.paths, "check", err);
    }
    let mut code = exit::of(&report, gate.fail_on(args.output.fail_on()));
    if let Some(folder) = &args.output.witnesses
        && !witnesses::save(&report, &config, folder, err)
    {
        code = exit::UNUSABLE;
    }
    let code = output::deliver(&report, &args.output, code, out, err);
    super::verify::save(args, code, err)
}
