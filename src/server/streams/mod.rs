//! Per-client streams: logs, log search and terminals. Each stream has its own connection and ends with it: its volume is too
//! high for the state's feed.

mod follow;
mod log_page;
mod log_queue;
mod logs;
mod search;
mod terminal;
mod text;

pub use log_queue::LogMetrics;
pub use logs::logs;
pub use terminal::terminal;
pub use text::log_text;
