//! The abstract machine: what can step. Knows no connector and no JSON.
pub mod expression;
pub mod function;
pub mod ids;
pub mod value;
