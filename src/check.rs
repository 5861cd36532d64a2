//! The front door: sources in, report out.

use crate::definition::ast::{Definition, Platform};
use crate::definition::json::Document;
use crate::definition::location::Location;
use crate::definition::order::{GraphFault, check_all};
use crate::definition::problem::Problem;
use crate::expect::unmet;
use crate::explore::ending::Joint;
use crate::explore::engine::Engine;
use crate::explore::limits::Counts;
pub use crate::explore::limits::{Config, Reduction, Stop, StopCause, Unstopped};
use crate::explore::ranking::{drop_counters, restore_counters};
use crate::explore::search::search;
use crate::explore::serial::serial;
use crate::explore::witness::{Choice, same_finding, twin, unexplained, witnesses};
use crate::finding::trace::{cell_name, swap, tell};
use crate::finding::{
    Across, Assumption, Finding, FlowReport, Level, Outcome, Report, Scope, Severity, Stats,
    Verdict,
};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Step};
use crate::platform::lower::{Lowered, lower};
use crate::platform::scenario::Scenario;
use crate::property::judge::Violation;
use crate::source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Checks every flow found under `paths`.
pub fn check(paths: &[PathBuf], config: &Config, stop: &dyn Stop) -> Report {
    let (sources, problems) = source::read(paths);
    let mut report = Report { problems, ..Report::default() };
    for source in &sources {
        one(&source.path, &source.text, source.named, config, stop, &mut report);
    }
    report
}

/// Checks one document that is not on disk.
pub fn check_text(name: &str, text: &str, config: &Config) -> Report {
    let mut report = Report::default();
    one(name, text, true, config, &Unstopped, &mut report);
    report
}

fn one(path: &str, text: &str, named: bool, config: &Config, stop: &dyn Stop, report: &mut Report) {
    let (definition, problems) = load(path, text, named);
    let broken = !problems.is_empty();
    report.problems.extend(problems);
    if let (Some(definition), false) = (definition, broken) {
        match check_definition(&definition, config, stop) {
            Ok(flow) => report.flows.push(flow),
            Err(problems) => report.problems.extend(problems),
        }
    }
}

/// The definition in a text, with what it imports.
fn load(path: &str, text: &str, named: bool) -> (Option<Definition>, Vec<Problem>) {
    let import = |other: &str| {
        let source = source::read_one(other)?;
        Document::parse(&source.path, &source.text)
    };
    let (definition, mut problems, flow) = crate::definition::parse(path, text, &import);
    if !flow && named && problems.is_empty() {
        let at = Location { path: path.to_owned(), ..Location::default() };
        problems.push(Problem {
            at,
            message: "not a flow; expected a design model or a workflow definition".to_owned(),
        });
    }
    (definition, problems)
}

/// What the exploration of one scenario gave.
struct Explored {
    violations: BTreeSet<Violation>,
    outcomes: BTreeSet<Joint>,
    serial: Option<BTreeSet<Joint>>,
    counts: Counts,
    stopped: Option<String>,
    told: Vec<(Violation, Vec<Choice>)>,
}

