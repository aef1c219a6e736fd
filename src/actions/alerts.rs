//! Actions on alerts: rules, channels, silences and quiet hours.

use crate::{model::AlertChange, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/actions", endpoint = "alerts", input = Postcard, output = Postcard)]
pub async fn change_alerts(change: AlertChange) -> Result<(), ActionError> {
    use crate::server::{app::App, auth::Caller, operations::change_alerts};
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    change_alerts(&app, &caller, change).await
}
