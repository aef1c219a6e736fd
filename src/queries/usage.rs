//! Query of past resource usage.

use crate::{
    model::{ContainerId, HostId, UsageBucket},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// The usage in the last `seconds`, of one container or of all containers of a host, oldest first, in intervals of a
/// minute, 15 minutes or an hour. Fails while no history is recorded.
#[server(prefix = "/queries", endpoint = "usage", input = Postcard, output = Postcard)]
pub async fn usage(
    host: HostId,
    container: Option<ContainerId>,
    seconds: u32,
) -> Result<Vec<UsageBucket>, ActionError> {
    use crate::{
        model::Timestamp,
        server::auth::{request_context, require_full_view},
        wire::ErrorKind,
    };
    let (app, caller) = request_context();
    match &container {
        Some(id) => app.require_visible(&caller, &host, id)?,
        None => require_full_view(&caller)?,
    }
    let now = app.clock.now();
    let since = Timestamp::from_seconds(now.seconds() - i64::from(seconds));
    let kept = app.history.usage(host, container, (since, now)).await;
    kept.map_err(|off| ActionError::new(ErrorKind::Unavailable, off.message()))
}