/// Checks one definition.
pub fn check_definition(
    definition: &Definition,
    config: &Config,
    stop: &dyn Stop,
) -> Result<FlowReport, Vec<Problem>> {
    let start = stop.elapsed();
    let platform = config.platform.or(definition.platform).unwrap_or(Platform::PowerAutomate);
    let faults: Vec<GraphFault> =
        definition.flows.iter().flat_map(|f| check_all(&f.actions)).collect();
    if !faults.is_empty() {
        let mut report = empty_report(definition, platform);
        report.findings = faults.iter().map(graph_finding).collect();
        report.verdict = Verdict::Unsafe;
        finish(definition, &mut report, start, stop);
        return Ok(report);
    }
    let pinned = definition.setup.assume.get("variable-actions").map(String::as_str);
    let scenario = |torn| Scenario {
        platform,
        all_items: config.items,
        loop_items: config.loop_items.clone(),
        degree: config.degree,
        runs: config.runs,
        unknown_items: 2,
        torn,
        merge: config.reduction == Reduction::All,
        most: None,
    };
    let main_torn = pinned == Some("torn");
    let mut lowered = lower(definition, &scenario(main_torn))?;
    let mut report = empty_report(definition, platform);
    let explored = explore(&mut lowered, config, stop);
    report.scope = Scope {
        items: lowered.items.clone(),
        runs: lowered.program.flows.iter().map(|f| u64::from(f.runs)).max().unwrap_or(1),
        faults: config.faults.or(definition.setup.faults).unwrap_or(0),
    };
    report.unknown.clone_from(&lowered.unknown);
    fill(&mut report, &lowered, &explored);
    let mut engine = Engine::new(&lowered.program, config.reduction != Reduction::None);
    report.findings = findings(&mut engine, &lowered, &explored);
    if report.findings.iter().any(|f| f.witness.is_none()) && config.reduction == Reduction::All {
        let mut plain = lower(definition, &Scenario { merge: false, ..scenario(main_torn) })?;
        show_all_steps(&mut report, &mut plain, config, stop);
    }
    if lowered.program.flows.iter().map(|f| f.runs).sum::<u32>() > 1 {
        let alone = alone(definition, &scenario(main_torn), config, stop)?;
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
    if report.scope.faults > 0 && report.verdict == Verdict::Safe {
        report.verdict = Verdict::Inconclusive(
            "faults are not explored yet; this says nothing about them".into(),
        );
    }
    conclude(&mut report);
    finish(definition, &mut report, start, stop);
    Ok(report)
}

/// Findings that only merged steps lead to get their schedule from a search in which every access is a step.
fn show_all_steps(report: &mut FlowReport, plain: &mut Lowered, config: &Config, stop: &dyn Stop) {
    let config = Config {
        max_states: Some(config.max_states.unwrap_or(200_000).min(200_000)),
        ..config.clone()
    };
    let explored = explore(plain, &config, stop);
    let mut engine = Engine::new(&plain.program, config.reduction != Reduction::None);
    let told = findings(&mut engine, plain, &explored);
    for finding in report.findings.iter_mut().filter(|f| f.witness.is_none()) {
        if let Some(same) = told.iter().find(|f| key(f) == key(finding)) {
            finding.witness.clone_from(&same.witness);
            finding.twin.clone_from(&same.twin);
            finding.swap.clone_from(&same.swap);
        }
    }
}

/// What makes two findings the same: rule, cell, actions.
type Key = (String, String, Vec<String>);

fn key(finding: &Finding) -> Key {
    (finding.rule.to_owned(), finding.cell.clone(), finding.actions.clone())
}

/// The findings that each flow has by itself, in a single run, and between which of its processes.
fn alone(
    definition: &Definition,
    scenario: &Scenario,
    config: &Config,
    stop: &dyn Stop,
) -> Result<BTreeMap<Key, Option<Across>>, Vec<Problem>> {
    let mut found = BTreeMap::new();
    for flow in &definition.flows {
        let mut single = definition.clone();
        single.flows = vec![flow.clone()];
        single.setup.finally.clear();
        let mut lowered = lower(&single, &Scenario { runs: Some(1), ..scenario.clone() })?;
        let explored = explore(&mut lowered, config, stop);
        let mut engine = Engine::new(&lowered.program, config.reduction != Reduction::None);
        for finding in findings(&mut engine, &lowered, &explored) {
            found.insert(key(&finding), finding.across);
        }
    }
    Ok(found)
}

/// What happens in a single run is an error; what needs a second one is a warning.
fn place(finding: &mut Finding, alone: &BTreeMap<Key, Option<Across>>) {
    let inside = alone.get(&key(finding));
    finding.severity = if inside.is_some() { Severity::Error } else { Severity::Warning };
    finding.across = inside.copied().unwrap_or(Some(Across::Runs));
    if let Some(across) = finding.across {
        finding.fingerprint = fingerprint(finding.rule, &finding.cell, &finding.actions, across);
    }
}

fn empty_report(definition: &Definition, platform: Platform) -> FlowReport {
    FlowReport {
        path: definition.path.clone(),
        flow: definition.name.clone(),
        platform: match platform {
            Platform::PowerAutomate => "power-automate",
            Platform::LogicApps => "logic-apps",
        },
        verdict: Verdict::Safe,
        level: Level::Deterministic,
        exhaustive: true,
        any_number: false,
        scope: Scope { runs: 1, ..Scope::default() },
        stats: Stats::default(),
        outcomes: BTreeMap::new(),
        assumptions: Vec::new(),
        unknown: Vec::new(),
        findings: Vec::new(),
        notes: Vec::new(),
        unmet: None,
    }
}

fn finish(definition: &Definition, report: &mut FlowReport, start: Option<f64>, stop: &dyn Stop) {
    if let (Some(start), Some(end)) = (start, stop.elapsed()) {
        report.stats.seconds = Some(end - start);
    }
    report.unmet = definition.setup.expect.as_ref().map(|e| unmet(e, report));
}

/// Searches, lists serial outcomes, and finds the least schedule of each violation.
fn explore(lowered: &mut Lowered, config: &Config, stop: &dyn Stop) -> Explored {
    drop_counters(&mut lowered.program);
    let symmetry = config.reduction != Reduction::None;
    let mut found = {
        let mut engine = Engine::new(&lowered.program, symmetry);
        let found = search(&mut engine, config, stop);
        if engine.uncounted_violation { None } else { Some((found, bare_writes(&engine))) }
    };
    if found.is_none() {
        restore_counters(&mut lowered.program);
        let mut engine = Engine::new(&lowered.program, symmetry);
        let again = search(&mut engine, config, stop);
        let bare = bare_writes(&engine);
        found = Some((again, bare));
    }
    let (mut found, bare) = found.expect("internal error: a search without a result");
    let mut engine = Engine::new(&lowered.program, symmetry);
    // Which writes a lease should have guarded is known only now: this time they fire when they happen.
    engine.judge.guarded.clone_from(&bare);
    if !bare.is_empty() {
        let again = search(&mut engine, config, stop);
        found.violations.extend(again.violations);
    }
    let serial = if found.stopped.is_none() { serial(&mut engine, stop) } else { None };
    let wanted = grouped(&found.violations);
    let mut told = witnesses(&mut engine, &wanted, 400_000, stop);
    let unserial: BTreeSet<Joint> = match &serial {
        Some(serial) => found.outcomes.iter().filter(|o| !is_serial(o, serial)).cloned().collect(),
        None => BTreeSet::new(),
    };
    if !unserial.is_empty() {
        for choices in unexplained(&mut engine, &unserial, 200_000, stop) {
            let violation = last_resort(&mut engine, &choices);
            if found.violations.insert(violation.clone()) {
                told.push((violation, choices));
            }
        }
    }
    Explored {
        violations: found.violations,
        outcomes: found.outcomes,
        serial,
        counts: found.counts,
        stopped: found.stopped,
        told,
    }
}

/// Violations that are one finding, once.
fn grouped(violations: &BTreeSet<Violation>) -> BTreeSet<Violation> {
    let mut kept: Vec<Violation> = Vec::new();
    for violation in violations {
        if !kept.iter().any(|k| same_finding(k, violation)) {
            kept.push(violation.clone());
        }
    }
    kept.into_iter().collect()
}

/// An outcome of a choice that has no serial schedule is not held against it.
fn is_serial(outcome: &Joint, serial: &BTreeSet<Joint>) -> bool {
    serial.contains(outcome) || !serial.iter().any(|s| s.0 == outcome.0)
}

/// Writes that happen under a lease in one schedule and without it in another: a lock loop that gives up and enters.
fn bare_writes(engine: &Engine<'_>) -> BTreeSet<(NodeId, ResourceId)> {
    engine.judge.bare.intersection(&engine.judge.held).copied().collect()
}

/// What explains an outcome that no serial order gives and no monitor reported.
fn last_resort(engine: &mut Engine<'_>, choices: &[Choice]) -> Violation {
    let steps = crate::explore::witness::replay(engine, choices).unwrap_or_default();
    let program = engine.program;
    let given_up =
        |e: &&crate::model::transition::Event| match (&program.node(e.node).kind, e.refused) {
            (_, Some(412)) => true,
            (Kind::Leaf(list), Some(409)) => {
                list.iter().any(|s| matches!(s, Step::Access(_, Access::Acquire { .. })))
            }
            _ => false,
        };
    let refused = steps.iter().flat_map(|(_, s)| s.events.iter()).find(given_up);
    if let Some(event) = refused
        && let Kind::Leaf(list) = &program.node(event.node).kind
        && let Some(Step::Access(resource, access)) = list.get(usize::from(event.step))
        && !program
            .ancestors(event.node)
            .any(|n| matches!(program.node(n).kind, Kind::Until { .. }))
    {
        let column = match access {
            Access::Update { set, .. } => set.first().map(|(c, _)| c.clone()),
            _ => Some("value".into()),
        };
        return Violation {
            rule: "retry-exhausted",
            resource: Some(*resource),
            column,
            actions: vec![event.node],
            detail: "refused because of another process, and given up".to_owned(),
            weak: true,
        };
    }
    let weak = steps
        .iter()
        .flat_map(|(_, s)| crate::explore::witness::fired_in(engine, s))
        .find(|v| v.weak);
    weak.unwrap_or_else(|| Violation {
        rule: "unclassified",
        resource: engine.program.observed.first().map(|o| o.resource),
        column: engine.program.observed.first().and_then(|o| o.column.clone()),
        actions: Vec::new(),
        detail: "no serial order ends like this".to_owned(),
        weak: true,
    })
}

fn fill(report: &mut FlowReport, lowered: &Lowered, explored: &Explored) {
    let complete = explored.stopped.is_none();
    report.exhaustive = complete;
    report.stats = Stats {
        states: explored.counts.states,
        nodes: explored.counts.nodes,
        transitions: explored.counts.transitions,
        seconds: None,
    };
    for (index, observed) in lowered.program.observed.iter().enumerate() {
        let values = |set: &BTreeSet<Joint>| {
            let all: BTreeSet<_> = set.iter().map(|(_, cells)| cells[index].clone()).collect();
            all.into_iter().collect::<Vec<_>>()
        };
        let serial = explored.serial.as_ref().map(values).unwrap_or_default();
        let outcome = Outcome { values: values(&explored.outcomes), serial, complete };
        report.outcomes.insert(observed.name.clone(), outcome);
    }
    let mut by_choice: BTreeMap<_, u64> = BTreeMap::new();
    for (world, _) in &explored.outcomes {
        *by_choice.entry(world.clone()).or_default() += 1;
    }
    report.level = match &explored.serial {
        _ if by_choice.values().all(|&n| n <= 1) => Level::Deterministic,
        Some(serial) if explored.outcomes.iter().any(|o| !is_serial(o, serial)) => Level::NotSerial,
        Some(_) => Level::OrderDependent,
        None => Level::OrderDependent,
    };
    match &explored.serial {
        None if complete => {
            report.notes.push("there are too many serial orders to list".to_owned());
        }
        Some(serial) if by_choice.keys().any(|w| !serial.iter().any(|s| s.0 == *w)) => {
            report.notes.push("for some choice no schedule is serial".to_owned());
        }
        _ => {}
    }
    if let Some(reason) = &explored.stopped {
        report.verdict = Verdict::Inconclusive(reason.clone());
    }
}

fn findings(engine: &mut Engine<'_>, lowered: &Lowered, explored: &Explored) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for violation in grouped(&explored.violations) {
        let choices = explored.told.iter().find(|(v, _)| same_finding(v, &violation));
        let told =
            choices.and_then(|(v, c)| Some((tell(engine, c, v, true)?, c.clone(), v.clone())));
        findings.push(finding(engine, lowered, &violation, told));
    }
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.location.cmp(&b.location))
            .then_with(|| a.rule.cmp(b.rule))
    });
    findings
}

