//! Engine watcher: turns an engine's events, reads and lists into state changes. A fact stated by an event is applied at once.
//! Every event also causes a read, and the read wins.

mod backoff;
mod coalesce;
mod facts;
mod lists;
mod machine;
mod reads;
mod subjects;

pub use machine::Watcher;
