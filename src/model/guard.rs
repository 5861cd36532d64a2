//! Guard: what an effect happened on condition of.

use super::analysis::expressions;
use super::expression::Expr;
use super::ids::NodeId;
use super::program::Program;

/// A condition that an effect depends on.
#[derive(Clone, Debug, PartialEq)]
pub enum Guard {
    /// Inside this side of an If.
    Side(NodeId, bool),
    /// Inside this case of a Switch (index; `None`: default).
    Case(NodeId, Option<usize>),
    /// Inside this Until, after its first round.
    Again(NodeId),
    /// After this Until, if it was left by its condition.
    Left(NodeId),
    /// After this failed: it fetched a row that was not there. The expression is its answer.
    Missed(NodeId, Expr),
    /// Inside this loop, for a row that its query has found.
    Listed(NodeId),
}

impl Guard {
    /// The action that decides.
    pub fn node(&self) -> NodeId {
        let (Self::Side(n, _)
        | Self::Case(n, _)
        | Self::Again(n)
        | Self::Left(n)
        | Self::Listed(n)
        | Self::Missed(n, _)) = self;
        *n
    }

    /// What it looks at.
    pub fn expressions<'p>(&'p self, program: &'p Program) -> Vec<&'p Expr> {
        match self {
            Self::Missed(_, answer) => vec![answer],
            other => expressions(program, other.node()),
        }
    }
}