fn finding(
    engine: &mut Engine<'_>,
    lowered: &Lowered,
    violation: &Violation,
    told: Option<(crate::finding::trace::Told, Vec<Choice>, Violation)>,
) -> Finding {
    let program = &lowered.program;
    let cell = violation
        .resource
        .map_or(String::new(), |r| cell_name(program, r, violation.column.as_deref()));
    let actions: Vec<String> =
        violation.actions.iter().map(|&n| program.node(n).name.to_string()).collect();
    let location = violation
        .actions
        .last()
        .map_or_else(Location::default, |n| lowered.places[n.index()].clone());
    let across =
        told.as_ref().and_then(|(t, ..)| t.across).unwrap_or_else(|| default_across(program));
    let good = told.as_ref().and_then(|(_, choices, v)| {
        let other = twin(engine, choices, v)?;
        tell(engine, &other, v, false)
    });
    let witness = told.map(|(t, ..)| t.witness);
    let twin = good.map(|t| t.witness);
    let swap = witness.as_ref().zip(twin.as_ref()).and_then(|(w, t)| swap(w, t));
    Finding {
        rule: violation.rule,
        severity: if across == Across::Runs { Severity::Warning } else { Severity::Error },
        message: message(violation, &cell, &actions),
        fingerprint: fingerprint(violation.rule, &cell, &actions, across),
        cell,
        actions,
        across: Some(across),
        assumptions: Vec::new(),
        location,
        witness,
        twin,
        swap,
    }
}

