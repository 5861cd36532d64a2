//! Pen: writes lines of text for people, in colour or without, broken at the width. Everything that comes from
//! the input goes through [`Pen::name`] or [`Pen::prose`] first.

use super::Style;
use super::untrusted::{clean, elide};

/// The longest name that is shown whole.
const LONGEST_NAME: usize = 60;
/// The longest path that is shown whole.
const LONGEST_PATH: usize = 200;
/// The longest sentence that is shown whole.
const LONGEST_PROSE: usize = 2000;

/// What a piece of text is, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Error,
    Warning,
    Note,
    Good,
    Title,
    Frame,
}

/// Where the text is gathered.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    pub(super) style: &'a Style,
    pub(super) text: String,
}

impl<'a> Pen<'a> {
    pub(super) fn new(style: &'a Style) -> Self {
        Self { style, text: String::new() }
    }

    /// A stranger's name.
    pub(super) fn name(&self, name: &str) -> String {
        elide(&clean(name, self.style.ascii), LONGEST_NAME, self.style.ascii)
    }

    /// A process in at most so many characters: the innermost loop and the number stay.
    pub(super) fn process(&self, name: &str, most: usize) -> String {
        let name = clean(name, self.style.ascii);
        if width(&name) <= most {
            return name;
        }
        let dots = if self.style.ascii { "..." } else { "…" };
        let inner = name.rsplit('/').next().unwrap_or(&name);
        let (front, number) = inner.find('[').map_or((inner, ""), |at| inner.split_at(at));
        let outer = if inner.len() < name.len() { format!("{dots}/") } else { String::new() };
        let room = most.saturating_sub(width(&outer) + width(number));
        elide(
            &format!("{outer}{}{number}", elide(front, room, self.style.ascii)),
            most,
            self.style.ascii,
        )
    }

    /// A stranger's path.
    pub(super) fn path(&self, path: &str) -> String {
        elide(&clean(path, self.style.ascii), LONGEST_PATH, self.style.ascii)
    }

    /// A sentence with a stranger's words in it.
    pub(super) fn prose(&self, text: &str) -> String {
        elide(&clean(text, self.style.ascii), LONGEST_PROSE, self.style.ascii)
    }

    /// The text in its colour, if colours are wanted.
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.style.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Error => "1;31",
            Ink::Warning => "1;33",
            Ink::Note => "1;36",
            Ink::Good => "1;32",
            Ink::Title => "1",
            Ink::Frame => "34",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// The line down the left of a finding.
    pub(super) fn bar(&self) -> &'static str {
        if self.style.ascii { "|" } else { "│" }
    }

    /// Where that line begins.
    pub(super) fn corner(&self) -> &'static str {
        if self.style.ascii { "-->" } else { "┌─" }
    }

    /// At the step that goes wrong.
    pub(super) fn cross(&self) -> &'static str {
        if self.style.ascii { "x" } else { "✗" }
    }

    /// A line of its own; blanks at its end are dropped.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A line inside a finding, behind the bar.
    pub(super) fn framed(&mut self, line: &str) {
        let bar = self.paint(Ink::Frame, self.bar());
        self.line(&format!("  {bar}  {line}"));
    }

    /// `  = text`, broken at the width; the text is clean already.
    pub(super) fn bullet(&mut self, text: &str) {
        let mark = self.paint(Ink::Frame, "=");
        for (i, part) in wrap(text, self.style.width.saturating_sub(4)).iter().enumerate() {
            if i == 0 {
                self.line(&format!("  {mark} {part}"));
            } else {
                self.line(&format!("    {part}"));
            }
        }
    }
}

/// Characters, each taken as one column wide.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text filled up with blanks.
pub(super) fn pad(text: &str, to: usize) -> String {
    let blanks = to.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text in lines of at most `most` characters, broken at blanks; a longer word stays whole.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    let most = most.max(30);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > most {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks() {
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(wrap(text, 30), ["one two three four five six", "seven eight nine ten"]);
        assert_eq!(wrap("", 30), [""]);
    }
}
