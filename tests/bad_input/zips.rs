//! Rows 9 to 18: zips. Most are built byte by byte in `source::archive_tests`; here the whole command meets them.
//!
//! | row | test |
//! |---|---|
//! | 9, 10 | `archive_tests::bombs_are_not_unpacked`; here: a zip in a zip |
//! | 11 | `archive_tests::names_are_never_paths`, `honest_zips`; here: how such names are shown |
//! | 12, 13 | `archive_tests::damage_is_named_and_the_rest_is_read`, `honest_zips`, `damaged_anywhere`; here: sizes, ends |
//! | 14 | `damage_is_named_and_the_rest_is_read`; here: split archives |
//! | 15 | `names_are_never_paths`, `honest_zips` |
//! | 16, 18 | here |
//! | 17 | `solution::tests::hostile_xml_is_refused_before_it_costs_anything`; here: the flow beside |

use super::{GOOD, GOOD_IS, Here, LOST, RACY};

const FLOW: &str = "{\"properties\": {\"definition\": {\"triggers\": {\"t\": {\"type\": \"Request\"}}, \
                    \"actions\": {\"A\": {\"type\": \"Compose\", \"inputs\": 1}}}}}";

/// A zip with these members, stored as they are.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let wide = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
    for (name, bytes) in members {
        let start = wide(out.len());
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(rawzip::crc32(bytes).to_le_bytes());
        fields.extend([wide(bytes.len()), wide(bytes.len())].concat());
        fields.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        fields.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.bytes());
        out.extend(*bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(start);
        directory.extend(name.bytes());
    }
    let start = wide(out.len());
    let count = u16::try_from(members.len()).expect("few").to_le_bytes();
    let size = wide(directory.len());
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([&count[..], &count, &size, &start, &[0, 0]].concat());
    out
}

/// Row 3, and row 7: what a zip is called makes no difference.
#[test]
fn a_zip_without_a_flow_is_nothing_to_check() {
    let here = Here::new("row-3-zip");
    let none = zip(&[("a.txt", b"x"), ("b.json", b"{}"), ("c/", b"")]);
    here.refused("f.zip", none, "f.zip: nothing to check: 2 files looked at, none is a flow");
    here.refused("f.zip", zip(&[]), "f.zip: nothing to check: 0 files looked at, none is a flow");
    here.refused("f.zip", "no zip", "f.zip: not a zip");
    here.refused("f.zip", "", "f.zip: not a zip");
    let flow = zip(&[("Workflows/A.json", RACY.as_bytes())]);
    here.taken("renamed.json", &flow, 1).says(LOST).says("renamed.json!/Workflows/A.json:8:7");
    // What an office program saves is a zip without flows.
    here.refused(
        "letter.json",
        zip(&[("word/document.xml", b"<w/>")]),
        "letter.json: nothing to check: 1 file looked at, none is a flow",
    );
}

/// Rows 9 and 13: what is bad in a zip is named, and the rest of it and the other inputs are checked.
#[test]
fn the_rest_of_a_bad_zip_is_checked() {
    let here = Here::new("row-9");
    let inner = zip(&[("a.json", RACY.as_bytes())]);
    let outer = zip(&[("in.zip", &inner), ("Workflows/A.json", RACY.as_bytes())]);
    here.refused("f.zip", &outer, "f.zip!/in.zip: a zip in a zip; unpack the outer one");
    here.run(&["check", "f.zip"]).is(2).says(LOST);
    let mut damaged = zip(&[("A.json", RACY.as_bytes()), ("B.json", RACY.as_bytes())]);
    damaged[60] ^= 1;
    here.refused("f.zip", &damaged, "f.zip!/A.json: damaged in the zip: its checksum is wrong;");
    here.run(&["check", "f.zip"]).is(2).says("f.zip!/B.json:8:7");
    for cut in [outer.len() - 1, outer.len() - 30, outer.len() / 2, 40] {
        here.refused("f.zip", &outer[..cut], "f.zip: a damaged zip (");
    }
}

/// Row 10, over the whole command: more entries than a zip of flows has.
#[test]
fn many_entries_are_refused() {
    let here = Here::new("row-10");
    let names: Vec<String> = (0..10_001).map(|n| n.to_string()).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    here.refused(
        "f.zip",
        zip(&members),
        "f.zip: a zip with more than 10000 entries; a flow's has a few",
    );
}

