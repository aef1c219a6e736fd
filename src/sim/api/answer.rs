//! Responses: JSON, empty ones and streams of lines, each with Docker's headers.

use crate::sim::world::Refusal;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;

pub type Answer = Result<Response, Refusal>;

pub fn json(value: &impl Serialize) -> Answer {
    json_with(StatusCode::OK, value)
}

pub fn json_with(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut text = serde_json::to_vec(value).map_err(|error| Refusal::failed(error.to_string()))?;
    text.push(b'\n');
    Ok(with_body(status, "application/json", Body::from(text)))
}

/// Serializes a JSON array of possibly thousands of values, one at a time, so that only one value is in memory.
pub fn list(values: impl Iterator<Item = Value>) -> String {
    let mut text = String::from("[");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        let _ = write!(text, "{value}");
    }
    text.push(']');
    text
}

/// An empty success response.
pub fn empty() -> Answer {
    Ok(with_body(StatusCode::NO_CONTENT, "", Body::empty()))
}

/// A refusal in Docker's error format.
pub fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if refusal.message.is_empty() {
        return with_body(status, "", Body::empty());
    }
    let text = json!({ "message": refusal.message }).to_string() + "\n";
    with_body(status, "application/json", Body::from(text))
}

/// Builds a response. An empty body has no content type.
pub fn with_body(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("Api-Version", HeaderValue::from_static(super::system::API_VERSION));
    headers.insert("Docker-Experimental", HeaderValue::from_static("false"));
    headers.insert("Ostype", HeaderValue::from_static("linux"));
    headers.insert(header::SERVER, HeaderValue::from_static("Docker/20.10.24 (linux)"));
    if !content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}
