//! Changes of users by an admin.

use crate::{model::UserChange, wire::ActionError};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// `password` is the caller's. Returns the generated password, if there is one: the only copy.
#[server(prefix = "/actions", endpoint = "users", input = Postcard, output = Postcard)]
pub async fn change_user(change: UserChange, password: String) -> Result<Option<String>, ActionError> {
    use crate::server::{auth::request_context, operations};
    let (app, caller) = request_context();
    operations::change_user(&app, &caller, change, password).await
}
