//! Paths as code hosts want them: relative to the repository, forward slashes, percent-encoded.

use std::fmt::Write as _;

/// A path of a flow, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, relative if it can be.
    pub(super) file: String,
    /// What it is called inside of that file, for a zip.
    pub(super) member: Option<String>,
}

/// The file that stands in the repository, and the member of a zip (`a.zip!/Workflows/X.json`) if it is one.
pub(super) fn place(path: &str, root: Option<&str>) -> Place {
    let path = path.replace('\\', "/");
    let (file, member) = match path.split_once("!/") {
        Some((file, member)) => (file.to_owned(), Some(member.to_owned())),
        None => (path, None),
    };
    Place { file: relative(&file, root), member }
}

fn relative(path: &str, root: Option<&str>) -> String {
    let inside = root.and_then(|root| {
        let rest = path.strip_prefix(root.trim_end_matches('/'))?;
        rest.strip_prefix('/').map(str::to_owned)
    });
    let path = inside.unwrap_or_else(|| path.to_owned());
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A path as a URI reference (RFC 3986): relative, or `file://` if it is absolute.
pub(super) fn uri(path: &str) -> String {
    let mut out = String::new();
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    if drive {
        out.push_str("file:///");
    } else if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        // A colon in the first part of a relative reference would make it a scheme.
        let kept = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,=@".contains(&byte);
        match byte {
            b':' if drive => out.push(':'),
            _ if kept => out.push(char::from(byte)),
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(uri(&place(path, Some("/home/me/repo")).file), expected, "{path}");
    }

    #[test]
    fn paths_become_relative_references() {
        check("flows/a.json", "flows/a.json");
        check("./flows//x/../a.json", "flows//a.json");
        check("/home/me/repo/flows/a.json", "flows/a.json");
        check("/home/me/repository/a.json", "file:///home/me/repository/a.json");
        check("../a.json", "../a.json");
        check("C:\\flows\\a b.json", "file:///C:/flows/a%20b.json");
        check("flows\\Order #1 [old]:é.json", "flows/Order%20%231%20%5Bold%5D%3A%C3%A9.json");
        check("100%.json?", "100%25.json%3F");
    }

    #[test]
    fn a_member_of_a_zip_is_told_apart() {
        let place = place("x/a.zip!/Workflows/A.json", None);
        assert_eq!(
            (place.file.as_str(), place.member.as_deref()),
            ("x/a.zip", Some("Workflows/A.json"))
        );
    }
}
