//! Image transfers: pull, push, import and export. The engine reports progress as JSON, one message per line.
//!
//! The messages are parsed here, not by bollard: its push messages contain no layer id, and one unknown field in a build's
//! output would end the stream.

use super::{
    Call, Engine, EngineError, WritableEngine,
    act::repository_and_tag,
    build::Trace,
    read::{Body, Lines, no_body, or_default},
};
use crate::{
    message,
    model::{ContainerId, ImageName, Message, Pull},
    server::percent::reference,
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use futures::{Stream, TryStreamExt};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Timeout until the first byte: the engine looks up all images first.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(60);

/// Credentials for a registry. `Debug` does not print them.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// The engine's name for the registry.
    #[serde(rename = "serveraddress")]
    pub registry: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials for {}", self.registry)
    }
}

/// A progress message of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Progress of a layer: the current step and its bytes. 0 of 0 if the engine reports none.
    Part { id: String, step: LayerStep, done: u64, total: u64 },
    /// In the engine's words.
    Status(String),
    /// The result of a pull.
    Pulled(Message),
    /// A piece of a build's output, which may be an incomplete line.
    Output(String),
    /// A step of a BuildKit build.
    Step { name: String, state: StepState },
}

/// A step in the transfer of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerStep {
    pub phase: LayerPhase,
    pub message: Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerPhase {
    /// None of the others, or unknown.
    Other,
    /// To or from the engine.
    Transferring,
    Transferred,
    Extracting,
    /// Pulled, pushed, or present already.
    Complete,
    /// In another repository of the registry, so nothing is transferred.
    Mounted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    Waiting,
    Running,
    Cached,
    Done,
    Failed,
}

impl StepState {
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cached | Self::Done | Self::Failed)
    }
}

/// Docker's words for the steps of a layer.
const LAYER_STEPS: [(&str, LayerPhase); 13] = [
    ("Pulling fs layer", LayerPhase::Other),
    ("Preparing", LayerPhase::Other),
    ("Waiting", LayerPhase::Other),
    ("Downloading", LayerPhase::Transferring),
    ("Pushing", LayerPhase::Transferring),
    ("Loading layer", LayerPhase::Transferring),
    ("Verifying Checksum", LayerPhase::Transferred),
    ("Download complete", LayerPhase::Transferred),
    ("Extracting", LayerPhase::Extracting),
    ("Pull complete", LayerPhase::Complete),
    ("Already exists", LayerPhase::Complete),
    ("Pushed", LayerPhase::Complete),
    ("Layer already exists", LayerPhase::Complete),
];

impl LayerStep {
    /// From the engine's words.
    pub fn parse(words: &str) -> Self {
        if let Some((known, phase)) = LAYER_STEPS.iter().find(|(known, _)| *known == words) {
            return Self { phase: *phase, message: Message::term(known) };
        }
        match words.strip_prefix("Mounted from ") {
            Some(repository) => {
                let message = message!("Mounted from {repository}", repository);
                Self { phase: LayerPhase::Mounted, message }
            }
            None => Self { phase: LayerPhase::Other, message: Message::verbatim(words) },
        }
    }
}

/// The result of a pull. `None` if the engine's words are none.
fn pulled(words: &str) -> Option<Message> {
    let result = words.strip_prefix("Status: ")?;
    Some(if let Some(image) = result.strip_prefix("Image is up to date for ") {
        message!("Image is up to date for {image}", image)
    } else if let Some(image) = result.strip_prefix("Downloaded newer image for ") {
        message!("Downloaded newer image for {image}", image)
    } else {
        Message::verbatim(result)
    })
}

impl WritableEngine {
    /// Pulls an image. Returns when it is complete. `each` receives the progress.
    pub async fn pull(
        &self,
        name: &ImageName,
        pull: &Pull,
        credentials: Option<&Credentials>,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let (repository, tag) = repository_and_tag(name);
        let mut path = format!("/images/create?fromImage={}", in_query(repository));
        // Without a tag the engine would pull all tags.
        path.push_str(&format!("&tag={}", in_query(tag.unwrap_or("latest"))));
        if let Some(platform) = &pull.platform {
            path.push_str(&format!("&platform={}", in_query(platform)));
        }
        let headers: Vec<_> = credentials.map(header).into_iter().collect();
        let headers: Vec<_> = headers.iter().map(|value| ("X-Registry-Auth", value.as_str())).collect();
        hear(self.sender.post(Call::ImagePull, &path, &headers, no_body()).await, each).await
    }

