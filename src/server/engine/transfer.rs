//! Images on their way: pulled, pushed, built, imported. The engine tells how far it is in JSON, a line each.
//!
//! Read by hand: bollard's messages of a push name no layer, and one unknown field of a build would end it.

use super::{
    Call, Engine, EngineError,
    act::repository_and_tag,
    read::{Body, Lines, no_body, or_default, percent_encode},
};
use crate::model::{Build, ContainerId, ImageName, Pull};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use futures::{Stream, TryStreamExt};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, io, time::Duration};

/// Until the first byte: the engine looks for all of the images first.
const EXPORT_PATIENCE: Duration = Duration::from_secs(60);

/// What a registry asks for. Not printed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// As the engine names the registry.
    #[serde(rename = "serveraddress")]
    pub registry: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials for {}", self.registry)
    }
}

/// What the engine says on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Of a layer: what happens to it, and how far that is, 0 of 0 where it does not say.
    Part {
        id: String,
        step: String,
        done: u64,
        total: u64,
    },
    Status(String),
    /// A piece of a build's output, which may be half a line.
    Output(String),
}

impl Engine {
    /// Ends when the image is there. `each` hears how far it is.
    pub async fn pull(
        &self,
        name: &ImageName,
        pull: &Pull,
        credentials: Option<&Credentials>,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let (repository, tag) = repository_and_tag(name);
        let mut path = format!("/images/create?fromImage={}", in_query(repository));
        // Without one the engine would pull all tags that there are.
        path.push_str(&format!("&tag={}", in_query(tag.unwrap_or("latest"))));
        if let Some(platform) = &pull.platform {
            path.push_str(&format!("&platform={}", in_query(platform)));
        }
        let headers: Vec<_> = credentials.map(header).into_iter().collect();
        let headers: Vec<_> = headers.iter().map(|value| ("X-Registry-Auth", value.as_str())).collect();
        hear(self.reader.post(Call::ImagePull, &path, &headers, no_body()).await, each).await
    }

    /// Ends when the registry has it.
    pub async fn push(
        &self,
        name: &ImageName,
        credentials: Option<&Credentials>,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let (repository, tag) = repository_and_tag(name);
        let path = format!("/images/{repository}/push?tag={}", in_query(tag.unwrap_or("latest")));
        // It is asked for also where there is nothing to say.
        let header = credentials.map_or_else(|| BASE64_URL_SAFE.encode("{}"), header);
        let headers = [("X-Registry-Auth", header.as_str())];
        hear(self.reader.post(Call::ImagePush, &path, &headers, no_body()).await, each).await
    }

    /// Ends when it is built. `context` is a tar, which may be compressed, and `build` says how; the Dockerfile is the one in
    /// the context.
    pub async fn build(
        &self,
        name: &ImageName,
        build: &Build,
        credentials: &[Credentials],
        context: Context,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let args: BTreeMap<&str, &str> = build.args.iter().map(|(key, value)| (&**key, &**value)).collect();
        let args = serde_json::to_string(&args).expect("texts");
        let path = format!(
            "/build?t={}&rm=1&forcerm=1&nocache={}&pull={}&buildargs={}",
            in_query(name.as_str()),
            u8::from(build.no_cache),
            u8::from(build.pull),
            in_query(&args)
        );
        let all: BTreeMap<&str, &Credentials> = credentials.iter().map(|it| (&*it.registry, it)).collect();
        let all = BASE64_URL_SAFE.encode(serde_json::to_string(&all).expect("texts"));
        let headers = [("Content-Type", "application/x-tar"), ("X-Registry-Config", &*all)];
        hear(self.reader.post(Call::ImageBuild, &path, &headers, context.0).await, each).await
    }

    /// Ends when all images of the tar are there.
    pub async fn import(&self, tar: Context, each: impl FnMut(Word)) -> Result<(), EngineError> {
        let headers = [("Content-Type", "application/x-tar")];
        hear(self.reader.post(Call::ImageImport, "/images/load?quiet=0", &headers, tar.0).await, each).await
    }

    /// Those images as one tar.
    pub async fn export(
        &self,
        names: &[ImageName],
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let names: Vec<_> = names.iter().map(|name| format!("names={}", in_query(name.as_str()))).collect();
        let path = format!("/images/get?{}", names.join("&"));
        let body = self.reader.body(Call::ImageExport, &path, EXPORT_PATIENCE).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }

    /// A container's file system as a tar.
    pub async fn export_container(
        &self,
        id: &ContainerId,
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let path = format!("/containers/{id}/export");
        let body = self.reader.body(Call::ContainerExport, &path, EXPORT_PATIENCE).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }

    /// Whether the registry takes these.
    pub async fn sign_in(&self, credentials: &Credentials) -> Result<(), EngineError> {
        let body = Full::from(serde_json::to_vec(credentials).expect("texts"));
        let body = body.map_err(|never| match never {}).boxed_unsync();
        let headers = [("Content-Type", "application/json")];
        self.reader.post(Call::RegistrySignIn, "/auth", &headers, body).await.map(drop).map_err(of_a_transfer)
    }
}

/// A tar on its way to the engine.
pub struct Context(Body);

