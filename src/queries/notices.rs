//! What came to the notification centre.

use crate::{model::Event, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// What alerts said and what this user did and failed: the latest, newest first.
#[server(prefix = "/queries", endpoint = "notices", input = Postcard, output = Postcard)]
pub async fn notices() -> Result<Vec<Event>, ActionError> {
    use crate::{model::Permission, server::auth::asking};
    let (app, caller) = asking(Permission::See)?;
    Ok(app.noticed.of(&caller.name))
}
