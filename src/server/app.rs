//! The handles a request may use. No logic.

use super::{
    clock::Clock,
    hosts::Hosts,
    live::{Handshakes, Sessions, Snapshots},
    state::Reader,
};
use std::sync::Arc;

#[derive(Clone)]
pub struct App {
    pub reader: Reader,
    pub hosts: Hosts,
    pub clock: Clock,
    pub sessions: Sessions,
    pub snapshots: Snapshots,
    pub handshakes: Handshakes,
    /// Every change is refused, for everybody.
    pub read_only: bool,
    /// Where the pages live: empty, or `/` and more without a slash at its end.
    pub base_path: Arc<str>,
    pub leptos: leptos::config::LeptosOptions,
}
