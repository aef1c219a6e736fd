//! Query of the notification center.

use crate::{model::Event, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// The latest alerts, notifications that were not delivered, and failed actions of this user, newest first.
#[server(prefix = "/queries", endpoint = "notices", input = Postcard, output = Postcard)]
pub async fn notices() -> Result<Vec<Event>, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    Ok(app.notifications.of(&caller))
}
