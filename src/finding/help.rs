//! What to do about a finding: some cures depend on whose processes met.

use super::{Across, Finding};
use crate::property;

impl Finding {
    /// What to do about it; nothing for a rule that nobody knows.
    pub fn help(&self) -> String {
        let meta = property::rule(self.rule).map_or("", |meta| meta.help);
        match (self.rule, self.across) {
            ("last-writer-wins", Some(across)) => last_writer(across).to_owned(),
            ("iteration-bleed", Some(across)) => bleed(across).to_owned(),
            ("lost-update", _) if self.assumptions.iter().any(|a| a == "variable-actions") => {
                "let a Compose in the loop make what is added and read its outputs after the loop, or set the loop's \
                 concurrency to 1"
                    .to_owned()
            }
            ("lost-update", Some(across)) => {
                let store = "let the store do the sum (one SQL UPDATE), or send the ETag as If-Match and read again on 412";
                if self.always {
                    // One after another they would go wrong as well.
                    return format!(
                        "{store}; in any case read right before you write, not before the others start"
                    );
                }
                format!("{store}, or {}", in_turn(across))
            }
            ("unclassified", Some(across)) => {
                let one = "make the steps between reading and writing one (a transaction, a lease, an ETag)";
                format!("{one}, or {}", in_turn(across))
            }
            ("retry-exhausted", Some(across)) => {
                let fewer = match across {
                    Across::Iterations => "lower the loop's concurrency",
                    Across::Branches => "give the branches an order (run after)",
                    Across::Runs => "lower the concurrency limit of the trigger",
                };
                format!(
                    "allow more rounds than there are competitors, {fewer}, or handle the case in which it was given up"
                )
            }
            _ => meta.to_owned(),
        }
    }
}

fn in_turn(across: Across) -> &'static str {
    match across {
        Across::Iterations => "set the loop's concurrency to 1",
        Across::Branches => "give the branches an order (run after)",
        Across::Runs => "limit the trigger to one run at a time (concurrency control)",
    }
}

fn last_writer(across: Across) -> &'static str {
    match across {
        Across::Iterations => {
            "write to a cell of its own in each iteration and combine them after the loop, or set the loop's concurrency to 1"
        }
        Across::Branches => {
            "give the writes an order (run after), or write to a cell of its own in each branch and combine them afterwards"
        }
        Across::Runs => {
            "limit the trigger to one run at a time (concurrency control), or write only if nobody has written since: \
             on the ETag (If-Match), or on a modified time"
        }
    }
}

fn bleed(across: Across) -> &'static str {
    match across {
        Across::Iterations => {
            "use a Compose action in the loop instead of the variable: its output belongs to the iteration; or set the \
             loop's concurrency to 1"
        }
        Across::Branches => {
            "use a Compose action in the branch instead of the variable, or a variable for each branch"
        }
        Across::Runs => {
            "keep what was written (the output of the write) instead of reading it back, or limit the trigger to one \
             run at a time (concurrency control)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    fn check(rule: &'static str, across: Across, says: &str, not: &str) {
        let finding = Finding { rule, across: Some(across), ..sample::finding() };
        let help = finding.help();
        assert!(help.contains(says) && !help.contains(not), "{rule} {across:?}: {help}");
    }

    #[test]
    fn a_cure_fits_whose_processes_met() {
        check("last-writer-wins", Across::Branches, "run after", "concurrency");
        check("last-writer-wins", Across::Iterations, "loop's concurrency", "run after");
        check("last-writer-wins", Across::Runs, "limit the trigger", "run after");
        check("lost-update", Across::Runs, "limit the trigger", "loop");
        check("iteration-bleed", Across::Branches, "Compose", "loop");
        check("retry-exhausted", Across::Runs, "limit of the trigger", "loop");
        check("stuck", Across::Runs, "take locks in the same order", "concurrency");
    }

    #[test]
    fn where_every_order_goes_wrong_an_order_is_no_cure() {
        let finding = Finding { always: true, ..sample::finding() };
        assert!(!finding.help().contains("concurrency"), "{}", finding.help());
        assert!(sample::finding().help().contains("set the loop's concurrency to 1"));
    }
}
