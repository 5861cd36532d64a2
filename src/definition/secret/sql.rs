//! Secrets in SQL: a literal beside a column whose name says that it holds one.

use super::is_secret_key;
use std::ops::Range;

/// What stands for an expression in a text that is looked at as a whole.
pub(super) const EXPRESSION: char = '\u{fffc}';

/// Literals that a secret's name is set to or compared with: `Password = N'…'`, `[pwd]<>'…'`, `key="…"`.
pub(super) fn compared(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, quote) in text.char_indices().filter(|(_, c)| matches!(c, '\'' | '"')) {
        let before = text[..at].trim_end_matches('\\');
        let national = before.strip_suffix(['N', 'n']).filter(|b| !b.ends_with(is_letter));
        let before = national.unwrap_or(before).trim_end();
        let like = |b: &str| {
            let from = b.len().checked_sub(4)?;
            b.get(from..)?.eq_ignore_ascii_case("like").then_some(from)
        };
        let name = match before.strip_suffix('=').or_else(|| before.strip_suffix("<>")) {
            Some(name) => name.trim_end_matches(['!', '=']),
            None => match like(before) {
                Some(from) => &before[..from],
                None => continue,
            },
        };
        if is_secret_key(last_name(name)) {
            found.push(literal(text, at + quote.len_utf8(), quote));
        }
    }
}

/// Literals in the columns of secrets: `INSERT INTO t (…, Password) VALUES (…, '…')`.
pub(super) fn inserted(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for (at, word) in lower.match_indices("values") {
        let Some(columns) = lower[..at].trim_end().strip_suffix(')') else { continue };
        let Some(open) = columns.rfind('(') else { continue };
        let names: Vec<bool> =
            text[open + 1..columns.len()].split(',').map(|c| is_secret_key(last_name(c))).collect();
        if !names.contains(&true) {
            continue;
        }
        let mut from = at + word.len();
        while let Some(row) =
            text[from..].trim_start_matches([' ', '\t', '\r', '\n', ',']).strip_prefix('(')
        {
            let start = text.len() - row.len();
            let (items, end) = row_of(text, start);
            let secret = items.into_iter().zip(&names).filter(|(_, secret)| **secret);
            found.extend(secret.filter_map(|(item, _)| constant(text, item)));
            from = end;
        }
    }
    found
}

/// The items of a list in brackets, and where it ends.
fn row_of(text: &str, start: usize) -> (Vec<Range<usize>>, usize) {
    let (mut items, mut from, mut depth, mut quoted) = (Vec::new(), start, 0u32, false);
    for (at, c) in text[start..].char_indices().map(|(i, c)| (start + i, c)) {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 0 => {
                items.push(from..at);
                return (items, at + 1);
            }
            ')' => depth -= 1,
            ',' if depth == 0 => {
                items.push(from..at);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(from..text.len());
    (items, text.len())
}

/// What is literal of an item: the inside of its quotes, or a number.
fn constant(text: &str, item: Range<usize>) -> Option<Range<usize>> {
    let own = &text[item.clone()];
    if let Some(at) = own.find('\'') {
        return Some(literal(text, item.start + at + 1, '\''));
    }
    let bare = own.trim();
    let from = item.start + own.find(bare)?;
    let number = bare.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    number.then_some(from..from + bare.len())
}

/// From here to the closing quote; a doubled one is part of the text.
fn literal(text: &str, from: usize, quote: char) -> Range<usize> {
    let mut rest = text[from..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == quote && rest.next_if(|(_, next)| *next == quote).is_none() {
            return from..from + text[from..from + at].trim_end_matches('\\').len();
        }
    }
    from..text.len()
}

/// The name at the end of a text, without brackets, quotes and what it is qualified by.
fn last_name(text: &str) -> &str {
    let bare = text.trim_end().trim_end_matches([']', '"', '`', '\\']);
    let start = bare
        .rfind(|c: char| !is_letter(c) && c != ' ' || c == '.')
        .map_or(0, |at| at + bare[at..].chars().next().map_or(1, char::len_utf8));
    let name = &bare[start..];
    // Only in brackets may a name have blanks.
    if bare.len() == text.trim_end().len() { name.rsplit(' ').next().unwrap_or(name) } else { name }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || "_@#$-".contains(c)
}
