//! The parts of Quaylight that read what others send, compiled from where they lie: built with the whole crate, pages and
//! all, an instrumented build would take minutes instead of seconds.

#![allow(dead_code, unused_imports)]

pub mod memory;
#[path = "../../src/model/mod.rs"]
pub mod model;
pub mod server;
#[path = "../../src/wire/mod.rs"]
pub mod wire;
