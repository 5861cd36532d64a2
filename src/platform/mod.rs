//! What the platform does: the one bridge from definition to model.
mod cells;
mod chains;
pub mod connector;
pub mod expression;
pub mod fault;
pub mod group;
pub mod leaf;
pub mod lower;
mod resources;
pub mod retry;
pub mod scenario;
pub mod slice;
pub mod sql;
pub mod time;
