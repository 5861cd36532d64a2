//! Inputs: encodings, folders, devices, and what is said of those that cannot be read.

use super::*;

/// A folder of this test's own, filled, read, and taken away again.
fn check(name: &str, files: &[(&str, &[u8])], paths: &[&str], expected: &[&str]) {
    let root = std::env::temp_dir().join(format!("flowrace-source-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    for (path, bytes) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
    let read = read(&paths);
    fs::remove_dir_all(&root).unwrap();
    let prefix = format!("{}/", shown(&root));
    let texts = read.texts.iter().map(|text| format!("{} = {}", text.path, text.text.trim()));
    let empty =
        read.places.iter().enumerate().filter(|(n, place)| {
            !place.told && read.texts.iter().all(|text| text.place != Some(*n))
        });
    let problems = read.problems.iter().map(ToString::to_string);
    let empty = empty.map(|(_, place)| place.nothing().to_string());
    let said: Vec<String> = texts.chain(problems).chain(empty).collect();
    let said: Vec<String> = said.iter().map(|line| line.replace(&prefix, "")).collect();
    assert_eq!(said, expected);
}

#[test]
fn encodings() {
    let files: &[(&str, &[u8])] = &[
        ("bom.json", b"\xEF\xBB\xBF{}"),
        ("le.json", b"\xFF\xFE{\0}\0"),
        ("be.json", b"\xFE\xFF\0{\0}"),
        ("bare-le.json", b"{\0}\0"),
        ("bare-be.json", b"\0{\0}"),
        ("latin.json", b"{\n \"a\": \"\xE9\"}"),
        ("empty.json", b"\xEF\xBB\xBF \r\n"),
        ("png.json", b"\x89PNG\r\n\x1a\n...."),
        ("zip.json", b"PK\x03\x04...."),
        ("nul.json", b"{\"a\": \0}"),
        ("odd.json", b"\xFF\xFE{\0}"),
    ];
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let expected = [
        "bom.json = {}",
        "le.json = {}",
        "be.json = {}",
        "bare-le.json = {}",
        "bare-be.json = {}",
        "latin.json:2:8: not UTF-8 at byte 9; save as UTF-8",
        "empty.json: empty; expected a flow",
        "png.json: not JSON (looks like a PNG)",
        "zip.json: a damaged zip (Missing end of central directory); export it again",
        "nul.json: not JSON (a NUL at byte 6)",
        "odd.json: not UTF-16 at byte 4; save as UTF-8",
    ];
    check("encodings", files, &names, &expected);
}

#[test]
fn folders() {
    let flow = br#"{"flowrace": 1}"#;
    let files: &[(&str, &[u8])] = &[
        ("a/z.json", flow),
        ("a/b/y.json", flow),
        ("a/node_modules/x.json", flow),
        ("a/w.txt", flow),
        ("a/package.json", b"{}"),
        ("none/1.json", b"{}"),
        ("none/2.json", b""),
    ];
    let expected = [
        r#"a/b/y.json = {"flowrace": 1}"#,
        r#"a/z.json = {"flowrace": 1}"#,
        "gone.json: no such file or folder",
        "none: nothing to check: 2 files looked at, none is a flow",
    ];
    check("folders", files, &["a", "a/z.json", "none", "gone.json"], &expected);
}

#[cfg(unix)]
#[test]
fn devices() {
    let read = read(&[PathBuf::from("/dev/null")]);
    let said: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        (read.texts.len(), said),
        (0, vec!["/dev/null: neither a file nor a folder; expected a flow".to_owned()])
    );
}