impl Context {
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Full::from(bytes).map_err(|never| match never {}).boxed_unsync())
    }

    pub fn stream<E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static>(
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Self {
        let frames = bytes.map_ok(Frame::data).map_err(io::Error::other);
        Self(BodyExt::boxed_unsync(StreamBody::new(frames)))
    }

    pub(super) fn into_body(self) -> Body {
        self.0
    }
}

fn header(credentials: &Credentials) -> String {
    BASE64_URL_SAFE.encode(serde_json::to_string(credentials).expect("texts"))
}

fn in_query(text: &str) -> String {
    percent_encode(text, b"-._~/:@")
}

/// Its words may be those of a registry.
fn of_a_transfer(error: EngineError) -> EngineError {
    match error {
        EngineError::Refused { status, message } => EngineError::Transfer { status, message },
        other => other,
    }
}

async fn hear(lines: Result<Lines, EngineError>, mut each: impl FnMut(Word)) -> Result<(), EngineError> {
    let mut lines = lines.map_err(of_a_transfer)?;
    while let Some(line) = lines.next().await? {
        // What nobody understands is no reason to lose what follows.
        let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
        if let Some(word) = message.word()? {
            each(word);
        }
    }
    Ok(())
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Message {
    #[serde(deserialize_with = "or_default")]
    id: String,
    status: Option<String>,
    stream: Option<String>,
    error: Option<String>,
    #[serde(deserialize_with = "or_default")]
    error_detail: ErrorDetail,
    #[serde(deserialize_with = "or_default")]
    progress_detail: ProgressDetail,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorDetail {
    message: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProgressDetail {
    #[serde(deserialize_with = "or_default")]
    current: i64,
    #[serde(deserialize_with = "or_default")]
    total: i64,
}

impl Message {
    fn word(self) -> Result<Option<Word>, EngineError> {
        if let Some(message) = self.error_detail.message.or(self.error) {
            return Err(EngineError::Transfer { status: 500, message });
        }
        if let Some(text) = self.stream {
            return Ok(Some(Word::Output(text)));
        }
        let Some(step) = self.status else { return Ok(None) };
        if self.id.is_empty() || !is_layer(&self.id) {
            return Ok(Some(Word::Status(step)));
        }
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let (done, total) = (count(self.progress_detail.current), count(self.progress_detail.total));
        Ok(Some(Word::Part { id: self.id, step, done, total }))
    }
}

/// The engine says the tag where it speaks of the whole image.
fn is_layer(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The registry that a name begins with, as engines name it.
pub fn registry_of(name: &ImageName) -> &str {
    let name = name.as_str();
    match name.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => DOCKER_HUB,
    }
}

/// As Docker's config names it.
pub const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A tar with a Dockerfile in it and nothing else.
pub fn context_of(dockerfile: &str) -> Context {
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).expect("memory takes it");
    Context::of(tar.into_inner().expect("memory takes it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(line: &str) -> Result<Option<Word>, EngineError> {
        serde_json::from_str::<Message>(line).unwrap().word()
    }

    #[test]
    fn messages_are_read_with_what_they_lack() {
        let part = |step: &str, done, total| Word::Part { id: "0123456789ab".into(), step: step.into(), done, total };
        let read = |line| word(line).unwrap();
        assert_eq!(
            read(
                r#"{"status":"Downloading","progressDetail":{"current":5,"total":9},"progress":"[=>]","id":"0123456789ab"}"#
            ),
            Some(part("Downloading", 5, 9))
        );
        assert_eq!(
            read(r#"{"status":"Pull complete","progressDetail":{},"id":"0123456789ab"}"#),
            Some(part("Pull complete", 0, 0))
        );
        assert_eq!(
            read(r#"{"status":"Waiting","progressDetail":null,"id":"0123456789ab"}"#),
            Some(part("Waiting", 0, 0))
        );
        assert_eq!(
            read(r#"{"status":"Pulling from team/web","id":"latest"}"#),
            Some(Word::Status("Pulling from team/web".into()))
        );
        assert_eq!(
            read(r#"{"stream":"Step 1/2 : FROM scratch\n"}"#),
            Some(Word::Output("Step 1/2 : FROM scratch\n".into()))
        );
        assert_eq!(read(r#"{"aux":{"Tag":"1","Size":5}}"#), None);
        let error = word(r#"{"errorDetail":{"message":"no basic auth credentials"},"error":"no"}"#).unwrap_err();
        assert_eq!(error.to_string(), "no basic auth credentials");
    }

    #[test]
    fn a_name_says_its_registry() {
        for (name, registry) in [
            ("nginx", DOCKER_HUB),
            ("team/web:1", DOCKER_HUB),
            ("localhost/web", "localhost"),
            ("127.0.0.1:5000/team/web:1", "127.0.0.1:5000"),
            ("ghcr.io/team/web", "ghcr.io"),
        ] {
            assert_eq!(registry_of(&ImageName::new(name).unwrap()), registry);
        }
    }

    #[test]
    fn credentials_are_not_printed() {
        let secret = Credentials { username: "a".into(), password: "hunter2".into(), registry: "r".into() };
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
