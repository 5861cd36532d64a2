//! Rows 1 to 8 and 39: what is no file, what is no text, what is in no flow's place.

use super::{GOOD, GOOD_IS, Here, LOST, RACY, hollow};
use std::fs;

/// Row 1.
#[test]
fn what_cannot_be_opened_is_named() {
    let here = Here::new("row-1");
    let both = |bad: &str, message: &str| {
        here.run(&["check", bad, "good.json"]).is(2).tells(message).says(GOOD_IS);
    };
    both("gone.json", "gone.json: no such file or folder");
    both("gone/f.json", "gone/f.json: no such file or folder");
    #[cfg(unix)]
    {
        both("/dev/null", "/dev/null: neither a file nor a folder; expected a flow");
        both("/dev/zero", "/dev/zero: neither a file nor a folder; expected a flow");
        let made = std::process::Command::new("mkfifo").arg(here.path("pipe.json")).status();
        if made.is_ok_and(|status| status.success()) {
            both("pipe.json", "pipe.json: neither a file nor a folder; expected a flow");
            // In a folder it is nobody's flow.
            here.run(&["check", "."]).is(0).silent().says(GOOD_IS);
        }
    }
}

/// Row 1: root may read everything, so there the case cannot be made.
#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let here = Here::new("row-1-permission");
    let close = |name: &str| {
        fs::set_permissions(here.path(name), fs::Permissions::from_mode(0o000))
            .expect("it is ours");
    };
    here.write("mine.json", RACY);
    here.write("shut/f.json", RACY);
    close("mine.json");
    if fs::read(here.path("mine.json")).is_ok() {
        let mut out = std::io::stderr();
        let _ = std::io::Write::write_all(&mut out, b"skipped: this user may read everything\n");
        return;
    }
    close("shut");
    let denied = "cannot read: permission denied";
    let said = here.run(&["check", "mine.json", "shut", "good.json"]).is(2).says(GOOD_IS);
    said.tells(&format!("mine.json: {denied}")).tells(&format!("shut: {denied}"));
    fs::set_permissions(here.path("shut"), fs::Permissions::from_mode(0o700)).expect("it is ours");
}

/// Row 2.
#[test]
fn what_is_empty_is_no_flow() {
    let here = Here::new("row-2");
    for bytes in ["", " \r\n\t ", "\u{feff}", "\u{feff} \n"] {
        here.refused("f.json", bytes, "f.json: empty; expected a flow");
    }
    here.refused("f.json", b"\xFF\xFE", "f.json: empty; expected a flow");
}

/// Row 3; zips without a flow: `zips.rs`.
#[test]
fn a_folder_without_a_flow_is_nothing_to_check() {
    let here = Here::new("row-3");
    for n in 0..14 {
        here.write(&format!("fourteen/{n}.json"), "{\"version\": 1}");
    }
    fs::create_dir(here.path("none")).expect("it can be made");
    let nothing = |files: u32| format!("nothing to check: {files} files looked at, none is a flow");
    here.run(&["check", "fourteen", "good.json", "none"])
        .is(2)
        .tells(&format!("fourteen: {}", nothing(14)))
        .tells(&format!("none: {}", nothing(0)))
        .says(GOOD_IS);
    // A file that is nobody's business in its folder has to be a flow when it is named, whatever comes first.
    here.write("mixed/good.json", GOOD);
    here.write("mixed/broken.json", "{\"version\": ");
    here.run(&["check", "mixed"]).is(0).silent();
    let named = "mixed/broken.json:1:12: not valid JSON: EOF while parsing a value";
    here.run(&["check", "mixed", "mixed/broken.json"]).is(2).tells(named);
    here.run(&["check", "mixed/broken.json", "mixed"]).is(2).tells(named);
}

/// Row 4, row 5 without the note, row 8 but for U+2028: `habits::lines_end_as_their_editor_ends_them` and
/// `source::tests::encodings`. Here: UTF-16 without a mark, and the other end first.
#[test]
fn utf_16_is_read_as_it_comes() {
    let here = Here::new("row-5");
    let wide = |unit: fn(u16) -> [u8; 2]| RACY.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    for bytes in [marked(b"\xFF\xFE", &little), marked(b"\xFE\xFF", &big), little, big] {
        here.taken("f.json", &bytes, 1).says(LOST).says("f.json:8:7 ");
        here.run(&["check", "f.json", "-v"])
            .says("note: read as UTF-16; most programs expect UTF-8");
    }
    here.refused("f.json", b"\xFF\xFE{\0\x00\xD8", "f.json: not UTF-16 at byte 4; save as UTF-8");
}

