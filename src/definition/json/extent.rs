//! How much of a value is worth underlining: to its end, or the line's, but no more than a reader takes in.

/// Bytes looked at; a real export is one line of a megabyte.
const MOST: usize = 200;

/// UTF-16 code units from `offset` to the end of the value that starts there, of its line, or of [`MOST`] bytes.
pub(super) fn width16(text: &str, offset: usize) -> u32 {
    let rest = &text[offset..];
    let mut depth = 0_u32;
    let mut quoted = false;
    let mut escaped = false;
    let mut units = 0;
    for (at, c) in rest.char_indices() {
        if c == '\n' || c == '\r' || at >= MOST {
            break;
        }
        let ends = match c {
            _ if escaped => false,
            '"' => quoted && depth == 0,
            '}' | ']' | ',' | ':' if !quoted && depth == 0 => break,
            '}' | ']' => !quoted && depth == 1,
            _ => false,
        };
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        units += c.len_utf16();
        if ends {
            break;
        }
    }
    u32::try_from(units).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: u32) {
        assert_eq!(width16(text, 0), expected, "{text}");
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        check("{\"a\": [1, \"}\"]}, {}", 15);
        check("\"a\\\"b\", 1", 6);
        check("\"a\": 5", 3);
        check("12, 5", 2);
        check("\"\u{1F600}\"", 4);
        check("{ \"name\": \"x\",\r\n }", 14);
        check("", 0);
        check(&format!("[{}]", "1,".repeat(1000)), 200);
        check("}", 0);
    }
}
