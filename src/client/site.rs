//! The site's settings in the browser.

use crate::views::Site;
use leptos::prelude::*;
use std::sync::Arc;

/// The site's settings, as the server wrote them on the root element.
pub(super) fn site() -> Site {
    let said = |name| document().document_element().and_then(|root| root.get_attribute(name)).unwrap_or_default();
    let hostname = window().location().hostname().unwrap_or_default().into();
    let base_path: Arc<str> = said("data-base").into();
    Site { router_base: base_path.clone(), base_path, version: said("data-version").into(), hostname }
}
