//! The browser's half. Compiles on both sides; acts in the browser only.

#[cfg(feature = "hydrate")]
mod entry;
pub mod ladder;
#[cfg(feature = "hydrate")]
mod link;
mod prefs;
mod store;
mod toasts;

#[cfg(feature = "hydrate")]
pub use entry::hydrate;
pub use prefs::{Density, Layout, Prefs, Theme};
pub use store::{
    BOUNDS, Command, Connection, ContainerColumn, ContainerQuery, Entry, Facet, Figures, LastChange, Latencies, Leg,
    Line, Link, OrderedContainers, Row, Sample, Store, Transport, What, leaving_no_trace, nearest_rank, order,
    select_containers,
};
pub use toasts::{Level, Toast, Toasts};
