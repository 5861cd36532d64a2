//! Which interleavings happen. One engine takes transitions; the drivers differ in who chooses.
//!
//! Knows nothing of JSON and of platforms.

pub mod checkpoint;
pub mod ending;
pub mod engine;
pub mod expand;
pub mod fuzz;
pub mod layout;
pub mod limits;
pub mod packed;
pub mod parallel;
pub mod path;
pub mod prove;
pub mod ranking;
pub mod resort;
pub mod search;
pub mod serial;
pub mod shrink;
pub mod table;
pub mod twin;
pub mod visited;
pub mod weight;
pub mod whole;
pub mod witness;
pub mod work;
