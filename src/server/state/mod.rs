//! The truth: one writer, many readers, and the feed of what changed.

mod feed;
mod inbox;
mod reader;
mod told;
mod writer;

pub use feed::Batch;
pub use inbox::{Depth, Fact, Inbox, Origin, Update, Updates};
pub use reader::{Follow, Reader, Start};
pub use writer::Writer;

use std::sync::Arc;

/// An empty state: its writer, its readers, and the way to tell the writer.
pub fn open(clock: super::clock::Clock) -> (Writer, Reader, Inbox) {
    let (inbox, updates) = inbox::channel();
    let shared = Arc::new(reader::Shared::new(feed::new_epoch(clock.now())));
    (Writer::new(shared.clone(), updates, clock), Reader::new(shared), inbox)
}
