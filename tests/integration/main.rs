//! The server's half against a real Docker Engine: every change of the engine arrives in the state.
//!
//! The engine is the one of `QUAYLIGHT_TEST_ENGINE`, else of `DOCKER_HOST`, else the default socket; the image is the
//! one that `scripts/test-image` makes. Things are named and labelled as the test's own, and only those are removed.

// A test that fails says why by panicking.
#![allow(clippy::unwrap_used)]

mod support;

mod chaos;
mod client_faults;
mod containers;
mod drift;
mod engine_gone;
mod faults;
mod followers;
mod images;
mod live;
mod podman;
mod podman_service;
mod raw_http;
mod sim;
mod sim_faults;
mod stalling;
mod volumes_and_networks;
