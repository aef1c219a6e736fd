//! How a user wants things shown, kept for the next visit.

use crate::{model::Preferences, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// What this browser has made of `before`. Gives what they are now: other tabs choose too.
#[server(prefix = "/actions", endpoint = "preferences", input = Postcard, output = Postcard)]
pub async fn keep_preferences(before: Preferences, after: Preferences) -> Result<Preferences, ActionError> {
    use crate::server::{app::App, auth::Caller, commands::keep_preferences};
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    keep_preferences(&app, &caller, before, after).await
}
