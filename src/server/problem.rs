//! Errors as JSON (RFC 9457): what happened and what to do, never a stack trace.

use crate::{
    model::{Message, StructuredMessage},
    wire::{ActionError, ErrorKind},
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: Message,
}

impl Problem {
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<Message>) -> Self {
        Self { status, title, detail: detail.into() }
    }
}

/// Includes the hint.
impl From<ActionError> for Problem {
    fn from(error: ActionError) -> Self {
        let (status, title) = match error.kind {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "Not possible in this state"),
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "Invalid request"),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Can't reach the engine"),
            ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "The engine isn't responding"),
            ErrorKind::Engine => (StatusCode::BAD_GATEWAY, "The engine rejected the request"),
            ErrorKind::Storage => (StatusCode::INSUFFICIENT_STORAGE, "No space left in the data directory"),
            ErrorKind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Too many operations at once"),
        };
        Self::new(status, title, error.words())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            /// In English.
            detail: &'a Message,
            /// To translate the detail.
            message: StructuredMessage,
        }
        let (title, status, detail) = (self.title, self.status.as_u16(), &self.detail);
        let message = StructuredMessage(detail.clone());
        let body =
            serde_json::to_vec(&Body { r#type: "about:blank", title, status, detail, message }).unwrap_or_default();
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
