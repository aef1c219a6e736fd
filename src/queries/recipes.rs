//! Query of a container's recipe: the settings that create it again.

use crate::{
    message,
    model::{ContainerId, HostId, Recipe},
    wire::{ActionError, ErrorKind},
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// The recipe without the values of the environment.
#[server(prefix = "/queries", endpoint = "recipe", input = Postcard, output = Postcard)]
pub async fn recipe_of(host: HostId, id: ContainerId) -> Result<Recipe, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.require_visible(&caller, &host, &id)?;
    let Recipe { name, spec, left_out } = app.hosts.engine(&host)?.recipe(&id).await?.ok_or_else(gone)?;
    Ok(Recipe { name, spec: spec.hidden(), left_out })
}

/// The recipe with the values of the environment. Each access is recorded in the history.
#[server(prefix = "/queries", endpoint = "recipe_with_secrets", input = Postcard, output = Postcard)]
pub async fn recipe_with_secrets(host: HostId, id: ContainerId) -> Result<Recipe, ActionError> {
    use crate::server::{auth::request_context, operations::note_look};
    let (app, caller) = request_context();
    let recipe = app.hosts.engine(&host)?.recipe(&id).await?.ok_or_else(gone)?;
    note_look(&app, &caller, (&host, &id), "all, for Run / Compose");
    Ok(recipe)
}

#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "only the server uses it"))]
fn gone() -> ActionError {
    ActionError::new(ErrorKind::NotFound, message!("Container not found"))
        .hint(message!("Check the name, or whether it was just removed."))
}
