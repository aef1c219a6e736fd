//! Query of the registry logins, never with their passwords.

use crate::{model::RegistryInfo, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "registries", input = Postcard, output = Postcard)]
pub async fn registries() -> Result<Vec<RegistryInfo>, ActionError> {
    use crate::server::auth::request_context;
    let (app, _) = request_context();
    app.registries.list().await
}
