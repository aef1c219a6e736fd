//! Query of an engine's disk usage. It runs on demand, because the engine takes long to answer.

use crate::{
    model::{DiskUsage, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "disk", input = Postcard, output = Postcard)]
pub async fn disk(host: HostId) -> Result<DiskUsage, ActionError> {
    use crate::server::auth::request_context;
    let (app, _) = request_context();
    Ok(app.hosts.engine(&host)?.disk_usage().await?)
}
