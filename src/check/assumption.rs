//! Platform facts that public sources disagree about, checked both ways.

use super::explore::explore_and;
use super::findings::{LATE, findings};
use crate::explore::limits::{Config, Stop};
use crate::finding::{Assumption, Finding, FlowReport, Severity};
use crate::model::ids::{NodeId, ResourceId};
use crate::model::program::{Access, Kind, Program, Step};
use crate::platform::lower::Lowered;
use std::collections::BTreeSet;

/// Whether variable actions meet: then it matters whether they are atomic.
pub(super) fn has_variable_race(program: &Program) -> bool {
    use crate::model::program::{Shape, Visibility};
    program.ids().any(|id| match &program.node(id).kind {
        Kind::Leaf(steps) => steps.iter().any(|s| match s {
            Step::Access(r, Access::Add { .. } | Access::Load) => {
                let meets = program.overlap_in_run(id, id)
                    || program.node(id).visibility != Visibility::Local;
                program.resource(*r).shape == Shape::Variable
                    && (meets || several_adders(program, *r))
            }
            _ => false,
        }),
        _ => false,
    })
}

pub(super) fn several_adders(program: &Program, variable: ResourceId) -> bool {
    let adders: Vec<NodeId> = program
        .ids()
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
pub(super) fn assumption(
    report: &mut FlowReport,
    other: Option<Lowered>,
    torn: bool,
    config: &Config,
    stop: &dyn Stop,
) {
    let value = if torn { "torn" } else { "atomic" };
    let mut flips = false;
    if let Some(mut other) = other {
        let (_, found) = explore_and(&mut other, config, stop, findings);
        let known: BTreeSet<(String, String, Vec<String>)> = report
            .findings
            .iter()
            .map(|f| (f.rule.to_owned(), f.cell.clone(), f.actions.clone()))
            .collect();
        for mut finding in found {
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

/// What is found only because an effect comes late rests on that.
pub(super) fn late_effects(report: &mut FlowReport) {
    let mut found = report.findings.iter().filter(|f| f.severity > Severity::Note).peekable();
    let rests = |f: &Finding| f.assumptions.iter().any(|a| a == LATE);
    let flips = found.peek().is_some() && found.all(rests);
    report.assumptions.push(Assumption { id: LATE.into(), value: "possible".into(), flips });
}
