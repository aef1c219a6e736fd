//! Static files of the site: embedded in the binary in a release, read from `target/site` in development.

use crate::message;
use crate::server::problem::Problem;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use std::{collections::HashMap, sync::LazyLock};

/// An embedded file.
pub struct Asset {
    pub path: &'static str,
    /// A hash of the content, quoted as an ETag.
    pub etag: &'static str,
    pub content: &'static [u8],
    /// Empty if compression gains nothing.
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Changes with any of the embedded files: the `v` in the page's links, so that files may be cached forever.
pub fn version() -> &'static str {
    VERSION
}

/// The files of a chunk, with shared ones first: names in `pkg`. Empty in development.
pub fn chunks(name: &str) -> Vec<String> {
    static CHUNKS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
        let manifest = ASSETS.iter().find(|asset| asset.path == "pkg/__wasm_split_manifest.json");
        manifest.and_then(|it| serde_json::from_slice(it.content).ok()).unwrap_or_default()
    });
    CHUNKS.get(name).into_iter().flatten().map(|stem| format!("{stem}.wasm")).collect()
}

pub async fn serve(uri: Uri, headers: HeaderMap) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => {
            let wanted = uri.query().and_then(|query| query.strip_prefix("v="));
            Some(match wanted {
                Some(version) if version != VERSION && is_code(path) => of_another_release(),
                _ => embedded(asset, wanted == Some(VERSION), &headers),
            })
        }
        None if ASSETS.is_empty() => from_disk(path).await,
        None => None,
    }
}

fn embedded(asset: &Asset, versioned: bool, headers: &HeaderMap) -> Response {
    let caching = if versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fixed = [
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (header::ETAG, HeaderValue::from_static(asset.etag)),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == asset.etag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let wanted = headers.get(header::ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let takes_brotli = wanted.split(',').any(|it| it.split(';').next().is_some_and(|name| name.trim() == "br"));
    let kind = [(header::CONTENT_TYPE, content_type(asset.path))];
    if takes_brotli && !asset.brotli.is_empty() {
        (fixed, kind, [(header::CONTENT_ENCODING, "br")], asset.brotli).into_response()
    } else {
        (fixed, kind, asset.content).into_response()
    }
}

fn is_code(path: &str) -> bool {
    path.ends_with(".js") || path.ends_with(".wasm")
}

/// For a page that stayed open while the server was upgraded: its code can't use a chunk of this release.
fn of_another_release() -> Response {
    let detail = message!("The requesting page is from another version. Reload it.");
    let problem = Problem::new(StatusCode::NOT_FOUND, "File not found in this version", detail);
    ([(header::CACHE_CONTROL, "no-store")], problem).into_response()
}

/// A development build embeds no files.
async fn from_disk(path: &str) -> Option<Response> {
    if path.is_empty() || path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return None;
    }
    let file = format!("{}/target/site/{path}", env!("CARGO_MANIFEST_DIR"));
    let content = tokio::task::spawn_blocking(|| std::fs::read(file)).await.ok()?.ok()?;
    let headers = [(header::CONTENT_TYPE, content_type(path)), (header::CACHE_CONTROL, "no-cache")];
    Some((headers, Body::from(content)).into_response())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webmanifest") => "application/manifest+json",
        Some("po") => "text/x-gettext-translation; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
