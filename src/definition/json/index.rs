//! Where each value of a JSON text starts. Iterative: depth costs a stack entry of ours, never a call.

use super::{MAX_DEPTH, MAX_VALUES};
use std::borrow::Cow;

/// One value: byte offsets, and the container it stands in (the root is its own).
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    start: u32,
    key: Option<(u32, u32)>,
    parent: u32,
}

/// Why the scan stopped, and at which byte.
pub(super) enum ScanFault {
    TooDeep(usize),
    TooMany(usize),
    NotJson,
}

/// All values in file order. Accepts more than JSON: whoever calls has `serde_json` say what is valid.
pub(super) fn scan(text: &[u8]) -> Result<Vec<Entry>, ScanFault> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    let mut key = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let start = at;
        at = match byte {
            b'"' => string_end(text, at).ok_or(ScanFault::NotJson)?,
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'{' | b'[' | b'}' | b']' => at + 1,
            _ => text[at..]
                .iter()
                .position(|b| b" \t\r\n,:{}[]\"".contains(b))
                .map_or(text.len(), |n| at + n),
        };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => continue,
            b'}' | b']' => {
                open.pop().ok_or(ScanFault::NotJson)?;
                continue;
            }
            b'"' if key.is_none()
                && open
                    .last()
                    .is_some_and(|&o| text[entries[o as usize].start as usize] == b'{') =>
            {
                key = Some((narrow(start), narrow(at)));
                continue;
            }
            _ => {}
        }
        if entries.len() == MAX_VALUES {
            return Err(ScanFault::TooMany(start));
        }
        let own = narrow(entries.len());
        entries.push(Entry {
            start: narrow(start),
            key: key.take(),
            parent: open.last().copied().unwrap_or(own),
        });
        if matches!(byte, b'{' | b'[') {
            if open.len() == MAX_DEPTH {
                return Err(ScanFault::TooDeep(start));
            }
            open.push(own);
        }
    }
    Ok(entries)
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).expect("a document is far below 4 GB")
}

/// The offset behind the closing quote of the string that opens at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// For each byte of the text that the JSON string at `at` stands for, the offset of what spells it; and of its end.
pub(super) fn spelled(text: &[u8], at: usize) -> Vec<u32> {
    let mut found = Vec::new();
    let mut at = at + 1;
    while let Some(&byte) = text.get(at) {
        let (length, bytes) = match byte {
            b'"' => {
                found.push(narrow(at));
                break;
            }
            b'\\' if text.get(at + 1) == Some(&b'u') => unicode(text, at),
            b'\\' => (2, 1),
            _ => (1, 1),
        };
        found.extend(std::iter::repeat_n(narrow(at), bytes));
        at += length;
    }
    found
}

/// Bytes of an escape like `\u00e9`, and of the letter it stands for; two of them may be one letter.
fn unicode(text: &[u8], at: usize) -> (usize, usize) {
    let digits = text.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default() {
        0..0x80 => (6, 1),
        0x80..0x800 => (6, 2),
        0xD800..0xDC00 => (12, 4),
        _ => (6, 3),
    }
}

/// The entries with their children side by side: an object's sorted by key, an array's in order.
#[derive(Clone, Debug)]
pub(super) struct Index {
    entries: Vec<Entry>,
    first_child: Vec<u32>,
    children: Vec<u32>,
}

impl Index {
    /// The index, and the keys given twice, each as two entries, in file order of the second.
    pub(super) fn build(text: &str, entries: Vec<Entry>) -> (Self, Vec<(usize, usize)>) {
        let mut first_child = vec![0_u32; entries.len() + 1];
        for entry in &entries[1..] {
            first_child[entry.parent as usize + 1] += 1;
        }
        for own in 0..entries.len() {
            first_child[own + 1] += first_child[own];
        }
        let mut next = first_child.clone();
        let mut children = vec![0_u32; entries.len() - 1];
        for (own, entry) in entries.iter().enumerate().skip(1) {
            let slot = &mut next[entry.parent as usize];
            children[*slot as usize] = narrow(own);
            *slot += 1;
        }
        let mut index = Self { entries, first_child, children };
        let twice = index.sort_keys(text);
        (index, twice)
    }

    fn sort_keys(&mut self, text: &str) -> Vec<(usize, usize)> {
        let mut twice: Vec<(usize, usize)> = Vec::new();
        for own in 0..self.entries.len() {
            let range = self.range(own);
            if text.as_bytes()[self.start(own)] != b'{' || range.len() < 2 {
                continue;
            }
            let mut sorted = self.children[range.clone()].to_vec();
            sorted.sort_by(|a, b| self.key(text, *a as usize).cmp(&self.key(text, *b as usize)));
            for pair in sorted.windows(2) {
                let (a, b) = (pair[0] as usize, pair[1] as usize);
                if self.key(text, a) == self.key(text, b) {
                    twice.push((a, b));
                }
            }
            self.children[range].copy_from_slice(&sorted);
        }
        twice.sort_by_key(|(_, second)| *second);
        twice
    }

    fn range(&self, own: usize) -> std::ops::Range<usize> {
        self.first_child[own] as usize..self.first_child[own + 1] as usize
    }

    /// Offset of the value.
    pub(super) fn start(&self, own: usize) -> usize {
        self.entries[own].start as usize
    }

    /// Offset of its key's opening quote.
    pub(super) fn key_start(&self, own: usize) -> Option<usize> {
        self.entries[own].key.map(|(start, _)| start as usize)
    }

    /// Its key, escapes undone; empty without one.
    pub(super) fn key<'t>(&self, text: &'t str, own: usize) -> Cow<'t, str> {
        let Some((start, end)) = self.entries[own].key else { return Cow::Borrowed("") };
        let quoted = &text[start as usize..end as usize];
        let bare = &quoted[1..quoted.len() - 1];
        if bare.contains('\\') {
            Cow::Owned(serde_json::from_str(quoted).expect("serde_json has accepted this key"))
        } else {
            Cow::Borrowed(bare)
        }
    }

    /// The entry of a JSON pointer, or of the longest prefix of it that exists.
    pub(super) fn find(&self, text: &str, pointer: &str) -> usize {
        let mut own = 0;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            match self.child(text, own, &token) {
                Some(child) => own = child,
                None => break,
            }
        }
        own
    }

    fn child(&self, text: &str, own: usize, token: &str) -> Option<usize> {
        let children = &self.children[self.range(own)];
        let slot = if text.as_bytes()[self.start(own)] == b'{' {
            children
                .binary_search_by(|child| self.key(text, *child as usize).as_ref().cmp(token))
                .ok()?
        } else {
            token.parse().ok()?
        };
        children.get(slot).map(|&child| child as usize)
    }

    /// The JSON pointer of an entry.
    pub(super) fn pointer(&self, text: &str, own: usize) -> String {
        let mut tokens = Vec::new();
        let mut own = own;
        while own != 0 {
            let parent = self.entries[own].parent as usize;
            tokens.push(if self.entries[own].key.is_some() {
                super::super::node::escape(&self.key(text, own))
            } else {
                let children = &self.children[self.range(parent)];
                children.partition_point(|&child| (child as usize) < own).to_string()
            });
            own = parent;
        }
        tokens.iter().rev().fold(String::new(), |pointer, token| pointer + "/" + token)
    }
}
