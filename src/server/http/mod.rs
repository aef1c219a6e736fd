//! What the server answers over HTTP.

mod actions;
mod alerts;
mod assets;
mod files;
mod health;
mod metrics;
mod middleware;
mod openapi;
mod pages;
mod probe;
mod problem;
mod router;
mod tasks;
mod transfers;

pub use problem::Problem;
pub use router::router;
