//! HTML and SVG as a tree that escapes by construction: every text and every attribute value goes through here, and
//! nothing else writes markup. Tags and attribute names are ours; strangers have only texts and values.

use super::super::untrusted::{clean, elide};

/// The longest name shown whole; the rest is in its title.
const LONGEST: usize = 80;

/// An element.
#[derive(Clone, Debug)]
pub(super) struct El {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Element(El),
    Text(String),
}

/// An empty element.
pub(super) fn el(tag: &'static str) -> El {
    El { tag, attributes: Vec::new(), children: Vec::new() }
}

impl El {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, a hundred times")]
    pub(super) fn attr(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(super) fn class(self, class: &str) -> Self {
        self.attr("class", class)
    }

    /// A text of ours, possibly with names in it.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.children.push(Node::Text(elide(&clean(text, false), 2000, false)));
        self
    }

    /// A stranger's name, cut when it is long; all of it stands in the title, up to a page.
    pub(super) fn name(self, name: &str) -> Self {
        let shown = elide(&clean(name, false), LONGEST, false);
        let whole = shown == clean(name, false);
        let named = self.text(&shown);
        if whole { named } else { named.attr("title", elide(name, 2000, false)) }
    }

    pub(super) fn child(mut self, child: El) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = El>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(self.tag);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape(&clean(value, false), out);
            out.push('"');
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(out),
                Node::Text(text) => escape(text, out),
            }
        }
        out.push_str("</");
        out.push_str(self.tag);
        out.push('>');
        if matches!(self.tag, "section" | "tr" | "li" | "g" | "p" | "div" | "h2" | "h3") {
            out.push('\n');
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(element: &El, expected: &str) {
        let mut out = String::new();
        element.write(&mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn everything_is_escaped() {
        let hostile = "</script>'\"&\u{202e}";
        check(
            &el("b").attr("title", hostile).text(hostile),
            "<b title=\"&lt;/script&gt;&#39;&quot;&amp;\\u{202e}\">&lt;/script&gt;&#39;&quot;&amp;\\u{202e}</b>",
        );
        let long = "x".repeat(90);
        let cut = format!("<b title=\"{long}\">{}…</b>", "x".repeat(79));
        check(&el("b").name(&long), &cut);
    }
}
