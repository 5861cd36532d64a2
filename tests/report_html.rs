//! The page in a browser: it is stepped through with buttons and keys, and what is shown is checked.

#[path = "support/browser.rs"]
mod browser;

use browser::Browser;
use flowrace::check::{Config, Unstopped, check};
use flowrace::report::{Format, Style, render};
use std::path::{Path, PathBuf};

/// Writes the page of these models and gives its address.
fn page(name: &str, models: &[PathBuf]) -> String {
    let report = check(models, &Config::default(), &Unstopped);
    assert!(!report.flows.is_empty(), "{:?}", report.problems);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let file = folder.join(name);
    let mut text = Vec::new();
    render(&report, Format::Html, &Style::default(), &mut text).expect("memory takes it");
    std::fs::write(&file, text).expect("the page can be written");
    format!("file://{}", file.display())
}

fn model(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(path)
}

/// Where the reader is: the counter, the current item, the words for a screen reader, and whether the loss shows.
fn state(browser: &Browser) -> String {
    let script = "const f = document.querySelector('#f1'), l = f.querySelector('li[aria-current=step]');\
                  const shows = getComputedStyle(f.querySelector('.loss')).display !== 'none';\
                  return [f.querySelector('.count').textContent, l ? l.dataset.step : '-',\
                  f.querySelector('.live').textContent.slice(0, 30), shows ? 'lost' : '',\
                  f.querySelectorAll('g.step.future').length, location.hash].join('|')";
    browser.ask(script).as_str().expect("a text").to_owned()
}

#[test]
fn a_schedule_is_stepped_through() {
    let Some(browser) = Browser::start() else { return };
    let url = page("counter.html", &[model("lost-update/racy.json")]);
    browser.open(&url);
    assert_eq!(state(&browser), "4 / 4|4||lost|0|", "all of it before anybody does anything");
    browser.click("#f1 .first");
    assert_eq!(state(&browser), "0 / 4|-|Before the first step||4|#f1");
    for _ in 0..3 {
        browser.click("#f1 .next");
    }
    assert_eq!(state(&browser), "3 / 4|3|Step 3 of 4: order[2] Update_i||1|#f1-step-3");
    browser.click("#f1 .next");
    assert_eq!(state(&browser), "4 / 4|4|Step 4 of 4: order[1] Update_i|lost|0|#f1-step-4");
    browser.click("#f1 .back");
    assert_eq!(state(&browser), "3 / 4|3|Step 3 of 4: order[2] Update_i||1|#f1-step-3");
    browser.press("\u{e011}"); // Home
    browser.press("j");
    browser.press("\u{e014}"); // right
    assert_eq!(state(&browser), "2 / 4|2|Step 2 of 4: order[2] Get_item||2|#f1-step-2");
    let focused = browser.ask("return document.activeElement.id");
    assert_eq!(focused, "f1-step-2", "the focus moves with the step");
    browser.press("4");
    assert!(state(&browser).starts_with("4 / 4|4|"));
    browser.press("t");
    let theme = browser.ask("return document.documentElement.dataset.theme");
    assert!(theme == "dark" || theme == "light", "{theme}");
    // A colleague who is sent to a step lands there.
    browser.open("about:blank");
    browser.open(&format!("{url}#f1-step-2"));
    assert!(state(&browser).starts_with("2 / 4|2|"), "{}", state(&browser));
    let marked =
        browser.ask("return document.querySelector('#f1 .goes.well g.moved > title').textContent");
    assert!(marked.as_str().is_some_and(|m| m.contains("Update_item")), "{marked}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn every_model_fits_a_telephone_and_offends_nobody() {
    let Some(browser) = Browser::start() else { return };
    let root = model("");
    let folders = std::fs::read_dir(&root).expect("the gallery is there");
    let mut models: Vec<PathBuf> = folders
        .map(|folder| folder.expect("readable").path())
        .flat_map(|folder| ["racy.json", "fixed.json"].map(|file| folder.join(file)))
        .filter(|file| file.is_file())
        .collect();
    models.sort();
    browser.open(&page("gallery.html", &models));
    for width in [390, 1700] {
        browser.width(width);
        let wide = browser.ask("return [document.documentElement.scrollWidth, innerWidth]");
        assert!(wide[0].as_u64() <= wide[1].as_u64(), "scrolls sideways at {width}: {wide}");
    }
    let lists = browser.ask(
        "return [...document.querySelectorAll('.finding[data-steps]')].filter(f => \
         f.querySelectorAll('ol.steps > li').length !== +f.dataset.steps || \
         !f.querySelector('svg.lanes') || !f.querySelector('.graph')).map(f => f.id)",
    );
    assert_eq!(
        lists,
        serde_json::json!([]),
        "every schedule has its list, its picture and its flow"
    );
    let twice = browser.ask(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);\
         return ids.filter((id, at) => ids.indexOf(id) !== at)",
    );
    assert_eq!(twice, serde_json::json!([]), "an id stands once");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn hostile_names_stay_text() {
    let Some(browser) = Browser::start() else { return };
    let name = "</script><img src=x onerror=alert(1)>\"'`{{x}}\u{202e}\n";
    let model = serde_json::json!({
        "flowrace": 1,
        "name": name,
        "state": { name: { "kind": "item", "fields": { "Count": 5 } } },
        "flow": [ { "forEach": name, "items": 2, "concurrency": 2, "do": [
            { "name": "Get", "get": name },
            { "name": format!("u{name}"), "update": name, "set": {
                "Count": "@add(outputs('Get')?['Count'], 1)" } } ] } ]
    });
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile.json");
    std::fs::write(&file, model.to_string()).expect("it can be written");
    browser.open(&page("hostile.html", &[file]));
    browser.click("#f1 .first");
    browser.click("#f1 .next");
    let made = browser.ask("return document.querySelectorAll('img, iframe, script').length");
    assert_eq!(made, 1, "the page's own script");
    let shown = browser.ask("return document.querySelector('h2 span').textContent");
    assert_eq!(shown, "</script><img src=x onerror=alert(1)>\"'`{{x}}\\u{202e}\\u{a}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
