//! A request to the simulated Docker API, parsed; and functions that read its body or match its filters.

use crate::sim::{
    events::Filters,
    world::{Labels, Refusal},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Query, Request},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// In bytes, of any request: enough for a create request with many labels, and for an uploaded tar.
const LONGEST_BODY: usize = 8 << 20;

pub struct ApiRequest {
    pub method: String,
    /// Without the version: `["containers", "web", "json"]`.
    pub path: Vec<String>,
    query: BTreeMap<String, String>,
}

impl ApiRequest {
    pub fn parse(request: Request) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        let mut path: Vec<String> =
            parts.uri.path().split('/').filter(|it| !it.is_empty()).map(percent_decoded).collect();
        if path.first().is_some_and(|it| is_version(it)) {
            path.remove(0);
        }
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let query = query.map(|it| it.0.into_iter().collect()).unwrap_or_default();
        (Self { method: parts.method.as_str().to_owned(), path, query }, body)
    }

    /// The path without the version: `/containers/web/json`.
    pub fn path_string(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    /// Empty when the parameter is missing.
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A boolean as Docker parses it: true unless it is missing, empty, `0`, `no`, `false` or `none`.
    pub fn bool_query(&self, name: &str) -> bool {
        !matches!(self.query(name).trim().to_lowercase().as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// Parses Docker's two forms: `{"label":["a"]}` and `{"label":{"a":true}}`.
    pub fn filters(&self) -> Result<Filters, Refusal> {
        let text = self.query("filters");
        if text.is_empty() {
            return Ok(Filters::default());
        }
        let fields: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|error| Refusal::invalid(format!("invalid filters: {error}")))?;
        let values = |value: Value| match value {
            Value::Array(values) => values.into_iter().filter_map(|it| it.as_str().map(Into::into)).collect(),
            Value::Object(values) => values.into_iter().filter(|it| it.1 == Value::Bool(true)).map(|it| it.0).collect(),
            _ => Vec::new(),
        };
        Ok(Filters(fields.into_iter().map(|(field, value)| (field, values(value))).collect()))
    }

    /// The route, with `{id}` or `{name}` as placeholder: `GET /containers/{id}/json`.
    pub fn route_template(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let template = match path.as_slice() {
            ["images", .., verb @ ("json" | "tag" | "history" | "push" | "get")] if path.len() > 2 => {
                format!("images/{{name}}/{verb}")
            }
            ["images", _, ..] if self.method == "DELETE" => "images/{name}".into(),
            [group, verb @ ("json" | "create" | "prune" | "df" | "load" | "search")] => format!("{group}/{verb}"),
            ["containers" | "volumes" | "networks", _, rest @ ..] => [&[path[0], "{id}"], rest].concat().join("/"),
            _ => path.join("/"),
        };
        format!("{} /{template}", self.method)
    }
}

/// Reads a whole body.
pub async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, LONGEST_BODY).await.map_err(|error| Refusal::invalid(error.to_string()))
}

/// Parses a JSON body.
pub async fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    serde_json::from_slice(&read_body(body).await?).map_err(|error| Refusal::invalid(error.to_string()))
}

/// Whether labels match all values of a filter: `key` or `key=value`.
pub fn labels_match(labels: &Labels, wanted: &[String]) -> bool {
    wanted.iter().all(|it| match it.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|it| it == value),
        None => labels.contains_key(it),
    })
}

/// Whether a path segment is a version, such as `v1.41`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|it| !it.is_empty() && it.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str) -> ApiRequest {
        ApiRequest::parse(Request::builder().method(method).uri(uri).body(Body::empty()).unwrap()).0
    }

    #[test]
    fn the_version_is_optional_and_names_are_decoded() {
        for uri in ["/v1.41/images/library%2Fnginx:1/json", "/images/library/nginx:1/json"] {
            let path = request("GET", uri).path.join("/");
            assert_eq!(path, "images/library/nginx:1/json");
        }
    }

    #[test]
    fn routes_are_counted_by_their_template() {
        for (method, uri, template) in [
            ("GET", "/v1.41/containers/json?all=1", "GET /containers/json"),
            ("GET", "/containers/abc/json", "GET /containers/{id}/json"),
            ("DELETE", "/containers/abc", "DELETE /containers/{id}"),
            ("GET", "/images/a/b:1/json", "GET /images/{name}/json"),
            ("GET", "/images/json", "GET /images/json"),
            ("GET", "/networks", "GET /networks"),
            ("GET", "/_ping", "GET /_ping"),
        ] {
            assert_eq!(request(method, uri).route_template(), template);
        }
    }

    #[test]
    fn both_filter_formats_are_parsed() {
        for filters in [r#"{"label":["a","b"]}"#, r#"{"label":{"a":true,"b":true,"c":false}}"#] {
            let encoded: String = filters.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let read = request("GET", &format!("/events?filters={encoded}")).filters().unwrap();
            assert_eq!(read.0["label"], ["a", "b"]);
        }
    }
}