fn default_across(program: &Program) -> Across {
    let runs = program.flows.iter().map(|f| f.runs).sum::<u32>() > 1;
    let loops = program.classes.iter().any(|c| c.looped.is_some());
    if loops {
        Across::Iterations
    } else if runs {
        Across::Runs
    } else {
        Across::Branches
    }
}

/// One sentence, in the maker's words.
fn message(violation: &Violation, cell: &str, actions: &[String]) -> String {
    let last = actions.last().map_or("the flow", String::as_str);
    let first = actions.first().map_or("the flow", String::as_str);
    match violation.rule {
        "lost-update" => format!("{last} overwrites an update it never saw"),
        "collateral-overwrite" => {
            format!("{last} writes back an old {cell} over somebody else's change")
        }
        "duplicate-create" => format!("{last} can create a second row with the same key in {cell}"),
        "last-writer-wins" if first == last => format!("whichever {last} runs last decides {cell}"),
        "last-writer-wins" => {
            format!("{first} and {last} overwrite each other: whoever is last decides {cell}")
        }
        "iteration-bleed" => format!("{last} reads back what another process put into {cell}"),
        "stale-guard" => format!("{last} acts on a condition that no longer holds"),
        "lease-misuse" if actions.len() == 1 && violation.detail.contains("leak") => {
            format!("{last} takes the lease of {cell} and nobody gives it back")
        }
        "lease-misuse" => format!("{last} writes without the lease that should protect it"),
        "retry-exhausted" => format!("{last} gives up because others keep getting in first"),
        "stuck" => format!("{last} waits for ever"),
        "invariant" => {
            format!("a condition that should hold in the end does not: {}", violation.detail)
        }
        "unclassified" => format!("{cell} can end in a way that no one-at-a-time order gives"),
        other => format!("{other}: {}", violation.detail),
    }
}

