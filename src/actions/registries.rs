//! Registry login and logout.

use crate::{
    model::{HostId, RegistryLogin},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Stores the login after the engine has verified it with the registry.
#[server(prefix = "/actions", endpoint = "sign_in", input = Postcard, output = Postcard)]
pub async fn sign_in(host: HostId, sign_in: RegistryLogin) -> Result<(), ActionError> {
    use crate::server::{auth::request_context, operations};
    let (app, caller) = request_context();
    operations::sign_in(&app, &caller, &host, sign_in).await
}

#[server(prefix = "/actions", endpoint = "sign_out", input = Postcard, output = Postcard)]
pub async fn sign_out(registry: String) -> Result<(), ActionError> {
    use crate::server::{auth::request_context, operations};
    let (app, caller) = request_context();
    operations::sign_out(&app, &caller, &registry).await
}
