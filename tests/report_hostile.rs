//! Names that strangers chose to harm whoever prints a report: every name in every place, in every format.

use flowrace::check::{Config, check_text};
use flowrace::finding::Report;
use flowrace::report::untrusted::is_unprintable;
use flowrace::report::{Format, Style, render};

fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "</script><img src=x onerror=alert(1)>",
        "]]><b>",
        "\"><svg onload=alert(1)>",
        "```\n## x",
        "a|b|c",
        "[x](javascript:alert(1))",
        "\u{1b}[2J\u{1b}[1A",
        "\u{1b}]8;;http://evil.example\u{7}x\u{1b}]8;;\u{7}",
        "::error::x",
        "\n::set-output name=x::y",
        "##vso[task.setvariable variable=x]y##[error]",
        "\u{202e}gnp.exe\u{200b}\u{2066}",
        "two\r\nlines;end\nend",
        "@everyone & <!-- -->",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(10_000));
    names
}

/// A racy counter in which everything that can be named has this name.
fn report(name: &str) -> Report {
    let quoted = name.replace('\'', "''");
    let group = name.replace('.', "_"); // a dot would name a column
    let model = serde_json::json!({
        "flowrace": 1,
        "name": name,
        "state": { &group: { "kind": "item", "fields": { "Count": 5, "Text": name } } },
        "flow": [ { "forEach": format!("loop {name}"), "items": 2, "concurrency": 2, "do": [
            { "name": format!("get {name}"), "get": &group },
            { "name": name, "update": &group, "set": {
                "Count": format!("@add(outputs('get {quoted}')?['Count'], 1)") } } ] } ]
    });
    let report = check_text(name, &model.to_string(), &Config::default());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.flows[0].findings.len(), 1, "{name:?}");
    report
}

/// The same as an input that could not be read.
fn unreadable(name: &str) -> Report {
    let text = serde_json::json!({ "flowrace": 1, "flow": [{ name: 1 }] }).to_string();
    let report = check_text(name, &text, &Config::default());
    assert!(!report.problems.is_empty());
    report
}

fn rendered(report: &Report, format: Format, style: &Style) -> String {
    let mut text = Vec::new();
    render(report, format, style, &mut text).expect("memory takes it");
    String::from_utf8(text).expect("reports are UTF-8")
}

/// What must hold in a format, whatever the name.
fn check(name: &str, format: Format, text: &str) {
    let at = || format!("{format:?} of {:.40}", name.escape_debug().to_string());
    let hidden = text.chars().find(|c| is_unprintable(*c) && *c != '\n');
    assert_eq!(hidden, None, "{}", at());
    // JSON is for programs, which get names whole; everything else cuts them.
    let bounded = text.len() < 400_000 || format == Format::Json;
    assert!(bounded, "{}: {} bytes", at(), text.len());
    let ours = format == Format::Azure;
    for line in text.lines() {
        let commands = line.matches("##").count();
        let markdown = format == Format::Markdown && line.starts_with("##");
        let fine = if ours { line.starts_with("##vso[task.logissue type=") } else { markdown };
        assert!(commands == 0 || (fine && (markdown || commands == 1)), "{}: {line}", at());
        let start = line.trim_start();
        let command = start.starts_with("::");
        assert!(!command || format == Format::Github, "{}: {line}", at());
    }
    match format {
        Format::Json | Format::Sarif => {
            serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
        }
        Format::Junit => well_formed(text),
        Format::Github => {
            let kinds = ["::error file=", "::warning file=", "::notice title=flowrace::"];
            let ours = |line: &str| kinds.iter().any(|kind| line.starts_with(kind));
            assert!(text.lines().all(ours), "{}: {text}", at());
            assert_eq!(text.lines().count(), 2, "{}: {text}", at());
        }
        Format::Markdown => {
            let ours = ["<!-- -->", "<details>", "</details>", "<summary>", "</summary>"];
            let left = ours.iter().fold(text.to_owned(), |text, tag| text.replace(tag, ""));
            let spans = left.split('\n').filter(|line| !line.contains('`')).collect::<String>();
            assert!(!spans.contains('<'), "{}: {spans}", at());
            let fences = text.lines().filter(|line| line.trim_start().starts_with("```")).count();
            assert!(fences <= 2, "{}: {text}", at());
        }
        Format::Html => {
            well_formed(
                text.split_once("<body>")
                    .expect("a body")
                    .1
                    .split_once("<script>")
                    .expect("a script")
                    .0,
            );
            assert_eq!(text.matches("<script").count(), 1, "{}", at());
            for tag in ["<img", "<b>alert", "onload=alert", "onerror=alert", "<iframe"] {
                assert!(
                    !text.replace("&quot;", "\"").contains(tag) || tag.starts_with("on"),
                    "{}: {tag}",
                    at()
                );
            }
        }
        Format::Text | Format::Azure => {}
    }
}

/// Every tag that opens closes, and a bracket stands only where a tag does: nothing of a name has become markup.
fn well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a loose bracket: {:.200}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') || tag.ends_with('/') {
            continue;
        }
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "closes what is not open"),
            None => open.push(tag.split_whitespace().next().expect("a name")),
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "left open");
}

#[test]
fn every_name_is_harmless_in_every_format() {
    for name in names() {
        for report in [report(&name), unreadable(&name)] {
            for format in Format::ALL {
                let style = Style { verbose: true, ..Style::default() };
                check(&name, format, &rendered(&report, format, &style));
            }
            let ascii = Style { ascii: true, ..Style::default() };
            assert!(rendered(&report, Format::Text, &ascii).is_ascii());
        }
    }
}

#[test]
fn programs_get_names_as_they_are() {
    for name in names() {
        let report = report(&name);
        let json = flowrace::report::to_json(&report);
        assert_eq!(json["flows"][0]["flow"], *name);
        assert_eq!(json["flows"][0]["findings"][0]["actions"][1], *name);
    }
}
