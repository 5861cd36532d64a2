//! Walk: how far a process has come with what it does by itself, so that it can go on from a decision that nobody could
//! make for it.

use super::program::Kind;

/// At which node settling is, and whether anything has moved since its last round over all nodes began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk {
    pub(super) slot: usize,
    pub(super) moved: bool,
}

impl Walk {
    /// The place of a node that asked, if it has done nothing yet but ask.
    pub(super) fn stopped(self, at: &Kind) -> Option<Self> {
        matches!(at, Kind::If(_) | Kind::Switch(..) | Kind::Until { .. }).then_some(self)
    }
}
