//! Zips built here byte by byte, honest ones and hostile ones.

use super::archive::{Archive, open};
use miniz_oxide::deflate::compress_to_vec;

/// One member as it is written, which need not be as it is.
struct Entry {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    data: Vec<u8>,
    crc: u32,
    size: u32,
    attributes: u32,
    /// Where the directory says that it starts, if that is a lie.
    offset: Option<u32>,
}

fn stored(name: &str, text: &str) -> Entry {
    Entry {
        name: name.as_bytes().to_vec(),
        method: 0,
        flags: 0,
        data: text.as_bytes().to_vec(),
        crc: rawzip::crc32(text.as_bytes()),
        size: u32::try_from(text.len()).unwrap(),
        attributes: 0,
        offset: None,
    }
}

fn deflated(name: &str, bytes: &[u8]) -> Entry {
    Entry {
        method: 8,
        data: compress_to_vec(bytes, 6),
        crc: rawzip::crc32(bytes),
        size: u32::try_from(bytes.len()).unwrap(),
        ..stored(name, "")
    }
}

/// The bytes of a zip after a prefix.
fn zip(prefix: &[u8], entries: &[Entry]) -> Vec<u8> {
    let mut out = prefix.to_vec();
    let mut directory = Vec::new();
    for entry in entries {
        let start = u32::try_from(out.len()).unwrap();
        let packed = u32::try_from(entry.data.len()).unwrap();
        let mut fields = Vec::new();
        fields.extend(20_u16.to_le_bytes());
        fields.extend(entry.flags.to_le_bytes());
        fields.extend(entry.method.to_le_bytes());
        fields.extend([0; 4]);
        for number in [entry.crc, packed, entry.size] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        fields.extend([0; 2]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(&entry.name);
        out.extend(&entry.data);
        // Made on Unix, so that the attributes say what kind of file it is.
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&fields);
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(entry.offset.unwrap_or(start).to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = u32::try_from(out.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(entries.len()).unwrap();
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// Members and problems, a line each.
fn said(archive: &Archive) -> Vec<String> {
    let members = archive.members.iter().map(|(name, bytes)| format!("{name} {}", bytes.len()));
    members.chain(archive.problems.iter().map(ToString::to_string)).collect()
}

fn check(entries: &[Entry], expected: &[&str]) {
    assert_eq!(said(&open("a.zip", &zip(b"", entries))), expected);
}

#[test]
fn honest_zips() {
    let flow = "{\"actions\": {}}";
    let entries = [
        stored("Workflows\\A.json", flow),
        deflated("b/c.xml", flow.as_bytes()),
        stored("picture.png", "x"),
        stored("folder/", ""),
    ];
    check(&entries, &["Workflows/A.json 15", "b/c.xml 15"]);
    let archive = open("a.zip", &zip(b"MZ self-extracting", &entries));
    assert_eq!((archive.members.len(), archive.files), (2, 3));
    let mut trailing = zip(b"", &entries);
    trailing.extend(b"garbage behind");
    assert_eq!(open("a.zip", &trailing).members.len(), 2);
}

#[test]
fn damage_is_named_and_the_rest_is_read() {
    let good = || stored("good.json", "{}");
    let bad = |entry: Entry, message: &str| {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        check(&[entry, good()], &["good.json 2", &format!("a.zip!/{name}: {message}")]);
    };
    let again = "; export it again";
    bad(
        Entry { crc: 1, ..stored("x.json", "{}") },
        &format!("damaged in the zip: its checksum is wrong{again}"),
    );
    bad(
        Entry { size: 7, ..stored("x.json", "{}") },
        &format!("damaged in the zip: 2 bytes, but the zip says 7{again}"),
    );
    let whole = deflated("x.json", &b"text ".repeat(1000));
    let half = Entry { data: whole.data[..whole.data.len() / 2].to_vec(), ..whole };
    bad(half, &format!("damaged in the zip: its data breaks off{again}"));
    bad(
        Entry { flags: 1, ..stored("x.json", "{}") },
        "encrypted; export it again without a password",
    );
    bad(Entry { method: 93, ..stored("x.json", "{}") }, &format!("compressed with zstd{again}"));
    bad(Entry { method: 4711, ..stored("x.json", "{}") }, &format!("compressed with 4711{again}"));
    bad(stored("in.zip", "PK"), "a zip in a zip; unpack the outer one");
}

#[test]
fn names_are_never_paths() {
    let long = format!("{}.json", "x".repeat(60_000));
    let names = ["../../etc/x.json", "C:\\x.json", "/etc/y.json", "con.json", "a\0.json", &long];
    let archive = open("a.zip", &zip(b"", &names.map(|name| stored(name, "{}"))));
    assert_eq!(archive.members.len(), 6);
    assert_eq!(super::archive::member_path("a.zip", &long).chars().count(), 208);
    check(
        &[stored("x.json", "{}"), stored("x.json", "[]")],
        &[
            "x.json 2",
            "a.zip!/x.json: a second member of this name; readers disagree on which one counts",
        ],
    );
    // A symbolic link.
    check(&[Entry { attributes: 0o120_777 << 16, ..stored("l.json", "/etc/passwd") }], &[]);
}

#[test]
fn bombs_are_not_unpacked() {
    let zeros = vec![0; 65 << 20];
    check(
        &[deflated("bomb.json", &zeros), stored("good.json", "{}")],
        &["good.json 2", "a.zip!/bomb.json: larger than 64 MB unpacked; a flow is far smaller"],
    );
    let heavy = deflated("", &zeros[..60 << 20]);
    let heavy: Vec<Entry> = (0..6)
        .map(|n| Entry {
            data: heavy.data.clone(),
            crc: heavy.crc,
            size: heavy.size,
            method: heavy.method,
            ..stored(&format!("{n}.json"), "")
        })
        .collect();
    check(&heavy, &["a.zip: a zip of more than 256 MB unpacked"]);
    let same = [stored("a.json", "{}"), Entry { offset: Some(0), ..stored("b.json", "{}") }];
    check(&same, &["a.zip: a zip whose members overlap; nothing in it is read"]);
    let many: Vec<Entry> = (0..10_001).map(|n| stored(&n.to_string(), "")).collect();
    check(&many, &["a.zip: a zip with more than 10000 entries; a flow's has a few"]);
}

#[test]
fn what_is_no_zip() {
    let cut = zip(b"", &[stored("x.json", "{}")]);
    let archive = open("a.zip", &cut[..cut.len() - 30]);
    assert!(said(&archive)[0].starts_with("a.zip: a damaged zip"), "{archive:?}");
    assert_eq!(said(&open("a.zip", b"no zip at all")), ["a.zip: not a zip"]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct("proptest-regressions/archive.txt"))),
        ..proptest::test_runner::Config::default()
    })]

    /// Whatever is changed in a zip, opening it ends and panics nowhere.
    #[test]
    fn damaged_anywhere(changes in proptest::collection::vec((0..600_usize, proptest::num::u8::ANY), 1..8), cut in 0..600_usize) {
        let mut bytes = zip(b"", &[deflated("a.json", &b"{} ".repeat(50)), stored("b.json", "{\"actions\": {}}")]);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if cut % 3 == 0 {
            bytes.truncate(cut % bytes.len());
        }
        let archive = open("a.zip", &bytes);
        proptest::prop_assert!(archive.members.len() <= 2);
    }
}
