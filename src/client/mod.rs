//! The browser's half. Compiles on both sides; acts in the browser only.

#[cfg(feature = "hydrate")]
mod entry;
#[cfg(feature = "hydrate")]
mod link;
mod prefs;
mod store;
mod toasts;

#[cfg(feature = "hydrate")]
pub use entry::hydrate;
pub use prefs::{Density, Layout, Prefs, Theme};
pub use store::{
    Connection, ContainerColumn, ContainerQuery, Facet, LastChange, Link, OutOfStep, Row, Store, Transport, order,
    select_containers,
};
pub use toasts::{Level, Toast, Toasts};
