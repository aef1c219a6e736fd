//! Read-only requests: the only ones that an [`super::Engine`] can send.
//!
//! The inner reader has `post` and `put` too. It is private to this file, so that a read-only engine can't call them.

use super::{
    Call, EngineError,
    connect::EngineVersions,
    read::{Lines, Reader},
};
use hyper::{HeaderMap, body::Incoming};
use serde::de::DeserializeOwned;
use std::time::Duration;

#[derive(Clone)]
pub(super) struct GetClient(Reader);

impl GetClient {
    pub(super) fn new(reader: Reader) -> Self {
        Self(reader)
    }

    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        time_limit: Duration,
    ) -> Result<T, EngineError> {
        self.0.json(call, path, time_limit).await
    }

    pub(super) async fn lines(&self, call: Call, path: &str, time_limit: Duration) -> Result<Lines, EngineError> {
        self.0.lines(call, path, time_limit).await
    }

    pub(super) async fn body(&self, call: Call, path: &str, time_limit: Duration) -> Result<Incoming, EngineError> {
        self.0.body(call, path, time_limit).await
    }

    pub(super) async fn head(&self, path: &str, time_limit: Duration) -> Result<HeaderMap, EngineError> {
        self.0.head(path, time_limit).await
    }

    /// See [`super::connect::Transport::agree`].
    pub(super) fn agree(&self, engine: EngineVersions<'_>) -> Result<(), EngineError> {
        self.0.transport().agree(engine)
    }

    pub(super) async fn reset_connection(&self) {
        self.0.transport().reset().await;
    }

    pub(super) async fn close(&self) {
        self.0.transport().close().await;
    }
}
