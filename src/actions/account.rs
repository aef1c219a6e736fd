//! Changes of the user's own account.

use crate::{
    model::{AccountChange, AccountResponse},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// After a change of the password, the response's cookie has the token of a new session.
#[server(prefix = "/actions", endpoint = "account", input = Postcard, output = Postcard)]
pub async fn change_account(change: AccountChange) -> Result<AccountResponse, ActionError> {
    use crate::server::{
        auth::{Changed, cookie, request_context},
        operations,
    };
    use axum::http::{header::SET_COOKIE, request::Parts};
    use leptos_axum::ResponseOptions;
    let (app, caller) = request_context();
    match operations::change_account(&app, &caller, change).await? {
        Changed::Password { token } => {
            let is_https = cookie::is_https(&expect_context::<Parts>().headers);
            let cookie = cookie::of_session(&token, &app.base_path, is_https);
            expect_context::<ResponseOptions>().append_header(SET_COOKIE, cookie);
            Ok(AccountResponse::Done)
        }
        Changed::Other(response) => Ok(response),
    }
}
