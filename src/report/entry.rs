//! One entry for people: findings of one rule with the same actions, that differ in nothing but the cell.

use super::words;
use crate::finding::Finding;

/// The findings that are told as one; the first, with its schedule, stands for all.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) finding: &'a Finding,
    cells: Vec<&'a str>,
    /// Where the sentence names the cell, once another finding has shown it.
    named_at: Option<usize>,
}

/// The entries, in the order of their first findings.
pub(super) fn entries(findings: &[Finding]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for finding in findings {
        if !entries.iter_mut().any(|entry| entry.take(finding)) {
            entries.push(Entry::of(finding));
        }
    }
    entries
}

impl<'a> Entry<'a> {
    /// A finding by itself.
    pub(super) fn of(finding: &'a Finding) -> Self {
        Self { finding, cells: vec![&finding.cell], named_at: None }
    }

    /// Takes a finding in that differs in its cell only; whether it does.
    fn take(&mut self, other: &'a Finding) -> bool {
        let own = self.finding;
        let same = own.rule == other.rule
            && own.severity == other.severity
            && own.across == other.across
            && own.actions == other.actions
            && own.location == other.location
            && own.assumptions == other.assumptions;
        if !same
            || own.cell.is_empty()
            || other.cell.is_empty()
            || self.cells.contains(&other.cell.as_str())
        {
            return false;
        }
        let (said, cell) = (&own.message, &own.cell);
        let with = |at: usize| [&said[..at], &*other.cell, &said[at + cell.len()..]].concat();
        let at =
            said.match_indices(&**cell).map(|(at, _)| at).find(|at| with(*at) == other.message);
        if at.is_none() && *said != other.message {
            return false;
        }
        self.named_at = at;
        self.cells.push(&other.cell);
        true
    }

    /// Whether it stands for one finding alone.
    pub(super) fn alone(&self) -> bool {
        self.cells.len() == 1
    }

    /// Its cells, the first finding's first.
    pub(super) fn cells(&self) -> &[&'a str] {
        &self.cells
    }

    /// All cells by name.
    pub(super) fn named(&self) -> String {
        let names: Vec<String> = self.cells.iter().map(|&cell| cell.to_owned()).collect();
        words::join(&names, "and")
    }

    /// The sentence; several cells are named elsewhere.
    pub(super) fn message(&self) -> String {
        let (said, cells) = (&self.finding.message, words::many(self.cells.len(), "cell"));
        match self.named_at {
            _ if self.alone() => said.clone(),
            None => format!("{said} ({cells})"),
            Some(at) => [&said[..at], &cells, &said[at + self.finding.cell.len()..]].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    fn on(cell: &str, message: &str) -> Finding {
        Finding { cell: cell.into(), message: message.into(), ..sample::finding() }
    }

    fn check(findings: &[Finding], expected: &[&str]) {
        let told: Vec<String> = entries(findings).iter().map(Entry::message).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_differs_in_the_cell_only_is_one_entry() {
        let lost = |cell: &str| on(cell, "Put overwrites an update");
        let last = |cell: &str| on(cell, &format!("whichever Put runs last decides {cell}"));
        check(&[lost("a.X"), lost("a.Y")], &["Put overwrites an update (2 cells)"]);
        check(&[last("a.X"), last("a.Y")], &["whichever Put runs last decides 2 cells"]);
        assert_eq!(entries(&["a.1", "a.2", "a.3"].map(last))[0].named(), "a.1, a.2 and a.3");
    }

    #[test]
    fn a_cell_is_not_taken_for_a_part_of_another_word() {
        let last = |cell: &str| on(cell, &format!("whichever Put_a runs last decides {cell}"));
        check(&[last("a"), last("b")], &["whichever Put_a runs last decides 2 cells"]);
    }

    #[test]
    fn other_actions_and_the_same_cell_are_other_entries() {
        let lost = |cell: &str| on(cell, "Put overwrites an update");
        let other = Finding { actions: vec!["Get_2".into(), "Put".into()], ..lost("a.Y") };
        let said = "Put overwrites an update";
        check(&[lost("a.X"), other], &[said, said]);
        check(&[lost("a.X"), lost("a.X")], &[said, said]);
    }
}
