//! Streamed bodies: uploads, downloads and followed logs. They share one limit, and each chunk has a timeout.

use super::Problem;
use crate::{
    model::HostId,
    server::{app::App, live::MOST_TRANSFERS},
};
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use socket2::SockRef;
use std::{
    future::{Future, pending},
    io,
    pin::pin,
    time::Duration,
};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};

/// A client that reads nothing for this long is gone, or its user has paused the download. The source of the body is released:
/// a connection to the engine, or a container that reaches a volume.
const SEND_PATIENCE: Duration = Duration::from_secs(60);

/// Chunk size in bytes: hyper buffers up to 16 of these for a slow client.
const PIECE: usize = 16 << 10;

/// Bytes of a rejected upload that are read and discarded.
const MOST_UNWANTED: usize = 64 << 20;

/// Timeouts for discarding: between two chunks, and in all.
const UNWANTED_PAUSE: Duration = Duration::from_secs(1);
const UNWANTED_PATIENCE: Duration = Duration::from_secs(30);

/// Makes the kernel close a connection whose client reads nothing for this long. By then the source of the response is
/// released, and half a megabyte is left in buffers. Linux also closes it if the client is alive but keeps its window closed.
pub fn close_when_unread(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(SEND_PATIENCE)) {
        tracing::debug!(%error, "can't set TCP_USER_TIMEOUT on a connection");
    }
}

/// For every route with a long request or response. Its permit is released when both have ended. A response that streams from
/// an engine has the host as an extension: it fails when that host is unreachable.
pub async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(place) = app.sessions.begin_transfer() else {
        drain(request.into_body().into_data_stream()).await;
        let detail = format!(
            "This server handles at most {MOST_TRANSFERS} uploads, downloads and followed logs at a time. Wait for a task to finish, or cancel one."
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
    response.map(|body| sent_in_time(body, SEND_PATIENCE, unreachable, place))
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
    let _ = timeout(UNWANTED_PATIENCE, take).await;
}

enum Piece {
    Bytes(Bytes),
    Failed(io::Error),
    End,
}

/// Wraps a body: it fails if the client takes no chunk within `patience`, or when `source_lost` completes. `held` is dropped
/// when the body has ended, its client has disconnected, or it fails.
///
/// Runs in a separate task: a body is polled only while its client reads, so it can't time out by itself.
pub fn sent_in_time<T: Send + 'static>(
    body: Body,
    patience: Duration,
    source_lost: impl Future<Output = ()> + Send + 'static,
    held: T,
) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _held = held;
        let mut pieces = body.into_data_stream();
        let mut source_lost = pin!(source_lost);
        let send = async |piece| matches!(timeout(patience, sender.send(piece)).await, Ok(Ok(())));
        loop {
            let next = tokio::select! {
                next = pieces.next() => next,
                // The client disconnected while the source sent nothing.
                () = sender.closed() => return,
                () = &mut source_lost => Some(Err(axum::Error::new(io::Error::other("can't reach the engine")))),
            };
            match next {
                Some(Ok(mut bytes)) => {
                    while !bytes.is_empty() {
                        let piece = bytes.split_to(bytes.len().min(PIECE));
                        if !send(Piece::Bytes(piece)).await {
                            return;
                        }
                    }
                }
                Some(Err(error)) => {
                    send(Piece::Failed(io::Error::other(error))).await;
                    return;
                }
                None => {
                    send(Piece::End).await;
                    return;
                }
            }
        }
    });
    let pieces = stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::Failed(error)) => Some((Err(error), None)),
            Some(Piece::End) => None,
            // A partial file must not look complete.
            None => Some((Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")), None)),
        }
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use std::sync::Arc;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn body(pieces: Vec<Result<&'static [u8], io::Error>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    async fn let_go(held: &Arc<()>) {
        while Arc::strong_count(held) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn read_body_is_passed_through_unchanged() {
        let held = Arc::new(());
        let long = vec![7; 3 * PIECE + 1];
        let whole = Body::from_stream(stream::iter([Ok::<_, io::Error>(long.clone()), Ok(b"end".to_vec())]));
        let read = sent_in_time(whole, PATIENCE, pending(), held.clone()).into_data_stream();
        assert_eq!(read.try_collect::<Vec<_>>().await.unwrap().concat(), [&*long, b"end"].concat());
        let_go(&held).await;
        let broken = body(vec![Ok(b"half"), Err(io::Error::other("broken"))]);
        let read = sent_in_time(broken, PATIENCE, pending(), held.clone()).into_data_stream();
        assert!(read.try_collect::<Vec<_>>().await.is_err());
        let_go(&held).await;
    }

    #[tokio::test(start_paused = true)]
    async fn unread_body_times_out_and_releases_its_resources() {
        let held = Arc::new(());
        let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(vec![7; PIECE])));
        let mut unread = sent_in_time(endless, PATIENCE, pending(), held.clone()).into_data_stream();
        tokio::time::sleep(PATIENCE / 2).await;
        assert_eq!(Arc::strong_count(&held), 2, "the timeout hasn't passed yet");
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(unread.next().await.unwrap().is_ok());
        assert!(unread.next().await.unwrap().is_err(), "a truncated body must not look complete");
    }

    #[tokio::test]
    async fn client_disconnect_releases_the_resources_of_a_silent_body() {
        let held = Arc::new(());
        let silent = Body::from_stream(stream::once(pending::<Result<Bytes, io::Error>>()));
        drop(sent_in_time(silent, PATIENCE, pending(), held.clone()));
        let_go(&held).await;
    }

    #[tokio::test]
    async fn a_body_whose_source_is_lost_fails() {
        let held = Arc::new(());
        let silent = Body::from_stream(stream::once(pending::<Result<Bytes, io::Error>>()));
        let (lose, lost) = tokio::sync::oneshot::channel::<()>();
        let lost = async { lost.await.unwrap() };
        let mut body = sent_in_time(silent, PATIENCE, lost, held.clone()).into_data_stream();
        lose.send(()).unwrap();
        assert!(body.next().await.unwrap().is_err());
        let_go(&held).await;
    }
}
