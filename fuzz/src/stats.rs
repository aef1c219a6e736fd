//! The stats module's reading of an engine's response.

#[path = "../../src/server/stats/reading.rs"]
mod reading;

pub use reading::{Cpu, Flow, Memory, Reading};
