//! Actions on alerts: rules, channels, silences and quiet hours.

use crate::{model::AlertChange, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/actions", endpoint = "alerts", input = Postcard, output = Postcard)]
pub async fn change_alerts(change: AlertChange) -> Result<(), ActionError> {
    use crate::server::{auth::request_context, operations::change_alerts};
    let (app, caller) = request_context();
    change_alerts(&app, &caller, change).await
}
