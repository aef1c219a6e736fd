//! Views: they read the store and call actions. One folder per page, named like the style sheets.

mod alerts;
mod app;
mod asked;
mod chunks;
mod container;
mod containers;
mod dashboard;
mod detail;
mod engine;
mod events;
mod files;
pub mod format;
mod frame;
mod images;
mod initial_state;
mod inspected;
mod networks;
mod not_found;
mod notification_center;
mod realtime_test;
mod resource_list;
mod rows;
mod settings;
mod shell;
mod site;
mod tasks;
mod upload;
mod usage_charts;
mod volumes;
mod widgets;

pub use app::App;
pub use chunks::LazyPage;
pub use initial_state::initial_state;
use shell::DOWNLOAD_FORM;
pub use shell::{Document, shell};
pub use site::Site;
