//! Engine state: one writer, many readers, and the change feed.

mod event_coverage;
mod feed;
mod inbox;
mod reader;
mod scoped_views;
mod writer;

pub use feed::Batch;
pub use inbox::{Depth, Fact, Inbox, Origin, Update, Updates};
pub use reader::{Follow, Reader, Start};
pub use scoped_views::ScopedViews;
pub use writer::Writer;

use std::sync::Arc;

/// Creates an empty state: its writer, its reader, and the writer's inbox.
pub fn open(clock: super::clock::Clock) -> (Writer, Reader, Inbox) {
    let (inbox, updates) = inbox::channel();
    let shared = Arc::new(reader::Shared::new(feed::new_epoch(clock.now())));
    (Writer::new(shared.clone(), updates, clock), Reader::new(shared), inbox)
}
