//! # Quaylight: the map
//!
//! ```text
//!             ┌────────────────────────────── server/ ──────────────────────────────┐
//!  engine ──▶ engine ──▶ watch ──▶ state (store, feed) ──▶ live ──▶ [ wire ] ──▶ client/link ──▶ client/store ──▶ views
//!    ▲                        └──▶ history                                                                    │
//!    └────────── engine ◀── tasks ◀────────────────────────── actions  ◀─────────────────────── the user's click
//! ```
//!
//! Data flows clockwise only. In reading order:
//!
//! - [`model`]: the nouns (container, image, …), how they change, and the one reducer. Pure.
//! - [`wire`]: the network protocol. Everything that crosses the network is defined here.
//! - `server`: the engine's side, gated here once: engine → watch → state → live. Beside them are the history, which
//!   stores events, the streams (logs and terminals), which are too large for the state feed and have a socket each,
//!   and the tasks: long-running operations, which continue in the background and are sent on their own channel.
//! - [`actions`]: what users can do: server functions that change something.
//! - [`queries`]: what users can request that is not in the live state. Never changes anything.
//! - [`client`]: the browser's side: the link to the server and the reactive store.
//! - [`views`]: the user interface.
//! - `sim`: the other side of the wire: a simulated engine, for tests, benchmarks and a demo without Docker.
//!
//! `layering.rs` tests these boundaries.

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
#[cfg(test)]
mod wording;

#[cfg(feature = "hydrate")]
pub use client::hydrate;
