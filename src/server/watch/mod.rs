//! Engine watcher: turns an engine's events, reads and lists into state changes. A fact stated by an event is applied at once.
//! Every event also causes a read, and the read wins.

mod backoff;
mod coalesce;
mod facts;
mod hints;
mod lists;
mod machine;
mod reads;

pub use machine::Watcher;