    /// Pushes an image. Returns when the registry has it.
    pub async fn push(
        &self,
        name: &ImageName,
        credentials: Option<&Credentials>,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let (repository, tag) = repository_and_tag(name);
        let path = format!("/images/{repository}/push?tag={}", in_query(tag.unwrap_or("latest")));
        // The engine requires the header even without credentials.
        let header = credentials.map_or_else(|| BASE64_URL_SAFE.encode("{}"), header);
        let headers = [("X-Registry-Auth", header.as_str())];
        hear(self.sender.post(Call::ImagePush, &path, &headers, no_body()).await, each).await
    }

    /// Imports all images in a tar. Returns when they are complete.
    pub async fn import(&self, tar: Context, each: impl FnMut(Word)) -> Result<(), EngineError> {
        let headers = [("Content-Type", "application/x-tar")];
        hear(self.sender.post(Call::ImageImport, "/images/load?quiet=0", &headers, tar.0).await, each).await
    }
}

impl Engine {
    /// Streams the images as one tar.
    pub async fn export(
        &self,
        names: &[ImageName],
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let names: Vec<_> = names.iter().map(|name| format!("names={}", in_query(name.as_str()))).collect();
        let path = format!("/images/get?{}", names.join("&"));
        let body = self.reader.body(Call::ImageExport, &path, EXPORT_TIMEOUT).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }

    /// Streams a container's file system as a tar.
    pub async fn export_container(
        &self,
        id: &ContainerId,
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let path = format!("/containers/{id}/export");
        let body = self.reader.body(Call::ContainerExport, &path, EXPORT_TIMEOUT).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }
}

impl WritableEngine {
    /// Checks the credentials with their registry.
    pub async fn sign_in(&self, credentials: &Credentials) -> Result<(), EngineError> {
        let body = Full::from(serde_json::to_vec(credentials).expect("strings serialize to JSON"));
        let body = body.map_err(|never| match never {}).boxed_unsync();
        let headers = [("Content-Type", "application/json")];
        self.sender.post(Call::RegistrySignIn, "/auth", &headers, body).await.map(drop).map_err(of_a_transfer)
    }
}

/// Request body that sends a tar to the engine.
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

    /// Also keeps a copy of the first bytes that are sent.
    pub fn with_beginning(self) -> (Self, Beginning) {
        let beginning = Beginning::default();
        let kept = beginning.clone();
        let body = self.0.map_frame(move |frame| {
            if let Some(bytes) = frame.data_ref() {
                kept.keep(bytes);
            }
            frame
        });
        (Self(BodyExt::boxed_unsync(body)), beginning)
    }

    pub(super) fn into_body(self) -> Body {
        self.0
    }
}

/// Number of kept bytes of a tar. In a folder sent by the browser the Dockerfile is at the beginning.
const BEGINNING: usize = 64 << 10;

/// The first bytes of a tar, as far as they are sent.
#[derive(Clone, Default)]
pub struct Beginning(Arc<Mutex<Vec<u8>>>);

impl Beginning {
    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().expect("the lock isn't poisoned");
        let room = BEGINNING - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Returns a file's text. None if it is not completely within the kept bytes, or if the tar is compressed.
    pub fn text_of(&self, path: &str) -> Option<String> {
        let kept = self.0.lock().expect("the lock isn't poisoned");
        for entry in tar::Archive::new(&kept[..]).entries().ok()? {
            let mut entry = entry.ok()?;
            if entry.path().is_ok_and(|its| its.strip_prefix("./").unwrap_or(&its) == Path::new(path)) {
                let mut text = String::new();
                return entry.read_to_string(&mut text).ok().map(|_| text);
            }
        }
        None
    }
}

fn header(credentials: &Credentials) -> String {
    BASE64_URL_SAFE.encode(serde_json::to_string(credentials).expect("strings serialize to JSON"))
}

pub(super) fn in_query(text: &str) -> String {
    reference(text).to_string()
}

/// Turns a refusal into a transfer error, whose message may be a registry's.
fn of_a_transfer(error: EngineError) -> EngineError {
    match error {
        EngineError::Refused { status, message, .. } => EngineError::Transfer { status, message: message.to_string() },
        other => other,
    }
}

