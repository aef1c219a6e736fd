//! Server-Sent Events: the same messages, for clients that can't open a socket.

use super::{
    Asked,
    follower::{Follower, Payload, Sent},
    hello, pong,
    sessions::Transport,
    tasks,
};
use crate::{
    message,
    model::Timestamp,
    server::{app::App, auth::Caller, body::sent_in_time, problem::Problem, state::Reader},
    wire::{Channel, Channels, Encoding, Notice, Position, ServerFrame, text::to_text},
};
use axum::{
    extract::{Query, State, ws::Message},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use std::{convert::Infallible, time::Duration};
use tokio::{
    sync::broadcast,
    time::{Instant, Interval, interval_at},
};

const HEARTBEAT: Duration = Duration::from_secs(15);

/// A client that accepts nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Quaylight's own page can't see comments: it receives the time instead, often enough to notice a silence within 10 s.
const TIME_EVERY: Duration = Duration::from_secs(3);

pub async fn containers(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Response {
    stream_of(app, caller, &Asked::default(), &headers, Channels::only(Channel::Containers))
}

pub async fn images(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Response {
    stream_of(app, caller, &Asked::default(), &headers, Channels::only(Channel::Images))
}

pub async fn everything(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    stream_of(app, caller, &asked, &headers, Channels::ALL)
}

fn stream_of(app: App, caller: Caller, asked: &Asked, headers: &HeaderMap, channels: Channels) -> Response {
    let Some(place) = app.sessions.enter(Transport::Sse) else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", message!("Try again later."))
            .into_response();
    };
    let last: Option<Position> =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let encoding = asked.encoding();
    let reader = app.state_for(&caller);
    let follower = Follower::new((app.clone(), reader.clone()), encoding, channels, last.or(asked.position()));
    let messages = match encoding {
        Encoding::Json => events(follower, app.clone()).left_stream(),
        Encoding::Postcard => {
            let first = spoken(hello(&reader), app.clock.now());
            stream::once(async { Ok(first) })
                .chain(timed_events(follower, app.clone(), (caller, reader)))
                .right_stream()
        }
    };
    let sessions = app.sessions.clone();
    let messages = messages.take_until(async move { sessions.closing().await });
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    // A proxy that buffers would hold a change back until the next one.
    let unbuffered = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let response = (unbuffered, Sse::new(messages).keep_alive(heartbeat)).into_response();
    response.map(|body| sent_in_time(body, SEND_TIMEOUT, std::future::pending(), place))
}

type Next = Result<Event, Infallible>;

type Notices = broadcast::Receiver<Notice>;

fn events(follower: Follower, app: App) -> impl Stream<Item = Next> {
    stream::unfold((follower, app), async |(mut follower, app)| {
        let event = event(follower.next().await?, app.clock.now());
        Some((Ok(event), (follower, app)))
    })
}

/// The next notice. A client that is too slow for one finds it among the events.
async fn next_notice(notices: &mut Notices) -> Notice {
    loop {
        match notices.recv().await {
            Ok(notice) => return notice,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// For Quaylight's own page: includes the time, notices and tasks.
fn timed_events(follower: Follower, app: App, (caller, reader): (Caller, Reader)) -> impl Stream<Item = Next> {
    let times = interval_at(Instant::now() + TIME_EVERY, TIME_EVERY);
    let notices = app.alerts.notices();
    let mut tasks = tasks::Listener::new(app.tasks.clone(), caller.clone());
    let current = spoken(ServerFrame::Tasks(tasks.begin()), app.clock.now());
    let start: (Follower, Interval, Notices, tasks::Listener) = (follower, times, notices, tasks);
    let rest = stream::unfold(
        (start, (app, caller, reader)),
        async |((mut follower, mut times, mut notices, mut tasks), (app, caller, reader))| {
            let event = loop {
                break tokio::select! {
                    biased;
                    sent = follower.next() => event(sent?, app.clock.now()),
                    notice = next_notice(&mut notices) => match caller.see_notice(notice) {
                        Some(notice) => spoken(ServerFrame::Notice(notice), app.clock.now()),
                        None => continue,
                    },
                    task = tasks.next() => spoken(ServerFrame::Task(task), app.clock.now()),
                    _ = times.tick() => spoken(pong(&app, (&caller, &reader), 0), app.clock.now()),
                };
            };
            Some((Ok(event), ((follower, times, notices, tasks), (app, caller, reader))))
        },
    );
    stream::once(async { Ok(current) }).chain(rest)
}

fn event(sent: Sent, now: Timestamp) -> Event {
    let event = Event::default().id(sent.position.to_string());
    event.data(data(sent.message(now)))
}

/// A message that is not part of the feed, for Quaylight's own page.
fn spoken(frame: ServerFrame, now: Timestamp) -> Event {
    Event::default().data(data(Payload::of(frame, Encoding::Postcard).message(now, now)))
}

fn data(message: Message) -> String {
    match message {
        Message::Text(text) => text.to_string(),
        other => to_text(&other.into_data()),
    }
}
