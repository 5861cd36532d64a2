//! Where the flow of a witness file is now: beside the file, in a zip, with its child flows around it.

use super::load;
use crate::definition::Parsed;
use crate::definition::ast::Definition;
use crate::definition::inline::{Library, inline, is_inside};
use crate::definition::location::Location;
use crate::definition::problem::Problem;
use crate::finding::witness_file::WitnessFile;
use crate::source;
use std::path::{Component, Path, PathBuf};

/// The flow as the file names it: seen from the file, else from where we are.
pub(super) fn beside(path: &Path, flow: &str) -> PathBuf {
    let (outer, inner) = parts(flow);
    let near = path.parent().unwrap_or(Path::new("")).join(outer);
    if !near.exists() {
        return PathBuf::from(flow);
    }
    let near = tidy(&near);
    match inner {
        Some(inner) => PathBuf::from(format!("{}!/{inner}", near.to_string_lossy())),
        None => near,
    }
}

/// `a/../b` is `b`, if that is the same file.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        let named = matches!(tidy.components().next_back(), Some(Component::Normal(_)));
        if component == Component::ParentDir && named {
            tidy.pop();
        } else {
            tidy.push(component);
        }
    }
    let same = matches!((tidy.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same { tidy } else { path.to_path_buf() }
}

/// `a.zip!/Workflows/X.json` is a file in a zip.
fn parts(flow: &str) -> (&str, Option<&str>) {
    flow.split_once("!/").map_or((flow, None), |(outer, inner)| (outer, Some(inner)))
}

/// The definition meant, of those under a path.
pub(super) fn open(flow: &Path, file: &WitnessFile) -> Result<Definition, Vec<Problem>> {
    let shown = flow.to_string_lossy();
    let (outer, inner) = parts(&shown);
    let source::Sources { texts, mut problems, .. } = source::read(&[PathBuf::from(outer)]);
    let mut found = Vec::new();
    for source in &texts {
        if inner.is_some_and(|inner| !source.path.ends_with(inner)) {
            continue;
        }
        for Parsed { definition, problems: faults } in load(source) {
            problems.extend(faults);
            found.extend(definition);
        }
    }
    if found.len() > 1 {
        found.retain(|definition| definition.name == file.name);
    }
    match (found.pop(), problems.is_empty()) {
        (Some(definition), true) => Ok(with_children(definition, file, Path::new(outer))),
        (None, true) => {
            let at = Location { path: flow.to_string_lossy().into_owned(), ..Location::default() };
            Err(vec![Problem { at, message: format!("no flow named {:?} is in it", file.name) }])
        }
        (_, false) => Err(problems),
    }
}

/// The definition with its child flows looked into, if the schedule goes into one: those beside it are at hand, as they
/// were when it was checked.
fn with_children(definition: Definition, file: &WitnessFile, path: &Path) -> Definition {
    if !file.steps.iter().any(|step| is_inside(&step.action)) {
        return definition;
    }
    let parsed: Vec<Parsed> = source::read(&[around(path)]).texts.iter().flat_map(load).collect();
    let sound = parsed.iter().filter(|p| p.problems.is_empty());
    let library = Library::new(sound.filter_map(|p| p.definition.as_ref()));
    inline(&definition, &library).unwrap_or(definition)
}

/// The folder whose flows call each other: around a file, or around the folder of a `workflow.json`. A zip is one.
fn around(path: &Path) -> PathBuf {
    let up = |path: &Path| match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_path_buf(),
        None => path.to_path_buf(),
    };
    if path.extension().is_some_and(|e| e == "zip") {
        return path.to_path_buf();
    }
    if path.ends_with("workflow.json") { up(&up(path)) } else { up(path) }
}
