//! `check --witnesses DIR`: each finding's schedule as a file.

use super::output;
use crate::explore::limits::Config;
use crate::finding::Report;
use crate::finding::witness_file::WitnessFile;
use crate::report::untrusted::clean;
use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

/// Saves them; whether all could be.
pub(super) fn save(report: &Report, config: &Config, folder: &Path, err: &mut dyn Write) -> bool {
    let saved = fs::create_dir_all(folder)
        .map_err(|error| (folder.to_path_buf(), error))
        .and_then(|()| save_all(report, config, folder));
    if let Err((path, error)) = &saved {
        let shown = clean(&path.to_string_lossy(), false);
        let _ = writeln!(err, "error: cannot write {shown}: {error}");
    }
    saved.is_ok()
}

fn save_all(
    report: &Report,
    config: &Config,
    folder: &Path,
) -> Result<(), (PathBuf, std::io::Error)> {
    for flow in &report.flows {
        let path = seen_from(folder, Path::new(&flow.path));
        for finding in &flow.findings {
            let file = WitnessFile::of(flow, finding, config, path.clone());
            let Some(file) = file else { continue };
            let path = folder.join(file.file_name());
            output::replace(&path, file.to_text().as_bytes()).map_err(|error| (path, error))?;
        }
    }
    Ok(())
}

/// A path as seen from a folder, with forward slashes; as it is if they have no root in common.
fn seen_from(folder: &Path, path: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).ok().map(|p| plain(&p));
    let (Some(from), Some(to)) = (absolute(folder), absolute(path)) else {
        return path.to_string_lossy().replace('\\', "/");
    };
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return path.to_string_lossy().replace('\\', "/");
    }
    let up = from[common..].iter().map(|_| "..".into());
    let down = to[common..].iter().map(|c| c.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<String>>().join("/")
}

/// Without `..`, as far as names tell.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(folder: &str, path: &str, expected: &str) {
        assert_eq!(seen_from(Path::new(folder), Path::new(path)), expected);
    }

    #[test]
    fn the_flow_is_named_as_seen_from_the_folder() {
        check("tests/witnesses", "models/a.json", "../../models/a.json");
        check("models", "models/a.json", "a.json");
        check(".", "./models/../b.json", "b.json");
        check("x/../y", "y/z/a.json", "z/a.json");
    }
}
