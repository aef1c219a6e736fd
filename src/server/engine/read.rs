//! Lenient reader of the engine's API, which ignores unknown fields and entries.
//!
//! bollard parses strictly: one unknown enum value fails a whole list or ends the event stream. So lists, events and
//! everything else that must not break with the next engine are parsed into our own small structs. Actions go through bollard.

pub(super) use super::connect::{Body, no_body};
use super::{Call, Calls, EngineError, READ_TIMEOUT, connect::Transport};
use crate::model::Message;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::{Bytes, Incoming},
    header,
    http::request::Builder,
    upgrade::Upgraded,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{fmt, marker::PhantomData, time::Duration};
use tokio::time::timeout;

/// Maximum length of a line, in bytes. An event with 64 KiB of labels fits, a line that never ends does not.
const LONGEST_LINE: usize = 4 << 20;

/// Maximum size of a response that is read as a whole, in bytes: ten thousand containers are 30 MB.
const LONGEST_ANSWER: usize = 256 << 20;

/// Maximum size of a refusal's body, in bytes.
const LONGEST_REFUSAL: usize = 64 << 10;

/// Timeout for a refusal's body, after the head of the response.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Reader {
    transport: Transport,
    calls: Calls,
}

impl Reader {
    pub(super) fn new(transport: Transport, calls: Calls) -> Self {
        Self { transport, calls }
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// `GET path` as JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        time_limit: Duration,
    ) -> Result<T, EngineError> {
        let whole = async {
            let body = accepted(self.get(path).await?).await?;
            whole(body).await
        };
        let answer = async { timeout(time_limit, whole).await.map_err(|_| EngineError::Timeout)? };
        let body = self.calls.time(call, answer).await?;
        serde_json::from_slice(&body).map_err(|error| EngineError::malformed(format!("{path}: {error}")))
    }

    /// `GET path` as a stream of lines. `time_limit` is the timeout for the response's head only.
    pub(super) async fn lines(&self, call: Call, path: &str, time_limit: Duration) -> Result<Lines, EngineError> {
        Ok(Lines { body: self.body(call, path, time_limit).await?, buffer: Vec::new(), searched: 0 })
    }

    /// `GET path` as a stream of bytes. `time_limit` is the timeout for the response's head only.
    pub(super) async fn body(&self, call: Call, path: &str, time_limit: Duration) -> Result<Incoming, EngineError> {
        let head = async { timeout(time_limit, self.get(path)).await.map_err(|_| EngineError::Timeout)? };
        self.calls.time(call, async { accepted(head.await?).await }).await
    }

    /// `POST path`, with the response as a stream of lines. There is no timeout, not even for the head.
    pub(super) async fn post(
        &self,
        call: Call,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Lines, EngineError> {
        self.calls.time(call, self.send_post(path, headers, body)).await
    }

    /// The same without its own measurement, for a request that is part of a larger measured call.
    pub(super) async fn send_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Lines, EngineError> {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = accepted(self.send(request, body).await?).await?;
        Ok(Lines { body, buffer: Vec::new(), searched: 0 })
    }

    /// `POST path`, which upgrades the connection to another protocol.
    pub(super) async fn upgrade(
        &self,
        path: &str,
        protocol: &str,
        headers: &[(&str, &str)],
    ) -> Result<Upgraded, EngineError> {
        let mut request = Request::post(path);
        request = request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, protocol);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let upgraded = async {
            let answer = self.send(request, no_body()).await?;
            let status = answer.status();
            if status != StatusCode::SWITCHING_PROTOCOLS {
                return Err(refusal(status, answer.into_body()).await);
            }
            Ok(hyper::upgrade::on(answer).await?)
        };
        timeout(READ_TIMEOUT, upgraded).await.map_err(|_| EngineError::Timeout)?
    }

