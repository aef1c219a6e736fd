//! Errors of server functions.

use crate::{
    message,
    wire::{ActionError, ErrorKind},
};
use leptos::server_fn::{
    codec::PostcardEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

impl FromServerFnError for ActionError {
    type Encoder = PostcardEncoding;

    /// Converts the framework's error if the function could not be called at all.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(ErrorKind::Unavailable, message!("Can't reach Quaylight"))
                .hint(message!("Check whether it was applied once you're reconnected.")),
            other => {
                let error = other.to_string();
                Self::new(ErrorKind::Invalid, message!("Couldn't process the request: {error}", error))
            }
        }
    }
}
