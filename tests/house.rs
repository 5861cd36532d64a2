//! The rules of the house that no compiler checks. Each failure says what to do.

#![allow(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file of this length has two things to say.
const LINES: usize = 400;

/// Crates with one home: their types do not cross its border.
const HOMES: &[(&str, &str)] = &[
    ("clap", "src/cli/"),
    ("clap_complete", "src/cli/"),
    ("ctrlc", "src/cli/stop.rs"),
    ("foldhash", "src/explore/table.rs"),
    ("hashbrown", "src/explore/table.rs"),
    ("im", "src/explore/whole/mod.rs"),
    ("loom", "src/explore/parallel.rs"),
    ("miniz_oxide", "src/source/"),
    ("petgraph", "src/definition/order.rs"),
    ("rawzip", "src/source/"),
    ("roxmltree", "src/source/solution.rs"),
    ("sqlparser", "src/platform/sql/"),
    ("terminal_size", "src/cli/output.rs"),
    ("toml", "src/gate/settings.rs"),
];

/// What the library does not do, so that the same input gives the same bytes; and where it may be done.
const ABSENT: &[(&str, &[&str])] = &[
    ("std::fs", &["src/source/", "src/cli/"]),
    ("std::env", &["src/cli/", "src/main.rs"]),
    ("std::net", &[]),
    ("std::process", &["src/cli/", "src/main.rs"]),
    ("std::io::stdin", &["src/source/", "src/cli/"]),
    ("Instant", &["src/cli/"]),
    ("SystemTime", &["src/cli/stop.rs"]),
    ("HashMap", &[]),
    ("HashSet", &[]),
    ("RandomState", &[]),
    ("println!", &[]),
    ("todo!", &[]),
    ("allow(dead_code", &[]),
    ("#[ignore", &[]),
];

/// Words that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The top-level module it belongs to; `None` for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        let module = inner.split('/').next()?.trim_end_matches(".rs");
        (!["lib", "main"].contains(&module)).then_some(module)
    }

    /// The lines of the product: without comments and without the tests at the end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.path.contains("tests") || self.path.ends_with("sample.rs");
        let product = if tests { "" } else { self.text.as_str() };
        let product = product.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = product.lines().enumerate();
        lines.map(|(n, l)| (n + 1, l.split("//").next().unwrap_or_default()))
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let mut todo = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
            found.push(Source {
                path: name.to_str().unwrap().replace('\\', "/"),
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
    assert!(!found.is_empty(), "{folder} has no source");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn none(broken: &[String], cure: &str) {
    assert!(broken.is_empty(), "{cure}:\n{}", broken.join("\n"));
}

/// The top-level modules in reading order, as ARCHITECTURE.md draws them.
fn layers() -> Vec<String> {
    let page = read("ARCHITECTURE.md");
    let law = page.lines().find(|line| line.matches('→').count() > 3);
    let law = law.expect("ARCHITECTURE.md draws the layers with arrows");
    law.split('→').map(|name| name.trim().to_owned()).collect()
}

/// The exceptions that ARCHITECTURE.md names, as `source -> definition::json`.
fn exceptions() -> BTreeSet<String> {
    let page = read("ARCHITECTURE.md");
    let (_, list) = page.split_once("exceptions to the law of layers").expect("the exceptions");
    let code = list.split('`').skip(1).step_by(2);
    code.filter(|word| word.contains(" → ")).map(|word| word.replace(" → ", " -> ")).collect()
}

/// The module paths that a line of code in `path` names from the root: `definition::json`.
fn named(source: &Source, line: &str) -> Vec<String> {
    let mut depth = source.path.trim_start_matches("src/").split('/').count();
    depth -= usize::from(source.path.ends_with("/mod.rs"));
    let from_root = line.split("crate::").skip(1);
    let above = "super::".repeat(depth);
    let climbing = line.split(&above).skip(1).filter(|rest| !rest.starts_with("super::"));
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let all = from_root.chain(climbing);
    all.map(|rest| rest.split(|c| !word(c)).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn imports_point_one_way() {
    let (layers, mut unused) = (layers(), exceptions());
    let place = |name: &str| layers.iter().position(|l| l == name);
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(module) = source.module() else { continue };
        let here =
            place(module).unwrap_or_else(|| panic!("{module} is missing in ARCHITECTURE.md"));
        for (number, line) in source.code() {
            for path in named(&source, line) {
                let Some(there) = path.split("::").next().and_then(place) else {
                    broken.push(format!("{}:{number}: {path}: name one module", source.path));
                    continue;
                };
                let claimed = format!("{module} -> {path}");
                let allowed: Vec<_> =
                    exceptions().into_iter().filter(|e| claimed.starts_with(e.as_str())).collect();
                if there > here && allowed.is_empty() {
                    broken.push(format!("{}:{number}: {path} comes later", source.path));
                }
                allowed.iter().for_each(|e| _ = unused.remove(e));
            }
        }
    }
    none(&broken, "a module imports only from those before it in ARCHITECTURE.md");
    none(&Vec::from_iter(unused), "ARCHITECTURE.md names exceptions that nobody needs");
}

#[test]
fn the_front_page_has_the_modules_in_the_same_order() {
    let lib = read("src/lib.rs");
    let modules = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(modules.collect::<Vec<_>>(), layers(), "src/lib.rs against ARCHITECTURE.md");
}

#[test]
fn the_abstract_machine_knows_no_definition() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let stranger = match source.module() {
            Some("definition") => "crate::model",
            Some("model" | "property") => "crate::definition",
            _ => continue,
        };
        let code = source.code().filter(|(_, line)| line.contains(stranger));
        broken.extend(code.map(|(number, line)| format!("{}:{number}: {line}", source.path)));
    }
    none(&broken, "definition and model do not know each other; platform is the bridge");
}

#[test]
fn files_fit_one_sitting() {
    let mut long = Vec::new();
    for source in ["src", "tests", "benches", "examples"].iter().flat_map(|f| sources(f)) {
        // One file by design, so that it can be read against the format in one go.
        let limit = if source.path == "tests/support/naive.rs" { 500 } else { LINES };
        let lines = source.text.lines().count();
        if lines >= limit {
            long.push(format!("{}: {lines} lines", source.path));
        }
    }
    none(&long, "split these where the interface is narrow");
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let silent = sources("src").into_iter().filter(|s| !s.text.starts_with("//!"));
    let silent: Vec<_> = silent.map(|s| s.path).filter(|path| path != "src/main.rs").collect();
    none(&silent, "begin with //! and what the module is for");
}

#[test]
fn names_say_what_is_inside() {
    let empty = |s: &Source| {
        s.path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part))
    };
    let named: Vec<_> = sources("src").into_iter().filter(empty).map(|s| s.path).collect();
    none(&named, "name the file after what it holds");
}

