//! The site's settings and the user's access in the browser.

use crate::{
    model::Role,
    views::{Access, Site},
};
use leptos::prelude::*;
use std::sync::Arc;

/// The site's settings, as the server wrote them on the root element.
pub(super) fn site() -> Site {
    let said = |name| document().document_element().and_then(|root| root.get_attribute(name)).unwrap_or_default();
    let hostname = window().location().hostname().unwrap_or_default().into();
    let base_path: Arc<str> = said("data-base").into();
    Site { router_base: base_path.clone(), base_path, version: said("data-version").into(), hostname }
}

/// The user's access, as the server wrote it on the root element.
pub(super) fn access() -> Access {
    let root = document().document_element();
    let said = |name| root.as_ref().and_then(|root| root.get_attribute(name));
    let role = said(Access::ROLE).unwrap_or_default();
    let role = Role::ALL.into_iter().find(|it| it.as_str() == role).unwrap_or(Role::Viewer);
    Access {
        user: said(Access::USER).map(Into::into),
        role,
        is_read_only: said(Access::READ_ONLY).is_some(),
        is_open_network: said(Access::OPEN_NETWORK).is_some(),
        sees_all: said(Access::SCOPED).is_none(),
        has_account: said(Access::ACCOUNT).is_some(),
    }
}
