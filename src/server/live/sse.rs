//! Server-Sent Events: the same messages for clients that can't have a socket.

use super::follower::{Follower, Payload, Sent};
use crate::{
    server::{app::App, http::Problem},
    wire::{Channel, Channels, Encoding, Position},
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use std::{convert::Infallible, time::Duration};

const HEARTBEAT: Duration = Duration::from_secs(15);

pub async fn containers(State(app): State<App>, headers: HeaderMap) -> Response {
    stream_of(app, &headers, Channels::only(Channel::Containers))
}

pub async fn images(State(app): State<App>, headers: HeaderMap) -> Response {
    stream_of(app, &headers, Channels::only(Channel::Images))
}

pub async fn everything(State(app): State<App>, headers: HeaderMap) -> Response {
    stream_of(app, &headers, Channels::ALL)
}

fn stream_of(app: App, headers: &HeaderMap, channels: Channels) -> Response {
    let Some(place) = app.sessions.enter() else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", "Try again later.")
            .into_response();
    };
    let last: Option<Position> =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let follower = Follower::new(app.reader.clone(), app.clock, Encoding::Json, channels, last);
    let messages = stream::unfold((follower, place), async |(mut follower, place)| {
        let sent = follower.next().await?;
        Some((Ok::<_, Infallible>(event(sent)), (follower, place)))
    });
    let sessions = app.sessions.clone();
    let messages = messages.take_until(async move { sessions.closing().await });
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    // Proxies that buffer would hold a change back until the next one.
    let unbuffered = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (unbuffered, Sse::new(messages).keep_alive(heartbeat)).into_response()
}

fn event(sent: Sent) -> Event {
    let event = Event::default().id(sent.position.to_string());
    match sent.payload {
        Payload::Text(text) => event.data(text.as_str()),
        Payload::Binary(_) => unreachable!("streams are JSON"),
    }
}
