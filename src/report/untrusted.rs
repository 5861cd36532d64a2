//! Names and texts that strangers wrote. Shown so that they can neither drive a terminal, nor hide, nor give
//! commands to the build server that prints them.

use std::fmt::Write as _;

/// The text with everything unprintable spelled out as `\u{…}`, and with the two openings that build servers
/// obey broken: `##` anywhere (Azure Pipelines, `##vso[`) and `::` where a word begins (GitHub Actions).
pub fn clean(text: &str, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let obeyed = match c {
            '#' => last == '#',
            ':' => last.is_whitespace() && rest.peek() == Some(&':'),
            _ => false,
        };
        if obeyed || is_unprintable(c) {
            escape(c, &mut out);
        } else if ascii && !c.is_ascii() {
            match plain(c) {
                Some(plain) => out.push_str(plain),
                None => escape(c, &mut out),
            }
        } else {
            out.push(c);
        }
        last = c;
    }
    out
}

/// The text in at most `longest` characters, the cut marked.
pub fn elide(text: &str, longest: usize, ascii: bool) -> String {
    if text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    let dots = if ascii { "..." } else { "…" };
    let kept = longest.saturating_sub(dots.chars().count());
    text.chars().take(kept).chain(dots.chars()).collect()
}

/// Whether a character moves, hides or reorders others, or cannot be seen itself.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(c: char, out: &mut String) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// Our own signs for readers without them.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '‹' => "<",
        '›' => ">",
        '…' => "...",
        '✗' | '×' => "x",
        '–' | '—' => "-",
        '’' | '‘' => "'",
        '“' | '”' => "\"",
        '→' => "->",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text, false), expected);
    }

    #[test]
    fn what_drives_terminals_is_spelled_out() {
        check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
        check("two\nlines", "two\\u{a}lines");
        check("\u{202e}txt.\u{200b}exe", "\\u{202e}txt.\\u{200b}exe");
        check("Bestellung prüfen ✓", "Bestellung prüfen ✓");
    }

    #[test]
    fn what_build_servers_obey_is_broken() {
        check("x ##vso[task.complete]", "x #\\u{23}vso[task.complete]");
        check("###[error]", "#\\u{23}\\u{23}[error]");
        check("::error::x", "\\u{3a}:error::x");
        check("see ::error", "see \\u{3a}:error");
        check("std::io", "std::io");
    }

    #[test]
    fn ascii_is_ascii() {
        assert_eq!(clean("‹x› é", true), "<x> \\u{e9}");
        assert_eq!(elide("abcdef", 5, true), "ab...");
        assert_eq!(elide("abcdef", 5, false), "abcd…");
        assert_eq!(elide("abcde", 5, false), "abcde");
    }
}
