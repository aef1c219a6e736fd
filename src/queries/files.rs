//! Query of files in containers and volumes.

use crate::{
    model::{FilePath, FilesOf, Found, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Returns the contents of a folder, or the first part of a file. Each file access is recorded in the history.
#[server(prefix = "/queries", endpoint = "files", input = Postcard, output = Postcard)]
pub async fn files(host: HostId, of: FilesOf, path: FilePath) -> Result<Found, ActionError> {
    use crate::server::{auth::request_context, files::reach, operations::note_read};
    let (app, caller) = request_context();
    let engine = app.hosts.engine(&host)?;
    let found = reach(&app, &caller, engine, &of).await?.look(&path).await?;
    if let Found::File(file) = &found {
        note_read(&app, &caller, &host, &of, &file.path);
    }
    Ok(found)
}