#[test]
fn the_library_touches_nothing_that_differs_between_runs() {
    let mut broken = Vec::new();
    for source in sources("src") {
        for (number, line) in source.code() {
            for (what, homes) in ABSENT {
                let words = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
                let here = line.split(what).skip(1).any(words);
                if here && !homes.iter().any(|home| source.path.starts_with(home)) {
                    broken.push(format!("{}:{number}: {what}", source.path));
                }
            }
        }
    }
    none(&broken, "not here: the same input gives the same bytes, on any machine");
}

#[test]
fn a_dependency_has_one_home() {
    let mut broken = Vec::new();
    for source in sources("src") {
        for (number, line) in source.code() {
            for (name, home) in HOMES {
                let path = format!("{name}::");
                let uses = line.split(&path).next().is_some_and(|before| {
                    before.len() < line.len()
                        && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if uses && !source.path.starts_with(home) {
                    broken.push(format!("{}:{number}: {name} lives in {home}", source.path));
                }
            }
        }
    }
    none(&broken, "a dependency's types do not cross the border of its home");
}

/// Every file beside a table contributes to it.
#[test]
fn every_connector_stands_in_its_table() {
    let table = read("src/platform/connector/mod.rs");
    let (_, rows) = table.split_once("const CONNECTORS: &[Connector] = &[").unwrap();
    let rows = rows.split_once("];").unwrap().0;
    let mut missing = Vec::new();
    for source in sources("src/platform/connector") {
        for line in source.text.lines() {
            let constant = line.strip_prefix("pub(super) const ").and_then(|l| l.split_once(": "));
            if let Some((name, kind)) = constant
                && kind.starts_with("Connector ")
                && !rows.contains(&format!("::{name},"))
            {
                missing.push(format!("{}: {name}", source.path));
            }
        }
    }
    none(&missing, "add these to CONNECTORS in src/platform/connector/mod.rs");
}

/// A rule has its folder: what goes wrong, what does not, and the page that `explain` prints.
#[test]
fn every_rule_has_its_models() {
    let mut missing = Vec::new();
    for rule in flowrace::property::RULES {
        for file in ["README.md", "racy.json", "fixed.json"] {
            let path = format!("models/{}/{file}", rule.id);
            if !Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).is_file() {
                missing.push(path);
            }
        }
        let racy = read(&format!("models/{}/racy.json", rule.id));
        if !racy.contains(&format!("\"{}\"", rule.id)) {
            missing.push(format!("models/{}/racy.json expects its own rule", rule.id));
        }
    }
    none(&missing, "a rule is a line in RULES and a folder in models/");
}

#[test]
fn a_word_has_one_spelling() {
    // ids are kebab-case, once each, and no two differ only in a hyphen.
    let mut seen = BTreeMap::new();
    for rule in flowrace::property::RULES {
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
        assert_eq!(seen.insert(rule.id.replace('-', ""), rule.id), None, "{} twice", rule.id);
    }
}
