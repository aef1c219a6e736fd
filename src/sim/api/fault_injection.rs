//! Fault injection into a response: before it is built, or while it is sent.

use super::{
    answer::{refused, with_body},
    api_request::ApiRequest,
};
use crate::sim::{
    Sim,
    faults::{Fault, Kind},
    socket::Connection,
    world::Refusal,
};
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures::{StreamExt, stream};
use std::{future::poll_fn, io, task::Poll, time::Duration};
use tokio::time::sleep;

/// Returns the response that a fault substitutes, if any.
pub async fn before(sim: &Sim, request: &ApiRequest, connection: &Connection) -> Option<Response> {
    let kinds = [Kind::Refuse, Kind::Hang, Kind::SilentHeaders, Kind::Status, Kind::Endless];
    let fault = sim.faults.strike_request(&kinds, &request.method, &request.path_string())?;
    match fault.fault {
        Kind::Refuse => {
            connection.cut();
            std::future::pending().await
        }
        Kind::Hang => std::future::pending().await,
        Kind::SilentHeaders => {
            let silence = Body::from_stream(stream::pending::<io::Result<Bytes>>());
            Some(with_body(StatusCode::OK, "application/json", silence))
        }
        Kind::Endless => {
            let status = fault.status.and_then(|it| StatusCode::from_u16(it).ok());
            let words = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(b"and another thing: ")));
            let error =
                with_body(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "text/plain", Body::from_stream(words));
            Some(slow(error, fault.bytes_per_second.unwrap_or(100).max(1)))
        }
        _ => {
            let message = fault.message.unwrap_or_else(|| "injected fault".into());
            Some(refused(&Refusal { status: fault.status.unwrap_or(500), message }))
        }
    }
}

/// Applies faults to a built response.
pub async fn after(sim: &Sim, request: &ApiRequest, response: Response) -> Response {
    if sim.faults.strike_request(&[Kind::Delay], &request.method, &request.path_string()).is_some() {
        sim.faults.end_of_delay(&request.method, &request.path_string()).await;
    }
    // Event streams are cut inside a line: `events.rs` does that.
    let kinds: &[Kind] = if request.path_string() == "/events" { &[Kind::Slow] } else { &[Kind::Half, Kind::Slow] };
    match sim.faults.strike_request(kinds, &request.method, &request.path_string()) {
        Some(Fault { fault: Kind::Half, .. }) => half(response),
        Some(fault) => slow(response, fault.bytes_per_second.unwrap_or(100).max(1)),
        None => response,
    }
}

fn half(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = body.size_hint().exact();
    if let Some(whole) = whole {
        // The reader can then detect that the body is incomplete.
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole));
    }
    // Of a stream, sends half of the first chunk.
    let left = whole.map(|whole| whole / 2);
    let cut = stream::unfold((body.into_data_stream(), left, false), |(mut body, left, over)| async move {
        if over || left == Some(0) {
            flushed().await;
            return Some((Err(cut()), (body, left, true)));
        }
        let chunk = body.next().await?.ok()?;
        let most = usize::try_from(left.unwrap_or(chunk.len() as u64 / 2)).unwrap_or(usize::MAX);
        let chunk = chunk.slice(..chunk.len().min(most));
        let left = left.map(|left| left - chunk.len() as u64);
        Some((Ok(chunk), (body, left, left.is_none())))
    });
    Response::from_parts(parts, Body::from_stream(cut))
}

fn slow(response: Response, bytes_per_second: u64) -> Response {
    /// Chunks per second.
    const PIECES: u64 = 10;
    let (parts, body) = response.into_parts();
    let most = usize::try_from(bytes_per_second.div_ceil(PIECES)).unwrap_or(usize::MAX);
    let pause = move |bytes: usize| Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64);
    let trickle = stream::unfold((body.into_data_stream(), Bytes::new()), move |(mut body, mut rest)| async move {
        while rest.is_empty() {
            rest = body.next().await?.ok()?;
        }
        let piece = rest.split_to(rest.len().min(most));
        sleep(pause(piece.len())).await;
        Some((Ok::<_, io::Error>(piece), (body, rest)))
    });
    Response::from_parts(parts, Body::from_stream(trickle))
}

/// Lets the connection send what was written before: it does so when the body is pending.
pub async fn flushed() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A body that ends with this error closes its connection.
pub fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection closed by an injected fault")
}
