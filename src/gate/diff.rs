//! What changed between two versions of a flow: new, fixed and unchanged findings, by fingerprint.

use crate::finding::{Finding, Report};

/// The findings of two reports, told apart.
#[derive(Debug, Default)]
pub struct Diff<'r> {
    /// In the second report only.
    pub new: Vec<&'r Finding>,
    /// In the first report only.
    pub fixed: Vec<&'r Finding>,
    /// In both.
    pub unchanged: Vec<&'r Finding>,
}

/// Compares two reports. A fingerprint that occurs several times, in several flows, is matched as often as it occurs.
pub fn diff<'r>(old: &'r Report, new: &'r Report) -> Diff<'r> {
    fn all(report: &Report) -> Vec<&Finding> {
        report.flows.iter().flat_map(|flow| &flow.findings).collect()
    }
    let mut left = all(old);
    let mut diff = Diff::default();
    for finding in all(new) {
        match left.iter().position(|before| before.fingerprint == finding.fingerprint) {
            Some(before) => {
                left.remove(before);
                diff.unchanged.push(finding);
            }
            None => diff.new.push(finding),
        }
    }
    diff.fixed = left;
    diff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn findings_are_matched_as_often_as_they_occur() {
        let flow = sample::unsafe_flow();
        let n = flow.findings.len();
        let one = Report { flows: vec![flow.clone()], problems: vec![] };
        let two = Report { flows: vec![flow.clone(), flow], problems: vec![] };
        let counts = |old, new| {
            let found = diff(old, new);
            (found.new.len(), found.fixed.len(), found.unchanged.len())
        };
        assert_eq!(counts(&one, &two), (n, 0, n));
        assert_eq!(counts(&two, &one), (0, n, n));
        assert_eq!(counts(&one, &one), (0, 0, n));
    }
}