/// Row 11.
#[test]
fn names_of_members_are_shown_and_never_followed() {
    let here = Here::new("row-11");
    let flow = RACY.as_bytes();
    let long = format!("{}.json", "x".repeat(60_000));
    let bytes = zip(&[
        ("../../up.json", flow),
        ("/etc/abs.json", flow),
        ("C:\\drive.json", flow),
        ("con.json", flow),
        ("Workflows\\Back.json", flow),
        ("\x1b[2J\u{202e}.json", flow),
        (&long, flow),
    ]);
    let mut said = here.taken("f.zip", bytes, 1).says("7 flows unsafe");
    for shown in
        ["../../up", "/etc/abs", "C:/drive", "con", "Workflows/Back", "\\u{1b}[2J\\u{202e}"]
    {
        said = said.says(&format!("f.zip!/{shown}.json:8:7"));
    }
    assert!(said.out.len() < 20_000 && !said.out.contains('\x1b'), "{}", said.out);
    assert_eq!(std::fs::read_dir(&here.0).expect("it is there").count(), 2, "nothing was written");
    let twice = zip(&[("A.json", flow), ("A.json", GOOD.as_bytes())]);
    here.refused("f.zip", twice, "f.zip!/A.json: a second member of this name; ");
}

/// Row 12.
#[test]
fn sizes_that_lie_are_told() {
    let here = Here::new("row-12");
    let honest = zip(&[("A.json", GOOD.as_bytes()), ("B.json", RACY.as_bytes())]);
    let entry = honest.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    for size in [0, 7, 0x7fff_ffff, u32::MAX - 1, u32::MAX] {
        let mut lies = honest.clone();
        lies[entry + 24..entry + 28].copy_from_slice(&u32::to_le_bytes(size));
        here.write("f.zip", lies);
        let said = here.run(&["check", "f.zip", "good.json"]).is(2).says(GOOD_IS);
        assert!(said.err.starts_with("error: f.zip"), "{size}: {said:?}");
    }
}

/// Row 14.
#[test]
fn one_part_of_several_is_told() {
    let here = Here::new("row-14");
    let mut part = zip(&[("A.json", GOOD.as_bytes())]);
    let end = part.len() - 22;
    part[end + 4] = 1;
    part[end + 6] = 1;
    here.refused("f.zip", part, "f.zip: one part of a split zip; export it again");
}

/// Row 16.
#[test]
fn manifests_and_what_they_name() {
    let here = Here::new("row-16");
    let bare = zip(&[("definition.json", FLOW.as_bytes())]);
    let note = "note: the zip has no manifest; its definition is read as it stands";
    here.taken("f.zip", bare, 0).says(note);
    let manifest = "{\"flowAssets\": {\"assetPaths\": [\"here\",\n \"gone\"]}}";
    let package = zip(&[
        ("Microsoft.Flow/flows/manifest.json", manifest.as_bytes()),
        ("Microsoft.Flow/flows/here/definition.json", FLOW.as_bytes()),
    ]);
    here.refused(
        "f.zip",
        package,
        "f.zip!/Microsoft.Flow/flows/manifest.json:2:2: the zip has no Microsoft.Flow/flows/gone/definition.json, which this names",
    );
    here.run(&["check", "f.zip"]).is(2).says("definition.json: safe: ");
}

/// Row 17.
#[test]
fn bad_xml_costs_its_flow_nothing() {
    let here = Here::new("row-17");
    let at = "f.zip!/customizations.xml";
    for (xml, message) in [
        (
            "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>".to_owned(),
            format!("{at}:1:1: not readable as XML: XML with DTD detected"),
        ),
        (
            "<!DOCTYPE l [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><l>&a;</l>".to_owned(),
            format!("{at}:1:1: not readable as XML: XML with DTD detected"),
        ),
        (
            format!("<l>\n <x{}/></l>", " a=\"\"".repeat(1_000_000)),
            format!("{at}:2:2: an XML tag longer than 64 KB"),
        ),
        ("<x>".repeat(100_000), format!("{at}:1:")),
    ] {
        let bytes =
            zip(&[("Workflows/A.json", FLOW.as_bytes()), ("customizations.xml", xml.as_bytes())]);
        here.refused("f.zip", bytes, &message);
        here.run(&["check", "f.zip"]).is(2).says("f.zip!/Workflows/A.json: safe: ");
    }
    let deep = format!("{}{}", "<x>".repeat(100_000), "</x>".repeat(100_000));
    let bytes =
        zip(&[("Workflows/A.json", FLOW.as_bytes()), ("customizations.xml", deep.as_bytes())]);
    here.taken("f.zip", bytes, 0);
}

/// Row 18.
#[test]
fn a_solution_that_names_another_flow_is_remarked_on() {
    let here = Here::new("row-18");
    let xml = "<ImportExportXml><Workflows><Workflow WorkflowId=\"{1}\" Name=\"Count orders\">\
               <JsonFileName>/Workflows/Other-1.json</JsonFileName><Category>5</Category></Workflow></Workflows></ImportExportXml>";
    let bytes =
        zip(&[("Workflows/A.json", FLOW.as_bytes()), ("customizations.xml", xml.as_bytes())]);
    let note = "note: customizations.xml does not name A.json; it names other-1.json";
    here.taken("f.zip", bytes, 0).says(note);
}
