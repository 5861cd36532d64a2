//! The front door: sources in, report out.

mod apart;
mod assumption;
mod bound;
mod capacity;
pub mod certify;
mod cut;
mod effects;
mod explore;
mod faulty;
mod fill;
mod findings;
mod fuzzed;
mod guide;
mod left;
mod refused;
pub mod replay;
mod resort;
mod resting;
mod runs;
mod scenes;
mod section;
mod sliced;
mod unread;
mod whereabouts;

use crate::definition::Parsed;
use crate::definition::ast::Definition;
use crate::definition::beside::Beside;
use crate::definition::inline::{Library, inline};
use crate::definition::json::Document;
use crate::definition::location::Location;
use crate::definition::order::{GraphFault, check_all};
use crate::definition::problem::Problem;
use crate::explore::engine::written_late;
pub use crate::explore::limits::{Config, Reduction, Stop, StopCause, Unstopped};
use crate::finding::{FlowReport, Report, Scope, Verdict};
use crate::gate::accept;
use crate::platform::lower::{Lowered, lower, outline};
use crate::platform::scenario::{Redelivery, Scenario};
use crate::platform::slice::parts;
use crate::source::{self, Source};
use assumption::{assumption, has_variable_race, late_effects};
use explore::explore_and;
use fill::{claim, conclude, empty_report, fill, finish};
use findings::{findings, graph_finding};
use runs::{alone, place, show_all_steps};
use std::path::PathBuf;

/// Checks every flow found under `paths`.
pub fn check(paths: &[PathBuf], config: &Config, stop: &dyn Stop) -> Report {
    let mut sources = source::read(paths);
    sources.texts.retain(|source| source.named || !is_excluded(&source.path, &config.exclude));
    let mut report = Report { problems: sources.problems, ..Report::default() };
    let parsed: Vec<Vec<Parsed>> = sources.texts.iter().map(load).collect();
    let sound = parsed.iter().flatten().filter(|p| p.problems.is_empty());
    let library = Library::new(sound.filter_map(|p| p.definition.as_ref()));
    for (source, parsed) in sources.texts.iter().zip(&parsed) {
        let before = report.flows.len();
        for parsed in parsed {
            one(parsed, &library, config, stop, &mut report);
        }
        for flow in report.flows[before..].iter_mut().filter(|_| source.beside.wide) {
            flow.asides.push("read as UTF-16; most programs expect UTF-8".to_owned());
        }
        if let Some(place) = source.place.filter(|_| !parsed.is_empty()) {
            sources.places[place].told = true;
        }
    }
    report.problems.extend(sources.places.iter().filter(|p| !p.told).map(source::Place::nothing));
    report
}

/// Whether a pattern fits the path, or the end of it after a slash.
fn is_excluded(path: &str, patterns: &[String]) -> bool {
    let ends = std::iter::once(path).chain(path.match_indices('/').map(|(at, _)| &path[at + 1..]));
    let ends: Vec<&str> = ends.collect();
    patterns.iter().any(|pattern| ends.iter().any(|end| fits(pattern, end)))
}

