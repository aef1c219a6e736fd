//! Query of firing alerts, rules and channels.

use crate::{model::AlertBook, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "alerts", input = Postcard, output = Postcard)]
pub async fn alerts() -> Result<AlertBook, ActionError> {
    use crate::{
        model::Permission,
        server::{alerts::book, auth::asking},
    };
    let (app, caller) = asking(Permission::See)?;
    Ok(book(&app, &caller))
}
