//! Uploads, downloads and followed logs: their shared limit, and rejected uploads.

use crate::{
    message,
    model::HostId,
    server::{
        app::App,
        body::{SEND_TIMEOUT, sent_in_time},
        live::MOST_TRANSFERS,
        problem::Problem,
    },
};
use axum::{
    body::{BodyDataStream, HttpBody},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use socket2::SockRef;
use std::{future::pending, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// Bytes of a rejected upload that are read and discarded.
const MOST_UNWANTED: usize = 64 << 20;

/// Timeouts for discarding: between two chunks, and in all.
const UNWANTED_PAUSE: Duration = Duration::from_secs(1);
const UNWANTED_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the kernel close a connection whose client reads nothing for this long. By then the source of the response is
/// released, and half a megabyte is left in buffers. Linux also closes it if the client is alive but keeps its window closed.
pub fn close_when_unread(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(SEND_TIMEOUT)) {
        tracing::debug!(%error, "can't set TCP_USER_TIMEOUT on a connection");
    }
}

/// For every route with a long request or response. Its permit is released when both have ended. A response that streams from
/// an engine has the host as an extension: it fails when that host is unreachable.
pub async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(place) = app.sessions.begin_transfer() else {
        drain(request.into_body().into_data_stream()).await;
        let detail = message!(
            "This server handles at most {count} uploads, downloads and followed logs at a time. Wait for a task to finish, or cancel one.",
            count = MOST_TRANSFERS
        );
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many transfers", detail).into_response();
    };
    let response = next.run(request).await;
    // A response in one piece is in memory already.
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let host = response.extensions().get::<HostId>().cloned();
    let unreachable = async move {
        match host {
            Some(host) => app.reader.until_unreachable(&host).await,
            None => pending().await,
        }
    };
    response.map(|body| sent_in_time(body, SEND_TIMEOUT, unreachable, place))
}

/// Discards a part of a rejected upload: a browser reads no response before it has sent everything.
pub async fn drain(mut pieces: BodyDataStream) {
    let take = async {
        let mut unwanted = 0;
        while let Ok(Some(Ok(piece))) = timeout(UNWANTED_PAUSE, pieces.next()).await {
            unwanted += piece.len();
            if unwanted > MOST_UNWANTED {
                return;
            }
        }
    };
    let _ = timeout(UNWANTED_TIMEOUT, take).await;
}
