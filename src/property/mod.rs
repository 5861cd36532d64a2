//! What counts as wrong: every rule by its id, with what to do about it and the page that explains it.

pub mod again;
mod chosen;
mod duplicate;
pub mod judge;
mod late;
mod lookup;
mod missed;
mod partial;
mod turned;
mod violation;
pub mod words;

/// What the world is told about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// In every report and never reused.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it says about a flow, in one line.
    pub summary: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// What others call it; empty where nobody does.
    pub standard: &'static str,
    /// The rule's README, which `explain` prints.
    pub page: &'static str,
}

/// The rule of this id.
pub fn rule(id: &str) -> Option<&'static Meta> {
    RULES.iter().find(|meta| meta.id == id)
}

/// A rule; its page stands in the folder of its id.
macro_rules! rule {
    ($id:literal, $title:literal, $standard:literal, $summary:literal, $help:literal $(,)?) => {
        Meta {
            id: $id,
            title: $title,
            summary: $summary,
            help: $help,
            standard: $standard,
            page: include_str!(concat!("../../models/", $id, "/README.md")),
        }
    };
}

/// Every rule, in the order in which they are documented.
pub const RULES: &[Meta] = &[
    rule!(
        "lost-update",
        "An update is overwritten unseen",
        "P4, CWE-362",
        "a write replaces a value that it did not take into account",
        "let the store do the sum (one SQL UPDATE), or send the ETag as If-Match and read again on 412, or run one at a time",
    ),
    rule!(
        "collateral-overwrite",
        "An untouched column is written back",
        "P4",
        "an update writes back, unchanged, a column that another process has changed since",
        "leave the columns that this action does not mean to change out of the update",
    ),
    rule!(
        "duplicate-create",
        "One thing is created twice",
        "P3, CWE-367, CWE-837",
        "two rows with one business key are created because each looked before the other created",
        "let the store refuse the second: enforce unique values on the key column, or use one upsert by key instead \
         of looking and then creating",
    ),
    rule!(
        "last-writer-wins",
        "The last writer decides",
        "G0, CWE-362",
        "unordered writes of different values decide what the cell says in the end",
        "write to a cell of its own in each iteration or branch and combine them afterwards, or give the writes an \
         order: branches by run after, a loop or the trigger by a concurrency of 1",
    ),
    rule!(
        "iteration-bleed",
        "A variable carries another iteration's value",
        "read-your-writes, CWE-567",
        "a process reads back a variable that it set and gets another process's value",
        "use a Compose action in the loop instead of the variable: its output belongs to the iteration; or set the \
         loop's concurrency to 1",
    ),
    rule!(
        "stale-guard",
        "A condition no longer holds",
        "A5B, CWE-367",
        "something is done on a condition that has become false in the meantime",
        "check and act in one step: put the condition into the write itself (If-Match with the ETag that was \
         checked, or WHERE in SQL)",
    ),
    rule!(
        "lease-misuse",
        "A lease does not protect what it should",
        "CWE-672, CWE-667",
        "a write happens after its lease was lost, a lease is never released, or a lock is entered without it",
        "send the lease id with every write, renew it or keep the section shorter than the lease, release it on every \
         path, and stop the run when it could not be acquired",
    ),
    rule!(
        "retry-duplicate",
        "One operation takes effect twice",
        "CWE-837",
        "a call takes effect and is made again: its answer was lost, or the trigger fired twice for one event",
        "make the repeat harmless: an upsert by a key of your own, a unique column, an If-Match; or set the retry policy \
         to none and look before you repeat; against a second run for one event, claim the event first",
    ),
    rule!(
        "partial-failure",
        "Part of a whole stays",
        "saga, CWE-459",
        "some of what belongs together took effect, the rest did not, and nobody took it back",
        "take back every effect on every way of failing (has failed, has timed out), and only what is still your own; do \
         last what cannot be taken back",
    ),
    rule!(
        "retry-exhausted",
        "Contention alone uses up the retries",
        "",
        "the others alone can keep an operation from succeeding until its retries are used up",
        "allow more rounds than there are competitors, lower the concurrency, or handle the case in which it was given up",
    ),
    rule!(
        "stuck",
        "Nothing can go on",
        "CWE-833",
        "no step can be taken and something has not ended",
        "take locks in the same order everywhere, and give every wait a limit and a way on",
    ),
    rule!(
        "invariant",
        "A stated condition is false in the end",
        "",
        "an expression of `finally` does not hold in some outcome",
        "look at the order shown: the step after which the expression can no longer become true needs to be one with \
         what it depends on",
    ),
    rule!(
        "unclassified",
        "An end that no order explains",
        "",
        "the flow ends in a way that no order of whole processes gives, and no other rule says why",
        "make the steps between reading and writing one (a transaction, a lease, an ETag), or run the processes one at a time",
    ),
    rule!(
        "run-after-cycle",
        "Actions wait for each other",
        "CWE-833",
        "the run after settings form a circle, so none of these actions can ever start",
        "take one of the run after settings out of the circle",
    ),
    rule!(
        "run-after-unknown",
        "An action waits for one that does not exist",
        "",
        "a run after setting names an action that is not beside this one",
        "name an action of the same list, spelled as it is there, or remove the setting",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_complete_and_named_once() {
        for meta in RULES {
            assert_eq!(rule(meta.id), Some(meta), "one id names one rule");
            assert!(meta.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", meta.id);
            assert!(!meta.page.trim().is_empty(), "models/{}/README.md is empty", meta.id);
            for text in [meta.title, meta.summary, meta.help] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", meta.id);
            }
            assert!(meta.summary.len() < 120, "{} needs a shorter summary", meta.id);
        }
    }
}
