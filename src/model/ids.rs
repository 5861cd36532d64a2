//! Ids: newtypes, nothing else.

/// An action of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A resource: variable, item, table or blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

impl NodeId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
impl ResourceId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A class of blocks: the runs of a flow, or the iterations of a concurrent loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);
