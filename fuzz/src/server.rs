//! The server's engine client alone, and its metrics.

#[path = "../../src/server/engine/mod.rs"]
pub mod engine;
#[path = "../../src/server/metrics.rs"]
pub mod metrics;
#[path = "../../src/server/percent.rs"]
pub mod percent;
