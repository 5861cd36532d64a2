//! Zips, with every bound that hostile input needs (each has its test): only *stored* and *deflate*, only what a flow
//! can be in, never more than so many entries and bytes, nothing that overlaps, names never used as paths, zips in
//! zips left closed. `rawzip` finds the members; what they hold is checked here.

use super::problem;
use crate::definition::problem::Problem;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};
use std::collections::BTreeMap;

/// The most entries of one zip.
const MAX_ENTRIES: usize = 10_000;
/// The largest member, unpacked, in bytes.
const MAX_MEMBER: usize = 64 << 20;
/// All members together, unpacked, in bytes.
const MAX_TOTAL: usize = 256 << 20;
/// Longer names are cut where they are shown.
const LONGEST_NAME: usize = 200;

/// The files of a zip that flows can be in or that say something about flows, by name with forward slashes.
#[derive(Debug, Default)]
pub(super) struct Archive {
    pub(super) members: BTreeMap<String, Vec<u8>>,
    pub(super) problems: Vec<Problem>,
    /// Files in it, also those nobody reads.
    pub(super) files: usize,
}

/// Opens a zip. What is damaged is told and does not stop the rest; a zip that is hostile as a whole has no members.
pub(super) fn open(path: &str, bytes: &[u8]) -> Archive {
    let refuse = |message: String| Archive {
        problems: vec![problem(path.to_owned(), message)],
        ..Archive::default()
    };
    let zip = match ZipArchive::from_slice(bytes) {
        Ok(zip) => zip,
        Err(error) if bytes.starts_with(b"PK") => {
            return refuse(format!("a damaged zip ({error}); export it again"));
        }
        Err(_) => return refuse("not a zip".to_owned()),
    };
    if is_part(bytes, zip.eocd_offset()) {
        return refuse("one part of a split zip; export it again".to_owned());
    }
    if zip.entries_hint() > MAX_ENTRIES as u64 {
        return refuse(format!("a zip with more than {MAX_ENTRIES} entries; a flow's has a few"));
    }
    let mut opening = Opening { path, zip: &zip, archive: Archive::default(), total: 0 };
    match opening.entries() {
        Ok(()) => opening.archive,
        Err(message) => refuse(message),
    }
}

/// Whether the end of a zip says that there are other parts.
fn is_part(bytes: &[u8], end: u64) -> bool {
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    let disks = bytes.get(end.saturating_add(4)..).and_then(|rest| rest.get(..4));
    // All ones: what a larger record says.
    disks.is_some_and(|disks| disks.chunks(2).any(|disk| disk != [0, 0] && disk != [0xFF, 0xFF]))
}

/// How a member is named in paths: `a.zip!/Workflows/X.json`.
pub(super) fn member_path(zip: &str, name: &str) -> String {
    let shown = match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    format!("{zip}!/{shown}")
}

struct Opening<'z> {
    path: &'z str,
    zip: &'z ZipSliceArchive<&'z [u8]>,
    archive: Archive,
    total: usize,
}

impl Opening<'_> {
    /// All entries, or why the zip is not to be touched.
    fn entries(&mut self) -> Result<(), String> {
        let mut entries = self.zip.entries();
        let mut wanted = Vec::new();
        let mut ranges = Vec::new();
        let (mut count, mut first) = (0, u64::MAX);
        loop {
            let entry = match entries.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => return Err(format!("a damaged zip ({error}); export it again")),
            };
            count += 1;
            if count > MAX_ENTRIES {
                return Err(format!(
                    "a zip with more than {MAX_ENTRIES} entries; a flow's has a few"
                ));
            }
            first = first.min(entry.local_header_offset());
            let name = String::from_utf8_lossy(entry.file_path().as_bytes()).replace('\\', "/");
            if let Ok(data) = self.zip.get_entry(entry.wayfinder()) {
                let (_, end) = data.compressed_data_range();
                ranges.push((entry.local_header_offset(), end));
            }
            if name.ends_with('/') || entry.is_dir() || entry.mode().is_symlink() {
                continue;
            }
            self.archive.files += 1;
            if is_wanted(&name) {
                wanted.push((name, entry));
            }
        }
        // What comes before a zip may be a program that unpacks it, but no other zip.
        if first > 0 && count > 0 && self.zip.get_ref().starts_with(b"PK\x03\x04") {
            return Err("a damaged zip (it ends in a zip inside it); export it again".to_owned());
        }
        ranges.sort_unstable();
        if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            return Err("a zip whose members overlap; nothing in it is read".to_owned());
        }
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, entry) in wanted {
            self.member(name, &entry)?;
        }
        Ok(())
    }

    fn member(&mut self, name: String, entry: &ZipFileHeaderRecord<'_>) -> Result<(), String> {
        let at = member_path(self.path, &name);
        if name.to_ascii_lowercase().ends_with(".zip") {
            self.archive
                .problems
                .push(problem(at, "a zip in a zip; unpack the outer one".to_owned()));
            return Ok(());
        }
        match self.bytes(entry) {
            Ok(_) if self.archive.members.contains_key(&name) => {
                let message = "a second member of this name; readers disagree on which one counts";
                self.archive.problems.push(problem(at, message.to_owned()));
            }
            Ok(bytes) => {
                self.total += bytes.len();
                if self.total > MAX_TOTAL {
                    return Err(format!("a zip of more than {} MB unpacked", MAX_TOTAL >> 20));
                }
                self.archive.members.insert(name, bytes);
            }
            Err(message) => self.archive.problems.push(problem(at, message)),
        }
        Ok(())
    }

    /// What a member holds, checked against what the zip says of it.
    fn bytes(&self, entry: &ZipFileHeaderRecord<'_>) -> Result<Vec<u8>, String> {
        if entry.flags().is_encrypted() {
            return Err("encrypted; export it again without a password".to_owned());
        }
        let found = self.zip.get_entry(entry.wayfinder());
        let found =
            found.map_err(|error| format!("damaged in the zip ({error}); export it again"))?;
        let bytes = match entry.compression_method() {
            CompressionMethod::STORE if found.data().len() <= MAX_MEMBER => found.data().to_vec(),
            CompressionMethod::STORE => return Err(too_large()),
            CompressionMethod::DEFLATE => inflate(found.data())?,
            other => {
                let method =
                    other.name().map_or_else(|| other.as_u16().to_string(), str::to_lowercase);
                return Err(format!("compressed with {method}; export it again"));
            }
        };
        let claimed = entry.uncompressed_size_hint();
        if claimed != bytes.len() as u64 {
            return Err(format!(
                "damaged in the zip: {} bytes, but the zip says {claimed}; export it again",
                bytes.len()
            ));
        }
        if rawzip::crc32(&bytes) != entry.crc32() {
            return Err("damaged in the zip: its checksum is wrong; export it again".to_owned());
        }
        Ok(bytes)
    }
}

fn inflate(data: &[u8]) -> Result<Vec<u8>, String> {
    decompress_to_vec_with_limit(data, MAX_MEMBER).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => too_large(),
        _ => "damaged in the zip: its data breaks off; export it again".to_owned(),
    })
}

fn too_large() -> String {
    format!("larger than {} MB unpacked; a flow is far smaller", MAX_MEMBER >> 20)
}

fn is_wanted(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".json", ".xml", ".zip"].iter().any(|ending| lower.ends_with(ending))
}
