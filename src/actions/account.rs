//! Changes of the user's own account.

use crate::{model::AccountChange, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Returns the new API token, if one was created: the only copy.
#[server(prefix = "/actions", endpoint = "account", input = Postcard, output = Postcard)]
pub async fn change_account(change: AccountChange) -> Result<Option<String>, ActionError> {
    use crate::server::{auth::request_context, operations};
    let (app, caller) = request_context();
    operations::change_account(&app, &caller, change).await
}
