//! README.md and docs/: every command shown in them is run and every output compared, every model is checked, every
//! link leads somewhere. `UPDATE_PAGES=1 cargo test --test pages` writes the outputs anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and everything in docs/, in a stable order.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("docs/ is there");
    let mut pages: Vec<PathBuf> = docs.map(|entry| entry.expect("readable").path()).collect();
    pages.extend(["README.md", "CHANGELOG.md"].map(|page| root().join(page)));
    pages.retain(|page| page.extension().is_some_and(|e| e == "md"));
    pages.sort();
    pages
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).expect("a page is text").replace("\r\n", "\n")
}

/// Standard output and error, and the exit status.
fn run(line: &str) -> (String, i32) {
    let args = line.strip_prefix("flowrace ").unwrap_or_else(|| panic!("not our command: {line}"));
    let args: Vec<String> = words(args);
    let run = Command::new(env!("CARGO_BIN_EXE_flowrace"))
        .args(&args)
        .current_dir(root())
        .env_remove("GITHUB_ACTIONS")
        .output()
        .expect("the binary runs");
    let text = [run.stdout, run.stderr].concat();
    (String::from_utf8(text).expect("UTF-8"), run.status.code().expect("it ends by itself"))
}

/// As a shell takes it apart, as far as the pages need.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate();
    quoted
        .flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// The page with every `console` block as it comes out when its commands are run.
fn run_again(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out += line;
        out.push('\n');
        if line != "```console" {
            continue;
        }
        let mut code = 0;
        let mut said = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            out += &said;
            out += line;
            out.push('\n');
            said = if command == "echo $?" {
                format!("{code}\n")
            } else {
                let (text, status) = run(command);
                code = status;
                text
            };
        }
        out += said.trim_end();
        out += "\n```\n";
    }
    out
}

#[test]
fn every_output_is_what_the_command_prints() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let mut shown = 0;
    for page in pages() {
        let text = read(&page);
        shown += text.matches("\n$ flowrace ").count();
        let now = run_again(&text);
        if update {
            fs::write(&page, &now).expect("a page can be written");
        } else if let Some((old, new)) = text.lines().zip(now.lines()).find(|(a, b)| a != b) {
            panic!("{}: UPDATE_PAGES=1 writes it anew\n- {old}\n+ {new}", page.display());
        } else {
            assert_eq!(text.lines().count(), now.lines().count(), "{}", page.display());
        }
    }
    assert!(shown >= 7, "{shown} commands shown");
}

#[test]
fn every_model_that_is_shown_is_one() {
    let mut shown = 0;
    for page in pages() {
        for block in read(&page).split("```json\n").skip(1) {
            let text = block.split("```").next().unwrap_or_default();
            if !text.contains("\"flowrace\": 1") {
                continue;
            }
            shown += 1;
            let config = flowrace::check::Config::default();
            let report = flowrace::check::check_text("shown.json", text, &config);
            assert!(report.problems.is_empty(), "{}: {:?}", page.display(), report.problems);
            let unmet: Vec<_> = report.flows.iter().filter_map(|flow| flow.unmet.clone()).collect();
            assert_eq!(unmet.concat(), Vec::<String>::new(), "{}", page.display());
        }
    }
    assert!(shown > 1, "{shown} models shown");
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let folder = page.parent().expect("a page is in a folder");
        for link in read(&page).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            let away = target.is_empty() || target.contains("://");
            assert!(away || folder.join(target).exists(), "{}: {target}", page.display());
        }
    }
}

#[test]
fn every_rule_command_and_step_has_its_line() {
    let docs = |name: &str| read(&root().join("docs").join(name));
    let rules = docs("rules.md");
    for rule in flowrace::property::RULES {
        let row = format!("| [`{0}`](../models/{0}/README.md) |", rule.id);
        assert!(rules.contains(&row), "docs/rules.md lacks {row}");
    }
    let readme = read(&root().join("README.md"));
    for command in flowrace::cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(readme.contains(&format!("flowrace {name}")), "README.md lacks {name}");
    }
    let schema = read(&root().join("schema/flowrace.schema.json"));
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let model = docs("model.md");
    let keys = schema["properties"].as_object().expect("top-level keys").keys();
    let kinds = schema["$defs"]["step"]["oneOf"].as_array().expect("kinds of steps").iter();
    let kinds = kinds.filter_map(|kind| kind["required"][0].as_str());
    for key in keys.map(String::as_str).chain(kinds).filter(|key| *key != "$schema") {
        assert!(model.contains(&format!("`{key}`")), "docs/model.md lacks {key}");
    }
}

#[test]
fn the_manual_pages_are_those_of_the_commands() {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    fs::create_dir_all(&made).expect("the folder can be made");
    clap_mangen::generate_to(flowrace::cli::command(), &made).expect("they can be written");
    let kept = root().join("man");
    let mut pages: Vec<_> = fs::read_dir(&made)
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    pages.sort();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::create_dir_all(&kept).expect("man/ can be made");
            fs::copy(made.join(&page), kept.join(&page)).expect("a page can be copied");
        }
        let differs =
            read(&made.join(&page)) != fs::read_to_string(kept.join(&page)).unwrap_or_default();
        assert!(!differs, "man/{}: UPDATE_PAGES=1 writes it anew", page.display());
    }
}
