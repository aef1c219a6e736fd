//! Response bodies that are streamed, also with a timeout for each chunk.

use axum::{
    BoxError,
    body::{Body, Bytes},
};
use futures::{Stream, StreamExt, stream};
use std::{future::Future, io, pin::pin, time::Duration};
use tokio::{sync::mpsc, time::timeout};

/// A client that reads nothing for this long is gone, or its user has paused the download. The source of the body is released:
/// a connection to the engine, or a container that reaches a volume.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Chunk size in bytes: hyper buffers up to 16 of these for a slow client.
const PIECE: usize = 16 << 10;

/// The only constructor of a body from a stream. Compression polls a body again after its end, which some streams don't allow.
pub fn streamed<T, E>(pieces: impl Stream<Item = Result<T, E>> + Send + 'static) -> Body
where
    T: Into<Bytes> + 'static,
    E: Into<BoxError> + 'static,
{
    Body::from_stream(pieces.fuse())
}

enum Piece {
    Bytes(Bytes),
    Failed(io::Error),
    End,
}

/// Wraps a body: it fails if the client takes no chunk within `time_limit`, or when `source_lost` completes. `held` is dropped
/// when the body has ended, its client has disconnected, or it fails.
///
/// Runs in a separate task: a body is polled only while its client reads, so it can't time out by itself.
pub fn sent_in_time<T: Send + 'static>(
    body: Body,
    time_limit: Duration,
    source_lost: impl Future<Output = ()> + Send + 'static,
    held: T,
) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _held = held;
        let mut pieces = body.into_data_stream();
        let mut source_lost = pin!(source_lost);
        let send = async |piece| matches!(timeout(time_limit, sender.send(piece)).await, Ok(Ok(())));
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
    streamed(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use std::{future::pending, sync::Arc};

    const TIMEOUT: Duration = Duration::from_secs(60);

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
        let read = sent_in_time(whole, TIMEOUT, pending(), held.clone()).into_data_stream();
        assert_eq!(read.try_collect::<Vec<_>>().await.unwrap().concat(), [&*long, b"end"].concat());
        let_go(&held).await;
        let broken = body(vec![Ok(b"half"), Err(io::Error::other("broken"))]);
        let read = sent_in_time(broken, TIMEOUT, pending(), held.clone()).into_data_stream();
        assert!(read.try_collect::<Vec<_>>().await.is_err());
        let_go(&held).await;
    }

    #[tokio::test(start_paused = true)]
    async fn unread_body_times_out_and_releases_its_resources() {
        let held = Arc::new(());
        let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(vec![7; PIECE])));
        let mut unread = sent_in_time(endless, TIMEOUT, pending(), held.clone()).into_data_stream();
        tokio::time::sleep(TIMEOUT / 2).await;
        assert_eq!(Arc::strong_count(&held), 2, "the timeout hasn't passed yet");
        tokio::time::sleep(TIMEOUT).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(unread.next().await.unwrap().is_ok());
        assert!(unread.next().await.unwrap().is_err(), "a truncated body must not look complete");
    }

    #[tokio::test]
    async fn client_disconnect_releases_the_resources_of_a_silent_body() {
        let held = Arc::new(());
        let silent = Body::from_stream(stream::once(pending::<Result<Bytes, io::Error>>()));
        drop(sent_in_time(silent, TIMEOUT, pending(), held.clone()));
        let_go(&held).await;
    }

    #[tokio::test]
    async fn a_body_whose_source_is_lost_fails() {
        let held = Arc::new(());
        let silent = Body::from_stream(stream::once(pending::<Result<Bytes, io::Error>>()));
        let (lose, lost) = tokio::sync::oneshot::channel::<()>();
        let lost = async { lost.await.unwrap() };
        let mut body = sent_in_time(silent, TIMEOUT, lost, held.clone()).into_data_stream();
        lose.send(()).unwrap();
        assert!(body.next().await.unwrap().is_err());
        let_go(&held).await;
    }
}
