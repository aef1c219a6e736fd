//! One viewer, one stream, which dies with its socket: what is too much for the state's own.

mod follow;
mod logs;
mod search;
mod shelf;
mod stretch;
mod terminal;
mod text;

pub use logs::logs;
pub use terminal::terminal;
pub use text::log_text;
