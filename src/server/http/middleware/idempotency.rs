//! Idempotency keys: a repeated action gets the response of the first request, and runs once.
//!
//! A browser aborts a request when the machine's network changes, which happens with each container that starts on one of its
//! bridges, and when a Wi-Fi network is left. It can't know if the server received it. Therefore a client sends a random
//! `Idempotency-Key`, and repeats the request with the same one.
//!
//! Responses are lost when the server exits: a repeat that reaches its successor runs again.

use crate::{
    message,
    server::{auth::Caller, problem::Problem},
    wire::IDEMPOTENCY_KEY,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The maximum number of cached responses.
const MOST: usize = 256;

/// How long a response stays cached. Clients repeat a request after a second or two.
const LIFETIME: Duration = Duration::from_secs(60);

const LONGEST_KEY: usize = 128;
/// In bytes, like the limit of the handlers themselves.
const LARGEST_BODY: usize = 2 * 1024 * 1024;

/// The latest requests with a key, oldest first.
#[derive(Clone, Default)]
pub struct Responses(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    key: Key,
    request: Fingerprint,
    response: SharedResponse,
    /// Set when the response is complete.
    finished: Arc<OnceLock<Instant>>,
}

/// Keys of different callers differ.
type Key = (String, String);

/// Of a request's URI and body, which would take more memory.
type Fingerprint = [u8; SHA256_OUTPUT_LEN];

type SharedResponse = Shared<BoxFuture<'static, Response<Bytes>>>;

/// Runs a request with a key unless it is known. Such a request also continues when its client disconnects. Requests without a
/// caller, which are refused, are not remembered.
pub async fn once(State(responses): State<Responses>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().map(|it| it.name().to_owned()) else {
        return next.run(request).await;
    };
    let key = request.headers().get(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or_default().to_owned());
    let Some(key) = key.filter(|_| *request.method() == Method::POST) else { return next.run(request).await };
    if key.is_empty() || key.len() > LONGEST_KEY {
        let detail = message!("The key must have 1 to {max} visible ASCII characters.", max = LONGEST_KEY);
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid Idempotency-Key", detail).into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        let detail = message!("The request body is incomplete or too large.");
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid request", detail).into_response();
    };
    let key = (caller, key);
    let same = fingerprint(&parts.uri, &body);
    let run = async move { buffered(next.run(Request::from_parts(parts, Body::from(body))).await).await };
    match responses.first(key, same, run) {
        Some(response) => response.await.map(Body::from),
        None => {
            let detail = message!("Use a new key for each new request.");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "Idempotency-Key already used", detail).into_response()
        }
    }
}

fn fingerprint(uri: &Uri, body: &[u8]) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    context.update(uri.to_string().as_bytes());
    // Not part of any URI.
    context.update(b" ");
    context.update(body);
    context.finish().as_ref().try_into().expect("SHA-256 has this length")
}

impl Responses {
    /// The response of the first request with this key: of `run`, unless the key is known. `None` if the key belongs to a
    /// different request.
    fn first(
        &self,
        key: Key,
        request: Fingerprint,
        run: impl Future<Output = Response<Bytes>> + Send + 'static,
    ) -> Option<SharedResponse> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|it| it.finished.get().is_none_or(|at| at.elapsed() < LIFETIME));
        if let Some(entry) = entries.iter().find(|it| it.key == key) {
            return (entry.request == request).then(|| entry.response.clone());
        }
        if entries.len() >= MOST {
            let oldest = entries.iter().position(|it| it.finished.get().is_some()).unwrap_or(0);
            entries.remove(oldest);
        }
        let finished = Arc::new(OnceLock::new());
        let run = {
            let finished = finished.clone();
            async move {
                let response = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| failed());
                let _ = finished.set(Instant::now());
                response
            }
        };
        // Fails if the server exits meanwhile.
        let response = tokio::spawn(run).map(|done| done.unwrap_or_else(|_| failed())).boxed().shared();
        entries.push(Entry { key, request, response: response.clone(), finished });
        Some(response)
    }
}

async fn buffered(response: Response) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Response::from_parts(parts, body),
        Err(_) => failed(),
    }
}

/// The response if the handler panicked.
fn failed() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use tokio::{sync::Notify, time::advance};

    #[tokio::test(start_paused = true)]
    async fn response_is_remembered_from_the_request_until_a_minute_after_its_end() {
        let (responses, runs, end) = (Responses::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (runs, end) = (runs.clone(), end.clone());
            let run = async move {
                runs.fetch_add(1, Relaxed);
                end.notified().await;
                Response::new(Bytes::from_static(b"done"))
            };
            responses.first(("ada".into(), "key".into()), fingerprint(&Uri::from_static("/actions/request"), b""), run)
        };
        drop(ask().unwrap());
        advance(LIFETIME * 10).await;
        let repeated = ask().unwrap();
        end.notify_one();
        assert_eq!(repeated.await.body(), "done");
        advance(LIFETIME - Duration::from_secs(1)).await;
        assert_eq!(ask().unwrap().await.body(), "done");
        assert_eq!(runs.load(Relaxed), 1);

        advance(Duration::from_secs(2)).await;
        end.notify_one();
        ask().unwrap().await;
        assert_eq!(runs.load(Relaxed), 2);
        for other in 0..MOST * 2 {
            let run = async { Response::new(Bytes::new()) };
            let request = fingerprint(&Uri::from_static("/"), b"");
            responses.first(("ada".into(), other.to_string()), request, run).unwrap().await;
        }
        assert_eq!(responses.0.lock().unwrap().len(), MOST);
    }
}
