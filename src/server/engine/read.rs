//! How the engine's API is read on the live path: small structs of our own, forgiving what they don't know.
//!
//! bollard decodes strictly: one unknown enum value fails a whole list or ends the event stream. What must not break
//! with the next engine is read here; actions go through bollard.

use super::{Call, Calls, EngineError, EngineUrl};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, StatusCode, Uri,
    body::{Bytes, Incoming},
    http::request::Builder,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use hyperlocal::UnixConnector;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    fmt::{self, Write},
    marker::PhantomData,
    time::Duration,
};
use tokio::time::timeout;

/// An event with 64 KiB of labels fits; a line that never ends does not.
const LONGEST_LINE: usize = 4 << 20;

/// Of a request.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

pub(super) fn no_body() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

#[derive(Clone)]
pub(super) struct Reader {
    url: EngineUrl,
    unix: Client<UnixConnector, Body>,
    tcp: Client<HttpConnector, Body>,
    calls: Calls,
}

impl Reader {
    pub(super) fn new(url: EngineUrl, calls: Calls) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(5)));
        Self {
            url,
            unix: Client::builder(TokioExecutor::new()).build(UnixConnector),
            tcp: Client::builder(TokioExecutor::new()).build(tcp),
            calls,
        }
    }

    /// `GET path` as JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        patience: Duration,
    ) -> Result<T, EngineError> {
        let whole = async {
            let response = self.get(path).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
        };
        let answer = async { timeout(patience, whole).await.map_err(|_| EngineError::Timeout)? };
        let body = self.calls.time(call, answer).await?;
        serde_json::from_slice(&body).map_err(|error| EngineError::Malformed(format!("{path}: {error}")))
    }

    /// `GET path` as a stream of lines. `patience` is for the answer's head only.
    pub(super) async fn lines(&self, call: Call, path: &str, patience: Duration) -> Result<Lines, EngineError> {
        Ok(Lines { body: self.body(call, path, patience).await?, buffer: Vec::new(), searched: 0 })
    }

    /// `GET path` as a stream of bytes. `patience` is for the answer's head only.
    pub(super) async fn body(&self, call: Call, path: &str, patience: Duration) -> Result<Incoming, EngineError> {
        let head = async { timeout(patience, self.get(path)).await.map_err(|_| EngineError::Timeout)? };
        self.calls.time(call, async { accepted(head.await?).await }).await
    }

    /// `POST path`, as a stream of the lines of its answer, whose head may take as long as it likes.
    pub(super) async fn post(
        &self,
        call: Call,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Lines, EngineError> {
        self.calls.time(call, self.send_post(path, headers, body)).await
    }

    /// The same for what is timed as a part of something larger.
    pub(super) async fn send_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Lines, EngineError> {
        let mut request = Request::post(self.uri(path)?);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = accepted(self.send(request, body).await?).await?;
        Ok(Lines { body, buffer: Vec::new(), searched: 0 })
    }

    /// The headers of `HEAD path`.
    pub(super) async fn head(&self, path: &str, patience: Duration) -> Result<HeaderMap, EngineError> {
        let answer = self.send(Request::head(self.uri(path)?), no_body());
        let answer = timeout(patience, answer).await.map_err(|_| EngineError::Timeout)??;
        let headers = answer.headers().clone();
        accepted(answer).await.map(|_| headers)
    }

    /// `PUT path`, which may take as long as it likes.
    pub(super) async fn put(&self, path: &str, body: Body) -> Result<(), EngineError> {
        let request = Request::put(self.uri(path)?).header(hyper::header::CONTENT_TYPE, "application/x-tar");
        accepted(self.send(request, body).await?).await?.collect().await?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<hyper::Response<Incoming>, EngineError> {
        self.send(Request::get(self.uri(path)?), no_body()).await
    }

    fn uri(&self, path: &str) -> Result<Uri, EngineError> {
        Ok(match &self.url {
            EngineUrl::Unix(socket) => hyperlocal::Uri::new(socket, path).into(),
            EngineUrl::Tcp(authority) => format!("http://{authority}{path}")
                .parse()
                .map_err(|_| EngineError::Address(format!("{authority:?} is no host and port")))?,
        })
    }

    async fn send(&self, request: Builder, body: Body) -> Result<hyper::Response<Incoming>, EngineError> {
        let request = request
            .header(hyper::header::HOST, "docker")
            .body(body)
            .map_err(|error| EngineError::Malformed(error.to_string()))?;
        let response = match &self.url {
            EngineUrl::Unix(_) => self.unix.request(request).await,
            EngineUrl::Tcp(_) => self.tcp.request(request).await,
        };
        Ok(response?)
    }
}

/// The body of an answer that is no refusal.
async fn accepted(response: hyper::Response<Incoming>) -> Result<Incoming, EngineError> {
    let status = response.status();
    if !status.is_success() {
        let body = response.into_body().collect().await?.to_bytes();
        return Err(refused(status, &body));
    }
    Ok(response.into_body())
}

pub(super) fn refused(status: StatusCode, body: &[u8]) -> EngineError {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    let message = serde_json::from_slice::<Message>(body)
        .map_or_else(|_| String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned(), |it| it.message);
    EngineError::Refused { status: status.as_u16(), message }
}

/// A response that is read line by line as it comes.
pub(super) struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
    /// How much of `buffer` is known to hold no line end.
    searched: usize,
}

impl Lines {
    /// All that comes.
    pub(super) async fn whole(self) -> Result<Vec<u8>, EngineError> {
        Ok(self.body.collect().await?.to_bytes().into())
    }

    /// The next line without its end, or none at the end of the stream. Cancel safe.
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
                return Err(EngineError::Malformed("a line without an end".into()));
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

/// A list whose entries are read each for itself: one that nobody understands is left out, with a warning, and costs no
/// other.
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
                        Err(error) => tracing::warn!(%error, "an entry of a list that nobody understands"),
                    }
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_seq(Each(PhantomData))
    }
}

/// `null` reads as the default: the engine says `null` for "no list".
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `text` as part of a path or query: everything but letters, digits and `keep` as `%XX`.
pub fn percent_encode(text: &str, keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
