//! Query of an engine's disk usage. It runs on demand, because the engine takes long to answer.

use crate::{
    model::{DiskUsage, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "disk", input = Postcard, output = Postcard)]
pub async fn disk(host: HostId) -> Result<DiskUsage, ActionError> {
    use crate::{model::Permission, server::auth::asking};
    let (app, _) = asking(Permission::See)?;
    Ok(app.hosts.engine(&host)?.disk_usage().await?)
}
