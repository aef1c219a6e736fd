//! # Quaylight: the map
//!
//! ```text
//!             ┌────────────────────────────── server/ ──────────────────────────────┐
//!  engine ──▶ engine ──▶ watch ──▶ state (store, feed) ──▶ live ──▶ [ wire ] ──▶ client/link ──▶ client/store ──▶ views
//!    ▲                        └──▶ history                                                                    │
//!    └────────── engine ◀── tasks ◀────────────────────────── actions  ◀─────────────────────── the user's click
//! ```
//!
//! Data goes clockwise only. In reading order:
//!
//! - [`model`]: the nouns (container, image, …), how they change, and the one reducer. Pure.
//! - [`wire`]: the only place for what crosses the network.
//! - `server`: the engine's half, gated here once: engine → watch → state → live. Beside them the history, which keeps
//!   what happened; the streams, which are too much for the state's own: logs and terminals, a socket each; and the tasks,
//!   which take long: they go on by themselves, and are told on a channel of their own.
//! - [`actions`]: what users can do: server functions that change something.
//! - [`queries`]: what users can ask that is not in the live state. Never changes anything.
//! - [`client`]: the browser's half: the link to the server and the reactive store.
//! - [`views`]: what it looks like.
//! - `sim`: the other side of the wire: a simulated engine, for tests, benchmarks and a look without Docker.
//!
//! `layering.rs` keeps these apart by test.

#![recursion_limit = "256"]

pub mod actions;
pub mod client;
pub mod model;
pub mod queries;
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
