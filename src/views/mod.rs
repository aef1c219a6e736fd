//! What it looks like. Reads the store, calls actions. A folder for each page, with the names of the style sheets.

mod alerts;
mod app;
mod asked;
mod centre;
mod container;
mod containers;
mod dashboard;
mod engine;
mod events;
mod excerpt;
mod files;
pub mod format;
mod frame;
mod images;
mod inspected;
mod later;
mod listing;
mod networks;
mod not_found;
mod realtime_test;
mod rows;
mod settings;
mod shell;
mod site;
mod tasks;
mod thing;
mod upload;
mod usage_charts;
mod volumes;
mod widgets;

pub use app::App;
pub use excerpt::excerpt;
pub use later::Later;
pub use shell::{Document, shell};
pub use site::Site;
