//! Exit statuses: a contract, never renumbered.

use crate::finding::{FlowReport, Report, Severity, Verdict};

/// Everything checked is safe, or below `--fail-on`; `test`: all expectations met.
pub const SAFE: u8 = 0;
/// Findings; `test`: an expectation was not met.
pub const FINDINGS: u8 = 1;
/// Bad usage or unreadable input, nothing to check included.
pub const UNUSABLE: u8 = 2;
/// Stopped early without a finding.
pub const INCONCLUSIVE: u8 = 3;
/// Ctrl-C twice.
pub const INTERRUPTED: u8 = 130;

/// What `check` ends with: 2 goes before 1 before 3 before 0. `fail_on` is the least severity that counts,
/// `None`: no finding does.
pub fn of(report: &Report, fail_on: Option<Severity>) -> u8 {
    if report.flows.is_empty() || !report.problems.is_empty() {
        return UNUSABLE;
    }
    let counts = |flow: &FlowReport| {
        fail_on.is_some_and(|least| flow.findings.iter().any(|finding| finding.severity >= least))
    };
    if report.flows.iter().any(counts) {
        return FINDINGS;
    }
    let open = |flow: &FlowReport| match flow.verdict {
        Verdict::Inconclusive(_) => true,
        // Stopped at a finding that does not count: one that does may have been next.
        Verdict::Unsafe => fail_on.is_some() && !flow.exhaustive && !flow.any_number,
        Verdict::Safe => false,
    };
    if report.flows.iter().any(open) { INCONCLUSIVE } else { SAFE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::problem::Problem;
    use crate::finding::sample;

    fn check(flows: Vec<FlowReport>, fail_on: Option<Severity>, expected: u8) {
        assert_eq!(of(&Report { flows, problems: vec![] }, fail_on), expected);
    }

    fn warned() -> FlowReport {
        let mut flow = sample::unsafe_flow();
        flow.findings[0].severity = Severity::Warning;
        flow
    }

    fn open() -> FlowReport {
        let verdict = Verdict::Inconclusive("stopped".into());
        FlowReport { verdict, exhaustive: false, ..sample::safe_flow() }
    }

    #[test]
    fn the_worst_input_decides() {
        let warning = Some(Severity::Warning);
        check(vec![], warning, UNUSABLE);
        check(vec![sample::safe_flow()], warning, SAFE);
        check(vec![sample::safe_flow(), open()], warning, INCONCLUSIVE);
        check(vec![open(), sample::unsafe_flow()], warning, FINDINGS);
        let problem = Problem {
            at: crate::definition::location::Location::default(),
            message: String::new(),
        };
        let report = Report { flows: vec![sample::unsafe_flow()], problems: vec![problem] };
        assert_eq!(of(&report, warning), UNUSABLE);
    }

    #[test]
    fn fail_on_decides_which_findings_count() {
        check(vec![warned()], Some(Severity::Note), FINDINGS);
        check(vec![warned()], Some(Severity::Warning), FINDINGS);
        check(vec![warned()], Some(Severity::Error), SAFE);
        check(vec![sample::unsafe_flow()], None, SAFE);
        check(vec![open()], None, INCONCLUSIVE);
        let early = FlowReport { exhaustive: false, ..warned() };
        check(vec![early], Some(Severity::Error), INCONCLUSIVE);
    }
}
