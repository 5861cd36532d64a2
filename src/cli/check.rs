//! `flowrace check`: the report to its place, problems to standard error.

use super::args::CheckArgs;
use super::exit;
use super::output;
use super::stop::Watch;
use crate::check;
use crate::finding::Report;
use crate::report;
use std::io::Write;
use std::path::Path;

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
    let code = exit::of(&report, args.output.fail_on());
    match &args.output.output {
        None => output::finish(render(&report, args, out), code, err),
        Some(path) => save(&report, args, path, code, out, err),
    }
}

fn render(report: &Report, args: &CheckArgs, out: &mut dyn Write) -> std::io::Result<()> {
    let style = output::style(args.output.color, args.output.output.is_some());
    report::render(report, args.output.format(), &style, out)
}

/// Into the file; if that cannot be, the report must not be lost.
fn save(
    report: &Report,
    args: &CheckArgs,
    path: &Path,
    code: u8,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let mut text = Vec::new();
    let saved = render(report, args, &mut text).and_then(|()| output::replace(path, &text));
    let Err(error) = saved else { return code };
    let shown = report::untrusted::clean(&path.to_string_lossy(), false);
    let _ = writeln!(
        err,
        "error: cannot write {shown}: {error}; the report follows on standard output"
    );
    output::finish(out.write_all(&text), exit::UNUSABLE, err)
}
