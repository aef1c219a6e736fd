//! Files in containers and volumes.

use crate::{
    model::{FilePath, FilesOf, Found, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// What a folder holds, or how a file begins. The history knows who read which file.
#[server(prefix = "/queries", endpoint = "files", input = Postcard, output = Postcard)]
pub async fn files(host: HostId, of: FilesOf, path: FilePath) -> Result<Found, ActionError> {
    use crate::{
        model::Permission,
        server::{auth::asking, commands::note_read, files::reach},
    };
    let (app, caller) = asking(Permission::Reveal)?;
    let engine = app.hosts.engine(&host)?;
    let found = reach(&app, engine, &of).await?.look(&path).await?;
    if let Found::File(file) = &found {
        note_read(&app, &caller, &host, &of, &file.path);
    }
    Ok(found)
}
