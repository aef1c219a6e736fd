//! Integration tests of the server against a real Docker Engine: every change of the engine arrives in the state.
//!
//! The engine is the one in `QUAYLIGHT_TEST_ENGINE`, else in `DOCKER_HOST`, else the default socket.
//! `scripts/test-image` builds the image. Each test names and labels its objects, and only those are removed.

// Tests report failures by panicking.
#![allow(clippy::unwrap_used)]

mod support;

mod accounts;
mod actions;
mod alerts;
mod audit;
mod authority;
mod bounds;
mod builds;
mod cgroup_v2;
mod channel_secrets;
mod chaos;
mod client_faults;
mod connections;
mod containers;
mod drift;
mod engine_bodies;
mod engine_gone;
mod events;
mod faults;
mod files;
mod followers;
mod history;
mod history_questions;
mod images;
mod lists;
mod live;
mod log_rules;
mod logs;
mod mail_sink;
mod metrics;
mod non_root;
mod notify;
mod origins;
mod own_containers;
mod pages;
mod panics;
mod permissions;
mod podman;
mod podman_managing;
mod podman_service;
mod prometheus;
mod raw_http;
mod read_only;
mod recipes;
mod refusals;
mod registry;
mod requests;
mod scopes;
mod secrets;
mod server_process;
mod sign_in;
mod sim;
mod sim_faults;
mod ssh_server;
mod stalling;
mod stats;
mod stored_documents;
mod tasks;
mod tls;
mod tls_engine;
mod two_factor;
mod unread_downloads;
mod uploads;
mod volumes_and_networks;
mod ways;
mod web_receiver;
