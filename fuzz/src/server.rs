//! Of the server the engine client alone, and what it measures itself with.

#[path = "../../src/server/engine/mod.rs"]
pub mod engine;
#[path = "../../src/server/measure.rs"]
pub mod measure;
#[path = "stats.rs"]
pub mod stats;
