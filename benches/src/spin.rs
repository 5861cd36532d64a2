//! The same models for SPIN, which must be installed beside a C compiler: written as Promela, compiled, run.

use std::path::Path;
use std::process::Command;

/// Why SPIN does not run here.
pub fn absent() -> Option<String> {
    ["spin", "gcc"].iter().find_map(|tool| {
        let runs = Command::new(tool)
            .arg("--version")
            .output()
            .or_else(|_| Command::new(tool).arg("-V").output());
        runs.is_err().then(|| format!("{tool} is not installed"))
    })
}

/// Slots that take item after item. An ended slot waits in a valid end state, since SPIN lets processes end in reverse
/// order only; what a slot has read is forgotten when it is used, so that states are those of the other checkers.
fn promela(model: &str, items: u64, slots: u64) -> Option<String> {
    let busy = slots.min(items);
    let finish = "if :: left > 0 -> left--; goto ready :: else -> goto end fi";
    let body = match model {
        "M1" | "M8" => format!(
            "ready: seen = n;\ngot: atomic {{ n = seen + 1; assert(n <= {items}); seen = 0; {finish} }};"
        ),
        "M2" | "M8e" => format!(
            "ready: seen = n;\ngot: atomic {{ if :: n == seen -> n++; assert(n <= {items}); seen = 0; {finish} \
             :: else -> seen = 0; goto ready fi }};"
        ),
        "M3" => format!(
            "ready: atomic {{ if :: n > 0 -> {finish} :: else fi }};\ngot: atomic {{ n++; assert(n <= {items}); {finish} }};"
        ),
        "M5" => format!("ready: atomic {{ n++; assert(n <= {items}); {finish} }};"),
        _ => return None,
    };
    Some(format!(
        "byte n; byte left = {};\nactive [{busy}] proctype Slot() {{\nbyte seen;\n{body}\nend: false\n}}\n",
        items - busy
    ))
}

/// The program that explores a model, compiled in the folder.
pub fn compile(folder: &Path, model: &str, items: u64, slots: u64) -> Option<String> {
    let run = |tool: &str, args: &[&str]| {
        let done = Command::new(tool).args(args).current_dir(folder).output().ok()?;
        done.status.success().then_some(())
    };
    std::fs::write(folder.join("model.pml"), promela(model, items, slots)?).ok()?;
    run("spin", &["-a", "model.pml"])?;
    let flags = "-O3 -DSAFETY -DNOFAIR -DXUSAFE -DMEMLIM=8000 -w -o pan pan.c";
    run("gcc", &flags.split(' ').collect::<Vec<_>>())?;
    Some(folder.join("pan").display().to_string())
}

/// States stored and transitions, as the compiled program reports them; `None` if it did not get to the end.
pub fn counts(report: &str) -> Option<(u64, u64)> {
    let number = |what: &str| {
        report.lines().find(|l| l.contains(what))?.split_whitespace().next()?.parse().ok()
    };
    let whole =
        !report.contains("Search not completed") && !report.contains("max search depth too small");
    whole.then_some((number("states, stored")?, number("transitions (")?))
}
