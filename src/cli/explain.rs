//! `flowrace explain`: the rules and their pages.

use super::exit;
use super::output;
use crate::property::{RULES, rule};
use crate::report::untrusted::{clean, elide};
use std::io::Write;

/// Prints the page of a rule, or the list of all.
pub(super) fn explain(id: Option<&str>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let Some(id) = id else { return output::finish(output::write(out, &list()), exit::SAFE, err) };
    if let Some(meta) = rule(id) {
        let page = format!("{}\n", meta.page.trim_end());
        return output::finish(output::write(out, &page), exit::SAFE, err);
    }
    let hint = match nearest(id) {
        Some(near) => format!("did you mean {near}?"),
        None => "flowrace explain lists all of them".into(),
    };
    let _ = writeln!(
        err,
        "error: no rule is called \"{}\"; {hint}",
        elide(&clean(id, false), 60, false)
    );
    exit::UNUSABLE
}

fn list() -> String {
    let widest = RULES.iter().map(|meta| meta.id.len()).max().unwrap_or(0);
    let line = |meta: &crate::property::Meta| format!("{:widest$}  {}\n", meta.id, meta.summary);
    RULES
        .iter()
        .map(line)
        .chain(["\nflowrace explain RULE says more about one.\n".into()])
        .collect()
}

/// The one rule at most two slips away, or the only one that contains what was typed.
fn nearest(id: &str) -> Option<&'static str> {
    let id = id.to_lowercase().replace(['_', ' '], "-");
    let ids = || RULES.iter().map(|meta| meta.id);
    if let Some(near) =
        ids().min_by_key(|known| distance(&id, known)).filter(|near| distance(&id, near) <= 2)
    {
        return Some(near);
    }
    let mut containing = ids().filter(|known| id.len() > 2 && known.contains(&id));
    containing.next().filter(|_| containing.next().is_none())
}

/// Insertions, removals and replacements between two words (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, expected: Option<&str>) {
        assert_eq!(nearest(id), expected);
    }

    #[test]
    fn misspelt_rules_are_recognised() {
        check("lost-updat", Some("lost-update"));
        check("Lost_Update", Some("lost-update"));
        check("stcuk", Some("stuck"));
        check("lease", Some("lease-misuse"));
        check("run-after", None);
        check("banana", None);
    }
}
