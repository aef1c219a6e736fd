//! Signing in to registries, and out of them.

use crate::{
    model::{HostId, RegistryLogin},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Kept once the engine has found that the registry takes it.
#[server(prefix = "/actions", endpoint = "sign_in", input = Postcard, output = Postcard)]
pub async fn sign_in(host: HostId, sign_in: RegistryLogin) -> Result<(), ActionError> {
    use crate::server::{app::App, auth::Caller, commands};
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    commands::sign_in(&app, &caller, &host, sign_in).await
}

#[server(prefix = "/actions", endpoint = "sign_out", input = Postcard, output = Postcard)]
pub async fn sign_out(registry: String) -> Result<(), ActionError> {
    use crate::server::{app::App, auth::Caller, commands};
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    commands::sign_out(&app, &caller, &registry).await
}
