//! A flow whose cells nobody described: one slice for each cell that two processes share, first within a run, then
//! between two.

use super::assumption::late_effects;
use super::capacity::at_capacity;
use super::cut;
use super::effects::{adds, creates, decides, has_loop, only_sets};
use super::explore::explore_and;
use super::faulty;
use super::fill::{add, conclude, empty_report, finish, part_limit};
use super::findings::{LATE, findings};
use super::refused::keep_unseen;
use super::resting::resting;
use super::runs::key;
use super::unread::keep_read;
use crate::definition::ast::{Definition, Flow, Platform, Trigger};
use crate::definition::problem::Problem;
use crate::explore::limits::{Config, Reduction, Stop};
use crate::finding::{Across, Assumption, Finding, FlowReport, Scope, Severity, Verdict};
use crate::model::identity::Alias;
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Program, Shape};
use crate::platform::lower::{lower, outline};
use crate::platform::scenario::Scenario;
use crate::platform::slice::{Meeting, contested, rivals, slice};

/// What is said of a flow that is too large to be looked at with a fault in one piece.
const APART: &str =
    "faults were tried only where two processes share a cell: the flow is too large for more";

/// Pairs of branches at one cell that are looked at together.
const FEW: usize = 6;
/// States of one slice at most, unless the caller says otherwise.
const STATES: u64 = 2_000;
/// States of a flow after which its other slices have to do with fewer.
const FLOW: u64 = 6_000;
/// States of a slice then.
const LEAST: u64 = 400;
/// The largest slice that is explored, in actions and containers.
const LARGE: usize = 300;
/// The squares of the sizes of all slices of a flow together: that is what compiling them costs.
const WORK: usize = 300_000;
/// Slices smaller than this are looked at with a third item too.
const SMALL: u64 = 800;

/// Checks a definition without described state.
pub(super) fn check(
    definition: &Definition,
    platform: Platform,
    config: &Config,
    stop: &dyn Stop,
) -> Result<FlowReport, Vec<Problem>> {
    let start = stop.elapsed();
    let base = scenario(platform, config);
    let full = outline(definition, &Scenario { runs: Some(1), ..base.clone() })?;
    let report = empty_report(definition, platform);
    let mut run = Run { definition, config, stop, report, work: 0 };
    run.report.unknown.clone_from(&full.unknown);
    run.report.scope = Scope {
        items: full.items.clone(),
        runs: 1,
        faults: config.faults.or(definition.setup.faults).unwrap_or(0),
    };
    let inner = contested(&full.program, Meeting::Within);
    for &cell in &inner {
        run.within(&full.program, cell, &base)?;
    }
    let overlap = definition.flows.iter().map(|f| overlap(f, config.runs)).max();
    let overlap = overlap.unwrap_or(Overlap::Never);
    if overlap != Overlap::Never {
        run.report.scope.runs = config.runs.unwrap_or(2);
        for cell in contested(&full.program, Meeting::Across) {
            run.across(&full.program, cell, &base, overlap)?;
        }
    }
    for &cell in &inner {
        run.twice(&full.program, cell, &base)?;
    }
    run.faulty(&full.program, &base)?;
    let mut report = run.report;
    keep_unseen(&full.program, &mut report.findings);
    keep_read(&full.program, &mut report.findings);
    report.findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.location.cmp(&b.location))
            .then_with(|| a.rule.cmp(b.rule))
    });
    let doubled = full.doubled.first().filter(|_| overlap != Overlap::Never);
    let unread = full.blind.first().or(doubled);
    if let (Verdict::Safe, Some(reason)) = (&report.verdict, unread) {
        report.verdict = Verdict::Inconclusive(reason.clone());
    }
    conclude(&mut report);
    if report.verdict == Verdict::Safe {
        let within = Scenario { runs: Some(1), ..base.clone() };
        let mut cells: Vec<_> = inner.into_iter().map(|cell| (cell, within.clone())).collect();
        if overlap != Overlap::Never {
            let two = two_runs(config, &base);
            let across = contested(&full.program, Meeting::Across).into_iter();
            cells.extend(across.map(|cell| (cell, two.clone())));
        }
        let rests = resting(definition, &full.program, &cells, (config, stop))?;
        report.assumptions.extend(rests);
    }
    if report.findings.iter().any(|f| f.assumptions.iter().any(|a| a == LATE)) {
        late_effects(&mut report);
    }
    finish(definition, &mut report, start, stop);
    Ok(report)
}

fn scenario(platform: Platform, config: &Config) -> Scenario {
    Scenario {
        all_items: config.items,
        loop_items: config.loop_items.clone(),
        degree: config.degree,
        runs: Some(1),
        unknown_items: config.items.unwrap_or(2),
        rounds: Some(3),
        faults: config.faults.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)),
        merge: config.reduction == Reduction::All,
        most: Some(config.items.unwrap_or(2)),
        ..Scenario::new(platform)
    }
}

