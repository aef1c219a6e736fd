//! Action that stores a user's preferences.

use crate::{model::Preferences, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Stores what this browser has changed since `before`. Returns the current preferences, because other tabs make
/// changes too.
#[server(prefix = "/actions", endpoint = "preferences", input = Postcard, output = Postcard)]
pub async fn keep_preferences(before: Preferences, after: Preferences) -> Result<Preferences, ActionError> {
    use crate::server::{auth::request_context, operations::keep_preferences};
    let (app, caller) = request_context();
    keep_preferences(&app, &caller, before, after).await
}
