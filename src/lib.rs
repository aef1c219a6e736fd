//! # Quaylight: the map
//!
//! ```text
//!             ┌────────────────────────────── server/ ──────────────────────────────┐
//!  engine ──▶ engine ──▶ watch ──▶ state (store, feed) ──▶ live ──▶ [ wire ] ──▶ client/link ──▶ client/store ──▶ views
//!    ▲                                                                                                        │
//!    └────────── engine ◀──────────────────────────────────── actions  ◀─────────────────────── the user's click
//! ```
//!
//! Data goes clockwise only. In reading order:
//!
//! - [`model`]: the nouns (container, image, …), how they change, and the one reducer. Pure.
//! - [`wire`]: the only place for what crosses the network.
//! - `server`: the engine's half, gated here once: engine → watch → state → live.
//! - [`actions`]: what users can do: server functions that change something.
//! - [`client`]: the browser's half: the link to the server and the reactive store.
//! - [`views`]: what it looks like.
//! - `sim`: the other side of the wire: a simulated engine, for tests, benchmarks and a look without Docker.
//!
//! `layering.rs` keeps these apart by test.

#![recursion_limit = "256"]

pub mod actions;
pub mod client;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod sim;
pub mod views;
pub mod wire;

#[cfg(test)]
mod layering;

#[cfg(feature = "hydrate")]
pub use client::hydrate;
