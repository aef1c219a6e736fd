//! What the server answers over HTTP.

mod assets;
mod health;
mod middleware;
mod pages;
mod probe;
mod problem;
mod router;

pub use problem::Problem;
pub use router::router;
