//! Engine → changes. An event puts what it plainly says at once, and always causes a read; the read wins.

mod backoff;
mod coalesce;
mod facts;
mod hints;
mod machine;
mod reads;
mod relist;

pub use machine::Watcher;
