//! `/containers/{id}/archive`: a small file system, identical in every container: `/etc/hostname`, an empty `/volume`,
//! and `/large` for downloads.

use super::{
    answer::{Answer, empty, with_body},
    api_request::{ApiRequest, read_body},
};
use crate::sim::{Sim, world::Refusal};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::{StreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, io, sync::Arc};

/// Size of `/large` in bytes; all of them are zeros.
const LARGE: u64 = 64 << 20;

const PIECE: u64 = 32 << 10;

const HOSTNAME: &[u8] = b"simulated\n";

/// A folder's mode as Go encodes it.
const FOLDER: u32 = 0x8000_0000 | 0o755;

/// Name, mode and content of a path. The content of a folder is the paths in its tar.
fn found(path: &str) -> Option<(&'static str, u32, &'static [&'static str])> {
    match path.trim_end_matches('.').trim_end_matches('/') {
        "" => Some(("/", FOLDER, &["./", "./etc/", "./etc/hostname", "./volume/"])),
        "/etc" => Some(("etc", FOLDER, &["etc/", "etc/hostname"])),
        "/etc/hostname" => Some(("hostname", 0o644, &["hostname"])),
        "/large" => Some(("large", 0o644, &["large"])),
        "/volume" => Some(("volume", FOLDER, &["volume/"])),
        _ => None,
    }
}

pub async fn archive(sim: &Arc<Sim>, id: &str, request: &ApiRequest, body: Body) -> Answer {
    sim.inspect(id).await?;
    let path = request.query("path");
    let missing = || Refusal::not_found(format!("Could not find the file {path} in container {id}"));
    let (name, mode, members) = found(path).ok_or_else(missing)?;
    if request.method == "PUT" {
        read_body(body).await?;
        return empty();
    }
    let size = match name {
        "large" => LARGE,
        _ if mode == FOLDER => 4096,
        _ => HOSTNAME.len() as u64,
    };
    let stat = json!({"name": name, "size": size, "mode": mode, "mtime": "2026-01-02T03:04:05Z", "linkTarget": ""});
    let content = match (request.method.as_str(), name) {
        ("HEAD", _) => Body::empty(),
        (_, "large") => large_tar()?,
        _ => Body::from(tar_of(members)?),
    };
    let mut response = with_body(StatusCode::OK, "application/x-tar", content);
    let stat = HeaderValue::from_str(&BASE64_STANDARD.encode(stat.to_string()));
    let stat = stat.map_err(|error| Refusal::failed(error.to_string()))?;
    response.headers_mut().insert("X-Docker-Container-Path-Stat", stat);
    Ok(response)
}

fn tar_of(members: &[&str]) -> Result<Vec<u8>, Refusal> {
    let mut archive = tar::Builder::new(Vec::new());
    let written = members.iter().try_for_each(|path| {
        let content = if path.ends_with('/') { &[][..] } else { HOSTNAME };
        let kind = if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(if path.ends_with('/') { 0o755 } else { 0o644 });
        archive.append_data(&mut header, path, content)
    });
    written.and_then(|()| archive.into_inner()).map_err(|error| Refusal::failed(error.to_string()))
}

fn large_tar() -> Result<Body, Refusal> {
    let mut header = tar::Header::new_gnu();
    header.set_size(LARGE);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "large", io::empty()).map_err(|error| Refusal::failed(error.to_string()))?;
    let head = Bytes::copy_from_slice(tar.get_ref());
    let zeros = Bytes::from(vec![0; usize::try_from(PIECE).unwrap_or_default()]);
    let content = stream::iter(0..LARGE / PIECE).map(move |_| zeros.clone());
    // Two blocks of zeros end a tar.
    let whole = stream::iter([head]).chain(content).chain(stream::iter([Bytes::from_static(&[0; 1024])]));
    Ok(Body::from_stream(whole.map(Ok::<_, Infallible>)))
}
