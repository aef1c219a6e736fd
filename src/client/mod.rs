//! The browser side. It compiles on both sides, but acts only in the browser.

mod build_context;
mod client_only;
mod clipboard;
mod erased_memo;
pub mod fallback;
#[cfg(feature = "hydrate")]
mod hydrate;
mod language;
#[cfg(feature = "hydrate")]
mod link;
mod message;
#[cfg(feature = "hydrate")]
mod prefetch;
mod prefs;
#[cfg(feature = "hydrate")]
mod site;
mod store;
mod streams;
mod toasts;
#[cfg(feature = "hydrate")]
mod zone;

pub use build_context::{ChosenFolder, ContextSummary, DOCKERFILE, MOST_FILES};
pub use client_only::ClientOnly;
pub use clipboard::copy_to_clipboard;
pub use erased_memo::{ArcDerived, Comparable, ErasedMemo, effect, erased_memo, erased_memo_from, scoped_memo};
#[cfg(feature = "hydrate")]
pub use hydrate::hydrate;
pub use language::{fill, t, term, translate};
pub use message::message_of;
pub use prefs::{Prefs, of_cookies};
pub use store::{
    BOUNDS, Command, Connection, ConnectionChange, ContainerColumn, ContainerQuery, Entry, EventMessage, Facet,
    Figures, LastChange, Latencies, Leg, Line, Link, Loads, Notices, OrderedContainers, Row, Sample, Store,
    Subscriptions, TaskBoard, Transport, Trend, Use, nearest_rank, order, select_containers,
};
pub use streams::LogSocket;
pub use toasts::{Level, Toast, Toasts};
