//! Where files are found by name: a disk, a zip.

use super::beside::Shelf;
use super::{Problem, archive, bytes};
use std::collections::BTreeMap;
use std::path::Path;

/// Files on disk.
pub(super) struct Disk;

impl Shelf for Disk {
    fn open(&self, name: &str) -> Option<Result<Vec<u8>, Problem>> {
        let path = Path::new(name);
        path.is_file().then(|| bytes(path))
    }

    fn shown(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// Files in a zip.
pub(super) struct Zip<'z> {
    pub(super) path: &'z str,
    pub(super) members: &'z BTreeMap<String, Vec<u8>>,
}

impl Shelf for Zip<'_> {
    fn open(&self, name: &str) -> Option<Result<Vec<u8>, Problem>> {
        self.members.get(name).map(|bytes| Ok(bytes.clone()))
    }

    fn shown(&self, name: &str) -> String {
        archive::member_path(self.path, name)
    }
}
