//! What was written: syntax with positions; no meaning, no I/O.
pub mod ast;
pub mod expression;
pub mod location;
pub mod problem;