pub(super) async fn hear(lines: Result<Lines, EngineError>, mut each: impl FnMut(Word)) -> Result<(), EngineError> {
    let mut lines = lines.map_err(of_a_transfer)?;
    let mut trace = Trace::default();
    while let Some(line) = lines.next().await? {
        // Skip a line that can't be parsed, to keep the ones after it.
        let Ok(message) = serde_json::from_slice::<ProgressMessage>(&line) else { continue };
        if let Some(progress) = message.trace() {
            trace.read(&progress).into_iter().for_each(&mut each);
        } else if let Some(word) = message.word()? {
            each(word);
        }
    }
    Ok(())
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ProgressMessage {
    #[serde(deserialize_with = "or_default")]
    id: String,
    status: Option<String>,
    stream: Option<String>,
    error: Option<String>,
    #[serde(deserialize_with = "or_default")]
    error_detail: ErrorDetail,
    #[serde(deserialize_with = "or_default")]
    progress_detail: ProgressDetail,
    #[serde(deserialize_with = "or_default")]
    aux: serde_json::Value,
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

impl ProgressMessage {
    /// A BuildKit progress message, in protobuf.
    fn trace(&self) -> Option<Vec<u8>> {
        if self.id != "moby.buildkit.trace" {
            return None;
        }
        BASE64_STANDARD.decode(self.aux.as_str()?).ok()
    }

    fn word(self) -> Result<Option<Word>, EngineError> {
        if let Some(message) = self.error_detail.message.or(self.error) {
            return Err(EngineError::Transfer { status: 500, message });
        }
        if let Some(text) = self.stream {
            return Ok(Some(Word::Output(text)));
        }
        let Some(step) = self.status else { return Ok(None) };
        if self.id.is_empty() || !is_layer(&self.id) {
            return Ok(Some(pulled(&step).map_or(Word::Status(step), Word::Pulled)));
        }
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let (done, total) = (count(self.progress_detail.current), count(self.progress_detail.total));
        Ok(Some(Word::Part { id: self.id, step: LayerStep::parse(&step), done, total }))
    }
}

/// In messages about the whole image the engine sends the tag instead of a layer id.
fn is_layer(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Returns the registry in an image name, by the engine's name for it.
pub fn registry_of(name: &ImageName) -> &str {
    let name = name.as_str();
    match name.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => DOCKER_HUB,
    }
}

/// Docker Hub's name in Docker's configuration.
pub const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Creates a build context that contains only a Dockerfile.
pub fn context_of(dockerfile: &str) -> Context {
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).expect("writing to memory can't fail");
    Context::of(tar.into_inner().expect("writing to memory can't fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(line: &str) -> Result<Option<Word>, EngineError> {
        serde_json::from_str::<ProgressMessage>(line).unwrap().word()
    }

    #[test]
    fn progress_messages_with_missing_fields_are_parsed() {
        let part = |step: &str, done, total| Word::Part {
            id: "0123456789ab".into(),
            step: LayerStep::parse(step),
            done,
            total,
        };
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
            read(r#"{"status":"Status: Image is up to date for web:1"}"#),
            Some(Word::Pulled(message!("Image is up to date for {image}", image = "web:1")))
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
    fn image_name_determines_its_registry() {
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

    #[tokio::test]
    async fn dockerfile_is_read_from_the_start_of_the_context() {
        let (context, beginning) = context_of("FROM a\n").with_beginning();
        assert_eq!(beginning.text_of("Dockerfile"), None, "nothing has been sent yet");
        let sent = context.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(beginning.text_of("Dockerfile").as_deref(), Some("FROM a\n"));
        assert_eq!(beginning.text_of("Other"), None);
        assert!(sent.len() >= 1024);
        let (context, beginning) = Context::of(vec![7; 3 * BEGINNING]).with_beginning();
        assert_eq!(context.into_body().collect().await.unwrap().to_bytes().len(), 3 * BEGINNING);
        assert_eq!(beginning.text_of("Dockerfile"), None);
    }

    #[test]
    fn credentials_are_not_printed() {
        let secret = Credentials { username: "a".into(), password: "hunter2".into(), registry: "r".into() };
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