/// How likely it is that two runs of a flow overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Overlap {
    /// The trigger allows one run at a time.
    Never,
    /// Only if a run takes as long as the next one takes to come.
    Hardly,
    /// Two events close together suffice.
    Likely,
}

fn overlap(flow: &Flow, asked: Option<u64>) -> Overlap {
    const HOUR: u64 = 3600;
    match &flow.trigger {
        _ if asked == Some(1) => Overlap::Never,
        None => asked.map_or(Overlap::Never, |_| Overlap::Likely),
        Some(Trigger { runs: Some(1), .. }) => Overlap::Never,
        Some(Trigger { every: Some(seconds), .. }) if *seconds >= HOUR => Overlap::Hardly,
        Some(_) => Overlap::Likely,
    }
}

struct Run<'r> {
    definition: &'r Definition,
    config: &'r Config,
    stop: &'r dyn Stop,
    report: FlowReport,
    work: usize,
}

impl Run<'_> {
    /// Iterations and branches of one run at one cell.
    fn within(
        &mut self,
        program: &Program,
        cell: ResourceId,
        base: &Scenario,
    ) -> Result<(), Vec<Problem>> {
        let scenario = &Scenario { runs: Some(1), ..base.clone() };
        let rivals = rivals(program, cell);
        if rivals.len() > FEW && self.two_by_two(program, cell, &rivals, scenario)? {
            return Ok(());
        }
        let part = slice(self.definition, program, cell, None);
        let (found, states) = self.part(&part, scenario)?;
        let none = found.is_empty();
        self.take(found, |f| f);
        if none && self.config.items.is_none() && states < SMALL && has_loop(program) {
            let three = Scenario { unknown_items: 3, most: Some(3), ..scenario.clone() };
            let (found, _) = self.part(&part, &three)?;
            self.take(found, |f| f);
        }
        if none && let Some(full) = at_capacity(&part, scenario)? {
            let (found, _) = self.part(&part, &full)?;
            self.take(found, |f| f);
        }
        let resource = program.resource(cell);
        let made = creates(program, cell);
        if resource.shape == Shape::External && (made || has_loop(program)) {
            let alias = Scenario { alias: Alias::Keys, ..scenario.clone() };
            let (mut found, _) = self.part(&part, &alias)?;
            // Rows that are only set, by keys that occur twice: that is how the data are, not the flow.
            found.retain(|f| made || f.rule != "last-writer-wins");
            self.take(found, |f| Finding {
                severity: Severity::Warning,
                assumptions: vec!["shared-key".to_owned()],
                ..f
            });
        }
        if resource.shape == Shape::Variable && adds(program, cell) {
            self.torn(&part, scenario)?;
        }
        Ok(())
    }

    /// Many branches at one cell: whatever goes wrong between two of them goes wrong with the others out of the way too.
    /// Whether anything did; nothing is proved by this.
    fn two_by_two(
        &mut self,
        program: &Program,
        cell: ResourceId,
        rivals: &[(NodeId, NodeId)],
        scenario: &Scenario,
    ) -> Result<bool, Vec<Problem>> {
        const PAIRS: usize = 12;
        let mut any = false;
        for &(a, b) in rivals.iter().take(PAIRS) {
            let part = slice(self.definition, program, cell, Some(&[a, b]));
            let (found, _) = self.part(&part, scenario)?;
            any |= !found.is_empty();
            self.take(found, |f| f);
        }
        if any && rivals.len() > PAIRS {
            self.report.exhaustive = false;
        }
        Ok(any)
    }

    /// What a list has twice: who asks a variable whether it was there already may ask too early.
    fn twice(
        &mut self,
        program: &Program,
        cell: ResourceId,
        base: &Scenario,
    ) -> Result<(), Vec<Problem>> {
        let variable = program.resource(cell).shape == Shape::Variable;
        if !variable || !decides(program, cell) || !has_loop(program) {
            return Ok(());
        }
        let part = slice(self.definition, program, cell, None);
        let same = Scenario { runs: Some(1), alias: Alias::Same, ..base.clone() };
        let mut found = self.aside(&part, &same)?;
        found.retain(|f| f.rule == "stale-guard");
        self.take(found, |f| Finding {
            severity: Severity::Warning,
            assumptions: vec!["shared-key".to_owned()],
            ..f
        });
        Ok(())
    }

    /// What only torn variable actions add is a note: no primary source shows one lost (semantics §5).
    fn torn(&mut self, part: &Definition, scenario: &Scenario) -> Result<(), Vec<Problem>> {
        let found = self.aside(part, &Scenario { torn: true, ..scenario.clone() })?;
        let before = self.report.findings.len();
        let safe = before == 0;
        self.take(found, |f| Finding {
            severity: Severity::Note,
            assumptions: vec!["variable-actions".to_owned()],
            ..f
        });
        let flips = safe && self.report.findings.len() > before;
        match self.report.assumptions.iter_mut().find(|a| a.id == "variable-actions") {
            Some(known) => known.flips |= flips,
            None => self.report.assumptions.push(Assumption {
                id: "variable-actions".into(),
                value: "atomic".into(),
                flips,
            }),
        }
        Ok(())
    }

    /// Two runs at one cell.
    fn across(
        &mut self,
        program: &Program,
        cell: ResourceId,
        base: &Scenario,
        overlap: Overlap,
    ) -> Result<(), Vec<Problem>> {
        let part = slice(self.definition, program, cell, None);
        let scenario = two_runs(self.config, base);
        let (mut found, _) = self.part(&part, &scenario)?;
        if found.is_empty()
            && let Some(full) = at_capacity(&part, &scenario)?
        {
            (found, _) = self.part(&part, &full)?;
        }
        // What a run does to its own variables is nobody else's loss.
        let own =
            |cell: &str| program.resources.iter().any(|r| *r.name == *cell && r.owner.is_some());
        found.retain(|f| !own(&f.cell));
        let hardly = overlap == Overlap::Hardly;
        // Whoever is asked twice to set something sets it twice: which request is the later one is its callers' matter.
        let asked = |flow: &Flow| {
            flow.trigger.as_ref().is_some_and(|t| t.kind.eq_ignore_ascii_case("request"))
        };
        let asked = self.definition.flows.iter().all(asked) && only_sets(program);
        let sets = |f: &Finding| asked && f.rule == "last-writer-wins" && f.actions.len() == 1;
        self.take(found, |f| Finding {
            severity: if hardly || sets(&f) { Severity::Note } else { Severity::Warning },
            across: Some(Across::Runs),
            assumptions: vec!["same-row".to_owned()],
            ..f
        });
        Ok(())
    }

    /// Faults that were asked for are findings; one that was not is a remark.
    fn faulty(&mut self, program: &Program, base: &Scenario) -> Result<(), Vec<Problem>> {
        let found = faulty::struck(self.definition, base, self.config, self.stop)?;
        if base.faults > 0 {
            let notes = &mut self.report.notes;
            notes.extend(found.is_none().then(|| APART.to_owned()));
            notes.extend(faulty::in_time(&outline(self.definition, base)?.program));
            faulty::join(&mut self.report.findings, found.unwrap_or_default());
        } else if self.config.faults.is_none()
            && let Some(line) = faulty::line(&found.unwrap_or_default(), &self.report.findings)
        {
            self.report.notes.push(line);
        }
        if base.faults == 0 {
            self.report.notes.extend(faulty::unfailed(program));
        }
        Ok(())
    }

    /// What a slice adds under an assumption that the level leaves out.
    fn aside(
        &mut self,
        part: &Definition,
        scenario: &Scenario,
    ) -> Result<Vec<Finding>, Vec<Problem>> {
        let level = self.report.level;
        let (found, _) = self.part(part, scenario)?;
        self.report.level = level;
        Ok(found)
    }

    /// Explores one slice; its counts and its reach go into the report.
    fn part(
        &mut self,
        part: &Definition,
        scenario: &Scenario,
    ) -> Result<(Vec<Finding>, u64), Vec<Problem>> {
        let size = outline(part, scenario)?.program.nodes.len();
        if size > LARGE || self.work > WORK {
            let reason = if size > LARGE {
                format!("{size} actions and containers meet at one cell, too many to explore")
            } else {
                "too many cells are shared to explore them one by one".to_owned()
            };
            self.report.exhaustive = false;
            self.report.verdict = Verdict::Inconclusive(reason);
            return Ok((Vec::new(), u64::MAX));
        }
        self.work += size * size;
        let mut lowered = lower(part, scenario)?;
        let spent = self.report.stats.states;
        // What an unlikely assumption adds is not proved any more where something else was too large.
        let open = matches!(self.report.verdict, Verdict::Inconclusive(_));
        let ours = if spent > FLOW || open && scenario.torn { LEAST } else { STATES };
        let asked = self.config.max_states.is_some();
        let most = self.config.max_states.unwrap_or(ours);
        let kept = self.config.kept && asked;
        let config = Config { max_states: Some(most), kept, ..self.config.clone() };
        let (mut explored, mut found) = explore_and(&mut lowered, &config, self.stop, findings);
        cut::keep_reached(part, &lowered, scenario, &mut found)?;
        let states = explored.counts.states;
        if states > most {
            explored.stopped = explored.stopped.map(|reason| part_limit(&reason, most, asked));
        }
        add(&mut self.report, &lowered, &explored);
        Ok((found, states))
    }

    /// Adds findings that are not known yet.
    fn take(&mut self, found: Vec<Finding>, as_: impl Fn(Finding) -> Finding) {
        for finding in found {
            if !self.report.findings.iter().any(|f| key(f) == key(&finding)) {
                self.report.findings.push(as_(finding));
            }
        }
    }
}

/// Two runs, of one item each.
fn two_runs(config: &Config, base: &Scenario) -> Scenario {
    Scenario {
        runs: Some(config.runs.unwrap_or(2)),
        unknown_items: config.items.unwrap_or(1),
        most: Some(config.items.unwrap_or(1)),
        rounds: Some(2),
        ..base.clone()
    }
}
