//! Query of the user's sessions and API tokens.

use crate::{model::Account, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

#[server(prefix = "/queries", endpoint = "account", input = Postcard, output = Postcard)]
pub async fn own_account() -> Result<Account, ActionError> {
    use crate::server::auth::request_context;
    let (app, caller) = request_context();
    app.auth.account(&caller)
}
