//! Of the server the engine client alone.

#[path = "../../src/server/engine/mod.rs"]
pub mod engine;
