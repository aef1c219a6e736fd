//! Queries of details: configuration, processes and file changes of a container, and layers of an image.

use crate::{
    model::{ContainerId, FileChange, HostId, ImageDetails, ImageId, Inspected, Processes},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// The engine's data, with the values of the environment masked.
#[server(prefix = "/queries", endpoint = "inspect", input = Postcard, output = Postcard)]
pub async fn inspect(host: HostId, id: ContainerId) -> Result<Inspected, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.require_visible(&caller, &host, &id)?;
    Ok(app.hosts.engine(&host)?.inspect(&id).await?)
}

/// The layers of an image, with the values of its environment masked.
#[server(prefix = "/queries", endpoint = "image_details", input = Postcard, output = Postcard)]
pub async fn read_image_details(host: HostId, id: ImageId) -> Result<ImageDetails, ActionError> {
    use crate::server::auth::request_context;
    let (app, _) = request_context();
    Ok(app.hosts.engine(&host)?.image_details(&id).await?)
}

/// The value of one environment variable. Each access is recorded in the history.
#[server(prefix = "/queries", endpoint = "variable", input = Postcard, output = Postcard)]
pub async fn variable(host: HostId, id: ContainerId, name: String) -> Result<String, ActionError> {
    use crate::{
        server::{auth::request_context, operations::note_look},
        wire::ErrorKind,
    };
    let (app, caller) = request_context();
    let value = app.hosts.engine(&host)?.variable(&id, &name).await?;
    note_look(&app, &caller, (&host, &id), &name);
    value.ok_or_else(|| ActionError::new(ErrorKind::NotFound, crate::message!("Variable {name} not found", name)))
}

#[server(prefix = "/queries", endpoint = "top", input = Postcard, output = Postcard)]
pub async fn top(host: HostId, id: ContainerId) -> Result<Processes, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.require_visible(&caller, &host, &id)?;
    Ok(app.hosts.engine(&host)?.processes(&id).await?)
}

#[server(prefix = "/queries", endpoint = "file_changes", input = Postcard, output = Postcard)]
pub async fn file_changes(host: HostId, id: ContainerId) -> Result<Vec<FileChange>, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.require_visible(&caller, &host, &id)?;
    Ok(app.hosts.engine(&host)?.file_changes(&id).await?)
}
