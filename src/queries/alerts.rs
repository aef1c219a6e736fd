//! Query of firing alerts, rules and channels.

use crate::{model::AlertBook, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "alerts", input = Postcard, output = Postcard)]
pub async fn alerts() -> Result<AlertBook, ActionError> {
    use crate::server::{alerts::book, auth::request_context};
    let (app, caller) = request_context();
    Ok(book(&app, &caller))
}
