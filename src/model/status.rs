//! How an action can end, and sets of that.

/// How an action can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It did its work.
    Succeeded,
    /// It did not.
    Failed,
    /// It never ran.
    Skipped,
    /// It ran out of time.
    TimedOut,
    /// The run was ended under it.
    Cancelled,
}

impl Status {
    /// As the platform writes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A set of statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StatusSet(pub u8);

impl StatusSet {
    /// From a list.
    pub fn of(statuses: impl IntoIterator<Item = Status>) -> Self {
        Self(statuses.into_iter().fold(0, |set, s| set | 1 << s as u8))
    }
    /// Membership.
    pub fn has(self, status: Status) -> bool {
        self.0 & 1 << status as u8 != 0
    }
}