/// `?` is a letter, `*` any number of them but slashes, `**` slashes too. Backtracks to the last star only, so that
/// no pattern takes long.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `*`, and after the last `**`.
    let (mut star, mut stars) = (None::<(usize, usize)>, None::<(usize, usize)>);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') if pattern.get(p + 1) == Some(&'*') => {
                p += 2;
                p += usize::from(pattern.get(p) == Some(&'/'));
                (stars, star) = (Some((p, t)), None);
            }
            Some('*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(c) if *c == text[t] || (*c == '?' && text[t] != '/') => (p, t) = (p + 1, t + 1),
            _ => match (star, stars) {
                (Some((after, from)), _) if text[from] != '/' => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                (_, Some((after, from))) => {
                    (stars, star) = (Some((after, from + 1)), None);
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Checks one document that is not on disk.
pub fn check_text(name: &str, text: &str, config: &Config) -> Report {
    let mut report = Report::default();
    let source = Source {
        path: name.to_owned(),
        text: text.to_owned(),
        named: true,
        beside: Beside::default(),
        place: None,
    };
    for parsed in load(&source) {
        one(&parsed, &Library::default(), config, &Unstopped, &mut report);
    }
    report
}

/// Checks one definition, if it could be read.
fn one(
    parsed: &Parsed,
    library: &Library<'_>,
    config: &Config,
    stop: &dyn Stop,
    report: &mut Report,
) {
    report.problems.extend(parsed.problems.iter().cloned());
    let Some(found) = parsed.definition.as_ref().filter(|_| parsed.problems.is_empty()) else {
        return;
    };
    let mut definition = inline(found, library).unwrap_or_else(|| found.clone());
    for (name, value) in &config.assume {
        definition.setup.assume.entry(name.clone()).or_insert_with(|| value.clone());
    }
    report.problems.extend(accept::problems(&definition));
    match check_definition(&definition, config, stop) {
        Ok(mut flow) => {
            accept::apply(&definition, &mut flow);
            report.flows.push(flow);
        }
        Err(problems) => report.problems.extend(problems),
    }
}

/// The definitions in a text, with what they import.
fn load(source: &Source) -> Vec<Parsed> {
    let import = |other: &str| {
        let source = source::read_one(other)?;
        Document::parse(&source.path, &source.text)
    };
    let parsed = crate::definition::parse(&source.path, &source.text, &source.beside, &import);
    if !parsed.is_empty() || !source.named {
        return parsed;
    }
    let at = Location { path: source.path.clone(), ..Location::default() };
    let message = "not a flow; expected a design model or a workflow definition".to_owned();
    vec![Parsed { definition: None, problems: vec![Problem { at, message }] }]
}

/// Checks one definition.
pub fn check_definition(
    definition: &Definition,
    config: &Config,
    stop: &dyn Stop,
) -> Result<FlowReport, Vec<Problem>> {
    let start = stop.elapsed();
    let platform = config.platform_of(definition);
    let faults: Vec<GraphFault> =
        definition.flows.iter().flat_map(|f| check_all(&f.actions)).collect();
    if !faults.is_empty() {
        let mut report = empty_report(definition, platform);
        report.findings = faults.iter().map(graph_finding).collect();
        report.verdict = Verdict::Unsafe;
        finish(definition, &mut report, start, stop);
        return Ok(report);
    }
    if definition.setup.state.is_empty() {
        return sliced::check(definition, platform, config, stop);
    }
    let outline = outline(definition, &scenario(definition, config, false))?;
    let parts = parts(definition, &outline.program);
    if parts.len() < 2 || config.fuzz.is_some() {
        return together(definition, config, stop);
    }
    apart::apart(definition, &outline, &parts, config, stop)
}

/// What a definition with described state is explored as.
fn scenario(definition: &Definition, config: &Config, torn: bool) -> Scenario {
    Scenario {
        all_items: config.items,
        loop_items: config.loop_items.clone(),
        degree: config.degree,
        runs: config.runs,
        torn,
        faults: u32::try_from(budget(definition, config)).unwrap_or(u32::MAX),
        redelivery: Redelivery::of(&definition.setup.assume),
        cancellable: definition.setup.assume.get("run-cancellation").is_some_and(|v| v == "on"),
        late: Scenario::late(&definition.setup.assume),
        merge: config.reduction == Reduction::All,
        ..Scenario::new(config.platform_of(definition))
    }
}

/// How many of everything there are.
fn scope(definition: &Definition, lowered: &Lowered, config: &Config) -> Scope {
    Scope {
        items: lowered.items.clone(),
        runs: lowered.program.flows.iter().map(|f| u64::from(f.first())).max().unwrap_or(1),
        faults: budget(definition, config),
    }
}

fn budget(definition: &Definition, config: &Config) -> u64 {
    config.faults.or(definition.setup.faults).unwrap_or(0)
}

/// Explores a definition with described state as one model.
fn together(
    definition: &Definition,
    config: &Config,
    stop: &dyn Stop,
) -> Result<FlowReport, Vec<Problem>> {
    let start = stop.elapsed();
    let platform = config.platform_of(definition);
    let pinned = definition.setup.assume.get("variable-actions").map(String::as_str);
    let scenario = |torn| scenario(definition, config, torn);
    let main_torn = pinned == Some("torn");
    let mut lowered = lower(definition, &scenario(main_torn))?;
    let mut report = empty_report(definition, platform);
    let (explored, found) = explore_and(&mut lowered, config, stop, findings);
    report.scope = scope(definition, &lowered, config);
    report.unknown.clone_from(&lowered.unknown);
    fill(&mut report, &lowered, &explored);
    report.notes.extend(section::notes(&lowered.program));
    report.notes.extend(faulty::in_time(&lowered.program));
    report.findings = found;
    bound::advise(&mut report.findings, &lowered.program, &explored.violations, config, stop);
    if report.findings.iter().any(|f| f.witness.is_none()) && config.reduction == Reduction::All {
        let mut plain = lower(definition, &Scenario { merge: false, ..scenario(main_torn) })?;
        show_all_steps(&mut report, &mut plain, config, stop);
    }
    if lowered.program.flows.iter().map(|f| f.runs).sum::<u32>() > 1 {
        let once = Scenario { redelivery: Redelivery::Never, ..scenario(main_torn) };
        let alone = alone(definition, &once, config, stop)?;
        for finding in &mut report.findings {
            place(finding, &alone);
        }
        report
            .findings
            .sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.location.cmp(&b.location)));
    }
    if has_variable_race(&lowered.program) {
        // Three items are enough to see whether two can get into each other's way.
        let second = Scenario { most: Some(3), ..scenario(true) };
        let other = pinned.is_none().then(|| lower(definition, &second));
        assumption(&mut report, other.transpose()?, main_torn, config, stop);
    }
    if !written_late(&lowered.program).is_empty() {
        late_effects(&mut report);
    }
    conclude(&mut report);
    claim(&mut report, explored.proved);
    finish(definition, &mut report, start, stop);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::is_excluded;

    #[test]
    fn patterns() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(is_excluded(path, &[pattern.to_owned()]), expected, "{pattern} {path}");
        };
        check("vendor/**", "src/vendor/a/b.json", true);
        check("vendor/**", "src/vendors/b.json", false);
        check("*.json", "a/b.json", true);
        check("a/*.json", "a/b/c.json", false);
        check("a/**/c.json", "a/c.json", true);
        check("a/**/c?.json", "x/a/b/b/c1.json", true);
        check("**/x*y*.json", "q/x/y.json", false);
        check("b.json", "ab.json", false);
        check(&"*a".repeat(50), &"a".repeat(60), true);
        check(&format!("{}b", "**a".repeat(50)), &"a".repeat(3000), false);
    }
}
