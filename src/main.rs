//! The command line: parse, call, exit code; nothing else.

fn main() -> std::process::ExitCode {
    flowrace::cli::main(std::env::args_os().collect())
}
