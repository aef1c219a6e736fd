//! Image builds: with BuildKit if the engine has it, otherwise with the classic builder.

mod session;
mod step;
mod trace;

use super::{
    Call, Context, Credentials, EngineError, Word, WritableEngine,
    transfer::{hear, in_query},
};
use crate::model::{Build, ImageName};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use session::Session;
use std::collections::BTreeMap;

pub use step::BuildStep;
pub(super) use trace::Trace;

impl WritableEngine {
    /// Builds an image. Returns when it is built. `context` is a tar, which may be compressed, and contains the Dockerfile.
    /// Dropping the future cancels the build.
    pub async fn build(
        &self,
        name: &ImageName,
        build: &Build,
        credentials: &[Credentials],
        context: Context,
        each: impl FnMut(Word),
    ) -> Result<(), EngineError> {
        let mut path = path(name, build);
        if !self.has_buildkit().await? {
            let all: BTreeMap<&str, &Credentials> = credentials.iter().map(|it| (&*it.registry, it)).collect();
            let all = BASE64_URL_SAFE.encode(serde_json::to_string(&all).expect("strings serialize to JSON"));
            let headers = [("Content-Type", "application/x-tar"), ("X-Registry-Config", &*all)];
            return hear(self.sender.post(Call::ImageBuild, &path, &headers, context.into_body()).await, each).await;
        }
        // BuildKit requests credentials through the session and ignores the header.
        let session = match Session::open(&self.sender, credentials).await {
            Ok(session) => Some(session),
            // A proxy before the engine may block the session, and public images need none.
            Err(error) if credentials.is_empty() => {
                tracing::debug!(%error, "building without a session");
                None
            }
            Err(error) => return Err(error),
        };
        path.push_str("&version=2");
        if let Some(session) = &session {
            path.push_str(&format!("&session={}", session.id()));
        }
        let headers = [("Content-Type", "application/x-tar")];
        hear(self.sender.post(Call::ImageBuild, &path, &headers, context.into_body()).await, each).await
    }
}

fn path(name: &ImageName, build: &Build) -> String {
    let args: BTreeMap<&str, &str> = build.args.iter().map(|(key, value)| (&**key, &**value)).collect();
    let args = serde_json::to_string(&args).expect("strings serialize to JSON");
    let mut path = format!(
        "/build?t={}&rm=1&forcerm=1&nocache={}&pull={}&buildargs={}",
        in_query(name.as_str()),
        u8::from(build.no_cache),
        u8::from(build.pull),
        in_query(&args)
    );
    for (key, value) in
        [("dockerfile", &build.dockerfile_path), ("target", &build.target), ("platform", &build.platform)]
    {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", in_query(value)));
        }
    }
    path
}
