//! `flowrace replay`: a saved schedule on the flow as it is now.

use super::args::ReplayArgs;
use super::exit;
use super::output;
use super::stop::Watch;
use crate::check::replay::{self, Ending, Replayed};
use crate::report;
use crate::report::untrusted::clean;
use std::io::Write;

/// Replays and gives the exit status.
pub(super) fn replay(args: &ReplayArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let watch = Watch::start(None, true, args.quiet);
    let replayed = replay::replay(&args.witness, args.flow.as_deref(), &watch);
    watch.finish();
    match replayed {
        Ok(replayed) => {
            let style = output::style(args.color, false, false);
            let mut text = if args.quiet {
                String::new()
            } else {
                report::schedule(&replayed.finding, &style)
            };
            text.push_str(&clean(&replayed.to_string(), style.ascii));
            text.push('\n');
            output::finish(output::write(out, &text), code(&replayed), err)
        }
        Err(problems) => {
            output::problems(&problems, err);
            exit::UNUSABLE
        }
    }
}

fn code(replayed: &Replayed) -> u8 {
    match replayed.ending {
        Ending::Reproduced => exit::FINDINGS,
        Ending::Fixed(_) => exit::SAFE,
        Ending::Diverged(..) => exit::UNUSABLE,
    }
}
