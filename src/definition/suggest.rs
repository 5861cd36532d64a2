//! The nearest word to one that was misspelt.

/// Longer words are names nobody mistypes by two letters; comparing them would only cost time.
const LONGEST: usize = 80;

/// The candidate at most two edits away, nearest first, earlier first; case does not count.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let letters = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = fold(candidate);
        let close =
            letters.len().abs_diff(other.len()) <= 2 && letters.len().max(other.len()) <= LONGEST;
        if !close {
            continue;
        }
        let edits = distance(&letters, &other);
        // Of a word of two letters, two edits leave nothing.
        if edits <= 2 && edits < other.len() && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or nothing.
pub(super) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

fn fold(word: &str) -> Vec<char> {
    word.chars().take(LONGEST + 3).flat_map(char::to_lowercase).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours (Damerau 1964, each pair once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words() {
        let kinds = ["forEach", "update", "if"];
        assert_eq!(nearest("foreahc", kinds), Some("forEach"));
        assert_eq!(nearest("udpate", kinds), Some("update"));
        assert_eq!(nearest("xy", kinds), None);
        assert_eq!(nearest("fi", kinds), Some("if"));
        assert_eq!(nearest("Update", kinds), Some("update"));
    }
}
