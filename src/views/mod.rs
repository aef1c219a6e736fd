//! What it looks like. Reads the store, calls actions. A folder for each page, with the names of the style sheets.

mod app;
mod containers;
mod dashboard;
mod excerpt;
pub mod format;
mod frame;
mod images;
mod listing;
mod networks;
mod not_found;
mod realtime_test;
mod rows;
mod shell;
mod site;
mod volumes;
mod widgets;

pub use app::App;
pub use excerpt::excerpt;
pub use shell::{Document, shell};
pub use site::Site;

/// Keeps the preferences for the next visit.
fn remember(prefs: crate::client::Prefs) {
    use leptos::prelude::document;
    use wasm_bindgen::JsCast;
    if let Some(document) = document().dyn_ref::<web_sys::HtmlDocument>() {
        let _ = document.set_cookie(&prefs.cookie());
    }
}
