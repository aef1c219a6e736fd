//! Parsers of untrusted input, compiled in place: an instrumented build of the whole crate, pages included, would take
//! minutes instead of seconds.

#![allow(dead_code, unused_imports)]

pub mod memory;
#[path = "../../src/model/mod.rs"]
pub mod model;
pub mod server;
#[path = "../../src/wire/mod.rs"]
pub mod wire;
