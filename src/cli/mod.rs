//! The command line. Only here: clap, the clock, the environment and the standard streams.

mod args;
mod baseline;
mod check;
mod checkpoint;
mod destination;
mod diff;
pub mod exit;
mod explain;
mod gate;
mod output;
mod replay;
mod stop;
mod test;
mod verify;
mod watch;
mod witnesses;

use args::{Args, Command};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Deep inputs nest deeply; the default stack of a thread is 2 MiB.
const STACK: usize = 256 << 20;

/// The JSON Schema of the design model.
const SCHEMA: &str = include_str!("../../schema/flowrace.schema.json");

/// The command line as it is, for completions and manual pages.
pub fn command() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}

/// Runs one command with the process's own streams.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let work = move || run(args, &mut io::stdout(), &mut io::stderr());
    let worker = std::thread::Builder::new().name("flowrace".into()).stack_size(STACK).spawn(work);
    let ended = worker.map(std::thread::JoinHandle::join);
    match ended {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(_)) => {
            fail("internal error: please report it with the message above and the input if you can")
        }
        Err(error) => fail(&format!("error: cannot start a thread: {error}")),
    }
}

/// A gate never fails open: whatever went wrong with us is no verdict.
fn fail(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(exit::UNUSABLE)
}

/// Runs one command and gives its exit status. A reader that has gone away is no error.
pub fn run(args: Vec<OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let asked = match args::parse(args) {
        Ok(Args { command }) => command,
        Err(stop) => return stop.say(),
    };
    match asked {
        Command::Check(args) if args.watch => watch::watch(&args, out, err, check::check),
        Command::Check(args) => check::check(&args, out, err),
        Command::Fuzz(args) => check::fuzz(&args, out, err),
        Command::Replay(args) => replay::replay(&args, out, err),
        Command::Baseline(args) => baseline::baseline(&args, out, err),
        Command::Diff(args) => diff::run(&args, out, err),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "flowrace", &mut script);
            output::finish(out.write_all(&script), exit::SAFE, err)
        }
        Command::Test(args) => test::test(&args, out, err),
        Command::Verify(args) => verify::verify(&args.certificate, out, err),
        Command::Explain(args) => explain::explain(args.rule.as_deref(), out, err),
        Command::Schema => output::finish(output::write(out, SCHEMA), exit::SAFE, err),
    }
}
