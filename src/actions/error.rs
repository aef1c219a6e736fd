//! Errors of server functions.

use crate::wire::{ActionError, ErrorKind};
use leptos::server_fn::{
    codec::PostcardEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

impl FromServerFnError for ActionError {
    type Encoder = PostcardEncoding;

    /// Converts the framework's error if the function could not be called at all.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(ErrorKind::Unavailable, "Can't reach Quaylight")
                .hint("Check whether it was applied once you're reconnected."),
            other => Self::new(ErrorKind::Invalid, other.to_string()),
        }
    }
}
