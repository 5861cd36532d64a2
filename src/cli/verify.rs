//! `flowrace verify` and `check --certificate`: proofs as files.

use super::args::CheckArgs;
use super::output::refuse;
use super::{exit, output};
use crate::check::certify;
use crate::report::untrusted::clean;
use crate::source;
use std::io::Write;
use std::path::Path;

/// Checks a certificate and gives the exit status.
pub(super) fn verify(path: &Path, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let shown = path.to_string_lossy();
    let text = match source::text(path) {
        Ok(text) => text,
        Err(problem) => return refuse(&problem.to_string(), err),
    };
    match certify::verify(&shown, &text) {
        Err(problem) => refuse(&problem, err),
        Ok(Err(flaw)) => {
            let said =
                format!("{}: does not hold: {}\n", clean(&shown, false), clean(&flaw, false));
            output::finish(output::write(out, &said), exit::FINDINGS, err)
        }
        Ok(Ok((claim, states))) => {
            let said = format!(
                "{}: holds: safe for {claim} ({states} abstract states, closed under every step; no rule fires, nothing \
                 is stuck)\n",
                clean(&shown, false)
            );
            output::finish(output::write(out, &said), exit::SAFE, err)
        }
    }
}

/// Writes the certificate of the one flow that was checked; a proof that is not there is said, and no error.
pub(super) fn save(args: &CheckArgs, code: u8, err: &mut dyn Write) -> u8 {
    let Some(file) = &args.certificate else { return code };
    let [path] = args.paths.as_slice() else {
        return refuse("--certificate takes one file with one flow", err);
    };
    match certify::certificate(&path.to_string_lossy(), &args.config()) {
        Err(why) => {
            let _ = writeln!(err, "no certificate: {}", clean(&why, false));
            code
        }
        Ok(text) => match output::replace(file, text.as_bytes()) {
            Ok(()) => code,
            Err(error) => refuse(&format!("cannot write {}: {error}", file.display()), err),
        },
    }
}
