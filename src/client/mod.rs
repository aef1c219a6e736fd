//! The browser's half. Compiles on both sides; acts in the browser only.

mod browsers;
mod derived;
#[cfg(feature = "hydrate")]
mod entry;
pub mod ladder;
mod language;
#[cfg(feature = "hydrate")]
mod link;
mod prefs;
mod store;
mod streams;
mod toasts;
#[cfg(feature = "hydrate")]
mod zone;

pub use browsers::Browsers;
pub use derived::{ArcDerived, Comparable, Derived, derived, derived_from, effect, leaving_no_trace};
#[cfg(feature = "hydrate")]
pub use entry::hydrate;
pub use language::{fill, t, told};
pub use prefs::{Prefs, of_cookies};
pub use store::{
    BOUNDS, Command, Connection, ContainerColumn, ContainerQuery, Entry, Facet, Figures, Heard, LastChange, Latencies,
    Leg, Line, Link, Loads, Looks, Notices, OrderedContainers, Row, Sample, Store, TaskBoard, Transport, Trend, Use,
    What, nearest_rank, order, select_containers,
};
pub use streams::LogSocket;
pub use toasts::{Level, Toast, Toasts};
