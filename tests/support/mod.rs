//! What the tests share: the second opinion, random models, and the way into the engine.
#![allow(dead_code)] // each test file uses a part

pub(crate) mod cells;
pub(crate) mod engine;
pub(crate) mod expressions;
pub(crate) mod generate;
pub(crate) mod naive;