/// 64 bits of FNV-1a over rule, cell, sorted actions and across: no positions, no counts.
fn fingerprint(rule: &str, cell: &str, actions: &[String], across: Across) -> String {
    let mut sorted = actions.to_vec();
    sorted.sort();
    let text = format!("{rule}\n{cell}\n{}\n{across:?}", sorted.join("\n"));
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

fn graph_finding(fault: &GraphFault) -> Finding {
    let (rule, actions, at, message) = match fault {
        GraphFault::Cycle { actions, at } => {
            let mut round = actions.clone();
            round.extend(actions.first().cloned());
            (
                "run-after-cycle",
                actions.clone(),
                at,
                format!("these actions wait for each other: {}", round.join(" → ")),
            )
        }
        GraphFault::Unknown { action, target, at, suggestion } => {
            let hint =
                suggestion.as_ref().map(|s| format!("; did you mean \"{s}\"?")).unwrap_or_default();
            let text =
                format!("\"{action}\" runs after \"{target}\", which is not beside it{hint}");
            ("run-after-unknown", vec![action.clone()], at, text)
        }
    };
    Finding {
        rule,
        severity: Severity::Error,
        cell: String::new(),
        fingerprint: fingerprint(rule, "", &actions, Across::Branches),
        actions,
        across: None,
        message,
        assumptions: Vec::new(),
        location: at.clone(),
        witness: None,
        twin: None,
        swap: None,
    }
}

/// Whether variable actions meet: then it matters whether they are atomic.
fn has_variable_race(program: &Program) -> bool {
    use crate::model::program::{Shape, Visibility};
    program.nodes.iter().enumerate().any(|(index, n)| match &n.kind {
        Kind::Leaf(steps) => steps.iter().any(|s| match s {
            Step::Access(r, Access::Add { .. } | Access::Load) => {
                let id = NodeId(u32::try_from(index).unwrap_or(u32::MAX));
                let meets = program.overlap_in_run(id, id) || n.visibility != Visibility::Local;
                program.resource(*r).shape == Shape::Variable
                    && (meets || several_adders(program, *r))
            }
            _ => false,
        }),
        _ => false,
    })
}

fn several_adders(program: &Program, variable: ResourceId) -> bool {
    let adders: Vec<NodeId> = (0..program.nodes.len())
        .map(|n| NodeId(u32::try_from(n).unwrap_or(u32::MAX)))
        .filter(|&n| match &program.node(n).kind {
            Kind::Leaf(steps) => steps
                .iter()
                .any(|s| matches!(s, Step::Access(r, Access::Add { .. }) if *r == variable)),
            _ => false,
        })
        .collect();
    adders.iter().any(|&a| adders.iter().any(|&b| program.overlap_in_run(a, b)))
}

/// Checks variable actions the other way too: what only *torn* adds is a warning that says so.
fn assumption(
    report: &mut FlowReport,
    other: Option<Lowered>,
    torn: bool,
    config: &Config,
    stop: &dyn Stop,
) {
    let value = if torn { "torn" } else { "atomic" };
    let mut flips = false;
    if let Some(mut other) = other {
        let explored = explore(&mut other, config, stop);
        let mut engine = Engine::new(&other.program, config.reduction != Reduction::None);
        let known: BTreeSet<(String, String, Vec<String>)> = report
            .findings
            .iter()
            .map(|f| (f.rule.to_owned(), f.cell.clone(), f.actions.clone()))
            .collect();
        for mut finding in findings(&mut engine, &other, &explored) {
            let key = (finding.rule.to_owned(), finding.cell.clone(), finding.actions.clone());
            if !known.contains(&key) {
                finding.severity = Severity::Warning;
                finding.assumptions.push("variable-actions".to_owned());
                flips |= report.findings.is_empty();
                report.findings.push(finding);
            }
        }
    }
    report.assumptions.push(Assumption {
        id: "variable-actions".into(),
        value: value.into(),
        flips,
    });
}

fn conclude(report: &mut FlowReport) {
    if report.findings.iter().any(|f| f.severity > Severity::Note) {
        report.verdict = Verdict::Unsafe;
    }
}
