//! What the platform does: the one bridge from definition to model.
pub mod connector;
pub mod expression;
pub mod leaf;
pub mod lower;
pub mod scenario;
pub mod sql;
