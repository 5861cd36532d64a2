//! What the tests share: the second opinion, random models, and the way into the engine.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(
    clippy::map_unwrap_or,
    clippy::semicolon_if_nothing_returned,
    reason = "as its author wrote it"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::too_many_lines
)]
#![allow(
    clippy::struct_excessive_bools,
    reason = "plain is better than clever in a second opinion"
)]

pub(crate) mod cases;
pub(crate) mod cells;
mod ends;
pub(crate) mod engine;
pub(crate) mod expressions;
mod faulty;
pub(crate) mod flows;
pub(crate) mod generate;
mod late;
pub(crate) mod naive;
mod outline;
pub(crate) mod seen;