/// Row 6.
#[test]
fn what_is_no_utf_8_is_told_at_its_byte() {
    let here = Here::new("row-6");
    for (order, mark) in [(u32::to_le_bytes as fn(u32) -> [u8; 4], true), (u32::to_be_bytes, false)]
    {
        let text = format!("{}{RACY}", if mark { "\u{feff}" } else { "" });
        let wide: Vec<u8> = text.chars().flat_map(|c| order(u32::from(c))).collect();
        here.refused("f.json", wide, "f.json: UTF-32; save as UTF-8");
    }
    let latin = b"{\"flowrace\": 1,\n  \"name\": \"caf\xE9\"}";
    here.refused("f.json", latin, "f.json:2:15: not UTF-8 at byte 30; save as UTF-8");
    here.refused("f.json", b"\xE9", "f.json:1:1: not UTF-8 at byte 0; save as UTF-8");
}

/// Row 7; a renamed zip that is one: `zips.rs`.
#[test]
fn what_is_something_else_is_called_by_its_name() {
    let here = Here::new("row-7");
    for (start, name) in [
        (&b"\x89PNG\r\n\x1a\n\0\0"[..], "a PNG"),
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", "a JPEG"),
        (b"GIF89a\0\0", "a GIF"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1F\x8B\x08\0", "gzip"),
        (b"<?xml version=\"1.0\"?><a/>", "XML"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
    ] {
        here.refused("f.json", start, &format!("f.json: not JSON (looks like {name})"));
    }
    here.refused("f.json", b"{\"a\": \0}", "f.json: not JSON (a NUL at byte 6)");
    here.refused("f.json", b"PK\x03\x04....", "f.json: a damaged zip (");
    here.refused("f.json", "flowrace: 1\n", "f.json:1:2: not valid JSON: expected value");
}

/// Row 8.
#[test]
fn separators_of_other_languages_end_no_line() {
    let here = Here::new("row-8");
    let odd = RACY.replacen("\"name\": \"", "\"name\": \"a\u{2028}b\u{2029}c\u{85}d ", 1);
    assert_ne!(odd, RACY);
    here.taken("f.json", odd.trim_end(), 1).says(LOST).says("f.json:8:7 ");
}

/// Row 20: more than a file may have, known before it is read.
#[test]
fn a_large_file_is_not_read() {
    let here = Here::new("row-20-size");
    for megabytes in [65, 100] {
        hollow(&here.path("f.json"), megabytes << 20);
        here.run(&["check", "f.json", "good.json"])
            .is(2)
            .tells("f.json: larger than 64 MB; a flow is far smaller")
            .says(GOOD_IS);
    }
}

/// Row 39. A million files are not made here: the walk counts entries and stops (`source::Reading::walk`).
#[cfg(unix)]
#[test]
fn folders_end() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let here = Here::new("row-39");
    here.write("f/sub/good.json", GOOD);
    for place in [".git", "node_modules", "target", "sub/node_modules"] {
        here.write(&format!("f/{place}/racy.json"), RACY);
    }
    symlink("..", here.path("f/sub/up")).expect("a link can be made");
    symlink(here.path("f"), here.path("f/sub/again")).expect("a link can be made");
    symlink("../good.json", here.path("f/sub/link.json")).expect("a link can be made");
    here.run(&["check", "f"]).is(0).silent().says("\n1 flow safe");
    // The link that is named is followed, and one file is one flow however it is reached.
    symlink("f", here.path("linked")).expect("a link can be made");
    here.run(&["check", "linked", "f", "./f/sub/good.json"]).is(0).says("\n1 flow safe");
    let name = std::ffi::OsStr::from_bytes(b"odd\xFF\n\x1b[2J.json");
    if fs::write(here.path("f").join(name), RACY).is_ok() {
        let shown = "f/odd\\xFF\\u{a}\\u{1b}[2J.json";
        here.run(&["check", "f"]).is(1).says(LOST).says(&format!("{shown}:8:7"));
    }
}
