//! From byte offsets to lines and columns. Lines end by LF, CRLF or CR; columns count characters, and UTF-16 code
//! units besides.

const BLOCK: usize = 128;

/// Line starts, and the characters before each block: exports are often one line of a megabyte.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
    chars: Vec<usize>,
    /// Characters that take two UTF-16 code units.
    wide: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (offset, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(offset + 1) != Some(&b'\n'));
            if ends {
                starts.push(offset + 1);
            }
        }
        let mut chars = vec![0];
        let mut wide = vec![0];
        for (n, block) in bytes.chunks(BLOCK).enumerate() {
            chars.push(chars[n] + count(block));
            wide.push(wide[n] + count_wide(block));
        }
        Self { starts, chars, wide }
    }

    /// Line, column, and column in UTF-16 code units of an offset, all from 1.
    pub(super) fn place(&self, text: &str, offset: usize) -> (u32, u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset);
        let (chars, wide) = self.before(text, offset);
        let (chars_before, wide_before) = self.before(text, self.starts[line - 1]);
        let column = chars - chars_before + 1;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (narrow(line), narrow(column), narrow(column + wide - wide_before))
    }

    fn before(&self, text: &str, offset: usize) -> (usize, usize) {
        let block = offset / BLOCK;
        let rest = &text.as_bytes()[block * BLOCK..offset];
        (self.chars[block] + count(rest), self.wide[block] + count_wide(rest))
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// Four bytes in UTF-8 are two units in UTF-16.
fn count_wide(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte >= 0xF0).count()
}
