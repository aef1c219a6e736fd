//! The server's half against a real Docker Engine: every change of the engine arrives in the state.
//!
//! The engine is the one of `QUAYLIGHT_TEST_ENGINE`, else of `DOCKER_HOST`, else the default socket; the image is the
//! one that `scripts/test-image` makes. Things are named and labelled as the test's own, and only those are removed.

// A test that fails says why by panicking.
#![allow(clippy::unwrap_used)]

mod support;

mod actions;
mod alerts;
mod authority;
mod chaos;
mod client_faults;
mod containers;
mod drift;
mod engine_gone;
mod events;
mod faults;
mod files;
mod followers;
mod history;
mod images;
mod live;
mod logs;
mod mail_sink;
mod metrics;
mod notify;
mod podman;
mod podman_managing;
mod podman_service;
mod prometheus;
mod raw_http;
mod recipes;
mod registry;
mod sim;
mod sim_faults;
mod stalling;
mod stats;
mod tasks;
mod volumes_and_networks;
mod web_receiver;
