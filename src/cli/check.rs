//! `flowrace check`: the report to its place, problems to standard error.

use super::args::CheckArgs;
use super::exit;
use super::output;
use super::stop::Watch;
use super::witnesses;
use crate::check;
use std::io::Write;

/// Checks and gives the exit status.
pub(super) fn check(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let search = &args.search;
    let watch = Watch::start(search.timeout, search.reproducible, args.output.quiet);
    let report = check::check(&args.paths, &args.config(), &watch);
    watch.finish();
    output::problems(&report.problems, err);
    if report.flows.is_empty() && report.problems.is_empty() {
        output::nothing(&args.paths, "check", err);
    }
    let mut code = exit::of(&report, args.output.fail_on());
    if let Some(folder) = &args.output.witnesses
        && !witnesses::save(&report, &args.config(), folder, err)
    {
        code = exit::UNUSABLE;
    }
    let code = output::deliver(&report, &args.output, code, out, err);
    super::verify::save(args, code, err)
}
