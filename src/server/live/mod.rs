//! State → browsers: what a client gets, over whichever transport.

mod follower;
mod poll;
mod sessions;
mod sse;
mod ws;

pub use poll::state;
pub use sessions::Sessions;
pub use sse::{containers, everything, images};
pub use ws::socket;
