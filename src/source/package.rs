//! The legacy package of Power Automate: what its manifest promises, and whether it is there.

use super::archive::member_path;
use crate::definition::json::Document;
use crate::definition::problem::Problem;
use serde_json::Value;
use std::collections::BTreeMap;

const MANIFEST: &str = "Microsoft.Flow/flows/manifest.json";

/// What the manifest names and the zip does not hold.
pub(super) fn check(zip: &str, members: &BTreeMap<String, Vec<u8>>) -> Vec<Problem> {
    let Some(bytes) = members.get(MANIFEST) else { return Vec::new() };
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{FEFF}');
    let doc = match Document::parse(&member_path(zip, MANIFEST), text) {
        Ok(doc) => doc,
        Err(problem) => return vec![problem],
    };
    let paths = doc.value.pointer("/flowAssets/assetPaths").and_then(Value::as_array);
    let missing = paths.into_iter().flatten().enumerate().filter_map(|(n, path)| {
        let file = format!("Microsoft.Flow/flows/{}/definition.json", path.as_str()?);
        let at = doc.at(&format!("/flowAssets/assetPaths/{n}"));
        let message = format!("the zip has no {file}, which this names");
        (!members.contains_key(&file)).then_some(Problem { at, message })
    });
    missing.collect()
}

/// A remark on a definition that stands in a zip without its manifest.
pub(super) fn note(name: &str, members: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    let is_definition = name.rsplit('/').next() == Some("definition.json");
    let bare = is_definition && !members.contains_key(MANIFEST);
    bare.then(|| "the zip has no manifest; its definition is read as it stands".to_owned())
}
