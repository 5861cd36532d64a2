//! What the platform does: the one bridge from definition to model.
pub mod connector;
pub mod expression;
pub mod fault;
pub mod leaf;
pub mod lower;
pub mod retry;
pub mod scenario;
pub mod sql;
