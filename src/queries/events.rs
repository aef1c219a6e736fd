//! Query of past events.

use crate::{model::EventPage, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Returns a page of events for a URL query: see `GET /api/events` in docs/protocol.md.
#[server(prefix = "/queries", endpoint = "events", input = Postcard, output = Postcard)]
pub async fn events(address: Vec<(String, String)>) -> Result<EventPage, ActionError> {
    use crate::server::{auth::request_context, live::event_page};
    let (app, caller) = request_context();
    event_page(&app, &caller, &address).await
}