    /// The headers of `HEAD path`.
    pub(super) async fn head(&self, path: &str, time_limit: Duration) -> Result<HeaderMap, EngineError> {
        let answer = self.send(Request::head(path), no_body());
        let answer = timeout(time_limit, answer).await.map_err(|_| EngineError::Timeout)??;
        let headers = answer.headers().clone();
        accepted(answer).await.map(|_| headers)
    }

    /// `PUT path`, without a timeout until the response's head arrives.
    pub(super) async fn put(&self, path: &str, body: Body) -> Result<(), EngineError> {
        let request = Request::put(path).header(header::CONTENT_TYPE, "application/x-tar");
        let answer = accepted(self.send(request, body).await?).await?;
        whole_in_time(answer).await.map(drop)
    }

    async fn get(&self, path: &str) -> Result<hyper::Response<Incoming>, EngineError> {
        self.send(Request::get(path), no_body()).await
    }

    async fn send(&self, request: Builder, body: Body) -> Result<hyper::Response<Incoming>, EngineError> {
        let request = request.body(body).map_err(|error| EngineError::Malformed(error.to_string()))?;
        self.transport.send(request).await
    }
}

/// The body of a successful response. Any other is an error.
async fn accepted(response: hyper::Response<Incoming>) -> Result<Incoming, EngineError> {
    let status = response.status();
    if status.is_success() { Ok(response.into_body()) } else { Err(refusal(status, response.into_body()).await) }
}

/// Reads a refusal's message, as much of it as arrives before the timeout.
pub(super) async fn refusal(status: StatusCode, mut body: Incoming) -> EngineError {
    let mut words = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            words.extend_from_slice(&data[..data.len().min(LONGEST_REFUSAL - words.len())]);
            if words.len() == LONGEST_REFUSAL {
                return;
            }
        }
    };
    // A timeout is no error: the part that has arrived is used.
    let _ = timeout(REFUSAL_TIMEOUT, read).await;
    refused(status, &words)
}

async fn whole(body: Incoming) -> Result<Bytes, EngineError> {
    let collected = Limited::new(body, LONGEST_ANSWER).collect().await;
    collected.map(Collected::to_bytes).map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(error) => EngineError::from(*error),
        Err(_) => EngineError::malformed("response too large"),
    })
}

/// Reads the body of a small response, whose head has arrived.
async fn whole_in_time(body: Incoming) -> Result<Bytes, EngineError> {
    timeout(READ_TIMEOUT, whole(body)).await.map_err(|_| EngineError::Timeout)?
}

fn refused(status: StatusCode, body: &[u8]) -> EngineError {
    #[derive(Deserialize)]
    struct Refusal {
        message: Option<String>,
        /// Podman refuses a push in the format in which it reports the failure of a started one.
        error: Option<String>,
    }
    let said = serde_json::from_slice::<Refusal>(body).ok().and_then(|it| it.message.or(it.error));
    let message = said.unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned());
    EngineError::refused(status.as_u16(), Message::Verbatim(message))
}

/// A response read line by line as it arrives.
pub(super) struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
    /// Number of bytes of `buffer` known to contain no line end.
    searched: usize,
}

impl Lines {
    /// Reads a small response as a whole.
    pub(super) async fn whole(self) -> Result<Vec<u8>, EngineError> {
        Ok(whole_in_time(self.body).await?.into())
    }

    /// Returns the next line without its line end, or none at the end of the stream. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LONGEST_LINE {
                return Err(EngineError::Malformed("unterminated line".into()));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None => return Ok(None),
            }
        }
    }
}

/// A list whose entries are parsed separately: one that can't be parsed is dropped with a warning, and the others stay.
pub(super) struct Entries<T>(pub(super) Vec<T>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Each<T> {
            type Value = Entries<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(text) = list.next_element::<&'de RawValue>()? {
                    match serde_json::from_str(text.get()) {
                        Ok(entry) => entries.push(entry),
                        Err(error) => tracing::warn!(%error, "skipped an invalid list entry"),
                    }
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_seq(Each(PhantomData))
    }
}

/// Parses `null` as the default: engines send `null` for an empty list.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
