//! How many random cases there are, and where those that failed are kept.

use proptest::test_runner::{Config, FileFailurePersistence};

/// `most` cases, or as many as `FLOWRACE_CASES` says; failures are kept in `file` and tried first.
pub(crate) fn cases(file: &'static str, most: u32) -> Config {
    let asked = std::env::var("FLOWRACE_CASES").ok().and_then(|n| n.parse().ok());
    let cases = asked.unwrap_or(most);
    Config {
        cases,
        max_global_rejects: cases * 40,
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..Config::default()
    }
}
