//! From byte offsets to lines and columns. Lines end by LF, CRLF or CR; columns count characters.

const BLOCK: usize = 1024;

/// Line starts, and the characters before each block: exports are often one line of a megabyte.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
    chars: Vec<usize>,
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
        let mut total = 0;
        for block in bytes.chunks(BLOCK) {
            total += count(block);
            chars.push(total);
        }
        Self { starts, chars }
    }

    /// Line and column of an offset, both from 1.
    pub(super) fn place(&self, text: &str, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset);
        let column = self.before(text, offset) - self.before(text, self.starts[line - 1]) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    fn before(&self, text: &str, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.chars[block] + count(&text.as_bytes()[block * BLOCK..offset])
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}
