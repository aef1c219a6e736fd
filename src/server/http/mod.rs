//! HTTP server: routes, middleware, pages, files and metrics.

mod actions;
mod alerts;
mod assets;
mod client_address;
mod connections;
mod files;
mod health;
mod metrics;
mod middleware;
mod openapi;
mod pages;
mod probe;
mod router;
mod sign_in;
mod streaming;
mod tasks;
mod tls;
mod transfers;

pub use connections::{Connections, listen};
pub use router::{Effect, Route, router, table};
pub use tls::{ServerCertificate, acceptor, connect_unverified};
