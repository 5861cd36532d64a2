//! The abstract machine: what can step. Knows no connector and no JSON.
pub mod access;
pub mod analysis;
pub mod block;
pub mod content;
pub mod evaluate;
pub mod expression;
pub mod function;
pub mod ids;
pub mod program;
pub mod relation;
pub mod settle;
pub mod statement;
pub mod support;
pub mod transition;
pub mod value;
pub mod view;
