//! Violation: a rule that fired, before it is made citable.

use crate::model::ids::{NodeId, ResourceId};
use std::sync::Arc;

/// One rule that fired: what a finding is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// Rule id.
    pub rule: &'static str,
    /// The contested resource.
    pub resource: Option<ResourceId>,
    /// Its column.
    pub column: Option<Arc<str>>,
    /// Reader then writer, or the two writers.
    pub actions: Vec<NodeId>,
    /// What happened and what should have, in the maker's words.
    pub detail: String,
    /// A last resort: a finding only if nothing else explains an outcome that no serial order gives.
    pub weak: bool,
}
