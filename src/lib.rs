//! flowrace finds race conditions in Power Automate and Logic Apps flows: it reads the flow's JSON definition,
//! explores the orders in which its processes can touch the same data, and shows the shortest order that goes wrong.

pub mod source;

pub mod definition;
pub mod model;
pub mod platform;
pub mod property;

pub mod explore;
pub mod finding;
pub mod gate;

pub mod expect;

pub mod check;
pub mod report;

pub mod testing;

pub mod cli;

pub use check::check_text;
pub use testing::{flow, witnesses};
