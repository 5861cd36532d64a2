//! Retry policies: how often the platform repeats a call by itself, and how long it waits (semantics §6).

use crate::definition::ast::{Platform, Retry};

/// What the platform does after 408, 429, 5xx and lost connections. Never after 409 and 412 (semantics §6: of the 4xx,
/// 408 and 429 alone are retried).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Further attempts after the first.
    pub retries: u32,
    /// The longest wait before each, in seconds.
    pub waits: Vec<u64>,
}

/// The longest interval that a policy may have: one day (LIM, *retry policy*).
const LONGEST: u64 = 86_400;
/// The most attempts (LIM).
const MOST: u64 = 90;

/// The policy of a call, as written or else the platform's own.
pub fn policy(written: Option<&Retry>, platform: Platform) -> Policy {
    let Some(retry) = written else { return default(platform) };
    let retries = u32::try_from(retry.count.min(MOST)).unwrap_or(0);
    match retry.kind.as_str() {
        "none" => Policy::default(),
        "fixed" => Policy { retries, waits: vec![retry.interval.min(LONGEST)] },
        // The n-th wait is at most 2^(n-1) times the interval and the largest that is allowed, and at least the smallest
        // (ERR, *exponential interval*).
        "exponential" => {
            let nth = |n: u32| 1u64.checked_shl(n).unwrap_or(u64::MAX);
            let most = retry.most.unwrap_or(LONGEST);
            let scaled = |n: u32| nth(n).saturating_mul(retry.interval).min(most);
            let wait = |n: u32| scaled(n).max(retry.least).min(LONGEST);
            Policy { retries, waits: (0..retries).map(wait).collect() }
        }
        _ => default(platform),
    }
}

fn default(platform: Platform) -> Policy {
    match platform {
        // Low profile: up to 2 retries, about 5 and 10 minutes later (PALIM). The other profiles make more of them;
        // that a call is repeated at all is what matters.
        Platform::PowerAutomate => Policy { retries: 2, waits: vec![300, 600] },
        // Up to 4 retries, scaled by 7.5 s and capped at 45 s (ERR).
        Platform::LogicApps => Policy { retries: 4, waits: vec![8, 15, 30, 45] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, retries: u32, waits: &[u64]) {
        let kind = kind.to_owned();
        let written = Retry { count: 4, interval: 20, kind, ..Retry::default() };
        let found = policy(Some(&written), Platform::LogicApps);
        assert_eq!(found, Policy { retries, waits: waits.to_vec() }, "{}", written.kind);
    }

    /// Semantics §6, rows *types*, *LA default*, *exponential delay*.
    #[test]
    fn policies_as_written() {
        check("none", 0, &[]);
        check("fixed", 4, &[20]);
        check("exponential", 4, &[20, 40, 80, 160]);
        check("default", 4, &[8, 15, 30, 45]);
    }

    #[test]
    fn the_platforms_differ_where_nothing_is_written() {
        assert_eq!(policy(None, Platform::LogicApps).retries, 4);
        assert_eq!(policy(None, Platform::PowerAutomate).waits, [300, 600]);
    }

    #[test]
    fn large_numbers_are_cut_to_what_the_platform_allows() {
        let kind = "exponential".to_owned();
        let written = Retry { count: u64::MAX, interval: u64::MAX, kind, ..Retry::default() };
        let found = policy(Some(&written), Platform::PowerAutomate);
        assert_eq!((found.retries, found.waits[89]), (90, LONGEST));
    }
}
