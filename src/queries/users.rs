//! Query of all users.

use crate::{model::UserInfo, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "users", input = Postcard, output = Postcard)]
pub async fn users() -> Result<Vec<UserInfo>, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.auth.users(&caller)
}
