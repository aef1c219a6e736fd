//! Of the stats lane what the engine client makes of an answer.

#[path = "../../src/server/stats/reading.rs"]
mod reading;

pub use reading::{Cpu, Flow, Memory, Reading};
